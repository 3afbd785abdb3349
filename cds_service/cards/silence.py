"""Quiet by design: a card that somebody answered is not shown again for a while, as long as it would say the same.

A card that was accepted or overridden stays silent for the same patient until its time is over, a finding it rests on
or its report changes, or it becomes more urgent. What is silent is named in the trace (``cds-service explain``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from cds_service.engine.assess import Assessment, Diagnosis, RuleResult
from cds_service.fhir.readers import ReportReading
from cds_service.knowledge.settings import SILENCE_DAYS, SILENCE_URGENT_HOURS
from cds_service.model.case import Draft, Lesion
from cds_service.model.condition import Setting, SettingValue
from cds_service.model.fingerprint import fingerprint
from cds_service.model.level import Tier
from cds_service.store.records import Response


@dataclass(frozen=True)
class Subject:
    """What a card is about, before it is written.

    Attributes:
        key: the cause and its places, or the draft order: the same whatever the record says of it.
        tier: how urgent the card is.
        rests_on: the rules that speak, the findings here and their sources, and the version of the report.
        rules: the ids of the rules that speak.
    """

    key: str
    tier: Tier
    rests_on: tuple[object, ...]
    rules: tuple[str, ...] = ()

    @cached_property
    def basis(self) -> str:
        """A short name for what the card rests on; another one as soon as anything of it changes."""
        return fingerprint(self.rests_on)


@dataclass(frozen=True)
class Silence:
    """Why a card is not shown: what was answered to the same card before, and until when that counts.

    ``reason`` is the code of the override reason, empty when none was given.
    """

    subject: Subject
    outcome: str
    reason: str
    until: datetime


Silences = Callable[[Sequence[Subject]], Mapping[str, Silence]]
"""Tells which of the subjects are silent, by key."""


def nothing_silent(_subjects: Sequence[Subject]) -> Mapping[str, Silence]:
    """Return no silence: nothing is remembered."""
    return {}


def silence_of(
    subject: Subject, responses: Iterable[Response], now: datetime, settings: Mapping[str, SettingValue]
) -> Silence | None:
    """Return the silence that a card still keeps because of what was answered to it when it rested on the same.

    A response to a card that was less urgent does not count.
    """
    counted = [one for one in responses if Tier[one.tier.upper()] >= subject.tier]
    newest = max(counted, key=lambda one: one.at, default=None)
    if newest is None:
        return None
    until = newest.at + longest(subject.tier, settings)
    return Silence(subject, newest.outcome, newest.reason_code, until) if now < until else None


def longest(tier: Tier, settings: Mapping[str, SettingValue]) -> timedelta:
    """Return how long a card of this urgency may be silent."""
    days = timedelta(days=_number(SILENCE_DAYS, settings))
    return min(days, timedelta(hours=_number(SILENCE_URGENT_HOURS, settings))) if tier >= Tier.URGENT else days


def of_cause(diagnosis: Diagnosis, assessment: Assessment, tier: Tier) -> Subject:
    """Return the subject of the card about a cause."""
    said = (diagnosis.level, diagnosis.act_now, _ruled(diagnosis.results))
    rests_on = (said, _lesions(diagnosis, assessment))
    return Subject(key_of_cause(diagnosis, assessment), tier, rests_on, rule_ids(diagnosis.results))


def key_of_cause(diagnosis: Diagnosis, assessment: Assessment) -> str:
    """Return the key of the subject of the card about a cause."""
    return f"{diagnosis.cause}|{_places(_lesions(diagnosis, assessment))}"


def _lesions(diagnosis: Diagnosis, assessment: Assessment) -> list[Lesion]:
    return [assessment.case.lesions[entry.lesion] for entry in diagnosis.entries]


def of_notes(assessment: Assessment) -> Subject:
    """Return the subject of the card for advice that belongs to no raised cause."""
    lesions = [assessment.case.lesions[place] for place in dict.fromkeys(note.place for note in assessment.notes)]
    rests_on = (_ruled(assessment.notes), lesions)
    return Subject(f"notes|{_places(lesions)}", assessment.tier, rests_on, rule_ids(assessment.notes))


def of_order(draft: Draft, results: Iterable[RuleResult]) -> Subject:
    """Return the subject of the card about a draft order."""
    results = tuple(results)
    return Subject(f"order|{draft.reference}", Tier.ROUTINE, (_ruled(results), draft), rule_ids(results))


def of_unread(reports: Sequence[ReportReading]) -> Subject:
    """Return the subject of the card about reports that could not be read."""
    return Subject("unread-report", Tier.ROUTINE, tuple(reports))


def rule_ids(results: Iterable[RuleResult]) -> tuple[str, ...]:
    """Return the ids of these rules, each once, in their order."""
    return tuple(dict.fromkeys(result.rule.id for result in results))


def _ruled(results: Iterable[RuleResult]) -> list[object]:
    """Return which rules speak and what of the patient they rest on; what they rest on here is in the lesions."""
    return [(one.rule.id, one.outcome, tuple(one.findings())) for one in results]


def _places(lesions: Iterable[Lesion]) -> str:
    return "|".join(sorted(f"{lesion.group}/{lesion.side}" for lesion in lesions))


def _number(setting: Setting, settings: Mapping[str, SettingValue]) -> int:
    given = settings.get(setting.name, setting.default)
    return given if isinstance(given, int) else 0
