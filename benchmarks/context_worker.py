"""Runs in the environment that ``context.py`` makes: medSpaCy's ConText with its default rules, on given targets.

Standard input: ``{"targets": [[literal, label], ...], "texts": [...]}``. Standard output: ``{"versions", "read",
"microseconds_per_text"}``; ``read`` holds for each text the labels with their state.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from importlib.metadata import version

from loguru import logger

logger.remove()  # the sentence splitter logs the text that it splits
logging.disable(logging.CRITICAL)

import medspacy  # noqa: E402 -- after its logger has been silenced
from medspacy.ner import TargetRule  # noqa: E402

ROUNDS = 3


def state(entity) -> str:
    """Return what ConText says of an entity."""
    extension = entity._
    if extension.is_family or extension.is_historical or extension.is_hypothetical:
        return "not stated"
    if extension.is_negated:
        return "absent"
    return "indeterminate" if extension.is_uncertain else "present"


def main() -> None:
    task = json.load(sys.stdin)
    pipeline = medspacy.load(medspacy_enable=["medspacy_pyrush", "medspacy_target_matcher", "medspacy_context"])
    rules = [TargetRule(literal, label) for literal, label in task["targets"]]
    pipeline.get_pipe("medspacy_target_matcher").add(rules)
    read = []
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        documents = [pipeline(text) for text in task["texts"]]
        best = min(best, time.process_time() - began)
        read = [[[entity.label_, state(entity)] for entity in document.ents] for document in documents]
    json.dump(
        {
            "versions": {name: version(name) for name in ("medspacy", "spacy", "numpy")},
            "read": read,
            "microseconds_per_text": best / len(task["texts"]) * 1e6,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
