"""Labelled sentences: what the reader of report texts makes of them, and how that is counted."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from support.sentences import FOLDER, PAGE, Counts, Statement, as_markdown, evaluate, read_sentences, with_section


def sentences(tmp_path: Path, *labels: dict[str, object]) -> Path:
    """Return a file with one sentence that has these labels."""
    file = tmp_path / "some.jsonl"
    file.write_bytes(orjson.dumps({"id": "X1", "text": "Some text.", "about": "plain", "expected": labels}))
    return file


def scored(tmp_path: Path, labels: list[dict[str, object]], *read: Statement):
    return evaluate(read_sentences(sentences(tmp_path, *labels)), lambda _: read)


PRESENT_LEFT = {"finding": "bme", "state": "present", "site": "si_joint", "side": "left"}
ABSENT_RIGHT = {"finding": "bme", "state": "absent", "side": "right"}


def test_what_is_read_as_labelled_is_right(tmp_path: Path):
    score = scored(tmp_path, [PRESENT_LEFT], Statement("bme", "present", "si_joint", "left"))

    assert score.by_finding == {"bme": Counts(right=1)}
    assert score.confusion == {("present", "present"): 1}
    assert score.named_right == {"site": 1, "side": 1}
    assert score.errors == []


def test_another_state_is_both_missed_and_too_much(tmp_path: Path):
    score = scored(tmp_path, [PRESENT_LEFT], Statement("bme", "indeterminate"))

    assert score.by_finding == {"bme": Counts(too_much=1, missed=1)}
    assert score.confusion == {("present", "indeterminate"): 1}
    assert score.polarity == []


@pytest.mark.parametrize(
    ("labels", "absent"),
    [
        ([], Statement("bme", "absent")),
        ([PRESENT_LEFT], Statement("bme", "absent", "si_joint", "left")),
        (
            [PRESENT_LEFT, ABSENT_RIGHT],
            Statement("bme", "absent", side="left"),
        ),
        ([ABSENT_RIGHT], Statement("bme", "absent", side="both")),
        ([{"finding": "bme", "state": "absent", "site": "hip"}], Statement("bme", "absent", "knee")),
    ],
    ids=["not stated", "stated to be present", "the other side", "one side for both", "another site"],
)
def test_what_is_wrongly_read_as_absent_is_a_polarity_error(
    tmp_path: Path, labels: list[dict[str, object]], absent: Statement
):
    assert len(scored(tmp_path, labels, absent).polarity) == 1


def test_two_denied_sides_are_both(tmp_path: Path):
    denied = [{"finding": "bme", "state": "absent", "side": side} for side in ("left", "right")]

    score = scored(tmp_path, denied, Statement("bme", "absent", side="both"))

    assert (score.polarity, score.named_right) == ([], {"side": 2})


@pytest.mark.parametrize(
    ("label", "low", "high"),
    [
        ({"value": 12, "unit": "mm"}, "12", "12"),
        ({"value": 1.2, "unit": "cm"}, "12", "12"),
        ({"value": [8, 12], "unit": "mm"}, "8", "12"),
        ({"value": [None, 5], "unit": "mm"}, None, "5"),
        ({"value": 1, "unit": "cm", "comparator": ">"}, "10", None),
        ({"value": 10, "unit": "mm", "comparator": "about"}, "8", "12"),
        ({"value": 15, "unit": "mm", "comparator": "up to"}, "15", "15"),
    ],
)
def test_a_depth_is_compared_in_millimetres(
    tmp_path: Path, label: dict[str, object], low: str | None, high: str | None
):
    bounds = (Decimal(low) if low else None, Decimal(high) if high else None)

    score = scored(tmp_path, [{"finding": "depth_mm", **label}], Statement("depth_mm", "measured", bounds=bounds))

    assert (score.named["depth"], score.named_right["depth"]) == (1, 1)


def test_a_label_for_an_unknown_finding_is_refused_with_its_line(tmp_path: Path):
    with pytest.raises(ValueError, match="X1: unknown finding 'edema'"):
        read_sentences(sentences(tmp_path, {"finding": "edema", "state": "present"}))


def test_a_section_takes_the_place_of_the_older_one(tmp_path: Path):
    new = as_markdown("some", scored(tmp_path, [PRESENT_LEFT], Statement("bme", "present")))
    page = "# Page\n\n<!-- begin: some -->\nold\n<!-- end: some -->\n\n## More\n"

    assert with_section(page, "some", new) == f"# Page\n\n{new}\n\n## More\n"


# --- The sentences of this project ----------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.jsonl")), ids=lambda file: file.stem)
def test_nothing_is_read_as_absent_that_is_not_stated_to_be(file: Path):
    assert evaluate(read_sentences(file)).polarity == []


def test_the_development_sentences_are_read_well():
    score = evaluate(read_sentences(FOLDER / "development.jsonl"))

    assert score.all.precision >= 0.97
    assert score.all.recall >= 0.97
    assert score.named_right["side"] / score.named["side"] >= 0.97
    assert score.named_right["site"] / score.named["site"] >= 0.97
    assert score.named_right["depth"] == score.named["depth"]


def test_the_development_sentences_are_of_every_subject_and_told_apart():
    sentences = read_sentences(FOLDER / "development.jsonl")

    assert {sentence.about for sentence in sentences} == {
        *("negation", "uncertainty", "history", "comparison", "measurement", "side", "list", "template"),
        *("pseudo-negation", "section", "spelling", "named-diagnosis", "plain"),
    }
    assert len({sentence.id for sentence in sentences}) == len({sentence.text for sentence in sentences})
    assert len(sentences) == len({sentence.id for sentence in sentences})


def test_the_page_shows_what_is_read_today():
    page = PAGE.read_text(encoding="utf-8")
    scored = [file for file in sorted(FOLDER.glob("*.jsonl")) if f"<!-- begin: {file.stem} -->" in page]

    assert "development" in {file.stem for file in scored}
    for file in scored:
        assert as_markdown(file.stem, evaluate(read_sentences(file))) in page
