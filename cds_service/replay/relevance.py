"""What may lead to a card, and what provably cannot: so that most of an export need not be decided, or even parsed.

A card needs one of three things:

- a report that is, or may be, of MRI: it is opened, and something of it is shown;
- an order of which a check may fire although nothing was imaged;
- imaging (a study, a report or an observation that may state a finding) beside any order.

``marks`` asks for them line by line and errs on the side of yes, so a patient without a marked line has no evaluation.
Three facts carry the proof. An observation states nothing without a code of our tables in it (``readers.observations``:
a text without such a code counts only beside a study or a report, which are marked themselves). A report that says how
it was made, by code, title or category, is of that kind unless it names a study or holds one. And a check of an order
is settled by what the order itself says (``may_fire``), or by a case without a lesion (``fires_without_imaging``),
because learning more never turns a NO of the draft's or the patient's facts into a YES.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import IntEnum
from functools import cached_property, partial
from hashlib import blake2b
from typing import TypeVar

import orjson

from cds_service.engine.assess import Outcome, assess
from cds_service.fhir.access import Json, day, objects, references
from cds_service.fhir.readers.context import UNREADABLE, ReadingRules, StudyPlaces
from cds_service.fhir.readers.drafts import read_draft
from cds_service.fhir.readers.imaging_study import IGNORED_STATUS
from cds_service.fhir.readers.imaging_study import modality as modality_of_study
from cds_service.fhir.readers.observations import may_state_a_finding, may_state_anything
from cds_service.fhir.readers.reports import find_report, is_readable, modality
from cds_service.knowledge.codes.sites import Place
from cds_service.knowledge.settings import FRESH_DAYS
from cds_service.model.case import Case, Draft
from cds_service.model.condition import AllOf, Condition, Reading, Scope, View
from cds_service.model.finding import Finding
from cds_service.model.rule import CheckOrder, Rule, Step
from cds_service.model.truth import Truth
from cds_service.replay.export import Chunk, parsed

JUDGED = frozenset({b"DiagnosticReport", b"ImagingStudy", b"ServiceRequest"})
"""Types of which every line is parsed, to know whether it may lead to a card."""
ORDER_TYPES = ("ServiceRequest", "MedicationRequest")
TEXTS = ("conclusion", "text", "presentedForm")
MOST_REMEMBERED = 50_000
IMAGING_TYPES = ("DiagnosticReport", "ImagingStudy", "Observation")
DATES = ("started", "issued", "effectiveDateTime", "effectivePeriod", "effectiveInstant")
"""Elements of these types that may say when something was imaged."""
OF_THIS_ORDER = frozenset({"id", "meta", "identifier", "subject", "encounter", "authoredOn", "requester"})
"""Elements that say which order it is, whose, and of when; no check asks for them."""


class Needs(IntEnum):
    """What must have been imaged so that an order may get a card when it is signed."""

    NOTHING = 0
    ANY_IMAGING = 1
    FRESH_IMAGING = 2


Known = TypeVar("Known", bool, str, Needs)
Of = TypeVar("Of")

_ESCAPE = b"\\u"
_SAID = re.compile(rb'"co(?:de"\s*+:\s*+(?="([^"]++)")|ntained")')
"""Each code but an empty one, and nothing for each place where inner resources may stand. What is found ends before the
code: it hides neither a code that reads like such a place, nor, where it is not closed, what the next quote begins."""


@dataclass(frozen=True)
class Relevance:
    """Answers, for one rule set and one site, what may lead to a card."""

    how: ReadingRules
    _told: dict[bytes, bool] = field(default_factory=dict)
    _made_by: dict[bytes, str] = field(default_factory=dict)
    _needs: dict[bytes, Needs] = field(default_factory=dict)

    # Lines

    def suspects(self, chunk: Chunk) -> Sequence[int]:
        """Return the numbers of those lines of a chunk of one kind that ``marks`` has to be asked about; of the rest it
        would say no.
        """
        if chunk.kind in JUDGED or (chunk.kind == b"MedicationRequest" and self._medicines_alone):
            return range(len(chunk.lines))
        if chunk.kind != b"Observation":
            return ()
        # Nothing, as a sign, is on every line.
        signs = [code for code in set(_SAID.findall(chunk.content)) if self._is_told(code)]
        if _has_escapes(chunk.content):
            signs.append(_ESCAPE)
        if not signs:
            return ()
        return [number for number, line in enumerate(chunk.lines) if any(map(line.__contains__, signs))]

    def marks(self, kind: bytes, line: bytes) -> bool:
        """Whether a line may lead to a card for its patient.

        Raises:
            NotAResource: the line had to be parsed, and cannot be.
        """
        if kind == b"Observation":
            return _has_escapes(line) or any(map(self._is_told, _SAID.findall(line)))
        if kind == b"DiagnosticReport":
            return self.may_be_mr(parsed(line))
        if kind == b"ImagingStudy":
            return self.may_be_imaging(parsed(line))
        # No order of a medicine fires a check by itself unless a rule for that is written one day.
        if kind == b"ServiceRequest" or (kind == b"MedicationRequest" and self._medicines_alone):
            return self.needs(parsed(line)) is Needs.NOTHING
        return False

    def _is_told(self, code: bytes) -> bool:
        found = self._told.get(code)
        return _remembered(self._told, code, self._may_tell, code) if found is None else found

    def _may_tell(self, code: bytes) -> bool:
        # A code that is written with an escape is not looked up: it may be any; so may those of an inner resource.
        return not code or b"\\" in code or may_state_anything(code.decode("utf-8", "replace"), self.how.aliases)

    # Reports, studies, observations

    def may_be_mr(self, report: Json) -> bool:
        """Whether a report may be one of MRI, whatever else the record holds."""
        try:
            made_by = self._says_made_by(report)
            if made_by == "other":
                return False
            if made_by is None or references(report.get("result")):
                # What its observations narrate may decide whether its texts are read at all.
                return True
            if made_by == "MR":
                return is_readable(report)
            # Without its texts, too: one that tells of a radiograph may be refused beside another in German.
            bare = {name: value for name, value in report.items() if name not in TEXTS}
            return any(find_report(one, StudyPlaces(), made_by, ()) is not None for one in (bare, report))
        except UNREADABLE:
            return True

    def _says_made_by(self, report: Json) -> str | None:
        """Return the ``modality`` of a report in whatever record; None when a study that it names or holds decides."""
        if report.get("contained") or references(report.get("imagingStudy")) or references(report.get("study")):
            return None
        said = _digest((report.get("code"), report.get("category")))
        return _remembered(self._made_by, said, partial(modality, studies=StudyPlaces()), report)

    def may_be_imaging(self, resource: Json) -> bool:
        """Whether a resource may be, or state, what an MRI shows."""
        try:
            match resource.get("resourceType"):
                case "DiagnosticReport":
                    return self.may_be_mr(resource)
                case "ImagingStudy":
                    return resource.get("status") not in IGNORED_STATUS and modality_of_study(resource) == "MR"
                case "Observation":
                    return bool(resource.get("contained")) or may_state_a_finding(resource, self.how)
        except UNREADABLE:
            return True
        return False

    def reports_of_mr(self, resources: Mapping[str, Json]) -> set[str]:
        """Return the keys of the reports that are, or may be, of MRI, in the light of the record's studies."""
        made = {
            key: modality_of_study(one) for key, one in resources.items() if one.get("resourceType") == "ImagingStudy"
        }
        places = {key: Place() for key, how in made.items() if how == "MR"}
        studies = StudyPlaces(places, {}, frozenset(key for key, how in made.items() if how not in ("MR", "")))
        return {
            key
            for key, one in resources.items()
            if one.get("resourceType") == "DiagnosticReport" and self._is_mr(one, studies, resources)
        }

    def _is_mr(self, report: Json, studies: StudyPlaces, resources: Mapping[str, Json]) -> bool:
        inner = list(objects(report.get("contained")))
        members = [resources[key] for key in references(report.get("result")) if key in resources]
        try:
            with_study = any(
                one.get("resourceType") == "ImagingStudy" and modality_of_study(one) == "MR" for one in inner
            )
            made_by = "MR" if with_study else self._says_made_by(report) or modality(report, studies)
            if made_by == "MR":
                return is_readable(report)
            return find_report(report, studies, made_by, [*members, *inner]) is not None
        except UNREADABLE:
            return True

    # Orders

    def needs(self, order: Json) -> Needs:
        """Return what must have been imaged for a card with this order, whatever else is known of the patient."""
        # An export holds the same few orders again and again.
        said = _digest({name: value for name, value in order.items() if name not in OF_THIS_ORDER})
        return _remembered(self._needs, said, self._needs_of, order)

    def _needs_of(self, order: Json) -> Needs:
        try:
            draft = read_draft(order, self.how.aliases)
        except UNREADABLE:
            return Needs.ANY_IMAGING
        if self.fires_without_imaging(draft):
            return Needs.NOTHING
        return Needs.ANY_IMAGING if draft.group or draft.target or self.may_fire(draft) else Needs.FRESH_IMAGING

    def fires_without_imaging(self, draft: Draft) -> bool:
        """Whether a check of an order may fire although nothing was imaged."""
        return self.may_fire(draft) and any(
            result.outcome is not Outcome.NOT_MET
            for result in assess(Case(drafts=(draft,)), self.how.rules, self.how.settings).trace
            if result.rule in self._checks
        )

    def may_fire(self, draft: Draft) -> bool:
        """Whether any check of an order may fire for a draft, whatever the record holds beside it."""
        view = View((draft.findings,))
        # What an order says stands in itself alone: a part that is open now stays open, and such a check never fires.
        return any(all(part.truth(view, Reading.DOUBTFUL) is Truth.YES for part in parts) for parts in self._of_drafts)

    def fresh_since(self, today: date) -> str:
        """Return the first ISO 8601 day of which imaging is shown, on a day, with any order."""
        limit = self.how.settings.get(FRESH_DAYS.name, FRESH_DAYS.default)
        return (today - timedelta(days=limit if isinstance(limit, int) else 0)).isoformat()

    @cached_property
    def _checks(self) -> tuple[Rule, ...]:
        return tuple(
            rule
            for rule in self.how.rules.at_step(Step.ORDER)
            if isinstance(rule.effect, CheckOrder) and "order-sign" in rule.effect.hooks
        )

    @cached_property
    def _of_drafts(self) -> tuple[list[Condition], ...]:
        return tuple(_of_the_draft(rule.when) for rule in self._checks)

    @cached_property
    def _medicines_alone(self) -> bool:
        kinds = ({"order.kind": Finding("order.kind", (kind,))} for kind in ("medication", "other"))
        return any(self.fires_without_imaging(Draft("MedicationRequest", findings=kind)) for kind in kinds)


def _has_escapes(content: bytes) -> bool:
    """Whether codes may be written with escapes, and so not be seen."""
    return b"\\" in content and _ESCAPE in content  # the first is found, or not, in no time


def _digest(value: object) -> bytes:
    return blake2b(orjson.dumps(value), digest_size=16).digest()


def _remembered(known: dict[bytes, Known], said: bytes, work_out: Callable[[Of], Known], of: Of) -> Known:
    """Return what is worked out of something, or was before, of what says the same."""
    found = known.get(said)
    if found is None:
        if len(known) >= MOST_REMEMBERED:
            known.clear()
        found = known[said] = work_out(of)
    return found


def _of_the_draft(condition: Condition) -> list[Condition]:
    """Return the parts of a condition that must hold, and that ask of the draft order only."""
    parts = condition.parts if isinstance(condition, AllOf) else (condition,)
    return [part for part in parts if (facts := list(part.facts())) and all(f.scope is Scope.DRAFT for f in facts)]


def newest_day(imaging: Json) -> str | None:
    """Return the last ISO 8601 day on which something may have been imaged; None when that cannot be told."""
    if imaging.get("contained"):
        return None
    dates = [day(imaging[name]) for name in DATES if name in imaging]
    if "series" in imaging:
        dates += [day(one.get("started")) for one in objects(imaging["series"])]
    return max(dates, default="") or None
