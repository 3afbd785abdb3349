"""All tables of codes together, for checks and for the export."""

from __future__ import annotations

from cds_service.knowledge.codes.body_sites import BODY_SITES
from cds_service.knowledge.codes.context import CONTEXT, CONTEXT_PREFIXES, PAIN, PAIN_PREFIXES
from cds_service.knowledge.codes.diagnoses import DIAGNOSIS_PREFIXES, NAMED_DIAGNOSES
from cds_service.knowledge.codes.entry import CodedMeaning, Entry, PrefixRule
from cds_service.knowledge.codes.findings import DESCRIPTORS, FINDING_PREFIXES, FINDINGS, GENERIC, REFUSED
from cds_service.knowledge.codes.laboratory import ANALYTES
from cds_service.knowledge.codes.local import LOCAL_DIAGNOSES, LOCAL_FINDINGS, local_values
from cds_service.knowledge.codes.medications import ATC_GROUPS, MEDICINES
from cds_service.knowledge.codes.orders import (
    CONTRASTS,
    IMAGING,
    MODALITIES,
    PROCEDURES,
    REPORT_CATEGORIES,
    REPORT_SECTIONS,
    SEQUENCE_NAMES,
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

ICD10_PREFIXES: tuple[PrefixRule[CodedMeaning] | PrefixRule[tuple[CodedMeaning, ...]] | PrefixRule[Place], ...] = (
    *FINDING_PREFIXES,
    *DIAGNOSIS_PREFIXES,
    *CONTEXT_PREFIXES,
    *PAIN_PREFIXES,
)
"""Every ICD-10 family that is read as a whole, for documentation and tests."""

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
    "report sections": REPORT_SECTIONS,
    "report categories": REPORT_CATEGORIES,
    "laboratory": ANALYTES,
    "medicines": MEDICINES,
    "medicine groups": ATC_GROUPS,
    "referrals": REFERRAL_TARGETS,
    "general referrals": GENERAL_REFERRALS,
    "override reasons": OVERRIDE_ENTRIES,
}
"""Every table of single codes, by what a reader would call it: for documentation, export and tests."""
