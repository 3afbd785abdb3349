"""Codes of laboratory tests and vital signs, and the tests that advice may ask for."""

from __future__ import annotations

from collections.abc import Mapping

from cds_service.knowledge.codes.entry import Entry, Key, index
from cds_service.knowledge.codes.sources import agreeing, omop, us_core, vsac
from cds_service.model.coding import LoincCode, key_of

ANALYTES: tuple[Entry[str], ...] = (
    Entry(
        LoincCode("1988-5", "C reactive protein [Mass/volume] in Serum or Plasma"),
        "crp",
        agreeing("eleven public repositories"),
    ),
    Entry(
        LoincCode("30522-7", "C reactive protein [Mass/volume] in Serum or Plasma by High sensitivity method"),
        "crp",
        agreeing("smart-on-fhir/client-py@c548e29ea8 examples and two more public repositories"),
    ),
    Entry(
        LoincCode("4537-7", "Erythrocyte sedimentation rate by Westergren method"),
        "esr",
        agreeing("HL7 Austria IPS and two more public repositories"),
    ),
    Entry(
        LoincCode("30341-2", "Erythrocyte sedimentation rate"),
        "esr",
        agreeing("a NIST laboratory test message and two more public repositories"),
    ),
    Entry(
        LoincCode("6690-2", "Leukocytes [#/volume] in Blood by Automated count"),
        "wbc",
        us_core("observation-cbc-leukocytes.json"),
    ),
    Entry(LoincCode("26464-8", "Leukocytes [#/volume] in Blood"), "wbc", vsac("2.16.840.1.113762.1.4.1045.129")),
    Entry(LoincCode("8310-5", "Body temperature"), "temperature", omop(208)),
    Entry(LoincCode("58410-2", "CBC panel - Blood by Automated count"), "cbc", us_core("diagnosticreport-cbc.json")),
    Entry(LoincCode("718-7", "Hemoglobin [Mass/volume] in Blood"), "hemoglobin", omop(1188)),
    Entry(LoincCode("777-3", "Platelets [#/volume] in Blood by Automated count"), "platelets", omop(1091)),
    Entry(
        LoincCode("600-7", "Bacteria identified in Blood by Culture"),
        "blood_culture",
        agreeing("a public extract of the LOINC table; smart-on-fhir/client-py@c548e29ea8 examples"),
    ),
    Entry(LoincCode("4548-4", "Hemoglobin A1c (Glycated)"), "hba1c", omop(957)),
    Entry(LoincCode("2160-0", "Creat SerPl-mCnc"), "creatinine", us_core("observation-serum-creatinine.json")),
    Entry(LoincCode("17861-6", "Calcium SerPl-mCnc"), "calcium", us_core("observation-serum-calcium.json")),
    Entry(
        LoincCode("24351-9", "Protein electrophoresis panel in Serum or Plasma"),
        "protein_electrophoresis",
        agreeing("two public repositories"),
    ),
    Entry(
        LoincCode("6301-6", "INR in Platelet poor plasma by Coagulation assay"),
        "inr",
        vsac("2.16.840.1.113883.3.117.1.7.1.213"),
    ),
    Entry(LoincCode("8480-6", "Systolic blood pressure"), "systolic_blood_pressure", us_core("blood-pressure.json")),
    Entry(LoincCode("82810-3", "Pregnancy status"), "pregnancy_status", us_core("observation-pregnancy-status.json")),
)
"""Tests and measurements. HLA-B27 and lactate dehydrogenase are not among them: their codes were seen in one place
only, so a site that needs them adds its own."""

ANALYTE_CODES: Mapping[Key, str] = index(ANALYTES)

RAISED_FACTS: Mapping[str, str] = {
    "crp": "crp_raised",
    "esr": "esr_raised",
    "wbc": "wbc_raised",
    "temperature": "fever",
}
"""The context fact that a raised value of a test states."""


def analyte_of(system: str, code: str) -> str | None:
    """Return which test or measurement a code names (``crp``, ``temperature`` ...), or None."""
    return ANALYTE_CODES.get(key_of(system, code))


def raised_fact_of(system: str, code: str) -> str | None:
    """Return the fact that a raised value of this code states, or None."""
    return RAISED_FACTS.get(ANALYTE_CODES.get(key_of(system, code), ""))
