"""What the owners of the terminologies ask to be said wherever their codes are used (see NOTICE)."""

from __future__ import annotations

from collections.abc import Mapping

from cds_service.model.coding import ATC, CPT, HPO, ICD10, ICD10_CM, LOINC, RADLEX, RXNORM, SNOMED

NOTICES: Mapping[str, str] = {
    SNOMED: (
        "This material includes content from SNOMED CT, which is copyright 2002+ International Health Terminology "
        "Standards Development Organisation (IHTSDO), trading as SNOMED International; SNOMED CT is its registered "
        "trademark. Its use needs a licence of SNOMED International or of the release centre of the user's country."
    ),
    LOINC: (
        "This material contains content from LOINC (http://loinc.org). LOINC is copyright 1995+ Regenstrief Institute, "
        "Inc. and the Logical Observation Identifiers Names and Codes (LOINC) Committee and is available at no cost "
        "under the license at http://loinc.org/license. LOINC is a registered United States trademark of Regenstrief "
        "Institute, Inc."
    ),
    RADLEX: (
        "RadLex is copyright 2014 The Radiological Society of North America (RSNA), all rights reserved. Licensed "
        "under RadLex License Version 2.0; a copy is at http://www.rsna.org/radlexdownloads/. Distributed on an "
        '"AS IS" basis, without warranties of any kind.'
    ),
    RXNORM: (
        "This product uses publicly available data courtesy of the U.S. National Library of Medicine (NLM), National "
        "Institutes of Health, Department of Health and Human Services; NLM is not responsible for the product and "
        "does not endorse or recommend this or any other product."
    ),
    ICD10_CM: (
        "ICD-10-CM is published by the U.S. National Center for Health Statistics; it adapts ICD-10, which is "
        "copyright of the World Health Organization."
    ),
    ICD10: "ICD-10 is copyright of the World Health Organization.",
    ATC: (
        "ATC codes are copyright of the WHO Collaborating Centre for Drug Statistics Methodology, Oslo, Norway, which "
        "is their source. They may not be copied or distributed for commercial purposes, nor changed."
    ),
    CPT: (
        "CPT copyright American Medical Association. All rights reserved. CPT is its registered trademark. Only code "
        "numbers are used here, without descriptors; using them may need a licence of the AMA."
    ),
    HPO: "This product uses the Human Phenotype Ontology; see http://www.human-phenotype-ontology.org.",
}
"""The notice of each code system that has one. Those of HL7 and DICOM ask for none with a few codes.

Sources: SNOMED, LOINC and CPT: the copyright texts that HL7's terminology pages give for value sets; RxNorm: the terms
of service of the NLM, which asks for this very sentence; RadLex: the notice of RadLex License 2.0; ATC: the copyright
page of the WHO Collaborating Centre.
"""
