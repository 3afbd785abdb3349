"""Who may see what becomes of the cards, and what stands on the page and in the CSV."""

from __future__ import annotations

import csv
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from support.html import parsed
from werkzeug.test import TestResponse

from cds_service.knowledge.codes.overrides import OVERRIDE_REASONS
from cds_service.service import real_ports
from cds_service.settings import Settings
from cds_service.store.records import Feedback, IssuedCard, KeptBack
from cds_service.store.store import Store
from cds_service.web import create_app
from cds_service.web.quality import COLUMNS, safe

TOKEN = "an admin token for tests"
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
READ = next(one for one in OVERRIDE_REASONS if one.code == "record-misread")
PAGES = ("/quality", "/quality.csv")


def client(**settings: Any) -> FlaskClient:
    made = Settings(**settings)
    return create_app(made, replace(real_ports(made), now=NOW.timestamp)).test_client()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[FlaskClient]:
    made = client(admin_token=TOKEN, store_url=f"sqlite:///{tmp_path / 's.sqlite3'}")
    yield made
    made.application.extensions["store"].close()


@pytest.fixture(scope="module")
def empty() -> FlaskClient:
    """A service in whose store there is nothing."""
    return client(admin_token=TOKEN, store_url="sqlite://")


def basic(words: str) -> str:
    return f"Basic {b64encode(words.encode()).decode()}"


def get(web: FlaskClient, path: str) -> TestResponse:
    return web.get(path, headers={"Authorization": basic(f"anybody:{TOKEN}")})


def fill(web: FlaskClient, rule: str = "a-rule", **more: Any) -> None:
    """Seven cards of one rule: six overridden, five for one reason; four that were kept back."""
    store: Store = web.application.extensions["store"]
    about = {"service": "s", "hook": "order-sign", "rule_set": "0" * 16, "tier": "soon", "profile": "epic", **more}
    sent = [
        IssuedCard(card=str(uuid4()), rules=(rule,), indicator="info", subject="s", basis="b", **about)
        for _ in range(7)
    ]
    unsent = [
        IssuedCard(f"kept {n}", rules=(rule,), indicator="", subject=None, basis=None, kept_back=KeptBack.HELD, **about)
        for n in range(4)
    ]
    store.record([*sent, *unsent])
    store.keep(
        [
            Feedback("c", one.card, "overridden", (), READ.system, READ.code if n else "patient-ineligible", "", None)
            for n, one in enumerate(sent[:6])
        ]
    )


def lines(response: TestResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(response.get_data(as_text=True))))


# ---------------------------------------------------------------------------------------------------- who may see it


@pytest.mark.parametrize("page", PAGES)
def test_without_an_admin_token_there_is_no_such_page(page: str):
    assert client().get(page).status_code == 404


@pytest.mark.parametrize("page", [*PAGES, "/metrics"])
@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer guessed", "Basic ?", basic("no colon"), basic(f"{TOKEN}:guessed"), f"Digest {TOKEN}"],
)
def test_who_has_not_the_token_is_asked_for_it_and_told_nothing(empty: FlaskClient, page: str, given: str | None):
    response = empty.get(page, headers={} if given is None else {"Authorization": given})

    assert (response.status_code, response.headers["WWW-Authenticate"].partition(" ")[0]) == (401, "Basic")
    assert response.get_json() == {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "login"}],
    }


@pytest.mark.parametrize("page", [*PAGES, "/metrics"])
@pytest.mark.parametrize("given", [f"Bearer {TOKEN}", basic(f"anybody:{TOKEN}"), basic(f":{TOKEN}")])
def test_who_has_the_token_is_let_in(empty: FlaskClient, page: str, given: str):
    assert empty.get(page, headers={"Authorization": given}).status_code == 200


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_nothing_can_be_changed_there(empty: FlaskClient, page: str, method: str):
    assert getattr(empty, method)(page).status_code == 405


def test_the_page_needs_no_script_and_asks_nobody_else(web: FlaskClient):
    fill(web)
    response = get(web, "/quality")
    body = response.get_data(as_text=True)

    assert response.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    assert response.headers["Cache-Control"] == "no-store"
    assert re.findall(r"<(?:script|style|iframe|img)|\bstyle=|\bon[a-z]+=", body) == []
    assert set(re.findall(r'(?:href|src|action)="(?!#)([^"]+)"', body)) == {
        "docs.css",
        "quality",
        "quality.csv?hook=&amp;profile=&amp;weeks=12",
        "transparency#a-rule",
    }


# ------------------------------------------------------------------------------------------------ what stands there


def test_the_page_tells_of_each_rule_what_became_of_its_cards(web: FlaskClient):
    fill(web)

    page = parsed(get(web, "/quality").get_data(as_text=True))

    (whole, by_week) = page.find("tbody")
    row = ["0 % (0–39 %) 0 % (0–39 %)", *("8–14", "7–10", "0", "6"), *["fewer than 5", "0"]]
    row += ["fewer than 5", "under 1 minute"]
    assert [one.text for one in whole.find("td")] == row
    assert [one.text for one in by_week.find("td")] == row
    assert by_week.one("th").text == "2026-11-23 to 2026-11-29"
    assert [one.text for one in page.one("section", class_="rule").find("li")] == [
        "Reasons that too few gave to be told apart: 6"
    ]
    assert "Of no rule it is certain that it is overridden nearly always." in page.text


def test_a_rule_that_is_nearly_always_overridden_is_named_first(web: FlaskClient):
    for _ in range(3):
        fill(web)

    page = parsed(get(web, "/quality").get_data(as_text=True))

    assert page.one("p", class_="look").text == (
        "Overridden nearly always: look at this rule. a-rule: overridden 100 % (82–100 %) of the answers."
    )


def test_the_csv_has_a_line_for_each_cell_and_each_reason(web: FlaskClient):
    for _ in range(3):
        fill(web)

    response = get(web, "/quality.csv")

    of = {"rule": "a-rule", "hook": "order-sign", "profile": "epic"}
    none = dict.fromkeys(COLUMNS, "")
    assert (response.mimetype, response.headers["Content-Disposition"]) == (
        "text/csv",
        'attachment; filename="quality.csv"',
    )
    assert lines(response) == [
        {
            **of,
            **{"first day": "2026-11-23", "last day": "2026-11-29", "fired": "20–26", "shown": "19–22"},
            **{"accepted": "0", "overridden": "18", "no answer": "fewer than 5", "silenced": "0"},
            **{"held back": "fewer than 5", "share accepted of answers": "0.000"},
            **{"lower end of 95 % interval": "0.000", "upper end of 95 % interval": "0.176"},
            **{"time to action": "under 1 minute", "overridden for this reason only": ""},
        },
        {
            **none,
            **of,
            **{"first day": "2026-10-05", "last day": "2026-12-27", "overridden": "18"},
            "overridden for this reason only": "Reasons that too few gave to be told apart",
        },
    ]


def test_the_csv_has_what_the_form_asks_for(web: FlaskClient):
    fill(web)
    fill(web, hook="patient-view")

    def hooks(query: str) -> list[str]:
        return sorted({line["hook"] for line in lines(get(web, f"/quality.csv?{query}"))})

    assert hooks("") == ["order-sign", "patient-view"]
    assert hooks("hook=patient-view&profile=epic&weeks=48") == ["patient-view"]
    assert hooks("profile=crd") == []


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(web: FlaskClient, start: str):
    rule = f"{start}HYPERLINK(1)"
    fill(web, rule)

    assert {line["rule"] for line in lines(get(web, "/quality.csv"))} == {f"'{rule}"}
    assert safe(["a=1", "", "0.5", rule]) == ["a=1", "", "0.5", f"'{rule}"]


def test_a_name_is_no_markup(web: FlaskClient):
    fill(web, "<script>")

    assert "<script" not in get(web, "/quality").get_data(as_text=True)


@pytest.mark.parametrize("query", ["hook=canary", "profile=canary", "weeks=canary", "weeks=1000000"])
@pytest.mark.parametrize("page", PAGES)
def test_what_cannot_be_chosen_is_refused_by_its_name(empty: FlaskClient, page: str, query: str):
    response = get(empty, f"{page}?{query}")

    assert (response.status_code, response.get_json()["issue"][0]["expression"]) == (400, [query.partition("=")[0]])
    assert "canary" not in response.get_data(as_text=True)


def test_answers_to_cards_that_are_not_recorded_are_named(web: FlaskClient):
    store: Store = web.application.extensions["store"]
    store.keep([Feedback("c", str(uuid4()), "accepted", (), "", "", "", None) for _ in range(6)])

    assert "Answers to cards that are not recorded here: 6." in parsed(get(web, "/quality").get_data(as_text=True)).text


def test_nothing_recorded_is_told_as_such(empty: FlaskClient):
    page, asked = (parsed(get(empty, f"/quality{query}").get_data(as_text=True)) for query in ("", "?hook=order-sign"))

    assert [one.one("p", class_="look").text for one in (page, asked)] == [
        "Nothing is recorded since 2026-07-13. Figures appear as soon as cards are sent.",
        "Nothing is recorded since 2026-07-13 for this hook and profile. Figures appear as soon as cards are sent.",
    ]
    assert lines(get(empty, "/quality.csv")) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_store_that_cannot_be_read_is_no_empty_page(tmp_path: Path, page: str):
    response = get(client(admin_token=TOKEN, store_url=f"sqlite:///{tmp_path}"), page)  # a folder is no database

    assert (response.status_code, response.mimetype, response.headers["Retry-After"]) == (503, "text/html", "60")
    assert parsed(response.get_data(as_text=True)).one("p", class_="look").text == (
        "The store could not be read, so there are no figures here: not none, but unknown."
    )
