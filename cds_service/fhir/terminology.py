"""The code tables as FHIR R4 resources: our own CodeSystem, and a ValueSet for each thing that a code can say.

A site's terminology team can load them, and compare them with what its own systems send. They are written from the
tables that are read, so they cannot say anything else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, starmap
from typing import Any, TypeVar

import orjson
from fhir.resources.R4B import get_fhir_model_class

from cds_service.knowledge.codes.body_sites import BODY_SITES
from cds_service.knowledge.codes.context import AS_CONTEXT, CONTEXT, CONTEXT_PREFIXES, PAIN, PAIN_PREFIXES
from cds_service.knowledge.codes.diagnoses import DIAGNOSIS_PREFIXES, NAMED_DIAGNOSES
from cds_service.knowledge.codes.entry import CodedMeaning, Encounter, PrefixRule
from cds_service.knowledge.codes.findings import DESCRIPTORS, FINDING_PREFIXES, FINDINGS
from cds_service.knowledge.codes.laboratory import ANALYTES
from cds_service.knowledge.codes.local import CONCEPTS, LOCAL_DIAGNOSES, LOCAL_FINDINGS, LocalConcept, local_values
from cds_service.knowledge.codes.medications import ATC_GROUPS, MEDICINES
from cds_service.knowledge.codes.notices import NOTICES
from cds_service.knowledge.codes.orders import IMAGING, PROCEDURES
from cds_service.knowledge.codes.qualifiers import CHANGES, T1_SIGNALS
from cds_service.knowledge.codes.referrals import REFERRAL_TARGETS
from cds_service.knowledge.codes.sites import Place
from cds_service.knowledge.facts import FACTS
from cds_service.model.coding import ATC, CANONICAL, LOCAL, Code
from cds_service.model.finding import State

VERSION = "1.0.0"

Resource = dict[str, Any]
M = TypeVar("M")


def resources() -> list[Resource]:
    """Return the CodeSystem and every ValueSet, valid FHIR R4, in the order of their file names.

    Raises:
        ValueError: one is not valid, so that nothing is written.
    """
    found = sorted([code_system(), *starmap(_value_set, _sets().items())], key=file_name)
    for resource in found:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    return found


def file_name(resource: Resource) -> str:
    """Return the name of the file that holds a resource, such as ``ValueSet-erosion.json``."""
    return f"{resource['resourceType']}-{resource['id']}.json"


def written_form(resource: Resource) -> bytes:
    """Return a resource as it is written to its file."""
    return orjson.dumps(resource, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def code_system() -> Resource:
    """Return our own code system as a FHIR R4 CodeSystem."""
    return {
        "resourceType": "CodeSystem",
        "id": "bme-finding",
        "url": LOCAL,
        "version": VERSION,
        "name": "BoneMarrowEdemaFinding",
        "title": "Bone marrow edema: findings and values without a public code",
        "status": "draft",
        "experimental": False,
        "description": (
            "Concepts that the bone marrow edema decision support service reads and sends where no code of SNOMED CT, "
            "LOINC or RadLex was found. The address is under a reserved example domain that nobody holds. A site that "
            "has codes of its own for these things names them by setting. The meanings have not been reviewed by a "
            "clinician."
        ),
        "caseSensitive": True,
        "content": "complete",
        "count": len(CONCEPTS),
        "property": [
            {"code": "kind", "description": "What the concept is for", "type": "code"},
            {"code": "fact", "description": "Name of the fact it stands for in the service", "type": "string"},
            {"code": "value", "description": "The choice of that fact", "type": "string"},
        ],
        "concept": [_concept_of_ours(concept) for concept in CONCEPTS],
    }


def _concept_of_ours(concept: LocalConcept) -> Resource:
    properties: list[dict[str, str]] = [{"code": "kind", "valueCode": concept.kind.value}]
    if concept.fact:
        properties.append({"code": "fact", "valueString": concept.fact})
    if concept.value:
        properties.append({"code": "value", "valueString": concept.value})
    return {
        "code": concept.code,
        "display": concept.display,
        "definition": concept.definition,
        "property": properties,
    }


# --- What codes say -------------------------------------------------------------------------------------------------

FACT = "fact"
REGION = "region"  # a region wider than a site, or a tissue without a place


@dataclass(frozen=True)
class _Said:
    """One thing that codes say, and whether for sure: a fact, one of its choices, a site, a class of medicines ..."""

    kind: str
    name: str
    value: str = ""
    left_open: bool = False

    @property
    def id(self) -> str:
        """The id of its ValueSet."""
        words = ["" if self.kind == FACT else self.kind, self.name, self.value, "possible" if self.left_open else ""]
        return re.sub(r"[^a-z0-9]+", "-", "-".join(word for word in words if word).lower())

    @property
    def title(self) -> str:
        """What people read."""
        # Some facts are read although no rule asks for them yet: they have no label.
        known = FACTS.get(self.name)
        parts = [known.label if known else self.name, self.value] if self.kind == FACT else [self.kind, self.name]
        title = ": ".join(part.replace("_", " ") for part in parts if part) + ", left open" * self.left_open
        return title[0].upper() + title[1:]


@dataclass
class _Set:
    """What one ValueSet is made from: single codes, patterns of codes by system, and other sets."""

    codes: dict[tuple[str, str], Code] = field(default_factory=dict)
    taken: dict[str, list[str]] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    sets: list[str] = field(default_factory=list)


def _sets() -> dict[_Said, _Set]:
    found: dict[_Said, _Set] = defaultdict(_Set)
    for said, code in chain(_facts(), _choices(), _others()):
        found[said].codes[code.key] = code
    for family in _FAMILIES:
        for said in {one for rule in family for one in rule.says}:
            for system in sorted({rule.system for rule in family}):
                taken, left_out = _patterns([rule for rule in family if rule.system == system], said)
                if taken:
                    found[said].taken.setdefault(system, []).extend(taken)
                    found[said].left_out.setdefault(system, []).extend(left_out)
    for said in [*found]:
        context = AS_CONTEXT.get(said.name, said.name)
        if said.kind == FACT and context != said.name:
            found[replace(said, name=context)].sets.append(_url(said))
    return found


def _stated(meaning: CodedMeaning) -> _Said:
    return _Said(FACT, meaning.fact, meaning.value, meaning.state is State.INDETERMINATE)


def _at(kind: str, place: Place) -> _Said:
    return _Said(kind, place.site or REGION)


def _facts() -> Iterator[tuple[_Said, Code]]:
    for one in (*FINDINGS, *LOCAL_FINDINGS, *NAMED_DIAGNOSES, *LOCAL_DIAGNOSES):
        yield _stated(one.meaning), one.code
    for row in CONTEXT:
        for meaning in row.meaning:
            yield _stated(meaning), row.code


def _choices() -> Iterator[tuple[_Said, Code]]:
    for fact, public in (("t1_signal", T1_SIGNALS), ("dce_pattern", ()), ("change", CHANGES)):
        for row in (*public, *local_values(fact)):
            yield _Said(FACT, fact, row.meaning), row.code


def _others() -> Iterator[tuple[_Said, Code]]:
    for kind, table in (("medicine", MEDICINES), ("referral", REFERRAL_TARGETS), ("laboratory", ANALYTES)):
        for row in table:
            yield _Said(kind, row.meaning), row.code
    for kind, places in (("site", BODY_SITES), ("pain", PAIN)):
        for where in places:
            yield _at(kind, where.meaning), where.code
    for procedure in PROCEDURES:
        yield _Said("order", procedure.meaning.kind), procedure.code
    for imaging in IMAGING:
        yield _at("radiograph" if imaging.meaning.modality == "XR" else "mri", imaging.meaning.place), imaging.code


# --- Families of codes ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Family:
    """All codes of a system that begin alike, and what they say; a longer beginning decides for itself."""

    system: str
    beginning: str
    says: frozenset[_Said]
    encounter: Encounter = Encounter.ANY

    @property
    def pattern(self) -> str:
        """The regular expression of its codes. Positions count with the dot: the seventh character is the eighth."""
        stem, more = re.escape(self.beginning), 7 - len(self.beginning)
        if self.encounter is Encounter.INITIAL:
            return f"{stem}.{{{more}}}A.*"
        if self.encounter is Encounter.NOT_SEQUELA:
            return f"{stem}(.{{0,{more}}}|.{{{more}}}[^S].*)"
        return f"{stem}.*"


def _families(rules: Iterable[PrefixRule[M]], says: Callable[[M], Iterable[_Said]]) -> tuple[_Family, ...]:
    return tuple(
        _Family(system, rule.prefix, frozenset(() if rule.meaning is None else says(rule.meaning)), rule.encounter)
        for rule in rules
        for system in rule.systems
    )


_FAMILIES: tuple[tuple[_Family, ...], ...] = (
    _families(FINDING_PREFIXES, lambda meaning: (_stated(meaning),)),
    _families(DIAGNOSIS_PREFIXES, lambda meaning: (_stated(meaning),)),
    _families(CONTEXT_PREFIXES, lambda meanings: map(_stated, meanings)),
    _families(PAIN_PREFIXES, lambda place: (_at("pain", place),)),
    tuple(_Family(ATC, group.code.code, frozenset({_Said("medicine", group.meaning)})) for group in ATC_GROUPS),
)
"""The families of each look-up. Within one the longest beginning decides."""


def _patterns(family: Sequence[_Family], said: _Said) -> tuple[list[str], list[str]]:
    """Return the patterns of the codes that say something, and of those among them that do not.

    Raises:
        ValueError: a family says it inside one that does not, inside one that does; no ValueSet could tell.
    """
    taken, left_out = [], []
    for one in family:
        above = [other for other in family if other is not one and one.beginning.startswith(other.beginning)]
        nearest = max(above, key=lambda other: len(other.beginning), default=None)
        inside = nearest is not None and said in nearest.says and nearest.encounter is one.encounter
        if said in one.says and not inside:
            if any(said in other.says for other in above):
                raise ValueError(f"{one.beginning} says {said.id} again below a family that does not")
            taken.append(one.pattern)
        elif said not in one.says and any(said in other.says for other in above):
            left_out.append(one.pattern)
    return sorted(taken), sorted(left_out)


# --- The ValueSet ---------------------------------------------------------------------------------------------------


def _url(said: _Said) -> str:
    return f"{CANONICAL}ValueSet/{said.id}"


def _value_set(said: _Said, made_from: _Set) -> Resource:
    systems = sorted({code.system for code in made_from.codes.values()} | made_from.taken.keys())
    include: list[Resource] = []
    for system in systems:
        codes = sorted(code.code for code in made_from.codes.values() if code.system == system)
        if codes:
            concepts = [_concept(made_from.codes[system, code]) for code in codes]
            include.append({"system": system, "concept": concepts})
        if system in made_from.taken:
            include.append(_filtered(system, made_from.taken[system]))
    include += [{"valueSet": [url]} for url in sorted(made_from.sets)]
    exclude = [_filtered(system, patterns) for system, patterns in sorted(made_from.left_out.items()) if patterns]
    notices = [NOTICES[system] for system in systems if system in NOTICES]
    return {
        "resourceType": "ValueSet",
        "id": said.id,
        "url": _url(said),
        "version": VERSION,
        "name": "Bme" + "".join(word.capitalize() for word in said.id.split("-")),
        "title": said.title,
        "status": "draft",
        "experimental": False,
        "description": _description(said),
        **({"copyright": " ".join(notices)} if notices else {}),
        "compose": {"include": include, **({"exclude": exclude} if exclude else {})},
    }


def _concept(code: Code) -> dict[str, str]:
    return {"code": code.code, **({"display": code.display} if code.display else {})}


def _filtered(system: str, patterns: list[str]) -> Resource:
    return {"system": system, "filter": [{"property": "code", "op": "regex", "value": f"^({'|'.join(patterns)})$"}]}


_DESCRIBED = frozenset(one.meaning.fact for row in DESCRIPTORS for one in row.meaning)


def _description(said: _Said) -> str:
    sentences = [f"Codes that the bone marrow edema decision support service reads as: {said.title}."]
    if said.left_open:
        sentences.append("They may also mean something else, so they never establish it.")
    if said.kind == FACT and said.name in _DESCRIBED and said.value in ("", *FACTS[said.name].choices):
        sentences.append("Words that describe a signal count only with a site and a sequence and are not listed here.")
    if said.name == REGION:
        sentences.append("The exact site is taken from the rest of the record.")
    return " ".join([*sentences, "Not reviewed by a clinician."])
