"""What is laid open is what runs: every rule, its evidence, what it reads, the site's judgement, and what changed."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.cards.wording import ABOUT, UNREVIEWED
from cds_service.data import data_path
from cds_service.fhir.inputs import ELEMENTS_READ
from cds_service.knowledge.rules import rule_set
from cds_service.knowledge.statements import POPULATION_OF, STATEMENTS
from cds_service.protocol.discovery import load_services
from cds_service.scenarios import load_scenarios
from cds_service.service import answer_on, real_ports, rules_version
from cds_service.settings import Settings
from cds_service.smart.transparency import Change, Judgement, Transparency, clinical_changes, transparency
from cds_service.web import create_app
from cds_service.web.pages import as_page

RULES = rule_set()
CHANGELOG = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
SITE = Settings(judgement={"middle_age_from": 50})


@pytest.fixture(scope="module")
def laid_open() -> Transparency:
    return transparency(RULES, SITE.judgement, "0123456789abcdef", "1.2.3", CHANGELOG)


@pytest.fixture(scope="module")
def web() -> FlaskClient:
    return create_app(SITE).test_client()


def test_every_rule_stands_there_once_with_its_evidence(laid_open: Transparency):
    shown = [rule for chapter in laid_open.chapters for rule in chapter.rules]

    assert [rule.id for rule in shown] == [rule.id for rule in RULES.rules]
    assert [rule.id for rule in shown if not rule.evidence or not rule.when or not rule.effect] == []
    assert [rule.evidence[0].statements.keys() for rule in shown] == [
        dict.fromkeys(rule.evidence[0].statements).keys() for rule in RULES.rules
    ]


def test_the_facts_are_those_that_rules_ask_for(laid_open: Transparency):
    asked = {fact.name for rule in RULES.rules for fact in rule.facts()}

    assert {fact.name for fact in laid_open.facts} == asked


def test_who_asks_learns_which_demographic_data_are_used_and_that_is_what_is_read(laid_open: Transparency):
    used = {name: words for name, words in laid_open.attributes.items() if words.startswith("used")}

    assert len(laid_open.attributes) == 13
    assert used == {
        "Use of sex": "used, as recorded in Patient.gender",
        "Use of date of birth": "used, as age in years",
    }
    assert set(ELEMENTS_READ["Patient"]) == {"birthDate", "gender", "deceasedBoolean", "deceasedDateTime"}


def test_every_figure_of_the_source_says_in_whom_it_was_found():
    assert list(POPULATION_OF) == [name for name, words in STATEMENTS.items() if "%" in words]


def test_the_limits_begin_with_what_nobody_has_reviewed(laid_open: Transparency):
    assert laid_open.limits[0] == UNREVIEWED
    assert len(laid_open.limits) == len(set(laid_open.limits)) > 3


def test_a_threshold_stands_there_as_the_site_has_set_it(laid_open: Transparency):
    shown = [rule for chapter in laid_open.chapters for rule in chapter.rules]
    rule = next(one for one in shown if one.id == "axspa-deep-edema-with-injury-or-age")
    judged = next(one for one in laid_open.judgement if one.name == "middle_age_from")

    assert judged == Judgement(
        "middle_age_from",
        "50 years",
        "45 years",
        "The source says 'middle-aged to elderly' without a number; 45-64 is the usual MEDLINE band.",
    )
    assert "age >= 50 years and acute pain" in rule.when


def test_of_the_change_log_only_what_alters_cards_is_told():
    log = (
        "# Changelog\n\n## [2.0.0]\n\n### Added\n\n- A page.\n\n### Clinical\n\n- One line,\n  and its second.\n"
        "- Another.\n\n## [1.0.0]\n\n### Added\n\n- All.\n\n## [0.9.0]\n\n### Clinical\n\n- The first.\n"
        "\n### Fixed\n\n- A typo.\n"
    )

    assert list(clinical_changes(log)) == [
        Change("2.0.0", ("One line, and its second.", "Another.")),
        Change("0.9.0", ("The first.",)),
    ]


def test_the_changes_of_this_version_are_told(laid_open: Transparency):
    assert laid_open.changes[0].version == "Unreleased"
    assert len(laid_open.changes[0].changes) > 10


def test_without_a_change_log_the_page_says_so():
    page = as_page("transparency.html", page=transparency(RULES, {}, "", "", ""))

    assert "No change log travels with this installation." in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/html"),
        ("*/*", "text/html"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/html;q=0.5", "application/json"),
    ],
)
def test_people_get_a_page_and_programs_json(web: FlaskClient, accept: str | None, kind: str):
    response = web.get("/transparency", headers={"Accept": accept} if accept else {})

    assert (response.status_code, response.mimetype, response.headers["Vary"]) == (200, kind, "Accept")


def test_the_page_and_the_json_name_the_version_that_decides(web: FlaskClient):
    running = rules_version(SITE, real_ports(SITE))

    found = web.get("/transparency.json").get_json()

    assert found["rule_set"] == running
    assert f"rule set <code>{running}</code>" in web.get("/transparency").get_data(as_text=True)
    assert running != rules_version(Settings(), real_ports(Settings()))


def test_every_rule_has_a_place_that_a_card_may_link_to(web: FlaskClient):
    response = web.get("/transparency")
    body = response.get_data(as_text=True)
    ids = re.findall(r'\bid="([^"]+)"', body)
    links = re.findall(r'href="#([^"]+)"', body)

    assert {rule.id for rule in RULES.rules} <= set(ids)
    assert len(ids) == len(set(ids))
    assert set(links) <= set(ids)


def test_the_page_needs_no_script_and_nothing_from_elsewhere(web: FlaskClient):
    response = web.get("/transparency")
    body = response.get_data(as_text=True)

    assert response.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert re.findall(r'(?:href|src)="(?!#)([^"]+)"', body) == ["docs.css", "transparency.json"]
    assert re.findall(r"<(?:script|style|iframe|img|form)|\bstyle=|\bon[a-z]+=", body) == []


# ------------------------------------------------------------------------------------------- the link on a card

STORIES = {one.name: one for one in load_scenarios(data_path("scenarios"))}
PUBLIC = "https://cds.example/bme"


def links(name: str, unread: bool = False, **settings: Any) -> list[list[dict[str, Any]] | None]:
    """The links of each card that a story gets; ``unread``: with a report in a format that is not read instead."""
    story = STORIES[name]
    sent = deepcopy(story.request)
    if unread:
        form = {"contentType": "text/rtf", "data": b64encode(b"{").decode()}
        report = {**sent["prefetch"]["report"], "conclusion": None, "presentedForm": [form]}
        sent["prefetch"] |= {"report": report, "reports": None, "observations": None}
    service = load_services(data_path("hooks"))[f"bme-{sent['hook']}"]
    found = answer_on(story.as_of, sent, service, Settings(card_key="a key", **settings))
    return [card.get("links") for card in found.cards]


def test_a_card_links_to_its_first_rule_on_the_page():
    assert links("cast-ordered-for-three-weeks", public_url=PUBLIC) == [
        [{"label": ABOUT, "url": f"{PUBLIC}/transparency#{rule}", "type": "absolute"}]
        for rule in ("order-offloading-duration", "charcot-known", "osteomyelitis-diabetic-foot")
    ]


def test_a_card_of_no_rule_links_to_the_limits():
    (found,) = links("normal-knee", unread=True, public_url=PUBLIC)

    assert found == [{"label": ABOUT, "url": f"{PUBLIC}/transparency#limits", "type": "absolute"}]


def test_a_service_that_does_not_know_its_address_gives_no_link():
    assert links("diabetic-foot-new-edema") == [None, None]


def test_a_card_that_opens_the_app_has_no_other_link_as_none_may_mix_the_two_kinds():
    record = STORIES["diabetic-foot-new-edema"].request["fhirServer"]
    app = {record: {"client_id": "an app", "auth": "none"}}

    found = links("diabetic-foot-new-edema", public_url=PUBLIC, smart_issuers=app)

    assert [[link["type"] for link in of_card or ()] for of_card in found] == [["smart"], ["smart"]]


def test_no_cause_stands_on_the_page_by_its_id(laid_open: Transparency):
    """Ids that are no words: the others are in the names, too."""
    told = [rule for chapter in laid_open.chapters for rule in chapter.rules]
    words = [json.dumps([one.when, one.unless, one.effect]) for one in told]
    ids = [one.id for one in RULES.causes.values() if one.id not in one.label]

    assert ids == ["axspa", "sif", "tbmes", "charcot"]
    assert [one for one in words if re.search(rf"(?<![-\w])({'|'.join(ids)})(?![-\w])", one)] == []
