"""The source document: its references, and which reference stands behind each statement.

The document is an article on the management of increased MRI marrow signal, last updated 7 January 2026. It lists four
references, which are digest titles rather than primary papers, and cites two more ([5] and [6]) that it does not list.
"""

from __future__ import annotations

from cds_service.model.rule import Evidence, Reference

SOURCE_TITLE = "Management of increased marrow signal on MRI"
SOURCE_UPDATED = "2026-01-07"

REF_1 = Reference("1", "Reference 1 of the source document (a digest of 2025, not a primary paper)")
REF_2 = Reference("2", "Reference 2 of the source document (a digest of 2025, not a primary paper)")
REF_3 = Reference("3", "Reference 3 of the source document: Speckled STIR Hyperintensities on MRI (a digest of 2025)")
REF_4 = Reference("4", "Reference 4 of the source document (a digest of 2025, not a primary paper)")
REF_5 = Reference("5", "Reference 5, cited by the source document but not listed in it", listed=False)
REF_6 = Reference("6", "Reference 6, cited by the source document but not listed in it", listed=False)

DE_WINTER = Reference("de Winter", "J. de Winter, thesis, p. 69: depth of sacroiliac edema in patients and controls")
IWGDF = Reference(
    "IWGDF/IDSA 2023", "IWGDF/IDSA guideline on diabetes-related foot infection, 2023, 10.1093/cid/ciad527"
)
IWGDF_CHARCOT = Reference(
    "IWGDF 2023", "IWGDF guideline on active Charcot neuro-osteoarthropathy, 2023 (review: Wounds 2024;36:206)"
)

ILOPROST_SMPC = Reference(
    "iloprost SmPC", "Summary of product characteristics of iloprost, section 4.3: contraindications"
)
THIEME = Reference("Thieme review", "Review of subchondral insufficiency fracture, 10.1055/a-2344-5337")
SPIERINGS = Reference(
    "Spierings 2014", "Spierings 2014, Neth J Med: biopsies for incidental diffuse marrow signal change"
)

REFERENCES_OF = {
    **dict.fromkeys(("S2", "S3", "S20", "S21", "S22", "S23", "S24", "S28", "S43", "S44"), (REF_1,)),
    **dict.fromkeys(("S4", "S5", "S6", "S7"), (REF_2, REF_3)),
    **dict.fromkeys(("S8", "S10", "S11", "S17", "S18", "S19", "S32", "S33", "S49", "S50", "S51", "S52"), (REF_2,)),
    **dict.fromkeys(
        ("S9", "S13", "S14", "S16", "S25", "S26", "S27", "S30", "S31", "S47", "S48", "S53", "S54", "S55"),
        (REF_1, REF_4),
    ),
    "S12": (REF_2, REF_4),
    "S29": (REF_3,),
    **dict.fromkeys(("S34", "S35"), (REF_5,)),
    **dict.fromkeys(("S36", "S37", "S38", "S39", "S40", "S41"), (REF_6,)),
    **dict.fromkeys(("S42", "S45", "S46"), (REF_4,)),
    **dict.fromkeys(("S1", "S15", "S56", "S57", "S58"), ()),
}
"""Statement -> the references the source document attaches to it."""


def seed(*statements: str, note: str = "") -> Evidence:
    """Return evidence from the source document, with the references it attaches to these statements."""
    return Evidence(statements, _references(statements), note=note)


def interpretation(*statements: str, note: str = "") -> Evidence:
    """Return evidence whose wording leaves room: how we read it is judgement."""
    return Evidence(statements, _references(statements), interpretation=True, note=note)


def beyond(*references: Reference, note: str = "") -> Evidence:
    """Return evidence from outside the source document."""
    return Evidence((), references, beyond=True, note=note)


def _references(statements: tuple[str, ...]) -> tuple[Reference, ...]:
    return tuple(dict.fromkeys(ref for statement in statements for ref in REFERENCES_OF[statement]))


SOURCE_ATTRIBUTES = (
    ("Bibliographic citation", f"{SOURCE_TITLE}; its references are listed with what cites them"),
    ("Developer of the intervention", "the bme-cds-service project"),
    ("Funding of the technical implementation", "none stated"),
    ("Release and revision of the source", f"last updated {SOURCE_UPDATED}"),
    ("Use of race", "not used"),
    ("Use of ethnicity", "not used"),
    ("Use of language", "not used; only reports in English are read"),
    ("Use of sexual orientation", "not used"),
    ("Use of gender identity", "not used"),
    ("Use of sex", "used, as recorded in Patient.gender"),
    ("Use of date of birth", "used, as age in years"),
    ("Use of social determinants of health", "not used"),
    ("Use of health status assessments", "not used"),
)
"""What a user of evidence-based decision support is told of its source: the thirteen attributes of 45 CFR
170.315(b)(11)(iv)(A). Nothing here was learnt from data, so those of predictive support do not apply."""
