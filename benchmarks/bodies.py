"""Requests of any size: one of the examples, with resources added that do not concern it.

What is added is what a real prefetch holds most of: laboratory values and reports, vital signs, chest radiographs,
conditions, orders. It is the same in every run, and it changes no card.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from itertools import islice
from typing import Any

import orjson

from cds_service.data import data_path
from cds_service.scenarios import Scenario, load_scenarios

Json = dict[str, Any]
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
SHARES = {"labs": 4, "observations": 3, "reports": 2, "conditions": 2, "orders": 1}
SIZES = {"10 KB": 10_000, "200 KB": 200_000, "2 MB": 2_000_000}

STORY = next(one for one in load_scenarios(data_path("scenarios")) if one.name == "hip-with-rim-and-effusion")
"""One card, urgent, with a referral to draft."""


def clutter(patient_id: str, seed: int = 1) -> Iterator[tuple[str, Json]]:
    """Yield resources without end that do not concern the story, each with the key it is prefetched under."""
    choose = random.Random(seed)  # noqa: S311  # the same ones in every run
    keys = [key for key, share in SHARES.items() for _ in range(share)]
    number = 0
    while True:
        key = choose.choice(keys)
        day = f"20{choose.randint(10, 26)}-{choose.randint(1, 12):02}-{choose.randint(1, 28):02}"
        shared: Json = {
            "id": f"clutter-{number}",
            "meta": {"versionId": "1", "lastUpdated": f"{day}T10:00:00Z"},
            "subject": {"reference": f"Patient/{patient_id}", "display": "Example"},
        }
        yield key, shared | _MAKE[key](choose, day)
        number += 1


def _number(choose: random.Random, day: str, category: str, codes: tuple[str, ...]) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": system, "code": category}]}],
        "code": {"coding": [{"system": LOINC, "code": choose.choice(codes), "display": "a name"}], "text": "a name"},
        "encounter": {"reference": "Encounter/1"},
        "effectiveDateTime": f"{day}T09:00:00Z",
        "issued": f"{day}T12:00:00Z",
        "performer": [{"reference": "Practitioner/1", "display": "Dr Example"}],
        "valueQuantity": {"value": round(choose.random() * 10, 2), "unit": "mg/L", "code": "mg/L"},
        "referenceRange": [{"low": {"value": 0}, "high": {"value": 5, "unit": "mg/L"}}],
    }


def _labs(choose: random.Random, day: str) -> Json:
    return _number(choose, day, "laboratory", ("718-7", "2345-7", "1988-5", "2160-0"))


def _observations(choose: random.Random, day: str) -> Json:
    return _number(choose, day, "exam", ("8302-2", "29463-7", "8480-6"))


def _reports(choose: random.Random, day: str) -> Json:
    category, code, title = choose.choice(
        [("LAB", "58410-2", "CBC"), ("LAB", "24323-8", "Metabolic panel"), ("RAD", "36643-5", "XR Chest 2 views")]
    )
    system = "http://terminology.hl7.org/CodeSystem/v2-0074"
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [{"coding": [{"system": system, "code": category}]}],
        "code": {"coding": [{"system": LOINC, "code": code}], "text": title},
        "effectiveDateTime": day,
        "issued": f"{day}T12:00:00Z",
        "conclusion": "No acute cardiopulmonary abnormality. The heart is of normal size. " * 3,
        "result": [{"reference": f"Observation/result-{number}"} for number in range(6)],
    }


def _conditions(choose: random.Random, day: str) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    return {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"system": system, "code": "active"}]},
        "code": {"coding": [{"system": SNOMED, "code": choose.choice(("38341003", "195967001"))}], "text": "a name"},
        "recordedDate": day,
    }


def _orders(_choose: random.Random, day: str) -> Json:
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": SNOMED, "code": "306170007"}], "text": "Referral to physiotherapy"},
        "authoredOn": day,
    }


_MAKE = {
    "labs": _labs,
    "observations": _observations,
    "reports": _reports,
    "conditions": _conditions,
    "orders": _orders,
}


def with_clutter(count: int, story: Scenario = STORY) -> Json:
    """Return the story's request with so many more resources in its prefetch."""
    request: Json = deepcopy(story.request)
    for key, resource in islice(clutter(request["context"]["patientId"]), count):
        bundle = request["prefetch"].get(key) or {"resourceType": "Bundle", "type": "searchset"}
        bundle.setdefault("entry", []).append({"resource": resource})
        request["prefetch"][key] = bundle
    return request


def body(size: int) -> bytes:
    """Return the story's request as JSON of about so many bytes, one resource more or less."""
    few, many = len(orjson.dumps(with_clutter(0))), len(orjson.dumps(with_clutter(1_000)))
    return orjson.dumps(with_clutter(max(0, round((size - few) / (many - few) * 1_000))))


def resources(request: Json) -> int:
    """Return how many resources a request holds in its prefetch."""
    held = [value for value in request["prefetch"].values() if value]
    return sum(len(value.get("entry", ())) if value["resourceType"] == "Bundle" else 1 for value in held)
