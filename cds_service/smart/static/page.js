// Conveniences only: everything on the page works without them.
"use strict";

for (const tools of document.querySelectorAll("[data-letter]")) {
  const letter = document.getElementById(tools.dataset.letter);
  const status = tools.querySelector("[role=status]");
  tools.querySelector("[data-copy]").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(letter.value);
      status.textContent = "Copied.";
    } catch {
      // Frames of an EHR may forbid the clipboard: the text is selected instead.
      letter.focus();
      letter.select();
      status.textContent = "Selected; copy it with the keyboard.";
    }
  });
  tools.querySelector("[data-print]").addEventListener("click", () => window.print());
  tools.hidden = false;
}
