"""Codes of clinical terminologies, one type per code system, tested where they are written down.

These types are for the codes this service ships and sends. A mistyped SNOMED CT or LOINC number fails its check
digit at once, so that it can never reach a card or an order. Codes that arrive in a record are not made into these
types: they are only looked up, by the key that ``key_of`` gives, and an unknown one is simply not found.

Two codes are equal when their system and code are; the display is for people and takes no part.

Sources: code system URIs from the HL7 terminology page of FHIR R4 (4.3.0) and the HL7 Terminology (THO) naming
systems; check digits from the SNOMED CT Release File Specification (Verhoeff) and the LOINC Users' Guide (mod 10).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RADLEX = "http://radlex.org"
ICD10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
CPT = "http://www.ama-assn.org/go/cpt"
HPO = "http://human-phenotype-ontology.org"

CANONICAL = "https://bme-cds.example/fhir/"
"""Where the canonical addresses of this project begin.

``.example`` is reserved (RFC 2606): nobody can hold it, so nobody can be mistaken for its publisher.
"""
LOCAL = CANONICAL + "CodeSystem/bme-finding"
"""Canonical of this project's own code system."""

THO = "http://terminology.hl7.org/CodeSystem/"
DATA_ABSENT_REASON = THO + "data-absent-reason"
OBSERVATION_INTERPRETATION = THO + "v3-ObservationInterpretation"
CONDITION_CLINICAL = THO + "condition-clinical"
CONDITION_VERIFICATION = THO + "condition-ver-status"
DIAGNOSTIC_SERVICE_SECTION = THO + "v2-0074"
SERVICE_TYPE = THO + "service-type"
NON_ADHERENCE_REASON = THO + "non-adherence-reason-codes"

SYSTEM_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        # OIDs, as C-CDA documents and interfaces built from HL7 version 2 send them.
        "urn:oid:2.16.840.1.113883.6.96": SNOMED,
        "urn:oid:2.16.840.1.113883.6.1": LOINC,
        "urn:oid:2.16.840.1.113883.6.90": ICD10_CM,
        "urn:oid:2.16.840.1.113883.6.3": ICD10,
        "urn:oid:2.16.840.1.113883.6.88": RXNORM,
        "urn:oid:2.16.840.1.113883.6.73": ATC,
        "urn:oid:2.16.840.1.113883.6.256": RADLEX,
        "urn:oid:2.16.840.1.113883.6.12": CPT,
        "urn:oid:1.2.840.10008.2.16.4": DICOM,
        "urn:oid:2.16.840.1.113883.5.83": OBSERVATION_INTERPRETATION,
        # RadLex: radlex.org is preferred since 2019-05-05, reports still carry the older form.
        "http://www.radlex.org": RADLEX,
        # Addresses that older versions of FHIR used for the same code systems.
        "http://hl7.org/fhir/v2/0074": DIAGNOSTIC_SERVICE_SECTION,
        "http://hl7.org/fhir/v2/0078": OBSERVATION_INTERPRETATION,
        THO + "v2-0078": OBSERVATION_INTERPRETATION,
        "http://hl7.org/fhir/v3/ObservationInterpretation": OBSERVATION_INTERPRETATION,
        "http://hl7.org/fhir/condition-clinical": CONDITION_CLINICAL,
        "http://hl7.org/fhir/condition-ver-status": CONDITION_VERIFICATION,
        "http://hl7.org/fhir/data-absent-reason": DATA_ABSENT_REASON,
        "http://hl7.org/fhir/service-type": SERVICE_TYPE,
    }
)
"""Other names of the code systems above."""

CANONICAL_SYSTEMS: frozenset[str] = frozenset({*SYSTEM_ALIASES.values(), HPO, LOCAL, NON_ADHERENCE_REASON})
"""Every code system this service knows by name."""


LONGEST_SYSTEM = 200
"""Characters of the longest name of a code system that is looked at; with its code, that is remembered."""


def same_system(uri: str) -> str | None:
    """Return the canonical URI of a code system, whichever of its names was sent; None for one not known here.

    A blank, a trailing slash, https for http, upper case in an OID, a bare OID, a ``|version`` and an edition of
    SNOMED CT (``http://snomed.info/sct/731000124108/version/...``) make no difference.
    """
    return _same_system(uri) if len(uri) <= LONGEST_SYSTEM else None


@lru_cache(maxsize=1_000)
def _same_system(uri: str) -> str | None:
    name = uri.strip().partition("|")[0].rstrip("/")
    if name in CANONICAL_SYSTEMS:
        return name
    if name.startswith(SNOMED + "/"):
        return SNOMED
    if name.lower().startswith("urn:oid:"):
        name = name.lower()
    elif re.fullmatch(r"\d+(\.\d+)+", name):
        name = "urn:oid:" + name
    elif name.startswith("https://") and name != LOCAL:
        plain = "http://" + name.removeprefix("https://")
        return plain if plain in CANONICAL_SYSTEMS else SYSTEM_ALIASES.get(plain)
    return SYSTEM_ALIASES.get(name)


def key_of(system: str, code: str) -> tuple[str, str]:
    """Return the pair that tables of codes are looked up by: canonical system, code in its usual spelling.

    ICD-10 codes are put in upper case and get the dot that claims data leave out; RadLex ids are put in upper case.
    A system not known here is kept as it came.
    """
    # The same few codes come again and again in a record.
    return _remembered_key(system, code) if len(system) + len(code) <= LONGEST_SYSTEM else _key_of(system, code)


def _key_of(system: str, code: str) -> tuple[str, str]:
    known = same_system(system) or system.strip()
    name = code.strip()
    if known in (ICD10_CM, ICD10):
        bare = name.upper().replace(".", "")
        name = f"{bare[:3]}.{bare[3:]}" if len(bare) > 3 else bare
    elif known in (RADLEX, HPO):
        name = name.upper()
    return known, name


_remembered_key = lru_cache(maxsize=8_000)(_key_of)


class Code(Protocol):
    """What every code has, whichever system it comes from."""

    @property
    def system(self) -> str:
        """The canonical URI of the code system."""

    @property
    def code(self) -> str:
        """The code itself."""

    @property
    def display(self) -> str:
        """What the system calls it, for people; may be empty."""

    @property
    def key(self) -> tuple[str, str]:
        """The system and the code, as tables are looked up."""


@dataclass(frozen=True)
class _Coded:
    """A code whose type says its system. Subclasses give the system and refuse what is no code of theirs."""

    code: str
    display: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise ValueError(f"{type(self).__name__} {self.code!r}: {problem}")

    @property
    def system(self) -> str:
        """The canonical URI of the code system."""
        raise NotImplementedError

    @property
    def key(self) -> tuple[str, str]:
        """The system and the code, as tables are looked up."""
        return self.system, self.code

    def _problem(self) -> str:
        """Say what is wrong with the code, or nothing."""
        raise NotImplementedError


class SnomedCode(_Coded):
    """A concept of SNOMED CT: 6 to 18 digits, a concept partition, and a Verhoeff check digit."""

    @property
    def system(self) -> str:
        return SNOMED

    def _problem(self) -> str:
        if not re.fullmatch(r"[1-9]\d{5,17}", self.code):
            return "a SNOMED CT id is 6 to 18 digits and does not start with 0"
        if self.code[-3:-1] not in ("00", "10"):
            return "the digits before the last must be 00 or 10 (a concept); this is a description or a relationship"
        if not passes_verhoeff(self.code):
            return "the check digit is wrong (Verhoeff); compare it with the place it was copied from"
        return ""


class LoincCode(_Coded):
    """A term of LOINC (``36031-3``), or a part, answer or answer list (``LP...``, ``LA...``, ``LL...``).

    The mod 10 check is made for terms; parts and answers count their digit differently and are taken as they are.
    """

    @property
    def system(self) -> str:
        return LOINC

    def _problem(self) -> str:
        match = re.fullmatch(r"(LP|LA|LL)?(\d{1,7})-(\d)", self.code)
        if not match:
            return "a LOINC code is digits, a hyphen and one check digit, such as 36031-3"
        if not match[1] and not passes_mod_10(match[2] + match[3]):
            return "the check digit is wrong (mod 10); compare it with the place it was copied from"
        return ""


class RadLexId(_Coded):
    """An entry of RadLex, such as ``RID35173``."""

    @property
    def system(self) -> str:
        return RADLEX

    def _problem(self) -> str:
        return "" if re.fullmatch(r"RID\d{1,7}", self.code) else "a RadLex id is RID and a number"


class Icd10Code(_Coded):
    """A code of ICD-10-CM, with its dot, such as ``M87.051``."""

    @property
    def system(self) -> str:
        return ICD10_CM

    def _problem(self) -> str:
        if re.fullmatch(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?", self.code):
            return ""
        return "an ICD-10-CM code is a letter, a digit, a letter or digit, then a dot and 1 to 4 more, such as M87.051"


class RxNormCode(_Coded):
    """A concept of RxNorm (RXCUI)."""

    @property
    def system(self) -> str:
        return RXNORM

    def _problem(self) -> str:
        return "" if re.fullmatch(r"[1-9]\d{0,7}", self.code) else "an RXCUI is a number of up to 8 digits"


class AtcCode(_Coded):
    """A substance or group of the Anatomical Therapeutic Chemical classification, such as ``B01AC11``."""

    @property
    def system(self) -> str:
        return ATC

    def _problem(self) -> str:
        if re.fullmatch(r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?", self.code):
            return ""
        return "an ATC code is letter, two digits, letter, letter, two digits, or the beginning of that"


class DicomCode(_Coded):
    """A code of the DICOM controlled terminology (DCM), such as ``MR``."""

    @property
    def system(self) -> str:
        return DICOM

    def _problem(self) -> str:
        return "" if re.fullmatch(r"[A-Z0-9_]{1,16}", self.code) else "a DCM code is capitals, digits and underscores"


class CptCode(_Coded):
    """A procedure of CPT, by its number only.

    The descriptors are property of the American Medical Association and are not shipped: a display is refused.
    """

    @property
    def system(self) -> str:
        return CPT

    def _problem(self) -> str:
        if not re.fullmatch(r"\d{4}[0-9AFTU]", self.code):
            return "a CPT code is five digits, or four and one of A, F, T, U"
        return "CPT descriptors belong to the AMA: leave the display out" if self.display else ""


class HpoCode(_Coded):
    """A term of the Human Phenotype Ontology, such as ``HP:6000917``."""

    @property
    def system(self) -> str:
        return HPO

    def _problem(self) -> str:
        return "" if re.fullmatch(r"HP:\d{7}", self.code) else "an HPO id is HP: and seven digits"


class LocalCode(_Coded):
    """A concept of this project's own code system: kebab-case."""

    @property
    def system(self) -> str:
        return LOCAL

    def _problem(self) -> str:
        if re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", self.code):
            return ""
        return "a code of this project is lower-case words joined by hyphens"


@dataclass(frozen=True)
class Hl7Code:
    """A code of one of the small code systems that HL7 publishes with FHIR and THO."""

    system: str
    code: str
    display: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(https?://|urn:)\S+", self.system):
            raise ValueError(f"Hl7Code {self.code!r}: the system must be a URI, got {self.system!r}")
        if not re.fullmatch(r"\S+( \S+)*", self.code):
            raise ValueError(f"Hl7Code {self.code!r}: a FHIR code has no blanks around it and no two together")

    @property
    def key(self) -> tuple[str, str]:
        """The system and the code, as tables are looked up."""
        return self.system, self.code


def misprint(system: str, code: str) -> str:
    """Return why a code of SNOMED CT or LOINC is none, by form and check digit; empty for a right or another one."""
    known, name = key_of(system, code)
    make: type[_Coded] | None = {SNOMED: SnomedCode, LOINC: LoincCode}.get(known)
    try:
        if make is not None:
            make(name)
    except ValueError as error:
        return str(error)
    return ""


# Verhoeff: each digit, from the right, is permuted by its position and multiplied in the dihedral group of order 10;
# a number with a right check digit comes out as 0. Unlike mod 10 it catches every swap of neighbouring digits.
_D5 = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_PERMUTATION = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 5, 7, 6, 2, 8, 3, 0, 9, 4),
    (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7),
    (9, 4, 5, 3, 1, 2, 6, 8, 7, 0),
    (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5),
    (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)


def passes_verhoeff(digits: str) -> bool:
    """Return whether the last digit is the Verhoeff check digit of those before it."""
    check = 0
    for position, digit in enumerate(reversed(digits)):
        check = _D5[check][_PERMUTATION[position % 8][int(digit)]]
    return check == 0


def passes_mod_10(digits: str) -> bool:
    """Return whether the last digit is the mod 10 (Luhn) check digit of those before it."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value // 10 + value % 10
    return total % 10 == 0
