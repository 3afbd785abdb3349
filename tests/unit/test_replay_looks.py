"""Lines of an export that are looked at together: the same comes out as when each is looked at alone."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import decompressobj

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cds_service.replay.export import READ, NotAResource, chunks, kind_of, parsed, patient_of, pieces
from cds_service.replay.patient import site_of
from cds_service.replay.relevance import JUDGED, Relevance
from cds_service.replay.scan import Marks, Seen, gather, mark, slot_of
from cds_service.settings import Settings

TOLD, NOT_TOLD = b"RID35804", b"2345-7"
OWN = b'"subject":{"reference":"Patient/own"}'
SUBJECTS = (
    b'"subject":{"reference":"Patient/marked"}',
    b'"subject":{"reference":"Patient/other"}',
    b'"subject":{"reference":"Patient/"}',
    b'"subject":{"reference":"Patient/a/b"}',
    b'"subject":{"reference":"Patient/\xc3\xa9"}',
    b'"subject":{"reference":"Patient/\xff"}',
    b'"subject":{"reference":"Patient/m\\u0061rked"}',
    b'"subject":{"reference":"Patient/cut',
    b'"subject" : {"display":"A", "reference" : "http://server/fhir/Patient/marked"}',
    b'"subject":{"reference":"urn:uuid:marked"}',
    b'"subject":{"reference":"Group/all"}',
    b'"patient":{"reference":"Patient/marked"}',
    b'"id":"marked"',
    b'"id":"other"',
    b'"id":"a\\\\b"',
    b'"contained":[{"resourceType":"Observation","subject":{"reference":"Patient/marked"}}]',
)
PARTS = (
    b'"code":{"coding":[{"code":"' + NOT_TOLD + b'"}]}',
    b'"code":{"coding":[{"code":"' + TOLD + b'"}]}',
    b'"code":{"coding":[{"code" : "' + TOLD + b'"}]}',
    b'"code":{"coding":[{"code":"RID\\u0033"}]}',
    b'"code":{"text":"MRI of the knee"}',
    b'"code":"never closed',
    b'"modality":[{"code":"MR"}]',
    b'"resourceType":"Patient"',
    b'"text":"a \\n b"',
    b'"open":[',
)
KINDS = (
    b"Observation",
    b"DiagnosticReport",
    b"Patient",
    b"Condition",
    b"ServiceRequest",
    b"ImagingStudy",
    b"Encounter",
)
BEGINNINGS = (b'{"resourceType":"%s"', b'{ "resourceType" : "%s"', b'\xef\xbb\xbf{"resourceType":"%s"', b'{"x":1', b"")
ENDS = (b"}\n", b',"cut off\n', b"}\r\n", b"} \n", b"}\n\n", b"}")


@st.composite
def written(draw: st.DrawFn, kind: bytes, begin: bytes, end: bytes) -> bytes:
    """A line. Mostly it names one patient and says one thing."""
    subjects = draw(st.lists(st.sampled_from(SUBJECTS), max_size=2))
    parts = draw(st.permutations(subjects + draw(st.lists(st.sampled_from(PARTS), max_size=1))))
    return b",".join([begin.replace(b"%s", kind), *parts]) + end


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Lines that begin and end alike; in the midst of some, one that does not."""
    usual = draw(st.sampled_from(KINDS)), draw(st.sampled_from(BEGINNINGS[:2])), ENDS[0]
    lines = draw(st.lists(written(*usual), max_size=5))
    other = list(usual)
    for place in draw(st.sampled_from([(), (0,), (1,), (2,), (0, 1, 2)])):
        other[place] = draw(st.sampled_from((KINDS, BEGINNINGS, ENDS)[place]))
    lines.insert(draw(st.integers(0, len(lines))), draw(written(*other)))
    return b"".join(lines) or b"\n"


@dataclass
class Look:
    """What comes of both looks: places, lines, counts, and the lines that are no resources."""

    slots: set[int] = field(default_factory=set)
    lines: list[tuple[str, bytes]] = field(default_factory=list)
    tallies: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    bad: tuple[list[tuple[int, str]], list[tuple[int, str]]] = field(default_factory=lambda: ([], []))


@cache
def relevance() -> Relevance:
    return site_of(Settings(card_key="a key for pseudonyms"), b"a key of 16 bytes").relevance


@cache
def marked() -> Marks:
    marks = Marks()
    marks.add(map(slot_of, ("marked", "\xe9", "\ufffd", "a\\b")))
    return marks


def together(folder: Path, piece_bytes: int) -> Look:
    look, marks = Look(), marked()
    for piece in pieces(folder, piece_bytes):
        first, second = Seen(), Seen()
        look.slots |= mark(folder, piece, relevance(), first)
        look.lines += gather(folder, piece, marks, second)
        for seen, tally, bad in zip((first, second), look.tallies, look.bad, strict=True):
            tally.update(seen.tally)
            bad.extend((one.at, one.why) for one in seen.bad)
    return look


def one_by_one(content: bytes) -> Look:
    look, marks, at = Look(), marked(), 0
    (lines, nobody), (bad, bad_of_marked) = look.tallies, look.bad
    for line in re.findall(rb"[^\n]*\n|[^\n]+", content):
        kind = b""
        try:
            kind = kind_of(line)
            lines.update([f"lines|{kind.decode()}"] if kind else [])
            if kind in READ and relevance().marks(kind, line):
                look.slots.add(slot_of(patient_of(line, kind)))
        except NotAResource as error:
            bad.append((at, str(error)))
        try:
            patient = patient_of(line, kind) if kind in READ else None
            nobody.update([f"of no patient|{kind.decode()}"] if patient == "" else [])
            if patient and marks.has(patient):
                parsed(line)
                look.lines.append((patient, line.removesuffix(b"\n") + b"\n"))
        except NotAResource as error:
            if kind not in JUDGED:
                bad_of_marked.append((at, str(error)))
        at += len(line)
    return look


@example(b'{"resourceType":"Observation","cut off\n{"resourceType":"Observation"}\n', 1_000_000)
@example(b'{"resourceType":"Observation"}\n{"resourceType":"Observation","cut off\n', 1_000_000)
@example(b'{"resourceType":"Observation"}\n{"resourceType":"Observation","contained":[]}\n', 1_000_000)
@example(b'{"resourceType":"Patient","id":"marked"}\n', 1_000_000)
@example(b'{"resourceType":"Condition","subject":{"reference":"Patient/m\\u0061rked"}}\n', 1_000_000)
@example(b'{"resourceType":"Condition",%s}\n{"resourceType":"Condition",%s}\n' % (SUBJECTS[1], SUBJECTS[2]), 1_000_000)
@given(contents(), st.sampled_from([200, 1_000_000]))
@settings(max_examples=120)
def test_lines_that_are_looked_at_together_give_what_each_gives_alone(content: bytes, piece_bytes: int):
    with TemporaryDirectory() as folder:
        (Path(folder) / "export.ndjson").write_bytes(content)

        found = together(Path(folder), piece_bytes)

    assert found == one_by_one(content)


@given(st.lists(st.binary(max_size=40), max_size=9).map(b"\n".join), st.integers(1, 100))
@settings(max_examples=50)
def test_every_whole_line_before_the_end_of_a_gzip_that_breaks_off_is_read(content: bytes, cut: int):
    whole = gzip.compress(content * 2_000)
    broken = whole[: max(len(whole) - cut, 10)]
    left = decompressobj(wbits=31).decompress(broken)
    with TemporaryDirectory() as folder:
        (Path(folder) / "export.ndjson.gz").write_bytes(broken)

        (piece,) = pieces(Path(folder))
        found = list(chunks(Path(folder), piece))

    assert b"".join(one.content for one in found) == left[: left.rfind(b"\n") + 1]
    assert [one.damage for one in found][-1] == "the file breaks off"
    assert [one.at for one in found] == [sum(len(one.content) for one in found[:place]) for place in range(len(found))]


@pytest.mark.parametrize(
    ("inside", "patient"),
    [
        (OWN, "own"),
        (b'"subject": {"display": "A", "reference": "http://server/fhir/Patient/own"}', "own"),
        (b'"contained":[{"resourceType":"X","subject":{"reference":"Patient/inner"}}],' + OWN, "own"),
        (b'"extension":[{"subject":{"reference":"Patient/inner"}}],"patient":{"reference":"Patient/own"}', "inner"),
        (b'"patient":{"reference":"Patient/first"},' + OWN, "first"),
        (b'"subject":{"reference":"Patient/\\u006fwn"}', "own"),
        (b'"subject":{"reference":"Group/all"}', ""),
    ],
)
def test_a_line_is_about_the_patient_whom_the_resource_itself_names(inside: bytes, patient: str):
    line = b'{"resourceType":"Condition",' + inside + b"}\n"

    assert patient_of(line, b"Condition") == patient


@pytest.mark.parametrize(
    ("said", "marks"),
    [
        (b'"code":{"coding":[{"code":"2345-7"}]}', False),
        (b'"code":{"coding":[{"code":"RID35804"}]}', True),
        (b'"code":{"coding":[{"code":"2345-7","display":"\\u0061"}]}', True),
        (b'"contained":[{"resourceType":"Observation"}],"code":{"coding":[{"code":"2345-7"}]}', True),
        (b'"code":{"coding":[{"code":"2345-7","display":"contained"}]}', True),
        (b'"code":{"text":"self-contained"}', False),
        (b'"code":"contained"', True),
        (b'"code":""', False),
        (b'"code" : "RID35804"', True),
        (b'"code":"never closed,"contained":[]', True),
        (b'"code":"never closed,"code":"RID35804"', True),
    ],
)
def test_an_observation_marks_its_patient_where_a_code_may_be_one_of_ours(said: bytes, marks: bool):
    assert relevance().marks(b"Observation", b'{"resourceType":"Observation",%s}\n' % said) is marks
