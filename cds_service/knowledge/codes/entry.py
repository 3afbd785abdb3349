"""How the code tables are written: a code, what it means here, and where it was seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar

from cds_service.knowledge.codes.sites import Place
from cds_service.model.coding import ICD10, ICD10_CM, Code, key_of
from cds_service.model.finding import State

Key = tuple[str, str]
"""Canonical system and code, as ``coding.key_of`` gives them."""

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)


class EvidenceTier(StrEnum):
    """How well it is established that a code exists and means this. A single third-party sighting is not enough."""

    A = "A"  # the code system's own distribution, a national export of it, or an HL7 / IHE / DICOM publication
    B = "B"  # a curated secondary list
    C2 = "C2"  # independent third-party repositories that agree
    OWN = "own"  # defined by this project


@dataclass(frozen=True)
class Seen:
    """Where a code and its meaning were read, and how much that place is worth."""

    tier: EvidenceTier
    where: str

    def __post_init__(self) -> None:
        if not self.where.strip():
            raise ValueError("say where the code was seen")


@dataclass(frozen=True)
class CodedMeaning:
    """What a code says in the words of the decision table.

    Attributes:
        fact: name of the fact (``knowledge.facts``), or of the named diagnosis.
        value: the choice it states, for facts that have choices; empty otherwise.
        state: what the bare code asserts of a yes/no fact. A code that may also mean something else is
            INDETERMINATE, so that it can never raise a diagnosis above possible.
        place: the site and side the code itself names.
        chronic: whether it says that the disease is chronic.
    """

    fact: str
    value: str = ""
    state: State = State.PRESENT
    place: Place = field(default_factory=Place)
    chronic: bool = False

    def at(self, place: Place) -> CodedMeaning:
        """Return the same meaning at a place."""
        return replace(self, place=place)


@dataclass(frozen=True)
class Entry(Generic[M_co]):
    """One line of a code table."""

    code: Code
    meaning: M_co
    seen: Seen


class Encounter(Enum):
    """Which ends of an ICD-10-CM injury code count. The seventh character says how far the care has come."""

    ANY = "any"
    NOT_SEQUELA = "not sequela"
    INITIAL = "initial"


@dataclass(frozen=True)
class PrefixRule(Generic[M_co]):
    """All ICD-10 codes that begin alike and mean the same here. The longest prefix that fits a code decides.

    Attributes:
        prefix: beginning of the code, with its dot.
        meaning: what the family says; None takes a family out of a shorter prefix.
        title: what the classification calls the family.
        seen: where that was read.
        systems: ICD-10-CM, ICD-10 of the WHO, or both. The two share their first three or four characters and
            often differ below, so a rule that names a side is for ICD-10-CM alone.
        encounter: which seventh characters count.
    """

    prefix: str
    meaning: M_co | None
    title: str
    seen: Seen
    systems: tuple[str, ...] = (ICD10_CM,)
    encounter: Encounter = Encounter.ANY

    def takes(self, bare_code: str) -> bool:
        """Return whether the seventh character of a code (written without its dot) is one that counts."""
        seventh = bare_code[6:7]
        if self.encounter is Encounter.INITIAL:
            return seventh == "A"
        return not (self.encounter is Encounter.NOT_SEQUELA and seventh == "S")


def index(*tables: Iterable[Entry[M]]) -> Mapping[Key, M]:
    """Return what each code means, by key.

    Raises:
        ValueError: a code stands twice, so that it could mean two things.
    """
    meanings: dict[Key, M] = {}
    for table in tables:
        for entry in table:
            if entry.code.key in meanings:
                raise ValueError(f"{entry.code.code} of {entry.code.system} stands twice in one table")
            meanings[entry.code.key] = entry.meaning
    return MappingProxyType(meanings)


def index_prefixes(rules: Iterable[PrefixRule[M]]) -> Mapping[Key, PrefixRule[M]]:
    """Return the rules by system and prefix without its dot. Raises ValueError when a prefix stands twice."""
    found: dict[Key, PrefixRule[M]] = {}
    for rule in rules:
        for system in rule.systems:
            key = system, rule.prefix.replace(".", "")
            if key in found:
                raise ValueError(f"the prefix {rule.prefix} stands twice for {system}")
            found[key] = rule
    return MappingProxyType(found)


def by_prefix(rules: Mapping[Key, PrefixRule[M]], key: Key) -> M | None:
    """Return what the longest fitting prefix says of an ICD-10 code; None when none fits or it says nothing."""
    system, code = key
    if system not in (ICD10_CM, ICD10):
        return None
    bare = code.replace(".", "")
    for length in range(len(bare), 0, -1):
        rule = rules.get((system, bare[:length]))
        if rule is not None:
            return rule.meaning if rule.takes(bare) else None
    return None


Aliases = Mapping[Key, str]
"""A site's own codes: (system, code) -> a fact name, or ``fact=value`` (see ``codes.aliases``)."""


def alias_of(system: str, code: str, aliases: Aliases | None) -> tuple[str, str] | None:
    """Return the name and the value (may be empty) a site gave to one of its codes, or None."""
    if not aliases:
        return None
    text = aliases.get((system, code)) or aliases.get(key_of(system, code))
    if not text:
        return None
    name, _, value = text.partition("=")
    return name.strip(), value.strip()
