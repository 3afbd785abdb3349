"""All tables of codes together, and all that they say of one code: for checks, and to tell what need not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from cds_service.knowledge.codes.body_sites import BODY_SITES
from cds_service.knowledge.codes.context import CONTEXT, CONTEXT_PREFIXES, PAIN, PAIN_PREFIXES, context_of, pain_of
from cds_service.knowledge.codes.diagnoses import DIAGNOSIS_PREFIXES, NAMED_DIAGNOSES, diagnosis_of
from cds_service.knowledge.codes.entry import Aliases, CodedMeaning, Entry, Key, PrefixRule, alias_of
from cds_service.knowledge.codes.findings import (
    DESCRIPTOR_CODES,
    DESCRIPTORS,
    FINDING_PREFIXES,
    FINDINGS,
    GENERIC,
    REFUSED,
    finding_of,
    is_generic,
)
from cds_service.knowledge.codes.laboratory import ANALYTES, raised_fact_of
from cds_service.knowledge.codes.local import LOCAL_DIAGNOSES, LOCAL_FINDINGS, local_values
from cds_service.knowledge.codes.medications import ATC_GROUPS, MEDICINES, medicine_of
from cds_service.knowledge.codes.orders import (
    CONTRASTS,
    IMAGING,
    MODALITIES,
    PROCEDURES,
    REPORT_CATEGORIES,
    REPORT_SECTIONS,
    REPORT_TYPES,
    SEQUENCE_NAMES,
    section_of,
)
from cds_service.knowledge.codes.overrides import OVERRIDE_ENTRIES
from cds_service.knowledge.codes.qualifiers import (
    CHANGES,
    CLINICAL_STATUSES,
    INTERPRETATIONS,
    RAISED,
    SIDES,
    STATES,
    T1_SIGNALS,
    VERIFICATIONS,
)
from cds_service.knowledge.codes.referrals import GENERAL_REFERRALS, REFERRAL_TARGETS
from cds_service.knowledge.codes.sites import Place
from cds_service.model.coding import key_of

ICD10_PREFIXES: tuple[PrefixRule[CodedMeaning] | PrefixRule[tuple[CodedMeaning, ...]] | PrefixRule[Place], ...] = (
    *FINDING_PREFIXES,
    *DIAGNOSIS_PREFIXES,
    *CONTEXT_PREFIXES,
    *PAIN_PREFIXES,
)
"""Every ICD-10 family that is read as a whole."""

TABLES: dict[str, tuple[Entry[object], ...]] = {
    "imaging findings": (*FINDINGS, *LOCAL_FINDINGS),
    "describing words": DESCRIPTORS,
    "codes that announce a finding": GENERIC,
    "codes never read as a finding": REFUSED,
    "named diagnoses": (*NAMED_DIAGNOSES, *LOCAL_DIAGNOSES),
    "patient context": CONTEXT,
    "pain": PAIN,
    "states": STATES,
    "interpretations": INTERPRETATIONS,
    "raised values": RAISED,
    "sides": SIDES,
    "T1 signal": (*T1_SIGNALS, *local_values("t1_signal")),
    "perfusion patterns": local_values("dce_pattern"),
    "change": (*CHANGES, *local_values("change")),
    "clinical status": CLINICAL_STATUSES,
    "verification status": VERIFICATIONS,
    "body sites": BODY_SITES,
    "modality": MODALITIES,
    "sequences": SEQUENCE_NAMES,
    "contrast": CONTRASTS,
    "imaging procedures": IMAGING,
    "procedures": PROCEDURES,
    "report types": REPORT_TYPES,
    "report sections": REPORT_SECTIONS,
    "report categories": REPORT_CATEGORIES,
    "laboratory": ANALYTES,
    "medicines": MEDICINES,
    "medicine groups": ATC_GROUPS,
    "referrals": REFERRAL_TARGETS,
    "general referrals": GENERAL_REFERRALS,
    "override reasons": OVERRIDE_ENTRIES,
}
"""Every table of single codes, by what a reader would call it."""

_SINGLE = frozenset({row.code.key for table in TABLES.values() for row in table})

OVERLAPS: Mapping[frozenset[str], str] = {
    frozenset({"acute_pain", "acute_trauma"}): "acute pain due to trauma says both",
    frozenset({"axspa", "psoriasis"}): "psoriatic spondylitis is a spondyloarthritis of somebody with psoriasis",
    frozenset({"bme", "t1_signal"}): "what a bright or dark signal means depends on the sequence named beside it",
    frozenset({"charcot", "diabetes"}): "diabetic neuropathic arthropathy says both",
    frozenset({"diabetes", "foot_ulcer"}): "diabetic foot ulcer says both",
    frozenset({"diabetes", "neuropathy"}): "diabetic neuropathy says both",
    frozenset({"foot_ulcer", "neuropathy"}): "neuropathic foot ulcer says both",
    frozenset({"known_malignancy", "malignancy"}): "a malignancy of marrow or bone is also a known malignancy",
    frozenset({"lactation", "postpartum"}): "lactation follows childbirth",
}
"""The pairs of facts that one code may state together, with the reason. Any other pair is a mistake in a table."""


def single_and_family_keys() -> frozenset[Key]:
    """Return every code of the tables, and the beginning of every family."""
    families = {(system, rule.prefix) for rule in ICD10_PREFIXES for system in rule.systems}
    return _SINGLE | families


def facts_stated(key: Key) -> frozenset[str]:
    """Return the facts that the look-ups read from a code, alone or with a site and a sequence."""
    told = [finding_of(*key), diagnosis_of(*key), *context_of(*key)]
    described = {one.meaning.fact for one in DESCRIPTOR_CODES.get(key, ())}
    return frozenset({one.fact for one in told if one is not None} | described)


def is_understood(system: str, code: str) -> bool:
    """Return whether any look-up knows a code, so that its meaning is taken from the code alone."""
    return _is_understood(key_of(system, code))


def may_be_a_finding(codes: Iterable[tuple[str, str]], aliases: Aliases) -> bool:
    """Return whether any code may be of an imaging finding, of a diagnosis, or of what announces or describes one."""
    return _is_any(_may_be_a_finding, codes, aliases)


def may_be_observed(codes: Iterable[tuple[str, str]], aliases: Aliases) -> bool:
    """Return whether any code may be that of a finding, or of a value that may be raised."""
    return _is_any(_may_be_observed, codes, aliases)


def may_be_context(codes: Iterable[tuple[str, str]], aliases: Aliases) -> bool:
    """Return whether any code may say something of the patient, name a diagnosis, or be one of pain."""
    return _is_any(_may_be_context, codes, aliases)


def _is_any(known: Callable[[Key], bool], codes: Iterable[tuple[str, str]], aliases: Aliases) -> bool:
    """Return whether any code, as it was sent, is known or is a site's own."""
    # Written out, because it is asked of nearly every resource of a large record.
    for system, code in codes:
        if known(key_of(system, code)) or (aliases and alias_of(system, code, aliases) is not None):
            return True
    return False


# A record names the same few codes again and again, most of them not known here.


@lru_cache(maxsize=8_000)
def _may_be_a_finding(key: Key) -> bool:
    named = finding_of(*key) is not None or diagnosis_of(*key) is not None
    return named or is_generic(*key) or key in DESCRIPTOR_CODES or section_of(*key) is not None


@lru_cache(maxsize=8_000)
def _may_be_observed(key: Key) -> bool:
    return _may_be_a_finding(key) or raised_fact_of(*key) is not None


@lru_cache(maxsize=8_000)
def _may_be_context(key: Key) -> bool:
    return bool(context_of(*key)) or diagnosis_of(*key) is not None or pain_of(*key) is not None


@lru_cache(maxsize=8_000)
def _is_understood(key: Key) -> bool:
    return key in _SINGLE or bool(facts_stated(key)) or pain_of(*key) is not None or medicine_of(*key) is not None
