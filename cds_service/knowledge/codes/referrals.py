"""Referrals: the code each target is ordered with, and the codes by which one already placed is recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cds_service.knowledge.codes.entry import Aliases, Entry, Key, alias_of, index
from cds_service.knowledge.codes.local import local_code
from cds_service.knowledge.codes.sources import OWN, SERVICE_TYPES, SNOMED_GPS, vsac
from cds_service.model.coding import SERVICE_TYPE, Code, Hl7Code, SnomedCode, key_of


@dataclass(frozen=True)
class Referral:
    """How a referral to one target is ordered.

    Attributes:
        target: name of the target, as actions and drafts carry it.
        text: ServiceRequest.code.text.
        codes: the codings of ServiceRequest.code, the most widely understood first.
        performer_type: who is asked; None where no code was found.
    """

    target: str
    text: str
    codes: tuple[Code, ...]
    performer_type: Code | None = None


REFERRALS: Mapping[str, Referral] = MappingProxyType(
    {
        referral.target: referral
        for referral in (
            Referral(
                "rheumatology",
                "Referral to rheumatology",
                (SnomedCode("306290009", "Referral to rheumatologist (procedure)"),),
                Hl7Code(SERVICE_TYPE, "182", "Rheumatology"),
            ),
            Referral(
                "orthopedics",
                "Referral to orthopedic surgery",
                (SnomedCode("308481009", "Referral to orthopedic surgeon (procedure)"),),
                Hl7Code(SERVICE_TYPE, "218", "Orthopaedic Surgery"),
            ),
            Referral(
                "infectious_diseases",
                "Referral to infectious diseases",
                (SnomedCode("306284005", "Referral to infectious diseases physician (procedure)"),),
                Hl7Code(SERVICE_TYPE, "173", "Infectious Diseases"),
            ),
            # The list of service types knows hematology as a laboratory only.
            Referral(
                "hematology",
                "Referral to hematology",
                (SnomedCode("183567007", "Referral to hematologist (procedure)"),),
            ),
            # No public code names the team: the general code is true, ours is exact, and the text is what people read.
            Referral(
                "diabetic_foot_team",
                "Referral to the multidisciplinary diabetic foot team",
                (SnomedCode("306206005", "Referral to service (procedure)"), local_code("multidisciplinary-foot-team")),
                Hl7Code(SERVICE_TYPE, "66", "Podiatry"),
            ),
        )
    }
)
"""Referrals that advice may suggest, by target."""

REFERRAL_TARGETS: tuple[Entry[str], ...] = (
    Entry(
        SnomedCode("306290009", "Referral to rheumatologist (procedure)"),
        "rheumatology",
        vsac("2.16.840.1.113883.3.464.1003.101.12.1046"),
    ),
    Entry(Hl7Code(SERVICE_TYPE, "182", "Rheumatology"), "rheumatology", SERVICE_TYPES),
    Entry(SnomedCode("308481009", "Referral to orthopedic surgeon (procedure)"), "orthopedics", SNOMED_GPS),
    Entry(SnomedCode("183545006", "Referral to orthopedic service (procedure)"), "orthopedics", SNOMED_GPS),
    Entry(Hl7Code(SERVICE_TYPE, "218", "Orthopaedic Surgery"), "orthopedics", SERVICE_TYPES),
    Entry(
        SnomedCode("306284005", "Referral to infectious diseases physician (procedure)"),
        "infectious_diseases",
        vsac("2.16.840.1.113883.3.464.1003.101.12.1046"),
    ),
    Entry(Hl7Code(SERVICE_TYPE, "173", "Infectious Diseases"), "infectious_diseases", SERVICE_TYPES),
    Entry(SnomedCode("183567007", "Referral to hematologist (procedure)"), "hematology", SNOMED_GPS),
    Entry(local_code("multidisciplinary-foot-team"), "diabetic_foot_team", OWN),
    Entry(SnomedCode("308451001", "Referral to podiatrist (procedure)"), "diabetic_foot_team", SNOMED_GPS),
    Entry(
        SnomedCode("306352001", "Referral to hospital-based podiatrist (procedure)"),
        "diabetic_foot_team",
        vsac("2.16.840.1.113883.3.464.1003.101.12.1046"),
    ),
    Entry(Hl7Code(SERVICE_TYPE, "66", "Podiatry"), "diabetic_foot_team", SERVICE_TYPES),
    # Another service is not the one a card calls for: oncology is not hematology, a diabetologist is not the foot team.
    Entry(
        SnomedCode("183529009", "Referral to oncologist (procedure)"),
        "oncology",
        vsac("2.16.840.1.113883.3.464.1003.101.12.1046"),
    ),
    Entry(Hl7Code(SERVICE_TYPE, "175", "Medical Oncology"), "oncology", SERVICE_TYPES),
    Entry(
        SnomedCode("183530004", "Referral to diabetologist (procedure)"),
        "diabetology",
        vsac("2.16.840.1.113883.3.464.1003.101.12.1046"),
    ),
    Entry(Hl7Code(SERVICE_TYPE, "318", "Diabetes"), "diabetology", SERVICE_TYPES),
    Entry(
        SnomedCode("307777008", "Referral to vascular surgeon (procedure)"),
        "vascular_surgery",
        vsac("2.16.840.1.113883.3.464.1003.101.12.1046"),
    ),
    Entry(SnomedCode("306104004", "Referral to accident and emergency service (procedure)"), "emergency", SNOMED_GPS),
    Entry(
        SnomedCode("183866009", "Referral to emergency clinic (procedure)"),
        "emergency",
        vsac("2.16.840.1.113883.3.526.3.1570"),
    ),
    Entry(SnomedCode("308447003", "Referral to physiotherapist (procedure)"), "physiotherapy", SNOMED_GPS),
    Entry(SnomedCode("91251008", "Physical therapy procedure (regime/therapy)"), "physiotherapy", SNOMED_GPS),
)
"""What a ServiceRequest.code or performerType asks for."""

TARGET_CODES: Mapping[Key, str] = index(REFERRAL_TARGETS)

GENERAL_REFERRALS: tuple[Entry[None], ...] = (
    Entry(SnomedCode("3457005", "Patient referral (procedure)"), None, SNOMED_GPS),
    Entry(
        SnomedCode("103696004", "Patient referral to specialist (procedure)"),
        None,
        vsac("2.16.840.1.113883.3.464.1003.101.12.1046"),
    ),
    Entry(SnomedCode("306206005", "Referral to service (procedure)"), None, vsac("2.16.840.1.113883.3.526.3.1580")),
)
"""Referrals that do not say to whom: only their performerType or text can."""

_GENERAL = index(GENERAL_REFERRALS)


def referral_of(system: str, code: str, aliases: Aliases | None = None) -> str | None:
    """Return the target a referral code or performer type names, or None. A site writes ``referral=rheumatology``."""
    alias = alias_of(system, code, aliases)
    if alias is not None and alias[0] == "referral":
        return alias[1] or None
    return TARGET_CODES.get(key_of(system, code))


def is_referral(system: str, code: str) -> bool:
    """Return whether a code is a referral, to a named target or to nobody in particular."""
    key = key_of(system, code)
    return key in _GENERAL or (key in TARGET_CODES and key[0] != SERVICE_TYPE)
