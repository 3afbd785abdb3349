"""How well the reader of report texts does on labelled sentences: ``python -m support.sentences FILE...``.

A file holds one sentence (or a few that belong together) a line::

    {"id": "D001", "about": "negation", "text": "No erosion of the left ilium.",
     "expected": [{"finding": "erosion", "state": "absent", "site": "si_joint", "side": "left"}]}

``expected`` lists all that the text states of the current study, labelled by what it means. ``state`` is present,
absent, indeterminate, or the choice of a choice fact; a depth has ``value`` (a number or ``[low, high]``, null for no
bound), ``unit`` and perhaps ``comparator`` instead. ``site`` and ``side`` stand where the text names them.

What is counted:

* every (finding, state) of a sentence once, whatever its place: right, read and not stated, stated and not read;
* polarity errors: read as absent, where that finding is not stated to be absent at that place;
* sites, sides and depths where a label names them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from cds_service.fhir.narrative import read_text
from cds_service.model.quantity import Range

FOLDER = Path(__file__).parents[2] / "fixtures" / "sentences"
PAGE = Path(__file__).parents[2] / "docs" / "reading.md"

_YES_NO = """
    bme erosion fatty_lesion sclerosis ankylosis ia_t1_hyperintensity t2_joint_fluid synovitis effusion rim_sign
    subchondral_fracture_line diffuse_edema_head_neck diffuse_marrow_signal incidental osteomyelitis osteonecrosis tbmes
    sif axspa charcot malignancy acute_pain acute_trauma postpartum athlete fever diabetes prior_trauma_or_surgery
    foot_ulcer
"""
YES_NO = frozenset(_YES_NO.split())
CHOICES = frozenset({"t1_signal", "dce_pattern", "change"})
MEASURED = "depth_mm"
LABELLED = YES_NO | CHOICES | {MEASURED}
"""What the labels are about. Other facts that a reader may know are not counted."""

NOT_STATED = "not stated"
STATES = ("present", "absent", "indeterminate", NOT_STATED)
TEN = {"mm": Decimal(1), "cm": Decimal(10)}
ABOUT = frozenset({"about", "~", "≈", "approximately", "around", "circa"})


@dataclass(frozen=True)
class Statement:
    """One statement about a finding, stated or read. ``bounds`` of a depth are in mm."""

    finding: str
    state: str
    site: str | None = None
    side: str | None = None
    bounds: tuple[Decimal | None, Decimal | None] | None = None

    @property
    def sides(self) -> frozenset[str]:
        return frozenset({"left", "right"} if self.side == "both" else {self.side} if self.side else ())

    def is_covered(self, labels: Iterable[Statement]) -> bool:
        """Return whether labels are about this place: one that is not named may be any."""
        beside = [one for one in labels if None in (self.site, one.site) or self.site == one.site]
        return any(not one.sides or self.sides <= _sides(beside) for one in beside)


def _sides(statements: Iterable[Statement]) -> frozenset[str]:
    return frozenset[str]().union(*(one.sides for one in statements))


@dataclass(frozen=True)
class Sentence:
    """A labelled sentence."""

    id: str
    text: str
    about: str
    expected: tuple[Statement, ...]
    depths: tuple[tuple[Statement, frozenset[tuple[Decimal | None, Decimal | None]]], ...]


Reader = Callable[[str], Iterable[Statement]]


def read_sentences(path: Path) -> list[Sentence]:
    """Return the sentences of a file.

    Raises:
        ValueError: a line is not as described above; the message names it.
    """
    return [_sentence(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _sentence(line: dict[str, Any]) -> Sentence:
    expected: list[Statement] = []
    depths = []
    for label in line["expected"]:
        finding, site, side = label["finding"], label.get("site"), label.get("side")
        if finding not in LABELLED:
            raise ValueError(f"{line['id']}: unknown finding {finding!r}")
        statement = Statement(finding, label.get("state", "measured"), site, side)
        if statement.state == "measured":
            bounds = _bounds(label)
            statement = Statement(finding, "measured", site, side, min(bounds, key=str))
            depths.append((statement, bounds))
        elif finding in YES_NO and statement.state not in STATES[:3]:
            raise ValueError(f"{line['id']}: {finding} cannot be {statement.state!r}")
        expected.append(statement)
    return Sentence(line["id"], line["text"], line["about"], tuple(expected), tuple(depths))


def _bounds(label: dict[str, Any]) -> frozenset[tuple[Decimal | None, Decimal | None]]:
    """Return the bounds in mm that a labelled depth may be read as."""
    factor = TEN[label["unit"]]
    given, comparator = label["value"], label.get("comparator", "")
    if isinstance(given, list):
        low, high = (None if bound is None else Decimal(str(bound)) * factor for bound in given)
        return frozenset({(low, high)})
    value = Decimal(str(given)) * factor
    about = value * Decimal("0.8"), value * Decimal("1.2")
    if comparator in (">", ">="):
        return frozenset({(value, None)})
    if comparator in ("<", "<="):
        return frozenset({(None, value)} | ({(value, value)} if comparator == "<=" else set()))
    if comparator == "up to":
        return frozenset({(value, value), (None, value)})
    return frozenset({about}) if comparator in ABOUT else frozenset({(value, value), about})


def read_by_the_service(text: str) -> list[Statement]:
    """Return what the service reads, as far as the labels are about it."""
    read: list[Statement] = []
    for one in read_text(text).statements:
        if one.fact not in LABELLED:
            continue
        if isinstance(one.value, Range):
            bounds = one.value.low, one.value.high
            read.append(Statement(one.fact, "measured", one.site, one.side, bounds))
        else:
            read.append(Statement(one.fact, str(one.value), one.site, one.side))
    return read


@dataclass
class Counts:
    """How often what was read is right."""

    right: int = 0
    too_much: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.too_much) if self.right + self.too_much else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    def add(self, other: Counts) -> None:
        self.right += other.right
        self.too_much += other.too_much
        self.missed += other.missed


@dataclass
class Score:
    """What a reader made of a file. ``errors`` and ``polarity`` name the sentences."""

    sentences: int = 0
    by_finding: dict[str, Counts] = field(default_factory=dict)
    by_subject: dict[str, Counts] = field(default_factory=dict)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    named: Counter[str] = field(default_factory=Counter)
    named_right: Counter[str] = field(default_factory=Counter)
    polarity: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def all(self) -> Counts:
        total = Counts()
        for counts in self.by_finding.values():
            total.add(counts)
        return total


def evaluate(
    sentences: Sequence[Sentence], read: Reader = read_by_the_service, findings: frozenset[str] = LABELLED
) -> Score:
    """Return how a reader does on sentences, as far as these findings go."""
    score = Score(sentences=len(sentences))
    for sentence in sentences:
        expected = [one for one in sentence.expected if one.finding in findings]
        found = [one for one in read(sentence.text) if one.finding in findings]
        _count(score, sentence, expected, found)
        _confuse(score, expected, found)
        _compare_places(score, sentence, expected, found)
        for one in found:
            denied = [label for label in expected if (label.finding, label.state) == (one.finding, "absent")]
            if one.state == "absent" and not one.is_covered(denied):
                score.polarity.append(f"{sentence.id} {one.finding} {_place(one)}: {sentence.text}")
    return score


def _count(score: Score, sentence: Sentence, expected: Sequence[Statement], found: Sequence[Statement]) -> None:
    stated = {(one.finding, one.state) for one in expected}
    read = {(one.finding, one.state) for one in found}
    for finding in sorted({finding for finding, _ in stated | read}):
        of_stated = {pair for pair in stated if pair[0] == finding}
        of_read = {pair for pair in read if pair[0] == finding}
        counts = Counts(len(of_stated & of_read), len(of_read - of_stated), len(of_stated - of_read))
        score.by_finding.setdefault(finding, Counts()).add(counts)
        score.by_subject.setdefault(sentence.about, Counts()).add(counts)
    if stated != read:
        missed = ", ".join(" ".join(pair) for pair in sorted(stated - read)) or "nothing"
        too_much = ", ".join(" ".join(pair) for pair in sorted(read - stated)) or "nothing"
        score.errors.append(f"{sentence.id} missed {missed}; read wrongly {too_much}: {sentence.text}")


def _confuse(score: Score, expected: Sequence[Statement], found: Sequence[Statement]) -> None:
    """Count the states of yes/no findings: equal ones first, then those left over against each other."""
    for finding in sorted({one.finding for one in (*expected, *found)} & YES_NO):
        stated = {one.state for one in expected if one.finding == finding}
        read = {one.state for one in found if one.finding == finding}
        for state in stated & read:
            score.confusion[state, state] += 1
        left, other = sorted(stated - read), sorted(read - stated)
        for number in range(max(len(left), len(other))):
            is_stated = left[number] if number < len(left) else NOT_STATED
            is_read = other[number] if number < len(other) else NOT_STATED
            score.confusion[is_stated, is_read] += 1


def _compare_places(
    score: Score, sentence: Sentence, expected: Sequence[Statement], found: Sequence[Statement]
) -> None:
    """Count, of the labels that were read at all, whether their site, side and depth were."""
    depths = dict(sentence.depths)
    for label in expected:
        same = [one for one in found if (one.finding, one.state) == (label.finding, label.state)]
        if not same:
            continue
        at_site = [one for one in same if label.site is None or one.site == label.site]
        checks = {
            "site": (label.site, bool(at_site)),
            "side": (label.side, label.sides <= _sides(at_site or same)),
            "depth": (label.bounds, any(one.bounds in depths.get(label, ()) for one in at_site or same)),
        }
        for name, (is_named, right) in checks.items():
            if is_named is not None:
                score.named[name] += 1
                score.named_right[name] += right
                if not right:
                    score.errors.append(f"{sentence.id} {name} of {label.finding} {label.state}: {sentence.text}")
    for one in found:
        labels = [label for label in expected if (label.finding, label.state) == (one.finding, one.state)]
        if labels and one.finding in YES_NO and not one.is_covered(labels):
            score.named["place no label has"] += 1
            score.errors.append(f"{sentence.id} {one.finding} {one.state} at {_place(one)}: {sentence.text}")


def _place(one: Statement) -> str:
    return " ".join(part for part in (one.site, one.side) if part) or "anywhere"


def as_markdown(name: str, score: Score) -> str:
    """Return the tables of one file for docs/reading.md."""
    total = score.all
    lines = [
        f"{score.sentences} sentences, {total.right + total.missed} statements in them. "
        f"Precision {total.precision:.3f}, recall {total.recall:.3f}, polarity errors {len(score.polarity)}.",
        "",
        "| finding | right | read, not stated | stated, not read | precision | recall |",
        "|---|--:|--:|--:|--:|--:|",
        *(
            f"| {finding} | {one.right} | {one.too_much} | {one.missed} | {one.precision:.2f} | {one.recall:.2f} |"
            for finding, one in sorted(score.by_finding.items())
        ),
        "",
        "| stated, of yes/no findings | read present | read absent | read indeterminate | not read |",
        "|---|--:|--:|--:|--:|",
        *(
            f"| {stated} | " + " | ".join(str(score.confusion[stated, read]) for read in STATES) + " |"
            for stated in STATES[:3]
        ),
        "| not stated | " + " | ".join(str(score.confusion[NOT_STATED, read]) for read in STATES[:3]) + " | - |",
        "",
        "| subject of the sentence | right | read, not stated | stated, not read |",
        "|---|--:|--:|--:|",
        *(
            f"| {subject} | {one.right} | {one.too_much} | {one.missed} |"
            for subject, one in sorted(score.by_subject.items())
        ),
        "",
        "Of the labels that were read, "
        + ", ".join(
            f"the {what} was right in {score.named_right[what]} of {score.named[what]}"
            for what in ("site", "side", "depth")
        )
        + f"; {score.named['place no label has']} statements were read at a place that no label has.",
    ]
    if score.polarity:
        lines += ["", "Read as absent and not stated to be so:", "", *(f"- {error}" for error in score.polarity)]
    return f"<!-- begin: {name} -->\n\n" + "\n".join(lines) + f"\n\n<!-- end: {name} -->"


def with_section(page: str, name: str, section: str) -> str:
    """Return a page with the section of one file in the place of its older one, or at its end."""
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    if begin in page and end in page:
        return page[: page.index(begin)] + section + page[page.index(end) + len(end) :]
    return f"{page.rstrip()}\n\n## Sentences: {name.replace('_', ' ')}\n\n{section}\n"


def main() -> None:
    """Print, for each file, its tables and every sentence that was read otherwise; with --write, write the page."""
    parser = argparse.ArgumentParser(description="Score the reader of report texts on labelled sentences.")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help=f"write the tables to docs/{PAGE.name}")
    parser.add_argument("--errors", action="store_true", help="list every sentence that was read otherwise")
    arguments = parser.parse_args()
    for file in arguments.files:
        score = evaluate(read_sentences(file))
        section = as_markdown(file.stem, score)
        sys.stdout.write(f"# {file.name}\n\n{section}\n\n")
        if arguments.errors:
            sys.stdout.write("".join(f"{error}\n" for error in score.errors))
        if arguments.write:
            PAGE.write_text(with_section(PAGE.read_text(encoding="utf-8"), file.stem, section), encoding="utf-8")


if __name__ == "__main__":
    main()
