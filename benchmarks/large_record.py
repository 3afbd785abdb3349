"""How long a call with a large prefetch takes, beside what parsing its JSON costs.

The prefetch is that of one of the examples with so many resources added that do not concern it: laboratory values and
reports, vital signs, chest radiographs, conditions, orders. CPU time, the best of several rounds; each row has its own
floors, because machines are noisy.
"""

from __future__ import annotations

import gc
import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from time import process_time
from typing import Any

import orjson

from cds_service.data import data_path
from cds_service.knowledge.rules import rule_set
from cds_service.protocol.call import read_call
from cds_service.protocol.discovery import load_services
from cds_service.protocol.strict_json import parse_json
from cds_service.scenarios import load_scenarios
from cds_service.service import Answer, Ports, answer
from cds_service.settings import Settings

Json = dict[str, Any]
ROUNDS = 9
SIZES = (0, 100, 300, 1_000)
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
SHARES = {"labs": 4, "observations": 3, "reports": 2, "conditions": 2, "orders": 1}

STORY = next(one for one in load_scenarios(data_path("scenarios")) if one.name == "diabetic-foot-new-edema")
SERVICE = load_services(data_path("hooks"))["bme-result-review"]
SETTINGS, PORTS = Settings(card_key="benchmark"), Ports(rule_set(), lambda: STORY.as_of)


def clutter(count: int) -> Iterator[tuple[str, Json]]:
    """Yield resources that do not concern the story, each with the key it is prefetched under."""
    choose = random.Random(1)  # noqa: S311  # the same ones in every run
    keys = [key for key, share in SHARES.items() for _ in range(share)]
    for number in range(count):
        key = choose.choice(keys)
        day = f"20{choose.randint(10, 26)}-{choose.randint(1, 12):02}-{choose.randint(1, 28):02}"
        shared: Json = {
            "id": f"clutter-{number}",
            "meta": {"versionId": "1", "lastUpdated": f"{day}T10:00:00Z"},
            "subject": {"reference": f"Patient/{STORY.request['context']['patientId']}", "display": "Example"},
        }
        yield key, shared | globals()[f"_{key}"](choose, day)


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


def body(count: int) -> bytes:
    """Return the story's request with so many more resources in its prefetch."""
    request = deepcopy(STORY.request)
    for key, resource in clutter(count):
        request["prefetch"][key].setdefault("entry", []).append({"resource": resource})
    return orjson.dumps(request)


def answered(sent: bytes) -> Answer:
    """Return the answer to a request body, as the service gives it."""
    return answer(read_call(parse_json(sent), SERVICE), SETTINGS, PORTS)


def best_ms(work: Callable[[], object]) -> float:
    """Return the shortest CPU time of several rounds."""
    times = []
    for _ in range(ROUNDS):
        began = process_time()
        work()
        times.append(process_time() - began)
    return min(times) * 1000


def main() -> None:
    """Print a row for each size."""
    expected = [card["summary"] for card in answered(body(0)).cards]
    gc.collect()
    gc.freeze()  # what was loaded before is not looked at again
    print("| resources added | KB | orjson ms | json ms | answer ms | x json | of that without clutter, ms |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    alone = best_ms(lambda: answered(body(0)))
    for size in SIZES:
        sent = body(size)
        assert [card["summary"] for card in answered(sent).cards] == expected
        works = (orjson.loads, json.loads, answered)
        bare, floor, whole = (best_ms(partial(work, sent)) for work in works)
        times = (f"{bare:.1f}", f"{floor:.1f}", f"{whole:.1f}", f"{whole / floor:.1f}", f"{alone:.1f}")
        print(f"| {size} | {len(sent) // 1000} | " + " | ".join(times) + " |")


if __name__ == "__main__":
    main()
