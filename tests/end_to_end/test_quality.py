"""What becomes of cards, from calls and feedback to the figures: two workers, a script of who answers what."""

from __future__ import annotations

import csv
import json
import time
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from support.service_process import ADMIN_TOKEN, ServiceProcess, service_process

from cds_service.data import data_path

Json = Any

pytestmark = pytest.mark.slow

REVIEW = "/cds-services/bme-result-review"
STORY = (data_path("scenarios") / "diabetic-foot-new-edema" / "request.json").read_text()
PATIENT = json.loads(STORY)["context"]["patientId"]
ACCEPTED, OVERRIDDEN, UNANSWERED = 12, 8, 10
FIRST, SECOND = "osteomyelitis-diabetic-foot", "charcot-diabetic-foot"
"""A rule of the first card, and one of the second."""
PATIENCE_S = 30


def call(service: ServiceProcess, patient: int, visit: str) -> list[Json]:
    request = json.loads(STORY.replace(PATIENT, f"patient-{patient}")) | {"hookInstance": f"{visit}-{patient}"}
    cards: list[Json] = service.post(REVIEW, request).json()["cards"]
    return cards


def tell(service: ServiceProcess, card: Json, outcome: str) -> int:
    item = {"card": card["uuid"], "outcome": outcome}
    if outcome == "overridden":
        item["overrideReason"] = {"reason": {"code": "record-misread"}}
    return service.post(f"{REVIEW}/feedback", {"feedback": [item]}).status_code


def figures(service: ServiceProcess) -> dict[str, dict[str, str]]:
    """The lines of the CSV about the two rules, without their days and shares."""
    response = requests.get(f"{service.url}/quality.csv", auth=("anybody", ADMIN_TOKEN), timeout=30)
    assert response.status_code == 200, response.text
    lines = [one for one in csv.DictReader(StringIO(response.text)) if one["rule"] in (FIRST, SECOND)]
    named = ("hook", "profile", "fired", "shown", "accepted", "overridden", "no answer", "silenced", "held back")
    return {
        f"{one['rule']} {one['overridden for this reason only']}".strip(): {
            name: one[name] for name in named if one[name]
        }
        for one in lines
    }


def test_the_figures_are_those_of_the_script_with_two_workers(tmp_path: Path):
    with service_process(tmp_path, workers="2", profile="epic") as service, ThreadPoolExecutor(8) as threads:
        patients = range(ACCEPTED + OVERRIDDEN + UNANSWERED)
        first = list(threads.map(lambda one: call(service, one, "first"), patients))
        outcomes = ["accepted"] * ACCEPTED + ["overridden"] * OVERRIDDEN
        told = list(threads.map(lambda pair: tell(service, pair[0][0], pair[1]), zip(first, outcomes, strict=False)))
        # Feedback is sent again, and nothing is counted twice.
        told += [tell(service, first[0][0], "accepted")]
        again = list(threads.map(lambda one: call(service, one, "second"), range(len(outcomes))))
        of = {"hook": "result-review", "profile": "epic"}
        expected = {
            FIRST: {
                **of,
                **{"fired": "50", "shown": "30", "accepted": "12", "overridden": "8", "no answer": "10"},
                **{"silenced": "20", "held back": "0"},
            },
            f"{FIRST} The service read the record wrongly": {**of, "overridden": "8"},
            SECOND: {
                **of,
                **{"fired": "50", "shown": "50", "accepted": "0", "overridden": "0", "no answer": "50"},
                **{"silenced": "0", "held back": "0"},
            },
        }
        give_up = time.monotonic() + PATIENCE_S  # cards are written a moment after they are sent
        while (found := figures(service)) != expected and time.monotonic() < give_up:
            time.sleep(0.05)

    assert (set(told), {len(cards) for cards in first}, {len(cards) for cards in again}) == ({200}, {2}, {1})
    assert found == expected
