"""What no card may ever say or be, over every case there is: frozen rule cases, vignettes and scenarios.

The promises are those of the decision table: section 2.1 (no alarm below urgent), section 5.4 (cards never to show),
and that every published figure is quoted as published, never turned into a figure about one patient.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from support.effort import SHARE
from support.rule_cases import TODAY, case_of, frozen_cases

from cds_service.cards.content import Content, contents
from cds_service.cards.render import texts
from cds_service.cards.selection import HookKind, Selection, select
from cds_service.data import data_path
from cds_service.engine.assess import Assessment, RuleResult, actions_of, assess
from cds_service.knowledge import causes
from cds_service.knowledge.evidence import REFERENCES_OF, SOURCE_TITLE
from cds_service.knowledge.rules import rule_set
from cds_service.knowledge.settings import INDICATOR_BY_TIER
from cds_service.knowledge.statements import STATEMENTS
from cds_service.knowledge.warnings import W_REF_UNLISTED, W_REVIEW
from cds_service.model.finding import State
from cds_service.model.level import Level, Tier
from cds_service.model.rule import CheckOrder
from cds_service.protocol.call import read_call
from cds_service.protocol.discovery import load_services
from cds_service.scenarios import load_scenarios
from cds_service.service import Ports, answer
from cds_service.settings import Settings
from cds_service.vignettes import read_vignette

RULES = rule_set()
# All cases are answered once, by one process.
pytestmark = pytest.mark.xdist_group("promises")
VIGNETTES = Path(__file__).parents[2] / "fixtures" / "vignettes.jsonl"


@dataclass(frozen=True)
class Answered:
    """One case with what was concluded and what is shown of it."""

    name: str
    assessment: Assessment
    selection: Selection
    cards: tuple[Content, ...]

    def spoken(self) -> list[RuleResult]:
        """Return every fired rule whose words or actions stand on some card."""
        notes = self.assessment.notes if self.assessment.has_message else ()
        checks = [result for results in self.selection.order_checks.values() for result in results]
        return [*(one for diagnosis in self.assessment.diagnoses for one in diagnosis.results), *notes, *checks]

    def offers(self, action: str) -> list[RuleResult]:
        """Return the rules by which a card of this case names an action; none when there is no card."""
        spoken = self.spoken() if self.cards else []
        return [result for result in spoken if action in [one.id for one in actions_of([result])]]

    def level(self, cause: str) -> Level:
        return self.assessment.levels.get(cause, Level.NOT_ASSESSABLE)

    def stated(self, fact: str) -> set[object]:
        """Return every value stated of a fact, of the patient or of any lesion."""
        places = [self.assessment.case.patient, *(lesion.findings for lesion in self.assessment.case.lesions)]
        return {value for place in places if fact in place for value in place[fact].values}


def _frozen() -> Iterator[Answered]:
    for case in list(frozen_cases())[::SHARE]:
        assessment = assess(case_of(case["given"], RULES), RULES)
        hook = HookKind.ORDER_SELECT if assessment.case.drafts else HookKind.RESULT_REVIEW
        selection = select(assessment, hook, TODAY)
        cards = contents(assessment, selection, RULES)
        yield Answered(f"{case['rule']}: {case['variant']}", assessment, selection, tuple(cards))


def _vignettes() -> Iterator[Answered]:
    for line in VIGNETTES.read_text(encoding="utf-8").splitlines():
        vignette = read_vignette(json.loads(line), RULES)
        assessment = assess(vignette.case, RULES)
        selection = select(assessment, HookKind(vignette.hook), TODAY)
        yield Answered(vignette.id, assessment, selection, tuple(contents(assessment, selection, RULES)))


def _scenarios() -> Iterator[Answered]:
    services = load_services(data_path("hooks"))
    for scenario in load_scenarios(data_path("scenarios")):
        call = read_call(scenario.request, services[f"bme-{scenario.request['hook']}"])
        ports = Ports(RULES, lambda day=scenario.as_of: day)  # type: ignore[misc]  # the day of this one
        found = answer(call, Settings(card_key="a key for the tests alone"), ports)
        yield Answered(scenario.name, found.assessment, found.selection, tuple(found.contents))


SOURCES = {"frozen cases": _frozen, "vignettes": _vignettes, "scenarios": _scenarios}


@cache
def answered(source: str) -> tuple[Answered, ...]:
    return tuple(SOURCES[source]())


def everything() -> Iterator[Answered]:
    for source in SOURCES:
        yield from answered(source)


@cache
def all_texts() -> dict[str, str]:
    """Return every text of every card once, with the name of the first case that shows it."""
    first = {card: one.name for one in reversed(tuple(everything())) for card in one.cards}
    found: dict[str, str] = {}
    for card, name in first.items():
        for text in texts(card):
            found.setdefault(text, name)
    return found


def lines_with(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """Return (case, line) for every line on a card in which a pattern occurs."""
    return [(name, line) for text, name in all_texts().items() for line in text.splitlines() if pattern.search(line)]


CAUTIONS = (
    "pregnancy",
    "lactation",
    "bleeding_risk",
    "myocardial_infarction",
    "unstable_angina",
    "heart_failure",
    "stroke_or_tia",
    "acute_trauma",
    "anticoagulation",
    "postpartum",
)
"""Decision table 1.3 and TB5: what blocks the iloprost option, and childbirth, which leaves only a text."""

every_source = pytest.mark.parametrize("source", SOURCES)


@every_source
def test_there_are_cases_with_cards_to_hold_the_promises_to(source: str) -> None:
    shown = [one for one in answered(source) if one.cards]

    assert len(shown) >= {"frozen cases": 1500 // SHARE, "vignettes": 40, "scenarios": 37}[source]


# ---------------------------------------------------------------------------------- no patient probability

PUBLISHED = [
    ">= 1 cm",
    "30%",
    "79%",
    "89%",
    "90-92%",
    "94-97%",
    "95-98%",
    "~90%",
    "~85%",
    "47%",
    "< 25%",
    "about 75%",
    "58-64%",
    "19-38%",
    "48-61%",
    "18-29%",
    "52-56%",
    "26-29%",
    "50 ug",
    "6 hours",
    "5 consecutive days",
    "6-12 weeks",
]
"""The figures of the source document, as the decision table spells them."""

PERCENTAGE = re.compile(
    r"(?:(?:[<>~≥≤]=? ?)|about )?\d+(?:[.,]\d+)?(?:\s?[-–]\s?\d+(?:[.,]\d+)?)?\s?(?:%|per ?cent)", re.I
)
LIKELIHOOD = re.compile(
    r"probabilit\w*|chances? (?:of|that)|likelihood|odds|risk of (?:about |~|<|>)?\s?\d|\d\s?% (?:risk|chance|likely)"
    r"|(?:post|pre)-?test|predictive value|this patient(?:'s)? (?:risk|score)|\bscore\b",
    re.I,
)


def test_no_percentage_stands_on_a_card_but_the_published_ones() -> None:
    others = {
        (figure, name)
        for text, name in all_texts().items()
        for figure in PERCENTAGE.findall(text)
        if figure.lower() not in PUBLISHED
    }

    assert others == set()


def test_no_card_speaks_of_a_probability_of_the_patient() -> None:
    assert lines_with(LIKELIHOOD) == []


def test_the_words_that_would_speak_of_a_probability_are_noticed() -> None:
    claims = [
        "a probability of axSpA",
        "risk of 12% of collapse",
        "a chance of infection",
        "80% likely",
        "post-test odds",
    ]

    assert [claim for claim in claims if not LIKELIHOOD.search(claim)] == []


def test_a_percentage_stands_only_beside_what_it_was_measured_on() -> None:
    """A figure without sensitivity, specificity, a study or a response beside it would read as the patient's own."""
    company = re.compile(
        r"sensitivity|specificity|healthy controls|one retrospective study|ASAS20|symptom control|biologic", re.I
    )

    assert [found for found in lines_with(PERCENTAGE) if not company.search(found[1])] == []


@pytest.mark.parametrize("figure", PUBLISHED)
def test_a_published_figure_stands_on_some_card_as_it_was_published(figure: str) -> None:
    whole = re.compile(rf"(?<![\w.,-]){re.escape(figure)}(?![\w])")

    assert lines_with(whole) != []


def test_every_percentage_of_the_statements_is_among_the_published_figures() -> None:
    named = {figure for short in STATEMENTS.values() for figure in PERCENTAGE.findall(short)}

    assert named - set(PUBLISHED) == set()


# ------------------------------------------------------------------------------- no alarm below urgent (2.1)


@every_source
def test_no_card_is_critical_when_the_case_is_soon_or_routine(source: str) -> None:
    shown = INDICATOR_BY_TIER.default
    assert isinstance(shown, dict)

    alarming = [
        (one.name, card.summary)
        for one in answered(source)
        for card in one.cards
        if one.assessment.tier < Tier.URGENT
        and (card.tier >= Tier.URGENT or shown[card.tier.name.lower()] == "critical")
    ]

    assert alarming == []


@every_source
def test_no_referral_is_urgent_when_the_case_is_soon_or_routine(source: str) -> None:
    alarming = [
        (one.name, referral.target)
        for one in answered(source)
        for card in one.cards
        for referral in card.referrals
        if referral.urgent and (one.assessment.tier < Tier.URGENT or card.tier < Tier.URGENT)
    ]

    assert alarming == []


@every_source
def test_no_card_is_more_urgent_than_its_case(source: str) -> None:
    louder = [
        (one.name, card.summary) for one in answered(source) for card in one.cards if card.tier > one.assessment.tier
    ]

    assert louder == []


@every_source
def test_no_check_of_an_order_is_critical(source: str) -> None:
    checks = [(one.name, card) for one in answered(source) for card in one.cards if card.topic == "order-check"]

    assert [name for name, card in checks if card.tier is not Tier.ROUTINE] == []


def test_at_least_eight_scenarios_show_no_urgent_card() -> None:
    quiet = [one.name for one in answered("scenarios") if all(card.tier < Tier.URGENT for card in one.cards)]

    assert len(quiet) >= 8


# -------------------------------------------------------------------------------- cards never to show (5.4)


@every_source
def test_iloprost_is_offered_only_for_transient_edema_that_is_likely_and_stands_alone(source: str) -> None:
    raised = (Level.POSSIBLE, Level.LIKELY)
    wrong = [
        one.name
        for one in answered(source)
        if one.offers("ILOPROST_OPTION")
        and (
            one.level(causes.TBMES) is not Level.LIKELY
            or one.level(causes.OSTEONECROSIS) in raised
            or one.level(causes.SIF) in raised
        )
    ]

    assert wrong == []


@every_source
def test_iloprost_is_never_offered_beside_a_sign_of_necrosis(source: str) -> None:
    """TB4: a rim sign, or the perfusion pattern of necrosis; in doubt as well (3.10.3)."""
    wrong = [
        one.name
        for one in answered(source)
        if one.offers("ILOPROST_OPTION")
        and (
            one.stated("rim_sign") & {State.PRESENT, State.INDETERMINATE}
            or "rim_high_flow_no_flow_core" in one.stated("dce_pattern")
        )
    ]

    assert wrong == []


@every_source
def test_iloprost_is_never_offered_to_a_patient_with_a_caution_of_its_label(source: str) -> None:
    doubtful = {State.PRESENT, State.INDETERMINATE}
    wrong = [
        (one.name, caution)
        for one in answered(source)
        if one.offers("ILOPROST_OPTION")
        for caution in CAUTIONS
        if one.stated(caution) & doubtful
    ]

    assert wrong == []


@every_source
def test_marrow_biopsy_is_named_only_for_diffuse_change_found_incidentally(source: str) -> None:
    wrong = [
        one.name
        for one in answered(source)
        if one.offers("CONSIDER_MARROW_BIOPSY")
        and (
            one.stated("diffuse_marrow_signal") != {State.PRESENT}
            or one.stated("incidental") != {State.PRESENT}
            or one.stated("known_malignancy") & {State.PRESENT, State.INDETERMINATE}
        )
    ]

    assert wrong == []


@every_source
def test_the_figure_of_the_biopsy_study_is_quoted_only_where_biopsy_is_named(source: str) -> None:
    wrong = [
        one.name
        for one in answered(source)
        if any("47%" in text for card in one.cards for text in texts(card)) and not one.offers("CONSIDER_MARROW_BIOPSY")
    ]

    assert wrong == []


@every_source
def test_offloading_for_6_to_12_weeks_is_named_only_for_the_foot(source: str) -> None:
    wrong = [
        (one.name, result.rule.id)
        for one in answered(source)
        for result in one.offers("OFFLOAD_6_12W")
        if "foot_ankle" not in _groups(one.assessment, result)
    ]

    assert wrong == []


def _groups(assessment: Assessment, result: RuleResult) -> Iterable[str | None]:
    if isinstance(result.rule.effect, CheckOrder):
        return [lesion.group for lesion in assessment.case.lesions]
    return [assessment.case.lesions[result.place].group]


@pytest.mark.parametrize("action", ["ILOPROST_OPTION", "CONSIDER_MARROW_BIOPSY", "OFFLOAD_6_12W"])
def test_what_may_not_always_be_shown_is_shown_somewhere(action: str) -> None:
    assert [one.name for one in everything() if one.offers(action)] != []


@pytest.mark.parametrize(
    ("scenario", "never"),
    [
        pytest.param("transient-edema-in-pregnancy", "iloprost", id="iloprost in pregnancy"),
        pytest.param("diffuse-marrow-change-in-known-myeloma", "biopsy", id="biopsy in known myeloma"),
        pytest.param("diffuse-marrow-change-in-known-myeloma", "47%", id="47% in known myeloma"),
        pytest.param("metastasis-named-in-the-report", "biopsy", id="biopsy for a metastasis"),
        pytest.param("iloprost-ordered-despite-a-rim-sign", "An option", id="iloprost beside a rim"),
        pytest.param("hip-edema-rim-not-described", "iloprost", id="iloprost while a rim is not excluded"),
    ],
)
def test_a_story_in_which_something_may_not_be_said_does_not_say_it(scenario: str, never: str) -> None:
    (told,) = [one for one in answered("scenarios") if one.name == scenario]
    said = "\n".join(text for card in told.cards for text in texts(card))

    assert (bool(told.cards), never.lower() in said.lower()) == (True, False)


# ------------------------------------------------------------------------------------ on every card (5.4)

CITED = re.compile(r"\bS\d{1,2}\b(?=[^\[\]]*\])")


def _cards() -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for one in everything():
        for card in one.cards:
            _, detail = texts(card)
            if detail not in seen:
                seen.add(detail)
                yield one.name, detail


def test_every_card_names_the_source_document_its_status_and_the_disclaimer() -> None:
    status = f"{W_REVIEW.text} [S56, S57]"

    assert [name for name, detail in _cards() if not (SOURCE_TITLE in detail and status in detail)] == []


def test_every_statement_a_card_cites_has_its_references_listed() -> None:
    lacking = [
        (name, statement, reference.key)
        for name, detail in _cards()
        for statement in sorted(set(CITED.findall(detail)))
        for reference in REFERENCES_OF[statement]
        if f"[{reference.key}] {reference.text}" not in detail
    ]

    assert lacking == []


def test_a_card_that_rests_on_an_unlisted_reference_says_so() -> None:
    lacking = [
        name
        for name, detail in _cards()
        if any(not reference.listed for statement in CITED.findall(detail) for reference in REFERENCES_OF[statement])
        and W_REF_UNLISTED.text not in detail
    ]

    assert lacking == []
