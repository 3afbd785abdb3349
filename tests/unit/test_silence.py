"""Quiet by design: a card that was answered is silent for a while, unless there is something new to say."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cds_service.cards.silence import Subject, longest, silence_of
from cds_service.data import data_path
from cds_service.knowledge.rules import rule_set
from cds_service.model.level import Tier
from cds_service.protocol.discovery import load_services
from cds_service.service import Ports, answer_on
from cds_service.settings import Settings
from cds_service.show import trace_tree
from cds_service.store.records import Response
from cds_service.store.store import Store
from cds_service.web import create_app

Json = Any

RULES = rule_set()
TODAY = date(2026, 11, 17)
HOUR_S, DAY_S = 3_600, 86_400
URGENT = "diabetic-foot-new-edema"
KEY = "a key for the ids of cards"


@dataclass
class Site:
    """A running service with a clock of its own, and a clinician who answers its cards."""

    folder: Path
    judgement: Json = field(default_factory=dict)
    now: float = 1_800_000_000.0

    def __post_init__(self) -> None:
        self.settings = Settings(store_url=f"sqlite:///{self.folder}/s.sqlite3", card_key=KEY, judgement=self.judgement)
        self.app = create_app(self.settings, Ports(RULES, lambda: TODAY, now=lambda: self.now))
        self.web = self.app.test_client()
        self.store: Store = self.app.extensions["store"]

    def asked(self, request: Json) -> list[Json]:
        response = self.web.post(f"/cds-services/bme-{request['hook']}", json=request)
        assert response.status_code == 200, response.get_json()
        cards: list[Json] = response.get_json()["cards"]
        return cards

    def answered(self, card: Json, **how: Json) -> None:
        item = {"card": card["uuid"], "outcome": "overridden", **how}
        assert self.web.post("/cds-services/bme-result-review/feedback", json={"feedback": [item]}).status_code == 200


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.store.close()


def scenario(name: str) -> Json:
    return json.loads((data_path("scenarios") / name / "request.json").read_text())


def topics(cards: list[Json]) -> list[str]:
    return [card["source"]["topic"]["code"] for card in cards]


def rewritten(request: Json, kind: str, **changes: Json) -> Json:
    """The request with every resource of a type changed."""
    if isinstance(request, list):
        return [rewritten(one, kind, **changes) for one in request]
    if not isinstance(request, dict):
        return request
    changed = {name: rewritten(value, kind, **changes) for name, value in request.items()}
    return changed | changes if request.get("resourceType") == kind else changed


@pytest.mark.parametrize("outcome", ["accepted", "overridden"])
def test_a_card_that_was_answered_is_silent_and_the_others_go_on(site: Site, outcome: str):
    request = scenario(URGENT)
    first, *others = site.asked(request)
    site.answered(first, outcome=outcome)

    assert topics(site.asked(request)) == topics(others) != []


def test_the_time_of_an_urgent_card_is_short(site: Site):
    request = scenario(URGENT)
    cards = site.asked(request)
    site.answered(cards[0])

    site.now += 12 * HOUR_S - 1
    silent = topics(site.asked(request))
    site.now += 1

    assert (silent, topics(site.asked(request))) == (topics(cards[1:]), topics(cards))


def test_what_others_silence_and_what_is_over_is_forgotten(tmp_path: Path):
    site = Site(tmp_path, {"silence_days": 2, "silence_urgent_hours": 100})
    request = scenario(URGENT)
    cards = site.asked(request)
    site.answered(cards[0])

    site.now += 2 * DAY_S - 1
    silent = topics(site.asked(request))
    site.now += 1

    assert (silent, topics(site.asked(request))) == (topics(cards[1:]), topics(cards))


def test_a_site_may_have_no_silence_at_all(tmp_path: Path):
    site = Site(tmp_path, {"silence_days": 0})
    request = scenario(URGENT)
    cards = site.asked(request)
    site.answered(cards[0])

    assert topics(site.asked(request)) == topics(cards)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"status": "amended"}, id="amended"),
        pytest.param({"issued": "2026-11-16T18:30:00Z"}, id="issued later"),
        pytest.param({"meta": {"versionId": "2"}}, id="another version"),
    ],
)
def test_a_report_written_anew_breaks_the_silence(site: Site, changes: Json):
    request = scenario(URGENT)
    cards = site.asked(request)
    site.answered(cards[0])

    assert topics(site.asked(rewritten(request, "DiagnosticReport", **changes))) == topics(cards)


def test_a_finding_that_changes_breaks_the_silence(site: Site):
    request = scenario(URGENT)
    cards = site.asked(request)
    site.answered(cards[0])
    changed = json.loads(json.dumps(request).replace("T1 marrow signal is preserved", "T1 marrow signal is reduced"))

    assert topics(site.asked(changed)) == topics(cards)


def test_another_patient_is_another_matter(site: Site):
    request = scenario(URGENT)
    cards = site.asked(request)
    site.answered(cards[0])
    other = json.loads(json.dumps(request).replace(request["context"]["patientId"], "somebody-else"))

    assert topics(site.asked(other)) == topics(cards)


def test_the_same_patient_id_on_another_server_is_another_matter(site: Site):
    request = scenario(URGENT)
    cards = site.asked(request)
    site.answered(cards[0])

    assert topics(site.asked({**request, "fhirServer": "https://other.example/fhir"})) == topics(cards)


def test_feedback_about_a_card_that_was_never_sent_silences_nothing(site: Site):
    request = scenario(URGENT)
    cards = site.asked(request)
    site.answered({"uuid": "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a01"})

    assert topics(site.asked(request)) == topics(cards)


def test_without_its_memory_the_service_is_not_silent(site: Site):
    request = scenario(URGENT)
    cards = site.asked(request)
    site.answered(cards[0])
    site.store.close()
    Path(site.folder / "s.sqlite3").write_bytes(b"no database")

    assert topics(site.asked(request)) == topics(cards)


def test_the_silence_is_seen_in_explain_with_its_reason(site: Site):
    request = scenario(URGENT)
    first = site.asked(request)[0]
    site.answered(first, overrideReason={"reason": {"code": "action-completed"}})
    service = load_services(data_path("hooks"))["bme-result-review"]
    found = answer_on(TODAY, request, service, site.settings, site.store.responses)
    out = Console(width=200, record=True, file=StringIO())
    out.print(trace_tree(found, RULES))

    assert [line.strip("├─ ") for line in out.export_text().splitlines() if "silent" in line] == [
        "silent until 2027-01-15 20:00 UTC: osteomyelitis|foot_ankle/left: overridden (action-completed)"
    ]


# ---------------------------------------------------------------------------------------- what is remembered of it


def recorded(site: Site) -> list[tuple[Any, ...]]:
    """The rows of cards: kept back, profile, rules, whether there is a subject, whether the id is a UUID."""
    site.store.close()
    with closing(sqlite3.connect(site.folder / "s.sqlite3")) as store:
        found = store.execute("SELECT kept_back, profile, rules, subject, basis, card FROM issued_cards ORDER BY rowid")
        return [
            (kept, profile, tuple(json.loads(rules)), (subject is None, basis is None), card.count("-") == 4)
            for kept, profile, rules, subject, basis, card in found
        ]


def test_a_silent_card_is_recorded_as_such_with_its_rules_once_for_a_call(site: Site):
    request = scenario(URGENT)
    first, *_ = site.asked(request)
    site.answered(first)
    for _ in range(2):
        site.asked({**request, "hookInstance": "another call"})

    foot = ("osteomyelitis-diabetic-foot", "osteomyelitis-diabetic-foot-do-not-delay")
    foot += ("osteomyelitis-mri-is-the-right-test", "osteomyelitis-refer-foot")
    *sent, silent = recorded(site)
    assert silent == ("silent", "generic", foot, (True, True), False)
    assert sent[0][2][: len(foot)] == foot
    assert [row[:2] + row[3:] for row in sent] == [(None, "generic", (False, False), True)] * 3


def test_what_stands_on_the_first_card_besides_is_silent_when_all_cards_are(site: Site):
    request = scenario(URGENT)
    for card in site.asked(request):
        site.answered(card)
    site.asked({**request, "hookInstance": "another call"})

    assert [(row[0], row[2][0]) for row in recorded(site)[2:]] == [
        ("silent", "osteomyelitis-diabetic-foot"),
        ("silent", "charcot-diabetic-foot"),
        ("silent", "new-or-increasing-edema-is-not-routine"),
    ]


def test_what_a_hook_holds_back_is_recorded_as_held(tmp_path: Path):
    site = Site(tmp_path, {"patient_view_days": 5})
    old = json.loads(json.dumps(scenario(URGENT)).replace("2026-11-17", "2026-11-01"))
    context = {name: old["context"][name] for name in ("userId", "patientId")}

    assert site.asked({**old, "hook": "patient-view", "context": context}) == []
    assert [(row[0], row[2][0], *row[3:]) for row in recorded(site)] == [
        ("held", "osteomyelitis-diabetic-foot", (True, True), False),
        ("held", "charcot-diabetic-foot", (True, True), False),
        ("held", "new-or-increasing-edema-is-not-routine", (True, True), False),
    ]


def test_of_somebody_who_has_died_nothing_is_recorded(site: Site):
    request = rewritten(scenario(URGENT), "Patient", deceasedBoolean=True)

    assert (site.asked(request), site.store.works()) == ([], True)
    assert recorded(site) == []


# ------------------------------------------------------------------------------------------------- the decision


NOW = datetime(2026, 11, 17, 12).astimezone()


def response(tier: str) -> Response:
    return Response("s", "b", tier, "accepted", "", NOW)


@pytest.mark.parametrize(
    ("answered", "now", "silent"),
    [
        ("soon", "soon", True),
        ("urgent", "soon", True),
        ("soon", "urgent", False),
        ("urgent", "emergent", False),
    ],
)
def test_a_card_that_became_more_urgent_speaks(answered: str, now: str, silent: bool):
    subject = Subject("cause|place", Tier[now.upper()], ())

    assert (silence_of(subject, [response(answered)], NOW, {}) is not None) is silent
    assert longest(Tier.URGENT, {}) == longest(Tier.EMERGENT, {}) < longest(Tier.SOON, {})
