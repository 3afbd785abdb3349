"""Observation: imaging findings in the shapes seen in the field.

Shapes (fhir-mapping section 3): a finding code alone (present), with a value, a generic code whose value is the
finding, a lesion with components, a separate size that belongs to a finding, and a narrative: the text of a report's
section. Codes of this project's own CodeSystem and a site's aliases are read like public ones. Displays are never
used for matching; the words of a value, a note or an uncoded title go through the rules for text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum, auto
from functools import cached_property
from typing import Any

from cds_service.fhir.access import (
    Json,
    codings,
    concept_text,
    first_day,
    key_of,
    objects,
    reference_key,
    references,
    text,
)
from cds_service.fhir.readers.context import ReadingRules, StudyPlaces, merged, place_in
from cds_service.fhir.readers.prose import ALSO_NAMED, in_words
from cds_service.fhir.readers.report_text import are_english
from cds_service.fhir.readers.reports import members
from cds_service.fhir.readers.words import modality_told
from cds_service.fhir.sequences import sequences_named
from cds_service.knowledge.codes.diagnoses import diagnosis_of
from cds_service.knowledge.codes.entry import Aliases, CodedMeaning
from cds_service.knowledge.codes.findings import (
    CHOICES,
    DESCRIPTOR_CODES,
    QUANTITIES,
    described,
    finding_of,
    is_generic,
)
from cds_service.knowledge.codes.orders import section_of, sequence_of
from cds_service.knowledge.codes.qualifiers import choice_of, interpreted, says_unknown, state_of
from cds_service.knowledge.codes.sites import ANYWHERE, Place, settle
from cds_service.knowledge.codes.tables import may_be_a_finding, may_be_observed
from cds_service.model.case import Problem, Statement
from cds_service.model.coding import CANONICAL_SYSTEMS
from cds_service.model.coding import key_of as key_of_code
from cds_service.model.finding import Provenance, State, Trust, Value
from cds_service.model.quantity import MM_PER_UNIT, Range, UnreadableQuantity, length_mm

IGNORED_STATUS = ("entered-in-error", "cancelled", "registered")
DAY_FIELDS = ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued")
PLAUSIBLE_MM = (Decimal("0.01"), Decimal(1000))
"""No edema is measured finer than the one or reaches as far as the other: such a number is a slip of the unit."""

NOTES = frozenset({"note", "comment", "comments"})
"""STU3 and DSTU2 have another name for a note."""

LINKS = frozenset({"hasMember", "derivedFrom", "partOf", "related"})

LONGEST_LINK = 20
"""So many observations, one derived from the next, are followed."""


@dataclass(frozen=True)
class Links:
    """What reports say of observations: to which study they belong. ``others`` are reports of no MRI."""

    study_by_member: Mapping[str, str] = field(default_factory=dict)
    others: Sequence[Json] = ()

    @cached_property
    def elsewhere(self) -> frozenset[str]:
        """The observations of another kind of imaging, or of none."""
        return frozenset(member for report in self.others for member in members(report))


@dataclass(frozen=True)
class ObservationSet:
    """The observations of a record and how they hang together.

    ``parents`` says which observation has another as its member or source, ``sources`` what each is derived from or
    part of.
    """

    by_key: Mapping[str, Json]
    links: Links
    parents: Mapping[str, str]
    sources: Mapping[str, list[str]]

    def line(self, key: str) -> list[str]:
        """Return an observation and those it belongs to, the nearest first; links in a circle end."""
        found = [key]
        while len(found) < LONGEST_LINK:
            parent = self.parents.get(found[-1], "")
            if parent not in self.by_key or parent in found:
                break
            found.append(parent)
        return found


def observation_set(observations: Mapping[str, Json], links: Links) -> ObservationSet:
    """Return the observations that count, of those given by key, with their links."""
    by_key = {key: one for key, one in observations.items() if one.get("status") not in IGNORED_STATUS}
    parents: dict[str, str] = {}
    linked = sorted(key for key, resource in by_key.items() if not resource.keys().isdisjoint(LINKS))
    for key in linked:
        resource = by_key[key]
        for member in [*references(resource.get("hasMember")), *_related(resource, "has-member")]:
            parents.setdefault(member, key)
    sources = {key: _sources(by_key[key]) for key in linked}
    for key, named in sources.items():
        for source in named:
            if source in by_key:
                parents.setdefault(key, source)
    return ObservationSet(by_key, links, parents, sources)


def may_say_something(
    resource: Json,
    how: ReadingRules,
    is_any: Callable[[list[tuple[str, str]], Aliases], bool] = may_be_observed,
) -> bool:
    """Whether an observation may be read here at all, as a finding or as a marker of inflammation.

    Most of a record are answers to what nobody asks here, with nothing said beside them: laboratory values and vital
    signs. They are told apart before anything is worked out. With ``is_any`` for the codes of findings alone: whether
    ``read_observation`` may have anything to say.
    """
    if is_any(codings(resource.get("code")), how.aliases) or not NOTES.isdisjoint(resource):
        return True
    for part in objects(resource["component"]) if "component" in resource else ():
        if is_any(codings(part.get("code")), how.aliases) or not NOTES.isdisjoint(part):
            return True
    return "valueQuantity" not in resource and not _is_answered(resource)


def read_observation(
    resource: Json, found: ObservationSet, studies: StudyPlaces, how: ReadingRules, problems: list[Problem]
) -> Iterator[Statement]:
    """Yield what one imaging observation states; what cannot be used is added to ``problems``.

    Words are read in English only, as those of reports are; codes count in any language.
    An observation of another kind of imaging, by its study or its report, states nothing here.
    """
    parts = [_part(resource, how), *(_part(one, how, is_whole=False) for one in objects(resource.get("component")))]
    if not any(part.meanings or part.texts for part in parts):
        return
    key = key_of(resource)
    line = found.line(key)
    if any(_is_elsewhere(one, found, studies) for one in line):
        return
    is_mr = any(part.is_finding for part in parts) or any(_is_linked(one, found, studies) for one in line)
    # A note beside anything else may mention an MRI; a narrative that does is one.
    if not is_mr and all(trust is Trust.NOTE for part in parts for _, trust in part.texts):
        return
    day = first_day(resource, *DAY_FIELDS)
    study = _study(line, found, studies, day)
    day = day or studies.days.get(study, "")
    place = ANYWHERE
    for one in line:
        place = settle(place, _own_place(found.by_key[one], how))
    shown = studies.places.get(study, ANYWHERE)
    for part in _in_english(parts, resource, problems, is_mr=is_mr):
        worded: set[str] = set()
        for words, trust in part.texts:
            if is_mr or (trust > Trust.NOTE and modality_told(words) == "MR"):
                said = list(in_words(words, Provenance(key, day, trust), settle(place, shown), study, how))
                worded |= {statement.fact for statement in said if trust > Trust.NOTE}
                yield from said
        for meaning in part.meanings:
            try:
                told = _told(meaning, part.resource, how)
            except UnreadableQuantity:
                if meaning.fact not in worded:
                    problems.append(Problem("rejected-value", meaning.fact, key))
                continue
            if told is None or (told[0] is State.INDETERMINATE and part.is_in_words and meaning.fact in worded):
                continue
            value, trust = told
            # The code's own place ("hip joint effusion") stands before the study's.
            where = settle(settle(place, meaning.place), shown)
            for fact in (meaning.fact, *ALSO_NAMED.get(meaning.fact, ())):
                yield Statement(fact, value, Provenance(key, day, trust), where.site, where.side, study)


def _in_english(parts: list[_Part], resource: Json, problems: list[Problem], *, is_mr: bool) -> list[_Part]:
    """Return the parts, without their words if those are not English; that is named if they are or may be of MRI."""
    texts = [one for part in parts for one in part.texts]
    if are_english([words for words, _ in texts], text(resource.get("language"))):
        return parts
    # The section of a report that cannot be read does not tell how the images were made.
    if is_mr or any(trust > Trust.NOTE for _, trust in texts):
        problems.append(Problem("other-language", "Observation", key_of(resource)))
    return [replace(part, texts=[]) for part in parts]


def may_state_a_finding(resource: Json, how: ReadingRules) -> bool:
    """Whether an observation may state a finding whatever stands beside it, and is not only a note to one."""
    if not may_say_something(resource, how, may_be_a_finding):
        return False
    parts = [_part(resource, how), *(_part(one, how, is_whole=False) for one in objects(resource.get("component")))]
    return any(part.meanings or any(trust > Trust.NOTE for _, trust in part.texts) for part in parts)


def may_state_anything(code: str, aliases: Aliases) -> bool:
    """Whether a code, of whatever system, is one without which no observation passes ``may_state_a_finding``."""
    systems = CANONICAL_SYSTEMS | {system for system, _ in aliases}
    return may_be_a_finding([(system, code) for system in systems], aliases)


# Where an observation belongs


def _is_elsewhere(key: str, found: ObservationSet, studies: StudyPlaces) -> bool:
    if key in found.links.study_by_member:
        return False
    if key in found.links.elsewhere:
        return True
    links = found.sources.get(key, ())
    return not studies.others.isdisjoint(links) and studies.places.keys().isdisjoint(links)


def _is_linked(key: str, found: ObservationSet, studies: StudyPlaces) -> bool:
    """Whether an observation is known to be of MRI, by a study or a report."""
    return key in found.links.study_by_member or any(link in studies.days for link in found.sources.get(key, ()))


def _sources(resource: Json) -> list[str]:
    named = [*references(resource.get("derivedFrom")), *references(resource.get("partOf"))]
    return [*named, *_related(resource, "derived-from")]


def _related(resource: Json, kind: str) -> list[str]:
    """Return the observations that DSTU2 and STU3 link under ``related``."""
    if "related" not in resource:
        return []
    links = [one for one in objects(resource.get("related")) if text(one.get("type")) == kind]
    return [key for one in links for key in references(one.get("target"))]


def _study(line: list[str], found: ObservationSet, studies: StudyPlaces, day: str) -> str:
    """Return the study an observation belongs to: by its own links, its report, its parents, or its day."""
    for key in line:
        named = [link for link in found.sources.get(key, ()) if link.startswith("ImagingStudy/")]
        sent = [link for link in named if link in studies.days]
        reported = found.links.study_by_member.get(key, "")
        if sent or reported or named:
            return (*sent, *([reported] if reported else []), *named)[0]
    return studies.study_of(day) or f"observed {day}"


def _own_place(resource: Json, how: ReadingRules) -> Place:
    """Return where an observation says it is, by its body site or by a component whose value is a place or side."""
    place = place_in(resource, how.aliases, "bodySite", "bodyStructure")
    if "bodyStructure" in resource:
        structures = {"structures": [*_structures(resource)]}
        place = settle(place, place_in(structures, how.aliases, "structures"))
    told = [
        concept
        for component in objects(resource.get("component"))
        for concept in objects(component.get("valueCodeableConcept"))
        if not _meanings(component, codings(component.get("code")), how)
    ]
    return settle(place, place_in({"told": told}, how.aliases, "told")) if told else place


def _structures(resource: Json) -> Iterator[Json]:
    """Yield the sites of the contained BodyStructure that R5 puts in place of a body site."""
    key = reference_key(resource.get("bodyStructure"))
    for inner in objects(resource.get("contained")):
        if key and key == f"#{text(inner.get('id'))}":
            yield from ({**one, "coding": _codings_of(one)} for one in objects(inner.get("includedStructure")))


def _codings_of(included: Json) -> list[Json]:
    structure = included.get("structure")
    return [*objects(structure.get("coding"))] if isinstance(structure, Mapping) else []


# What an observation says


@dataclass(frozen=True)
class _Part:
    """An observation, or one component of it.

    Attributes:
        resource: its JSON.
        meanings: what its code, or the value of its generic code, means.
        texts: its words that go through the rules for text, with how far each is trusted.
        is_finding: whether its code is that of a finding, or announces one.
        is_in_words: whether its value has no code that can be read, only words.
    """

    resource: Json
    meanings: list[CodedMeaning]
    texts: list[tuple[str, Trust]]
    is_finding: bool
    is_in_words: bool


def _part(resource: Json, how: ReadingRules, *, is_whole: bool = True) -> _Part:
    coded = codings(resource.get("code"))
    meanings = _meanings(resource, coded, how)
    is_finding = bool(meanings) or any(is_generic(system, code) for system, code in coded)
    words = _words_of_value(resource, how)
    sections = [section for system, code in coded if (section := section_of(system, code)) is not None]
    texts: list[tuple[str, Trust]] = []
    if words and sections:
        texts.append((words, Trust.IMPRESSION_TEXT if sections[0] == "impression" else Trust.FINDINGS_TEXT))
    elif words and is_finding:
        texts.append((words, Trust.FINDINGS_TEXT))
    notes = [text(note.get("text")) for note in objects(resource.get("note"))]
    notes += [text(resource.get("comment")), text(resource.get("comments"))]
    code = resource.get("code")
    # The code of a component is always a question.
    if is_whole and isinstance(code, Mapping) and not (is_finding or sections or _is_answered(resource)):
        notes.append(text(code.get("text")))
    texts += [(note, Trust.NOTE) for note in notes if note]
    return _Part(resource, meanings, texts, is_finding, bool(words))


def _is_answered(resource: Json) -> bool:
    """Whether an observation holds an answer, so that the words of its code are only the question."""
    answers = ("interpretation", "dataAbsentReason", "component", "hasMember")
    return any(name.startswith(("value", "_value")) for name in resource) or any(
        resource.get(name) is not None for name in answers
    )


def _words_of_value(resource: Json, how: ReadingRules) -> str:
    """Return a value that is text; empty when a code of the value can be read, or a reason says why there is none."""
    if resource.get("dataAbsentReason") is not None:
        return ""
    concept = resource.get("valueCodeableConcept")
    if not isinstance(concept, Mapping):
        return text(resource.get("valueString"))
    words = text(concept.get("text"))
    if not words:
        return ""
    for system, code in codings(concept):
        if (
            state_of(system, code, how.aliases)
            or says_unknown(system, code, how.aliases)
            or _meaning(system, code, how)
        ):
            return ""
    return words


@dataclass(frozen=True)
class _Asserted(CodedMeaning):
    """A finding named by the value of a generic code ("MRI finding: synovitis"): the value is the assertion."""


def _meanings(resource: Json, coded: list[tuple[str, str]], how: ReadingRules) -> list[CodedMeaning]:
    """Return each finding or diagnosis that the code, or the value of a generic code, names."""
    named = merged(meaning for system, code in coded if (meaning := _meaning(system, code, how)) is not None)
    named = named or merged(_described(resource, coded, how))
    if named or not any(is_generic(system, code) for system, code in coded):
        return named
    values = [_meaning(system, code, how) for system, code in codings(resource.get("valueCodeableConcept"))]
    return [
        _Asserted(meaning.fact, meaning.value, meaning.state, meaning.place)
        for meaning in merged(meaning for meaning in values if meaning is not None)
    ]


def _meaning(system: str, code: str, how: ReadingRules) -> CodedMeaning | None:
    return finding_of(system, code, how.aliases) or diagnosis_of(system, code, how.aliases)


def _described(resource: Json, coded: list[tuple[str, str]], how: ReadingRules) -> Iterator[CodedMeaning]:
    """Yield what a describing word ("hyperintense") comes to: a finding only in bone or marrow, on a named sequence."""
    describing = [pair for pair in coded if key_of_code(*pair) in DESCRIPTOR_CODES]
    tissue = place_in(resource, how.aliases, "bodySite").tissue if describing else None
    if tissue is None:
        return
    method = resource.get("method")
    stated = [*coded, *codings(method)]
    for component in objects(resource.get("component")):
        stated += codings(component.get("valueCodeableConcept"))
    sequences = {sequence_of(*pair) for pair in stated} - {None, "fat_suppressed"}
    sequences |= sequences_named(f"{concept_text(method)}. {concept_text(resource.get('code'))}")
    for system, code in describing:
        meaning = described(system, code, tissue, [name for name in sequences if name])
        if meaning is not None:
            yield meaning


def _told(meaning: CodedMeaning, resource: Json, how: ReadingRules) -> tuple[Value, Trust] | None:
    """Return what is said of a meaning's fact, and how firmly; None when nothing is known of it.

    Raises:
        UnreadableQuantity: a length that is none.
    """
    if resource.get("dataAbsentReason") is not None:
        return None
    if isinstance(meaning, _Asserted):
        return meaning.value or meaning.state, Trust.CODED_WITHOUT_VALUE
    if meaning.fact in QUANTITIES:
        value: Value | None = _length(resource)
    elif meaning.fact in CHOICES:
        value = _choice(meaning, resource, how)
    else:
        value = _state(meaning, resource, how)
    if value is None:
        return None
    return value, Trust.CODED if _has_value(resource) else Trust.CODED_WITHOUT_VALUE


class _No(Enum):
    """Why an observation states neither present, absent nor indeterminate."""

    VALUE = auto()
    KNOWLEDGE = auto()
    READABLE_VALUE = auto()


def _answer(resource: Json, how: ReadingRules) -> State | _No:
    """Return what an observation answers to its own question."""
    if isinstance(resource.get("valueBoolean"), bool):
        return State.PRESENT if resource["valueBoolean"] else State.ABSENT
    for system, code in codings(resource.get("valueCodeableConcept")):
        state = state_of(system, code, how.aliases)
        if state is not None:
            return state
        if says_unknown(system, code, how.aliases):
            return _No.KNOWLEDGE
    if _has_value(resource):
        return _No.READABLE_VALUE
    if any(name.startswith("_value") for name in resource):
        # The value is left out and an extension says why.
        return _No.KNOWLEDGE
    states = {state for system, code in codings(resource.get("interpretation")) if (state := interpreted(system, code))}
    if not states:
        return _No.VALUE
    return states.pop() if len(states) == 1 else State.INDETERMINATE


def _state(meaning: CodedMeaning, resource: Json, how: ReadingRules) -> State | None:
    """Return the state of a yes/no fact; None when the observation says that nothing is known."""
    answer = _answer(resource, how)
    if answer is _No.KNOWLEDGE:
        return None
    if answer is _No.VALUE:
        return meaning.state
    if not isinstance(answer, State):
        # Some value is there, but not one we can read: it is neither taken as present nor as absent.
        return State.INDETERMINATE
    if meaning.state is State.PRESENT:
        return answer
    # A code that may mean something else is never affirmed; one that denies ("no edema") is affirmed by "present".
    settled = State.ABSENT if meaning.state is State.INDETERMINATE else State.PRESENT
    return State.ABSENT if answer is settled else State.INDETERMINATE


def _choice(meaning: CodedMeaning, resource: Json, how: ReadingRules) -> Value | None:
    """Return the choice that a value states, or that the code itself does when its value does not deny it."""
    answer = _answer(resource, how)
    if meaning.value:
        affirmed = answer in (State.PRESENT, _No.VALUE)
        return meaning.value if affirmed else None if answer in (State.ABSENT, _No.KNOWLEDGE) else State.INDETERMINATE
    coded = codings(resource.get("valueCodeableConcept"))
    chosen = [value for s, c in coded if (value := choice_of(meaning.fact, s, c, how.aliases)) is not None]
    return chosen[0] if chosen else State.INDETERMINATE if answer is State.INDETERMINATE else None


def _has_value(resource: Json) -> bool:
    return any(name.startswith("value") for name in resource)


def _length(resource: Json) -> Range | None:
    """Return a length in mm; None when the observation has no value.

    Raises:
        UnreadableQuantity: a value that is no plausible length.
    """
    quantity, span = resource.get("valueQuantity"), resource.get("valueRange")
    if isinstance(quantity, Mapping):
        found = length_mm(quantity.get("value"), _unit(quantity), quantity.get("comparator"))
    elif isinstance(span, Mapping):
        low, high = (_end(span.get("low")), _end(span.get("high")))
        found = Range(low, high)
    elif _has_value(resource):
        raise UnreadableQuantity("a length is a quantity or a range")
    else:
        return None
    least, most = PLAUSIBLE_MM
    if any(bound is not None and not least <= bound <= most for bound in (found.low, found.high)):
        raise UnreadableQuantity("no edema has such an extent")
    return found


def _end(quantity: Any) -> Decimal | None:
    if not isinstance(quantity, Mapping):
        return None
    return length_mm(quantity.get("value"), _unit(quantity)).low


def _unit(quantity: Json) -> str:
    """Return the unit of a quantity: its code, or its words when only these are a length; empty when they disagree."""
    stated = {unit for unit in (text(quantity.get("code")).strip(), text(quantity.get("unit")).strip()) if unit}
    lengths = stated & MM_PER_UNIT.keys()
    return lengths.pop() if len(lengths) == 1 else ""
