"""What is shown on which hook (decision table 3.10.5), with the real rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from cds_service.cards.selection import CAUSE_CARDS, HookKind, Selection, Shown, select, targets_of
from cds_service.engine.assess import Assessment, assess
from cds_service.engine.lesions import assemble
from cds_service.knowledge.rules import rule_set
from cds_service.model.case import Case, Draft, PlacedOrder, Statement, Study
from cds_service.model.finding import Finding, State, Value
from cds_service.model.quantity import exact

TODAY = date(2026, 3, 31)
RESULT_REVIEW, ORDER_SELECT, ORDER_SIGN, PATIENT_VIEW = HookKind
ORDERING = [ORDER_SELECT, ORDER_SIGN]
NOT_ON_RESULTS = [*ORDERING, PATIENT_VIEW]

Place = tuple[str, str | None, Mapping[str, Value]]
DEEP_EDEMA: Place = ("si_joint", "left", {"bme": State.PRESENT, "depth_mm": exact(12)})
STUDY_DAY = "2026-03-25"


def assessed(
    *places: Place,
    drafts: tuple[Draft, ...] = (),
    placed: tuple[PlacedOrder, ...] = (),
    day: str = STUDY_DAY,
    issued: str = "",
    study: Mapping[str, str] | None = None,
    patient: Mapping[str, Value] | None = None,
) -> Assessment:
    """Return the assessment of one study; without places it shows deep edema of the left sacroiliac joint."""
    rules = rule_set()
    statements = [Statement(fact, value) for fact, value in (patient or {}).items()]
    statements += [Statement(fact, value, study="mri") for fact, value in (study or {"seq.t1": "acquired"}).items()]
    statements += [
        Statement(fact, value, site=site, side=side, study="mri")
        for site, side, findings in (places or (DEEP_EDEMA,))
        for fact, value in findings.items()
    ]
    stated, lesions = assemble(statements, {"mri": Study("mri", day, issued=issued)}, rules.facts, rules.sites)
    return assess(Case(stated, lesions, drafts, placed), rules)


def order(kind: str = "other", /, **more: Any) -> Draft:
    """Return a draft of a kind; ``facts`` are further things it states."""
    stated = {"order.kind": kind, **more.pop("facts", {})}
    return Draft("ServiceRequest/draft", findings={name: Finding(name, (v,)) for name, v in stated.items()}, **more)


def why(selection: Selection) -> dict[str, Shown]:
    """Return why each cause is shown, named, or held back."""
    return {one.diagnosis.cause: one.why for one in (*selection.shown, *selection.named, *selection.held_back)}


def shown(selection: Selection) -> list[str]:
    return [one.diagnosis.cause for one in selection.shown]


UNRELATED = order("other", group="foot_ankle", side="left")
RHEUMATOLOGY = order("referral", target="rheumatology")


# Relevance and freshness


@pytest.mark.parametrize("day", [STUDY_DAY, "2001-01-01", ""])
def test_an_opened_result_always_gets_its_assessment(day: str) -> None:
    assert why(select(assessed(day=day), RESULT_REVIEW, TODAY)) == {"axspa": Shown.RESULT_OPENED}


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        pytest.param("2026-03-31", Shown.FRESH, id="of today"),
        pytest.param("2026-03-01", Shown.FRESH, id="30 days old"),
        pytest.param("2026-02-28", Shown.NOT_RELEVANT, id="31 days old"),
        pytest.param("2026-04-01", Shown.FRESH, id="dated tomorrow"),
        pytest.param("", Shown.FRESH, id="undated"),
    ],
)
@pytest.mark.parametrize("hook", ORDERING)
def test_with_an_unrelated_order_only_a_fresh_study_is_shown(hook: HookKind, day: str, reason: Shown) -> None:
    assert why(select(assessed(day=day, drafts=(UNRELATED,)), hook, TODAY)) == {"axspa": reason}


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        pytest.param("2025-12-31", Shown.FRESH, id="90 days old"),
        pytest.param("2025-12-30", Shown.NOT_RELEVANT, id="91 days old"),
        pytest.param("", Shown.FRESH, id="undated"),
    ],
)
def test_on_opening_a_chart_a_study_is_fresh_for_longer(day: str, reason: Shown) -> None:
    assert why(select(assessed(day=day), PATIENT_VIEW, TODAY)) == {"axspa": reason}


@pytest.mark.parametrize(
    ("hook", "setting"), [(ORDER_SIGN, "fresh_days"), (ORDER_SELECT, "fresh_days"), (PATIENT_VIEW, "patient_view_days")]
)
def test_a_site_may_change_what_counts_as_fresh(hook: HookKind, setting: str) -> None:
    selections = [select(assessed(), hook, TODAY, {setting: days}) for days in (5, 6)]

    assert [why(one) for one in selections] == [{"axspa": Shown.NOT_RELEVANT}, {"axspa": Shown.FRESH}]


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        pytest.param(order("mri", group="si_joint", side="left"), Shown.CONCERNS_DRAFT, id="same joint and side"),
        pytest.param(order("mri", group="si_joint"), Shown.CONCERNS_DRAFT, id="same joint, no side"),
        pytest.param(order("mri", group="si_joint", side="both"), Shown.CONCERNS_DRAFT, id="both sides"),
        pytest.param(order("mri", group="si_joint", side="right"), Shown.NOT_RELEVANT, id="other side"),
        pytest.param(order("mri", group="hip", side="left"), Shown.NOT_RELEVANT, id="other joint"),
        pytest.param(order("mri"), Shown.NOT_RELEVANT, id="no place"),
        pytest.param(RHEUMATOLOGY, Shown.ALREADY_PLACED, id="the referral it calls for"),
        pytest.param(order("referral", target="hematology"), Shown.NOT_RELEVANT, id="another referral"),
        pytest.param(
            order("medication", facts={"order.drug": "nsaid"}), Shown.CONCERNS_DRAFT, id="a medicine checked for it"
        ),
        pytest.param(order("medication", facts={"order.drug": "other"}), Shown.NOT_RELEVANT, id="another medicine"),
    ],
)
@pytest.mark.parametrize("hook", ORDERING)
def test_with_an_old_study_the_draft_decides(hook: HookKind, draft: Draft, reason: Shown) -> None:
    assert why(select(assessed(day="2024-01-01", drafts=(draft,)), hook, TODAY)) == {"axspa": reason}


def test_only_drafts_in_focus_make_an_old_study_relevant() -> None:
    draft = order("mri", group="si_joint", side="left", selected=False)

    assert why(select(assessed(day="2024-01-01", drafts=(draft,)), ORDER_SELECT, TODAY)) == {
        "axspa": Shown.NOT_RELEVANT
    }


@pytest.mark.parametrize("hook", NOT_ON_RESULTS)
def test_what_is_held_back_is_still_named(hook: HookKind) -> None:
    selection = select(assessed(day="2024-01-01", drafts=(UNRELATED,)), hook, TODAY)

    assert (shown(selection), [one.diagnosis.cause for one in selection.held_back]) == ([], ["axspa"])


# Somebody has acted


def referred(day: str, target: str = "rheumatology") -> tuple[PlacedOrder, ...]:
    return (PlacedOrder(target, day, "ServiceRequest/placed"),)


ISSUED = "2026-03-26"


@pytest.mark.parametrize(
    ("placed", "is_placed"),
    [
        pytest.param(referred(ISSUED), True, id="on the day of the report"),
        pytest.param(referred("2026-03-30"), True, id="after the report"),
        pytest.param(referred(STUDY_DAY), False, id="after the study, before its report"),
        pytest.param(referred("2026-01-01"), False, id="before the study"),
        pytest.param(referred(""), False, id="undated"),
        pytest.param(referred("2026-03-30", "hematology"), False, id="to somebody else"),
        pytest.param((), False, id="no order"),
    ],
)
@pytest.mark.parametrize(
    ("hook", "acted", "open_"),
    [
        (RESULT_REVIEW, Shown.ALREADY_PLACED, Shown.RESULT_OPENED),
        (PATIENT_VIEW, Shown.ACTED, Shown.FRESH),
        (ORDER_SIGN, Shown.ACTED, Shown.FRESH),
        (ORDER_SELECT, Shown.ACTED, Shown.FRESH),
    ],
)
def test_a_referral_since_the_report_counts_as_acted(
    hook: HookKind, acted: Shown, open_: Shown, placed: tuple[PlacedOrder, ...], is_placed: bool
) -> None:
    selection = select(assessed(issued=ISSUED, placed=placed, drafts=(UNRELATED,)), hook, TODAY)

    assert why(selection) == {"axspa": acted if is_placed else open_}


def test_a_report_without_a_day_is_taken_to_be_of_the_day_of_its_study() -> None:
    days = ["2026-03-24", STUDY_DAY]

    reasons = [why(select(assessed(placed=referred(day)), RESULT_REVIEW, TODAY))["axspa"] for day in days]

    assert reasons == [Shown.RESULT_OPENED, Shown.ALREADY_PLACED]


def test_without_any_day_of_the_report_no_referral_counts_as_later() -> None:
    selection = select(assessed(day="", placed=referred("2026-03-30")), RESULT_REVIEW, TODAY)

    assert why(selection) == {"axspa": Shown.RESULT_OPENED}


def test_a_placed_referral_is_told_where_a_draft_concerns_the_place() -> None:
    draft = order("mri", group="si_joint", side="left")

    (one,) = select(assessed(placed=referred("2026-03-30"), drafts=(draft,)), ORDER_SIGN, TODAY).shown

    assert (one.why, one.placed) == (Shown.ALREADY_PLACED, {"rheumatology": "2026-03-30"})


def test_of_two_referrals_the_later_day_is_told() -> None:
    placed = referred("2026-03-30") + referred("2026-03-27")

    (one,) = select(assessed(placed=placed), RESULT_REVIEW, TODAY).shown

    assert one.placed == {"rheumatology": "2026-03-30"}


@pytest.mark.parametrize("selected", [True, False])
def test_a_draft_of_this_call_for_the_referral_counts_as_placed(selected: bool) -> None:
    draft = order("referral", target="rheumatology", group="si_joint", selected=selected)

    selection = select(assessed(drafts=(draft, order("mri", group="si_joint"))), ORDER_SIGN, TODAY)

    assert [(one.why, one.placed) for one in selection.shown] == [(Shown.ALREADY_PLACED, {"rheumatology": ""})]


INFECTED_FOOT: Place = ("foot_ankle", "left", {"bme": State.PRESENT, "t1_signal": "low"})


def test_every_referral_a_cause_calls_for_must_be_placed() -> None:
    def reason(*placed: PlacedOrder) -> tuple[Shown, dict[str, str]]:
        assessment = assessed(INFECTED_FOOT, placed=placed, patient={"diabetes": State.PRESENT})
        (infection,) = (
            one for one in select(assessment, RESULT_REVIEW, TODAY).shown if one.diagnosis.cause == "osteomyelitis"
        )
        return infection.why, dict(infection.placed)

    foot_team, infectious = referred("2026-03-28", "diabetic_foot_team"), referred("2026-03-29", "infectious_diseases")

    assert reason(*foot_team) == (Shown.RESULT_OPENED, {"diabetic_foot_team": "2026-03-28"})
    assert reason(*foot_team, *infectious) == (
        Shown.ALREADY_PLACED,
        {"diabetic_foot_team": "2026-03-28", "infectious_diseases": "2026-03-29"},
    )


def test_a_cause_that_calls_for_no_referral_is_never_taken_as_acted_on() -> None:
    knee: Place = ("knee_other", "left", {"bme": State.PRESENT})
    assessment = assessed(knee, placed=referred("2026-03-30", "orthopedics"))

    selection = select(assessment, PATIENT_VIEW, TODAY)

    assert ([targets_of(one.diagnosis) for one in selection.shown], why(selection)) == (
        [frozenset()],
        {"nonspecific": Shown.FRESH},
    )


# At most three


SICK_ALL_OVER: tuple[Place, ...] = (
    INFECTED_FOOT,
    ("si_joint", "left", {"bme": State.PRESENT, "erosion": State.PRESENT}),
    ("knee_other", "right", {"bme": State.PRESENT}),
)
INJURED_DIABETIC = {"diabetes": State.PRESENT, "acute_trauma": State.PRESENT}


def test_at_most_three_causes_are_shown_and_the_rest_are_named() -> None:
    assessment = assessed(*SICK_ALL_OVER, patient=INJURED_DIABETIC)

    selection = select(assessment, RESULT_REVIEW, TODAY)

    assert CAUSE_CARDS == 3
    assert [one.diagnosis for one in (*selection.shown, *selection.named)] == list(assessment.diagnoses)
    assert [one.why for one in selection.shown] == [Shown.RESULT_OPENED] * 3
    assert [one.why for one in selection.named] == [Shown.TOO_MANY] * (len(assessment.diagnoses) - 3)
    assert len(selection.named) > 0


def test_what_is_held_back_takes_no_place() -> None:
    """The foot causes were acted on, so what is less urgent moves up."""
    placed = referred("2026-03-30", "diabetic_foot_team") + referred("2026-03-30", "infectious_diseases")
    assessment = assessed(*SICK_ALL_OVER, patient=INJURED_DIABETIC, placed=placed)

    selection = select(assessment, PATIENT_VIEW, TODAY)

    held = [one.diagnosis.cause for one in selection.held_back]
    rest = [one.cause for one in assessment.diagnoses if one.cause not in held]
    assert (sorted(held), shown(selection)) == (["charcot", "osteomyelitis"], rest[:3])


def test_order_checks_are_not_counted_among_the_three() -> None:
    stir_only = order("mri", facts={"order.fluid": State.PRESENT, "order.t1": State.ABSENT})
    assessment = assessed(*SICK_ALL_OVER, patient=INJURED_DIABETIC, drafts=(stir_only,))

    selection = select(assessment, ORDER_SIGN, TODAY)

    assert ([result.rule.row for result in selection.order_checks[0]], len(selection.shown)) == (["O1"], 3)


# Order checks


STIR_ONLY = {"order.fluid": State.PRESENT, "order.t1": State.ABSENT}


def checks(hook: HookKind, *drafts: Draft) -> dict[int, list[str]]:
    selection = select(assessed(drafts=drafts), hook, TODAY)
    return {draft: [result.rule.row for result in results] for draft, results in selection.order_checks.items()}


@pytest.mark.parametrize("hook", ORDERING)
def test_each_draft_has_its_own_checks(hook: HookKind) -> None:
    fine = order("mri", facts={"order.fluid": State.PRESENT, "order.t1": State.PRESENT})

    assert checks(hook, order("mri", facts=STIR_ONLY), fine, order("mri", facts=STIR_ONLY)) == {0: ["O1"], 2: ["O1"]}


def test_a_draft_out_of_focus_is_not_checked() -> None:
    assert checks(ORDER_SELECT, order("mri", facts=STIR_ONLY, selected=False)) == {}


def test_a_check_speaks_only_on_its_own_hooks() -> None:
    without_protocol = order("mri", group="si_joint", facts={"order.site": "si_joint"})

    assert {hook: checks(hook, without_protocol) for hook in HookKind} == {
        RESULT_REVIEW: {},
        ORDER_SELECT: {0: ["O2"]},
        ORDER_SIGN: {},
        PATIENT_VIEW: {},
    }


# Notes without a cause


WITHOUT_T1 = {"seq.t1": "not_acquired", "seq.stir": "acquired"}
NO_EDEMA: Place = ("si_joint", "left", {"bme": State.ABSENT})


@pytest.mark.parametrize(
    ("hook", "day", "noted"),
    [
        (RESULT_REVIEW, STUDY_DAY, True),
        (RESULT_REVIEW, "2001-01-01", True),
        (PATIENT_VIEW, STUDY_DAY, True),
        (PATIENT_VIEW, "2025-01-01", False),
    ],
)
def test_a_missing_sequence_is_noted_where_its_study_is_shown(hook: HookKind, day: str, noted: bool) -> None:
    selection = select(assessed(NO_EDEMA, study=WITHOUT_T1, day=day), hook, TODAY)

    assert (selection.notes, selection.shown) == (noted, ())


@pytest.mark.parametrize(("side", "noted"), [("left", True), (None, True)])
def test_a_missing_sequence_is_noted_with_an_order_for_the_place(side: str | None, noted: bool) -> None:
    draft = order("other", group="si_joint", side=side)

    assert select(assessed(NO_EDEMA, study=WITHOUT_T1, drafts=(draft,)), ORDER_SIGN, TODAY).notes is noted


def test_notes_of_an_old_study_stay_out_of_an_unrelated_order() -> None:
    assessment = assessed(NO_EDEMA, study=WITHOUT_T1, day="2024-01-01", drafts=(UNRELATED,))

    assert select(assessment, ORDER_SIGN, TODAY).notes is False


@pytest.mark.parametrize("hook", HookKind)
def test_where_a_cause_is_raised_notes_need_no_card_of_their_own(hook: HookKind) -> None:
    draft = order("other", group="si_joint", side="left")

    assert select(assessed(study=WITHOUT_T1, drafts=(draft,)), hook, TODAY).notes is False


@pytest.mark.parametrize("hook", HookKind)
def test_nothing_found_shows_nothing(hook: HookKind) -> None:
    draft = order("other", group="si_joint", side="left")

    assert select(assessed(NO_EDEMA, drafts=(draft,)), hook, TODAY) == Selection({}, (), (), (), notes=False)


def test_a_checked_order_brings_no_notes_that_are_not_worth_a_card() -> None:
    """An effusion alone, sequences not listed: advice, but nothing for a card of its own (rule G1)."""
    effusion: Place = ("knee_other", "left", {"effusion": State.PRESENT})
    draft = order("mri", group="knee_other", side="left", facts=STIR_ONLY)

    selection = select(assessed(effusion, study={}, drafts=(draft,)), ORDER_SIGN, TODAY)

    assert (sorted(selection.order_checks), selection.notes) == ([0], False)
