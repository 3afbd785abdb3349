"""Compare the reader of report texts with medSpaCy's ConText: ``python benchmarks/context.py FILE...``.

Both get the same labelled sentences and the same phrases: ours as plain literals, most words first. ConText has its
default modifiers; negated is read as absent, possible as indeterminate, historical, hypothetical and family as not
stated. What ConText does not do is left out: sections (and so the patient's context), choices, depths, places.

The other side lives in an environment of its own, ``benchmarks/.envs/context``, made at the first run (0.3 GB).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice, product
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.sentences import YES_NO, Score, Sentence, Statement, evaluate, read_by_the_service, read_sentences  # noqa: E402

from cds_service.fhir.narrative.sentences import plain_form  # noqa: E402
from cds_service.knowledge import phrases as known  # noqa: E402

ENVIRONMENT = ROOT / "benchmarks" / ".envs" / "context"
PACKAGE = "medspacy==1.3.1"
FINDINGS = frozenset(
    wording.fact for wording in (*known.IMAGING, *known.NORMAL_STRUCTURES, *known.DIAGNOSES) if wording.fact in YES_NO
)
ENDINGS = ("", "s", "es", "e", "ed", "al", "tic", "ity", "ities", "y", "ies", "ous", "ent")
MOST_LITERALS = 400
"""Of one phrase: with many choices it stands for thousands of literals."""
ROUNDS = 3


def literals(phrase: str) -> Iterator[str]:
    """Return the rows of words that a phrase stands for, without its gaps and with usual endings."""
    parts: list[list[str]] = []
    for part in re.findall(r"\([^()]+\)|\[[^\[\]]+\]|\S+", phrase):
        if part in ("...", "....", "$", "~"):
            continue
        choices = part[1:-1].split("|") if part[0] in "([" else [part]
        words = [
            choice[:-1] + ending if choice.endswith("*") else choice
            for choice in choices
            for ending in (ENDINGS if choice.endswith("*") else ("",))
        ]
        parts.append([*words, ""] if part[0] == "[" else words)
    for row in islice(product(*parts), MOST_LITERALS):
        yield " ".join(" ".join(row).split())


def targets() -> list[list[str]]:
    """Return literals with what they stand for: the fact, and ``absent`` for a normal structure."""
    label_of: dict[str, str] = {}
    for wording in (*known.IMAGING, *known.NORMAL_STRUCTURES, *known.DIAGNOSES):
        if wording.fact in FINDINGS:
            for phrase in wording.phrases:
                for literal in literals(phrase):
                    label_of.setdefault(literal, f"{wording.fact} {wording.value}")
    return [[literal, label] for literal, label in label_of.items()]


def prepared(text: str) -> str:
    """Return a text as our phrases are written: without hyphens, in American spelling."""
    plain = re.sub(r"(?<=[a-z0-9])[-/](?=[a-z])", " ", plain_form(text))
    return re.sub(r"[a-z]+\d*", lambda match: known.SPELLINGS.get(match.group(), match.group()), plain)


def environment() -> Path:
    """Return the Python of the other side; the first call makes it."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGE], check=True)
    return python


def ask_context(texts: list[str]) -> dict:
    """Return what ConText reads in texts."""
    task = json.dumps({"targets": targets(), "texts": [prepared(text) for text in texts]})
    worker = [environment(), Path(__file__).with_name("context_worker.py")]
    answer = subprocess.run(worker, input=task, capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def as_statements(read: Iterable[tuple[str, str]]) -> list[Statement]:
    """Return labels with states as statements; what denies a normal structure states nothing."""
    statements: list[Statement] = []
    for label, state in read:
        fact, value = label.split()
        denied_itself = {"present": "absent", "indeterminate": "indeterminate"}
        said = denied_itself.get(state, "not stated") if value == "absent" else state
        if said != "not stated":
            statements.append(Statement(fact, said))
    return statements


def our_time(sentences: list[Sentence]) -> float:
    """Return the microseconds that our reader takes for a sentence, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for sentence in sentences:
            read_by_the_service(sentence.text)
        best = min(best, time.process_time() - began)
    return best / len(sentences) * 1e6


def row(name: str, score: Score, microseconds: float) -> str:
    """Return one line of the table: of what is stated, how much is read as that."""
    shares = []
    for stated in ("present", "absent", "indeterminate"):
        of_stated = sum(count for (state, _), count in score.confusion.items() if state == stated)
        shares.append(f"{score.confusion[stated, stated]}/{of_stated}")
    invented = sum(count for (state, _), count in score.confusion.items() if state == "not stated")
    total = score.all
    return (
        f"| {name} | {' | '.join(shares)} | {invented} | {total.precision:.3f} | {total.recall:.3f} "
        f"| {len(score.polarity)} | {microseconds:.0f} |"
    )


def main() -> None:
    """Print, for each file, how both do."""
    for file in map(Path, sys.argv[1:]):
        sentences = [one for one in read_sentences(file) if one.about not in ("history", "section")]
        answer = ask_context([sentence.text for sentence in sentences])
        read = {sentence.text: as_statements(found) for sentence, found in zip(sentences, answer["read"], strict=True)}
        ours = evaluate(sentences, findings=FINDINGS)
        theirs = evaluate(sentences, lambda text, read=read: read[text], findings=FINDINGS)
        versions = ", ".join(f"{name} {version}" for name, version in answer["versions"].items())
        lines = [
            f"{file.name}: {len(sentences)} sentences without headings, yes/no findings of imaging; {versions}",
            "",
            "| reader | present | absent | indeterminate | not stated, but read | precision | recall | polarity errors "
            "| us a sentence |",
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
            row("ours", ours, our_time(sentences)),
            row("ConText", theirs, answer["microseconds_per_text"]),
        ]
        sys.stdout.write("\n".join(lines) + "\n\n")


if __name__ == "__main__":
    main()
