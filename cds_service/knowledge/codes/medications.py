"""Codes and names of the medicines that rules ask about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from cds_service.knowledge.codes.entry import Aliases, Entry, EvidenceTier, Key, Seen, alias_of, index
from cds_service.knowledge.codes.sources import (
    ALLERGY_SUBSTANCES,
    ATC_JAK_GROUP,
    SUBSTANCES,
    omop,
    vsac,
)
from cds_service.model.coding import ATC, AtcCode, RxNormCode, SnomedCode, key_of


class Medicine(StrEnum):
    """The classes a rule can ask for."""

    ILOPROST = "iloprost"
    NSAID = "nsaid"
    ANTI_TNF = "anti_tnf"
    ANTI_IL17 = "anti_il17"
    JAK = "jak"
    ANTICOAGULANT = "anticoagulant"
    ANTIPLATELET = "antiplatelet"
    GLUCOCORTICOID = "glucocorticoid"


BIOLOGIC_OR_JAK = frozenset({Medicine.ANTI_TNF, Medicine.ANTI_IL17, Medicine.JAK})

CONTEXT_FACTS: Mapping[Medicine, str] = {
    Medicine.GLUCOCORTICOID: "steroid",
    Medicine.ANTICOAGULANT: "anticoagulation",
    Medicine.ANTIPLATELET: "anticoagulation",
}
"""The context fact that taking a medicine states (``codes.context``)."""

MEDICINES: tuple[Entry[Medicine], ...] = (
    Entry(RxNormCode("40138", "iloprost"), Medicine.ILOPROST, omop(764)),
    Entry(SnomedCode("395740002", "Iloprost (substance)"), Medicine.ILOPROST, SUBSTANCES),
    Entry(AtcCode("B01AC11", "iloprost"), Medicine.ILOPROST, SUBSTANCES),
    Entry(RxNormCode("5640", "Ibuprofen"), Medicine.NSAID, ALLERGY_SUBSTANCES),
    Entry(RxNormCode("7258", "Naproxen"), Medicine.NSAID, ALLERGY_SUBSTANCES),
    Entry(RxNormCode("140587", "celecoxib"), Medicine.NSAID, ALLERGY_SUBSTANCES),
    Entry(RxNormCode("3355", "diclofenac"), Medicine.NSAID, omop(856)),
    Entry(RxNormCode("41493", "meloxicam"), Medicine.NSAID, ALLERGY_SUBSTANCES),
    Entry(
        RxNormCode("197817", "Indomethacin 25 MG Oral Capsule"),
        Medicine.NSAID,
        vsac("2.16.840.1.113883.3.464.1003.196.12.1366"),
    ),
    Entry(AtcCode("M01AE01", "ibuprofen"), Medicine.NSAID, SUBSTANCES),
    Entry(AtcCode("M01AE02", "naproxen"), Medicine.NSAID, SUBSTANCES),
    Entry(AtcCode("M01AH01", "celecoxib"), Medicine.NSAID, SUBSTANCES),
    Entry(AtcCode("M01AB05", "diclofenac"), Medicine.NSAID, SUBSTANCES),
    Entry(AtcCode("M01AB01", "indometacin"), Medicine.NSAID, SUBSTANCES),
    Entry(SnomedCode("387207008", "Ibuprofen (substance)"), Medicine.NSAID, SUBSTANCES),
    Entry(SnomedCode("372588000", "Naproxen (substance)"), Medicine.NSAID, SUBSTANCES),
    Entry(SnomedCode("116081000", "Celecoxib (substance)"), Medicine.NSAID, SUBSTANCES),
    Entry(SnomedCode("7034005", "Diclofenac (substance)"), Medicine.NSAID, SUBSTANCES),
    Entry(SnomedCode("373513008", "Indometacin (substance)"), Medicine.NSAID, SUBSTANCES),
    Entry(RxNormCode("327361", "adalimumab"), Medicine.ANTI_TNF, omop(1040)),
    Entry(RxNormCode("214555", "etanercept"), Medicine.ANTI_TNF, omop(1040)),
    Entry(RxNormCode("191831", "infliximab"), Medicine.ANTI_TNF, omop(1040)),
    Entry(RxNormCode("819300", "golimumab"), Medicine.ANTI_TNF, omop(1040)),
    Entry(RxNormCode("709271", "certolizumab pegol"), Medicine.ANTI_TNF, omop(1040)),
    Entry(AtcCode("L04AB04", "adalimumab"), Medicine.ANTI_TNF, SUBSTANCES),
    Entry(AtcCode("L04AB01", "etanercept"), Medicine.ANTI_TNF, SUBSTANCES),
    Entry(AtcCode("L04AB02", "infliximab"), Medicine.ANTI_TNF, SUBSTANCES),
    Entry(AtcCode("L04AB06", "golimumab"), Medicine.ANTI_TNF, SUBSTANCES),
    Entry(AtcCode("L04AB05", "certolizumab pegol"), Medicine.ANTI_TNF, SUBSTANCES),
    Entry(
        RxNormCode("1653241", "1 ML secukinumab 150 MG/ML Auto-Injector"),
        Medicine.ANTI_IL17,
        vsac("2.16.840.1.113762.1.4.1151.32"),
    ),
    Entry(
        RxNormCode("1599792", "1 ML secukinumab 150 MG/ML Prefilled Syringe"),
        Medicine.ANTI_IL17,
        vsac("2.16.840.1.113762.1.4.1151.32"),
    ),
    Entry(
        RxNormCode("1745103", "1 ML ixekizumab 80 MG/ML Auto-Injector"),
        Medicine.ANTI_IL17,
        vsac("2.16.840.1.113762.1.4.1151.32"),
    ),
    Entry(
        RxNormCode("1745112", "1 ML ixekizumab 80 MG/ML Prefilled Syringe"),
        Medicine.ANTI_IL17,
        vsac("2.16.840.1.113762.1.4.1151.32"),
    ),
    Entry(SnomedCode("708822004", "Secukinumab (substance)"), Medicine.ANTI_IL17, SUBSTANCES),
    Entry(SnomedCode("724037000", "Ixekizumab (substance)"), Medicine.ANTI_IL17, SUBSTANCES),
    # Exact codes: their group, L04AC, is all interleukin inhibitors.
    Entry(AtcCode("L04AC10", "secukinumab"), Medicine.ANTI_IL17, SUBSTANCES),
    Entry(AtcCode("L04AC13", "ixekizumab"), Medicine.ANTI_IL17, SUBSTANCES),
    Entry(RxNormCode("1357536", "tofacitinib"), Medicine.JAK, omop(1041)),
    Entry(
        RxNormCode("1741046", "24 HR tofacitinib 11 MG Extended Release Oral Tablet"),
        Medicine.JAK,
        vsac("2.16.840.1.113762.1.4.1151.32"),
    ),
    Entry(SnomedCode("704313003", "Tofacitinib (substance)"), Medicine.JAK, SUBSTANCES),
    Entry(AtcCode("L04AA29", "tofacitinib"), Medicine.JAK, SUBSTANCES),
    Entry(RxNormCode("11289", "Warfarin"), Medicine.ANTICOAGULANT, omop(919)),
    Entry(RxNormCode("1364430", "apixaban"), Medicine.ANTICOAGULANT, omop(919)),
    Entry(RxNormCode("1114195", "rivaroxaban"), Medicine.ANTICOAGULANT, omop(919)),
    Entry(RxNormCode("1037042", "dabigatran etexilate"), Medicine.ANTICOAGULANT, omop(919)),
    Entry(RxNormCode("5224", "heparin"), Medicine.ANTICOAGULANT, ALLERGY_SUBSTANCES),
    Entry(RxNormCode("32968", "clopidogrel"), Medicine.ANTIPLATELET, ALLERGY_SUBSTANCES),
    Entry(RxNormCode("1191", "aspirin"), Medicine.ANTIPLATELET, omop(1158)),
    Entry(RxNormCode("8640", "prednisone"), Medicine.GLUCOCORTICOID, omop(1181)),
    Entry(RxNormCode("8638", "prednisolone"), Medicine.GLUCOCORTICOID, omop(1181)),
    Entry(RxNormCode("6902", "methylprednisolone"), Medicine.GLUCOCORTICOID, omop(1181)),
    Entry(RxNormCode("3264", "dexamethasone"), Medicine.GLUCOCORTICOID, omop(1181)),
)

MEDICINE_CODES: Mapping[Key, Medicine] = index(MEDICINES)

_ATC_INDEX = Seen(EvidenceTier.A, "WHO Collaborating Centre for Drug Statistics Methodology, ATC index")

ATC_GROUPS: tuple[Entry[Medicine], ...] = (
    # Not all of M01A: M01AX also holds glucosamine and chondroitin, which are no anti-inflammatory drugs.
    Entry(AtcCode("M01AA", "Butylpyrazolidines"), Medicine.NSAID, _ATC_INDEX),
    Entry(AtcCode("M01AB", "Acetic acid derivatives and related substances"), Medicine.NSAID, _ATC_INDEX),
    Entry(AtcCode("M01AC", "Oxicams"), Medicine.NSAID, _ATC_INDEX),
    Entry(AtcCode("M01AE", "Propionic acid derivatives"), Medicine.NSAID, _ATC_INDEX),
    Entry(AtcCode("M01AG", "Fenamates"), Medicine.NSAID, _ATC_INDEX),
    Entry(AtcCode("M01AH", "Coxibs"), Medicine.NSAID, _ATC_INDEX),
    Entry(AtcCode("L04AB", "Tumor necrosis factor alpha (TNF-alpha) inhibitors"), Medicine.ANTI_TNF, _ATC_INDEX),
    # Tofacitinib was L04AA29 until the group was opened.
    Entry(AtcCode("L04AF", "Janus-associated kinase (JAK) inhibitors"), Medicine.JAK, ATC_JAK_GROUP),
)
"""ATC groups whose every member belongs to the class."""

_ATC_GROUPS = index(ATC_GROUPS)

MEDICINE_NAMES: Mapping[str, Medicine] = {
    "iloprost": Medicine.ILOPROST,
    "ibuprofen": Medicine.NSAID,
    "naproxen": Medicine.NSAID,
    "celecoxib": Medicine.NSAID,
    "etoricoxib": Medicine.NSAID,
    "diclofenac": Medicine.NSAID,
    "meloxicam": Medicine.NSAID,
    "indomethacin": Medicine.NSAID,
    "indometacin": Medicine.NSAID,
    "adalimumab": Medicine.ANTI_TNF,
    "etanercept": Medicine.ANTI_TNF,
    "infliximab": Medicine.ANTI_TNF,
    "golimumab": Medicine.ANTI_TNF,
    "certolizumab": Medicine.ANTI_TNF,
    "secukinumab": Medicine.ANTI_IL17,
    "ixekizumab": Medicine.ANTI_IL17,
    "bimekizumab": Medicine.ANTI_IL17,
    "tofacitinib": Medicine.JAK,
    "upadacitinib": Medicine.JAK,
    "filgotinib": Medicine.JAK,
    "warfarin": Medicine.ANTICOAGULANT,
    "apixaban": Medicine.ANTICOAGULANT,
    "edoxaban": Medicine.ANTICOAGULANT,
    "rivaroxaban": Medicine.ANTICOAGULANT,
    "dabigatran": Medicine.ANTICOAGULANT,
    "heparin": Medicine.ANTICOAGULANT,
    "enoxaparin": Medicine.ANTICOAGULANT,
    "clopidogrel": Medicine.ANTIPLATELET,
    "aspirin": Medicine.ANTIPLATELET,
}
"""Ingredients by name. Orders carry RxNorm products far more often than ingredients, and several ingredients have no
verified code, so a medicine (unlike a finding) may be known by the name in its display or text."""


def medicine_of(system: str, code: str, aliases: Aliases | None = None) -> Medicine | None:
    """Return the class a medication code belongs to, or None. A site writes its own as ``medicine=nsaid``."""
    alias = alias_of(system, code, aliases)
    if alias is not None and alias[0] == "medicine":
        return Medicine(alias[1]) if alias[1] in set(Medicine) else None
    key = key_of(system, code)
    found = MEDICINE_CODES.get(key)
    if found is None and key[0] == ATC:
        # ATC groups have five characters, substances seven.
        return _ATC_GROUPS.get((ATC, key[1][:5]))
    return found


def medicine_named(text: str) -> Medicine | None:
    """Return the class of the one medicine a display or text names; None for none, or for two of different classes.

    Whole words only. "No ibuprofen" would count, so use it on the name of an ordered medicine, never on prose.
    """
    words = set(re.findall(r"[a-z]+", text.lower()))
    found = {MEDICINE_NAMES[name] for name in words & MEDICINE_NAMES.keys()}
    return found.pop() if len(found) == 1 else None
