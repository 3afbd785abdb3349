"""Which conclusions are shown on which hook (decision table 3.10.5), and what is held back.

A result that was just opened always gets its assessment. While orders are written, and when a chart is opened, a
conclusion is shown only if it concerns what is being done, or is fresh and nobody has acted on it. On every hook a card
that somebody answered may be silent for a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from cds_service.cards.silence import (
    Silence,
    Silences,
    Subject,
    nothing_silent,
    of_cause,
    of_notes,
    of_order,
    of_unread,
)
from cds_service.engine.assess import Assessment, Diagnosis, RuleResult, actions_of, is_notable
from cds_service.engine.lesions import concerns
from cds_service.fhir.readers import ReportReading
from cds_service.knowledge.settings import FRESH_DAYS, PATIENT_VIEW_DAYS
from cds_service.knowledge.sites import SITES
from cds_service.model.condition import Setting, SettingValue
from cds_service.model.level import Tier
from cds_service.model.rule import CheckOrder

CAUSE_CARDS = 3
"""At most so many cards about causes; the rest are named on the last one."""


class HookKind(StrEnum):
    """The situations the service answers, whatever name a site gives its hook."""

    RESULT_REVIEW = "result-review"
    ORDER_SELECT = "order-select"
    ORDER_SIGN = "order-sign"
    PATIENT_VIEW = "patient-view"

    @property
    def has_drafts(self) -> bool:
        """Whether orders are being written."""
        return self in (HookKind.ORDER_SELECT, HookKind.ORDER_SIGN)


class Shown(StrEnum):
    """Why a conclusion is shown, or held back."""

    RESULT_OPENED = "the result was opened"
    CONCERNS_DRAFT = "a draft order concerns it"
    FRESH = "the study is fresh and nobody has acted"
    ALREADY_PLACED = "the referral is already placed"
    NOT_RELEVANT = "held back: no draft order concerns it and the study is not fresh"
    ACTED = "held back: somebody has acted on it"
    TOO_MANY = "named, not shown: more urgent causes fill the cards"
    SILENT = "held back: it was answered and would say the same"


@dataclass(frozen=True)
class Chosen:
    """One conclusion with the reason it is shown or held back.

    ``placed`` are the referrals it calls for that are already placed: target -> day, "" for a draft of this call.
    """

    diagnosis: Diagnosis
    why: Shown
    placed: Mapping[str, str] = field(default_factory=dict)

    @property
    def tier(self) -> Tier:
        """How urgent its card is: with the referral placed, nobody has to be hurried."""
        return Tier.ROUTINE if self.why is Shown.ALREADY_PLACED else self.diagnosis.tier


@dataclass(frozen=True)
class Selection:
    """What becomes cards: order checks by draft, causes, notes when no cause is raised, reports that were not read.

    ``subjects`` are those of all cards that there would be if none were silent, by key.
    """

    order_checks: Mapping[int, tuple[RuleResult, ...]]
    shown: tuple[Chosen, ...]
    named: tuple[Chosen, ...]
    held_back: tuple[Chosen, ...]
    notes: bool
    unread: tuple[ReportReading, ...] = ()
    silences: tuple[Silence, ...] = ()
    subjects: Mapping[str, Subject] = field(default_factory=dict)

    @property
    def bases(self) -> dict[str, str]:
        """What each of these cards rests on, by key."""
        return {key: subject.basis for key, subject in self.subjects.items()}


def select(
    assessment: Assessment,
    hook: HookKind,
    today: date,
    settings: Mapping[str, SettingValue] | None = None,
    *,
    unread: tuple[ReportReading, ...] = (),
    silent_of: Silences = nothing_silent,
) -> Selection:
    """Return what this hook shows of the assessment, most urgent first.

    ``unread`` are the reports that could not be read; ``silent_of`` is asked once, for all that would be shown.
    """
    chosen = [_choose(diagnosis, assessment, hook, today, settings or {}) for diagnosis in assessment.diagnoses]
    visible = [one for one in chosen if one.why not in (Shown.NOT_RELEVANT, Shown.ACTED)]
    checks = _order_checks(assessment, hook)
    noted = (
        not assessment.diagnoses
        and any(is_notable(result) for result in assessment.notes)
        and _notes_visible(assessment, hook, today, settings)
    )
    # A result that was just opened and could not be read must not look like one that shows nothing.
    unread = unread if hook is HookKind.RESULT_REVIEW else ()
    by_draft = {place: of_order(assessment.case.drafts[place], results) for place, results in checks.items()}
    by_cause = {one.diagnosis.cause: of_cause(one.diagnosis, assessment, one.tier) for one in visible}
    others = ([of_notes(assessment)] if noted else []) + ([of_unread(unread)] if unread else [])
    subjects = {one.key: one for one in (*by_draft.values(), *by_cause.values(), *others)}
    silences = silent_of(tuple(subjects.values())) if subjects else {}
    silent = [one for one in visible if by_cause[one.diagnosis.cause].key in silences]
    spoken = [one for one in visible if one not in silent]
    return Selection(
        order_checks={place: results for place, results in checks.items() if by_draft[place].key not in silences},
        shown=tuple(spoken[:CAUSE_CARDS]),
        named=tuple(Chosen(one.diagnosis, Shown.TOO_MANY) for one in spoken[CAUSE_CARDS:]),
        held_back=(
            *(one for one in chosen if one not in visible),
            *(Chosen(one.diagnosis, Shown.SILENT, one.placed) for one in silent),
        ),
        notes=noted and of_notes(assessment).key not in silences,
        unread=() if unread and of_unread(unread).key in silences else unread,
        silences=tuple(silences.values()),
        subjects=subjects,
    )


def _order_checks(assessment: Assessment, hook: HookKind) -> dict[int, tuple[RuleResult, ...]]:
    """Return what is to be said on this hook about the selected drafts, by draft."""
    checks: dict[int, tuple[RuleResult, ...]] = {}
    for result in _visible_checks(assessment):
        if isinstance(result.rule.effect, CheckOrder) and hook in result.rule.effect.hooks:
            checks[result.place] = (*checks.get(result.place, ()), result)
    return checks


def _choose(
    diagnosis: Diagnosis,
    assessment: Assessment,
    hook: HookKind,
    today: date,
    settings: Mapping[str, SettingValue],
) -> Chosen:
    placed = _placed(diagnosis, assessment)
    acted = bool(placed) and targets_of(diagnosis) <= placed.keys()
    if hook is HookKind.RESULT_REVIEW:
        why = Shown.RESULT_OPENED
    elif hook.has_drafts and _concerns_draft(diagnosis, assessment):
        why = Shown.CONCERNS_DRAFT
    elif acted:
        return Chosen(diagnosis, Shown.ACTED, placed)
    elif _is_fresh(_dates(diagnosis, assessment), hook, today, settings):
        why = Shown.FRESH
    else:
        why = Shown.NOT_RELEVANT
    return Chosen(diagnosis, Shown.ALREADY_PLACED if acted else why, placed)


def targets_of(diagnosis: Diagnosis) -> frozenset[str]:
    """Return the referral targets this conclusion calls for."""
    return frozenset(action.target for action in actions_of(diagnosis.results) if action.target)


def _concerns_draft(diagnosis: Diagnosis, assessment: Assessment) -> bool:
    """Whether a selected draft is about the same place, a referral this case calls for, or checked for this cause."""
    lesions = [assessment.case.lesions[entry.lesion] for entry in diagnosis.entries]
    targets = targets_of(diagnosis)
    if any(result.rule.about == diagnosis.cause for result in _visible_checks(assessment)):
        return True
    return any(
        draft.selected
        and (draft.target in targets or any(concerns(draft, lesion, SITES) for lesion in lesions if lesion.group))
        for draft in assessment.case.drafts
    )


def _visible_checks(assessment: Assessment) -> list[RuleResult]:
    return [result for result in assessment.order_checks if assessment.case.drafts[result.place].selected]


def _placed(diagnosis: Diagnosis, assessment: Assessment) -> dict[str, str]:
    """Return the referrals that are already placed: target -> day, "" for a draft of this call.

    An order counts only when it is known to be no older than the report, so an undated order or report hides nothing.
    """
    targets = targets_of(diagnosis)
    studies = [assessment.case.lesions[entry.lesion].study for entry in diagnosis.entries]
    reported = max((study.issued or study.date for study in studies), default="")
    placed = {
        order.target: order.date
        for order in sorted(assessment.case.placed, key=lambda order: order.date)
        if order.target in targets and reported and order.date >= reported
    }
    return placed | {draft.target: "" for draft in assessment.case.drafts if draft.target in targets}


def _dates(diagnosis: Diagnosis, assessment: Assessment) -> list[str]:
    return [assessment.case.lesions[entry.lesion].study.date for entry in diagnosis.entries]


def _is_fresh(days: list[str], hook: HookKind, today: date, settings: Mapping[str, SettingValue]) -> bool:
    """Whether the newest study is recent enough. A study without a date counts as fresh: its age is not known."""
    setting: Setting = PATIENT_VIEW_DAYS if hook is HookKind.PATIENT_VIEW else FRESH_DAYS
    limit = settings.get(setting.name, setting.default)
    if not days or not all(days):
        return True
    age = (today - date.fromisoformat(max(days))).days
    return isinstance(limit, int) and age <= limit


def _notes_visible(
    assessment: Assessment, hook: HookKind, today: date, settings: Mapping[str, SettingValue] | None
) -> bool:
    """Whether notes without a cause (a missing sequence, sclerosis) are worth a card here."""
    if hook is HookKind.RESULT_REVIEW:
        return True
    lesions = [assessment.case.lesions[result.place] for result in assessment.notes]
    groups = {lesion.group for lesion in lesions}
    if hook.has_drafts and any(draft.selected and draft.group in groups for draft in assessment.case.drafts):
        return True
    # A note for information only does not interrupt an unrelated order, however fresh the study is.
    if hook.has_drafts and assessment.tier is Tier.ROUTINE:
        return False
    return _is_fresh([lesion.study.date for lesion in lesions], hook, today, settings or {})
