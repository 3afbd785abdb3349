"""From an assessment to cards: what is shown, in which words, in which order."""
