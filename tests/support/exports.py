"""Synthetic exports of any size, of which it is known exactly what a replay must find.

Every patient has the clutter of a real record: laboratory values, vital signs, medicines, encounters, other reports.
Some hold one of the packaged scenarios, moved to another day; what fires there was written down by hand with it. The
clutter is made so that it changes nothing: none of it is known, or fresh, when the story plays.

``python -m support.exports FOLDER --patients 100000`` writes one, and beside it what is expected.
"""

from __future__ import annotations

import argparse
import gzip
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from cds_service.data import data_path
from cds_service.fhir.source import entries
from cds_service.replay.patient import KNOWN_SINCE, REVIEW
from cds_service.scenarios import Scenario, load_scenarios

Json = dict[str, Any]
FIRST_DAY = date(2021, 1, 4)
DAYS = 1_400
"""Stories play on so many days from the first."""


@dataclass(frozen=True)
class Story:
    """A scenario, how often it is met among those with a report of MRI, and what it gives besides its own answer.

    Attributes:
        scenario: name of the folder.
        weight: how often it is met, relative to the others.
        before: evaluations before the one that the scenario is about, as hook and topics.
    """

    scenario: str
    weight: int
    before: tuple[tuple[str, tuple[str, ...]], ...] = ()


STORIES = (
    Story("normal-knee", 40),
    Story("knee-edema-age-unknown", 10),
    Story("ankle-edema-after-a-fall", 10),
    Story("older-woman-with-acute-knee-pain", 8),
    Story("edema-just-under-one-centimetre", 6),
    Story("athlete-with-shallow-edema", 6),
    Story("hip-with-rim-and-effusion", 5),
    Story("transient-edema-of-the-hip", 4),
    Story("charcot-foot-with-low-t1", 3),
    Story("boy-with-fever-and-tibial-edema", 2),
    Story("metastasis-named-in-the-report", 2),
    Story("diffuse-marrow-change-found-by-chance", 2),
    Story("cast-ordered-over-a-foot-ulcer", 1, ((REVIEW, ("charcot", "osteomyelitis")),)),
    Story("hip-replacement-ordered-for-transient-edema", 1, ((REVIEW, ("tbmes",)),)),
)
"""All causes; half of the studies are unremarkable, or nearly so, as in practice."""

ORDERED_ALONE = Story("mri-ordered-with-stir-only", 1)
"""An order that gets a card although nothing was imaged."""


@dataclass(frozen=True)
class Shape:
    """How large an export is and what it is made of.

    ``mri``, ``ordered``, ``brain`` and ``chest``: shares of the patients with a story, with an order that gets a card
    alone, with an MRI of the brain, with an order of a radiograph of the chest.
    """

    patients: int
    seed: int = 1
    mri: float = 0.03
    ordered: float = 0.002
    brain: float = 0.005
    chest: float = 0.02
    compressed: bool = False


@dataclass
class Expected:
    """What a replay must find: evaluations and topics by hook, tiers and levels of the evaluations that a story is
    about, and the resources by type. Orders that provably get no card are not evaluated.
    """

    evaluations: Counter[str] = field(default_factory=Counter)
    with_cards: Counter[str] = field(default_factory=Counter)
    topics: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)

    def add(self, hook: str, topics: tuple[str, ...]) -> None:
        """Count one evaluation."""
        self.evaluations[hook] += 1
        self.with_cards[hook] += bool(topics)
        self.topics.update(f"{hook}|{topic}" for topic in topics)


def write_export(folder: Path, shape: Shape) -> Expected:
    """Write an export; the same shape gives the same bytes."""
    chance = random.Random(shape.seed)  # noqa: S311  # a made-up export, no secret
    expected = Expected()
    folder.mkdir(parents=True, exist_ok=True)
    ending = ".ndjson.gz" if shape.compressed else ".ndjson"
    with ExitStack() as stack:
        files: dict[str, Any] = {}
        for number in range(shape.patients):
            for kind, line in _patient(chance, shape, f"{number:07x}-{chance.getrandbits(64):016x}", expected):
                if kind not in files:
                    path = folder / f"{kind}.000{ending}"
                    opened = gzip.open(path, "wb", 1) if shape.compressed else path.open("wb")  # noqa: SIM115
                    files[kind] = stack.enter_context(opened)
                files[kind].write(line)
                expected.lines[kind] += 1
    return expected


def _patient(chance: random.Random, shape: Shape, ident: str, expected: Expected) -> Iterator[tuple[str, bytes]]:
    day = FIRST_DAY + timedelta(days=chance.randrange(DAYS))
    drawn = chance.random()
    story: Story | None = None
    if drawn < shape.mri:
        (story,) = chance.choices(STORIES, [one.weight for one in STORIES])
    elif drawn < shape.mri + shape.ordered:
        story = ORDERED_ALONE
    if story is not None:
        yield from _told(story, ident, day)
        _expect(story, expected)
    else:
        yield "Patient", _filled(PATIENT, ident, 0, date(1930 + chance.randrange(75), 1 + chance.randrange(12), 5))
        if chance.random() < shape.brain:
            yield "DiagnosticReport", _filled(BRAIN, ident, 90, day)
            expected.add(REVIEW, ())
        if chance.random() < shape.chest:
            yield "ServiceRequest", _filled(CHEST, ident, 91, day)
    for number, (kind, template) in enumerate(_CLUTTER):
        # Long before the story, or long after it: see the top.
        away = -90 - chance.randrange(1_500) if chance.random() < 0.7 else 60 + chance.randrange(300)
        yield kind, _filled(template, ident, number, day + timedelta(days=away))


def _expect(story: Story, expected: Expected) -> None:
    scenario = _scenarios()[story.scenario]
    for hook, topics in story.before:
        expected.add(hook, topics)
    topics = {card["topic"] for card in scenario.expected["cards"]}
    expected.add(scenario.request["hook"], tuple(sorted(topics)))
    hook = scenario.request["hook"]
    expected.levels.update(f"{hook}|{cause}={level}" for cause, level in scenario.expected["levels"].items())


@cache
def _scenarios() -> dict[str, Scenario]:
    return {one.name: one for one in load_scenarios(data_path("scenarios"))}


def _told(story: Story, ident: str, day: date) -> Iterator[tuple[str, bytes]]:
    """Yield the resources of a story, moved to another day and given to another patient."""
    scenario = _scenarios()[story.scenario]
    moved = scenario.request_on(day)
    for key, resource in resources_of(moved, day).items():
        own = orjson.dumps(resource).replace(moved["context"]["patientId"].encode(), ident.encode())
        # Ids of resources are those of one server, so no two patients may share one.
        yield key.partition("/")[0], own.replace(b"example-", f"{ident[:7]}-".encode()) + b"\n"


def resources_of(request: Json, day: date) -> dict[str, Json]:
    """Return the resources of a request as an export of later holds them: known by the day, its drafts signed on it."""
    sent = [one for value in request["prefetch"].values() if value for one in _unpacked(value)]
    found = {f"{one['resourceType']}/{one['id']}": one for one in sent if "id" in one}
    known = (day - timedelta(days=1)).isoformat()
    for one in found.values():
        names = KNOWN_SINCE.get(one["resourceType"], ())
        if names and not any(name in one for name in names):
            one[names[0]] = known
    for draft in entries(request["context"].get("draftOrders")):
        signed = {**draft, "status": "completed", "authoredOn": f"{day.isoformat()}T23:00:00+00:00"}
        found[f"{draft['resourceType']}/{draft['id']}"] = signed
    return found


def _unpacked(value: Json) -> list[Json]:
    return [dict(one) for one in (entries(value) if value["resourceType"] == "Bundle" else [value])]


# Clutter


def _filled(template: bytes, ident: str, number: int, day: date) -> bytes:
    return (
        template.replace(b"@patient@", ident.encode())
        .replace(b"@id@", f"{ident}-{number}".encode())
        .replace(b"@day@", day.isoformat().encode())
    )


def _line(kind: str, **parts: Any) -> bytes:
    meta = {"versionId": "1", "lastUpdated": "@day@T09:15:27.113+00:00", "source": "#8a1b2c3d4e5f6071"}
    return orjson.dumps({"resourceType": kind, "id": "@id@", "meta": meta, **parts}, option=orjson.OPT_APPEND_NEWLINE)


def _coded(system: str, code: str, display: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


SUBJECT = {"reference": "Patient/@patient@", "display": "Example, Synthetic"}
ENCOUNTER = {"reference": "Encounter/@id@-e"}
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def _measured(category: str, code: str, display: str, value: float, unit: str) -> bytes:
    return _line(
        "Observation",
        status="final",
        category=[_coded(CATEGORY, category, category)],
        code=_coded(LOINC, code, display),
        subject=SUBJECT,
        encounter=ENCOUNTER,
        effectiveDateTime="@day@T07:40:00+00:00",
        issued="@day@T09:15:27.113+00:00",
        performer=[{"reference": "Organization/laboratory", "display": "Laboratory of the Example Hospital"}],
        valueQuantity={"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
        interpretation=[
            _coded("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "N", "Normal"),
        ],
        referenceRange=[{"low": {"value": 0.1, "unit": unit}, "high": {"value": 500, "unit": unit}}],
    )


def _answered(code: str, display: str, answer: str) -> bytes:
    return _line(
        "Observation",
        status="final",
        category=[_coded(CATEGORY, "social-history", "Social History")],
        code=_coded(LOINC, code, display),
        subject=SUBJECT,
        encounter=ENCOUNTER,
        effectiveDateTime="@day@T08:00:00+00:00",
        issued="@day@T09:15:27.113+00:00",
        valueCodeableConcept=_coded(SNOMED, "266919005", answer),
    )


def _condition(code: str, display: str) -> bytes:
    clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    return _line(
        "Condition",
        clinicalStatus=_coded(clinical, "active", "Active"),
        code=_coded(SNOMED, code, display),
        subject=SUBJECT,
        encounter=ENCOUNTER,
        onsetDateTime="@day@",
        recordedDate="@day@",
    )


def _prescribed(code: str, display: str) -> bytes:
    return _line(
        "MedicationRequest",
        status="active",
        intent="order",
        medicationCodeableConcept=_coded("http://www.nlm.nih.gov/research/umls/rxnorm", code, display),
        subject=SUBJECT,
        encounter=ENCOUNTER,
        authoredOn="@day@T10:00:00+00:00",
        dosageInstruction=[{"text": "1 tablet daily", "timing": {"repeat": {"frequency": 1, "period": 1}}}],
    )


PRESSURE = _line(
    "Observation",
    status="final",
    category=[_coded(CATEGORY, "vital-signs", "Vital Signs")],
    code=_coded(LOINC, "85354-9", "Blood pressure panel"),
    subject=SUBJECT,
    encounter=ENCOUNTER,
    effectiveDateTime="@day@T08:00:00+00:00",
    component=[
        {
            "code": _coded(LOINC, code, display),
            "valueQuantity": {"value": value, "unit": "mm[Hg]", "system": "http://unitsofmeasure.org"},
        }
        for code, display, value in (("8480-6", "Systolic", 132), ("8462-4", "Diastolic", 81))
    ],
)
PANEL = _line(
    "DiagnosticReport",
    status="final",
    category=[_coded("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB", "Laboratory")],
    code=_coded(LOINC, "24323-8", "Comprehensive metabolic panel"),
    subject=SUBJECT,
    effectiveDateTime="@day@T07:40:00+00:00",
    issued="@day@T09:15:27.113+00:00",
    result=[{"reference": f"Observation/@patient@-{number}", "display": "Result"} for number in range(4)],
)
PATIENT = _line(
    "Patient",
    active=True,
    name=[{"use": "official", "family": "Example", "given": ["Synthetic"]}],
    telecom=[{"system": "phone", "value": "555-0100", "use": "home"}],
    gender="female",
    birthDate="@day@",
    address=[{"line": ["1 Example Street"], "city": "Exampleton", "postalCode": "00000"}],
).replace(b"@id@", b"@patient@")
BRAIN = _line(
    "DiagnosticReport",
    status="final",
    category=[_coded("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD", "Radiology")],
    code={"text": "MRI brain without contrast"},
    subject=SUBJECT,
    effectiveDateTime="@day@T11:00:00+00:00",
    issued="@day@T13:00:00+00:00",
    conclusion="No acute infarct. No mass. Ventricles are of normal size.",
)
CHEST = _line(
    "ServiceRequest",
    status="completed",
    intent="order",
    code={"text": "X-ray chest, two views"},
    subject=SUBJECT,
    authoredOn="@day@T10:00:00+00:00",
)
_CLUTTER: tuple[tuple[str, bytes], ...] = (
    ("Observation", _measured("laboratory", "2345-7", "Glucose [Mass/volume] in Serum or Plasma", 94, "mg/dL")),
    ("Observation", _measured("laboratory", "2160-0", "Creatinine [Mass/volume] in Serum or Plasma", 0.9, "mg/dL")),
    ("Observation", _measured("laboratory", "718-7", "Hemoglobin [Mass/volume] in Blood", 13.9, "g/dL")),
    ("Observation", _measured("laboratory", "1988-5", "C reactive protein [Mass/volume] in Serum", 3.1, "mg/L")),
    ("Observation", _measured("laboratory", "2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", 188, "mg/dL")),
    ("Observation", _measured("laboratory", "6690-2", "Leukocytes [#/volume] in Blood", 6.2, "10*3/uL")),
    ("Observation", _measured("vital-signs", "29463-7", "Body weight", 77.4, "kg")),
    ("Observation", _measured("vital-signs", "8310-5", "Body temperature", 36.8, "Cel")),
    ("Observation", PRESSURE),
    ("Observation", _answered("72166-2", "Tobacco smoking status", "Never smoked tobacco")),
    ("Condition", _condition("38341003", "Hypertensive disorder")),
    ("Condition", _condition("55822004", "Hyperlipidemia")),
    ("MedicationRequest", _prescribed("314076", "lisinopril 10 MG Oral Tablet")),
    ("MedicationRequest", _prescribed("617310", "atorvastatin 20 MG Oral Tablet")),
    (
        "ServiceRequest",
        _line(
            "ServiceRequest",
            status="completed",
            intent="order",
            code=_coded(LOINC, "24323-8", "Comprehensive metabolic panel"),
            subject=SUBJECT,
            authoredOn="@day@T07:00:00+00:00",
        ),
    ),
    ("DiagnosticReport", PANEL),
    ("Encounter", _line("Encounter", status="finished", subject=SUBJECT, period={"start": "@day@", "end": "@day@"})),
    ("Encounter", _line("Encounter", status="finished", subject=SUBJECT, period={"start": "@day@", "end": "@day@"})),
    ("Immunization", _line("Immunization", status="completed", patient=SUBJECT, occurrenceDateTime="@day@")),
)


def main(arguments: list[str]) -> int:
    """Write an export and print what is expected of its replay."""
    parser = argparse.ArgumentParser(description="Write a synthetic export.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", type=int, default=1_000)
    parser.add_argument("--mri", type=float, default=0.03)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gzip", action="store_true")
    given = parser.parse_args(arguments)
    shape = Shape(given.patients, given.seed, given.mri, compressed=given.gzip)
    found = write_export(given.folder, shape)
    expected = {name: dict(sorted(counter.items())) for name, counter in vars(found).items()}
    sys.stdout.write(orjson.dumps(expected, option=orjson.OPT_INDENT_2).decode() + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
