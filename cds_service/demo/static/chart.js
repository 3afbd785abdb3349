// Nothing here is needed: without it every page still works.
"use strict";

const filter = document.getElementById("filter");
if (filter) {
  filter.closest("[hidden]").hidden = false;
  const rows = [...document.querySelectorAll(".patients > li")];
  const count = document.getElementById("filter-count");
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    for (const list of document.querySelectorAll(".patients")) {
      list.previousElementSibling.hidden = [...list.children].every((row) => row.hidden);
    }
    count.textContent = words.length ? `${rows.filter((row) => !row.hidden).length} of ${rows.length}` : "";
  });
}

const written = document.getElementById("request");
if (written) {
  const check = document.getElementById("request-check");
  written.addEventListener("input", () => {
    try {
      JSON.parse(written.value);
      check.textContent = "";
    } catch (error) {
      check.textContent = `Not JSON: ${error.message}`;
    }
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.closest("[hidden]").hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.nextElementSibling.textContent = "Copied";
  });
}
