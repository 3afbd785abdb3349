from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.model.coding import (
    ATC,
    CPT,
    DICOM,
    HPO,
    ICD10,
    ICD10_CM,
    LOCAL,
    LOINC,
    OBSERVATION_INTERPRETATION,
    RADLEX,
    RXNORM,
    SNOMED,
    SYSTEM_ALIASES,
    AtcCode,
    CptCode,
    DicomCode,
    Hl7Code,
    HpoCode,
    Icd10Code,
    LocalCode,
    LoincCode,
    RadLexId,
    RxNormCode,
    SnomedCode,
    key_of,
    passes_mod_10,
    passes_verhoeff,
    same_system,
)


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (SnomedCode("39723000"), (SNOMED, "39723000")),
        (SnomedCode("6411000179107"), (SNOMED, "6411000179107")),
        (LoincCode("36031-3"), (LOINC, "36031-3")),
        (LoincCode("LP29684-5"), (LOINC, "LP29684-5")),
        (RadLexId("RID35173"), (RADLEX, "RID35173")),
        (Icd10Code("M45.A8"), (ICD10_CM, "M45.A8")),
        (Icd10Code("S90.31XA"), (ICD10_CM, "S90.31XA")),
        (Icd10Code("M87"), (ICD10_CM, "M87")),
        (RxNormCode("40138"), (RXNORM, "40138")),
        (AtcCode("B01AC11"), (ATC, "B01AC11")),
        (AtcCode("L04AB"), (ATC, "L04AB")),
        (DicomCode("MR"), (DICOM, "MR")),
        (CptCode("72195"), (CPT, "72195")),
        (HpoCode("HP:6000917"), (HPO, "HP:6000917")),
        (LocalCode("rim-sign"), (LOCAL, "rim-sign")),
        (Hl7Code(OBSERVATION_INTERPRETATION, "POS"), (OBSERVATION_INTERPRETATION, "POS")),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else type(value).__name__,
)
def test_a_good_code_knows_its_key(code, key):
    assert code.key == key


@pytest.mark.parametrize(
    ("make", "text", "why"),
    [
        # In one public repository this is "Charcot's arthropathy".
        pytest.param(SnomedCode, "203099009", "check digit is wrong (Verhoeff)", id="charcot-in-the-wild"),
        pytest.param(SnomedCode, "39732000", "check digit is wrong (Verhoeff)", id="swapped-digits"),
        pytest.param(SnomedCode, "39723011", "must be 00 or 10", id="description-id"),
        pytest.param(SnomedCode, "03972300", "6 to 18 digits", id="leading-zero"),
        pytest.param(SnomedCode, "39723", "6 to 18 digits", id="too-short"),
        pytest.param(SnomedCode, "M87.9", "6 to 18 digits", id="icd-as-snomed"),
        pytest.param(LoincCode, "36031-4", "check digit is wrong (mod 10)", id="loinc-check-digit"),
        pytest.param(LoincCode, "36301-3", "check digit is wrong (mod 10)", id="loinc-swapped-digits"),
        pytest.param(LoincCode, "360313", "a hyphen", id="loinc-without-hyphen"),
        pytest.param(RadLexId, "35173", "RID and a number", id="radlex-without-letters"),
        pytest.param(Icd10Code, "M87051", "such as M87.051", id="icd-without-dot"),
        pytest.param(Icd10Code, "m87.051", "such as M87.051", id="icd-lower-case"),
        pytest.param(Icd10Code, "M87.", "such as M87.051", id="icd-nothing-after-dot"),
        pytest.param(RxNormCode, "RX40138", "up to 8 digits", id="rxnorm-letters"),
        pytest.param(AtcCode, "B01A11", "letter, two digits", id="atc-level-missing"),
        pytest.param(DicomCode, "mr", "capitals", id="dicom-lower-case"),
        pytest.param(CptCode, "7219", "five digits", id="cpt-too-short"),
        pytest.param(HpoCode, "6000917", "HP: and seven digits", id="hpo-without-prefix"),
        pytest.param(LocalCode, "rim_sign", "joined by hyphens", id="local-underscore"),
    ],
)
def test_a_bad_code_is_refused_with_the_reason(make, text, why):
    with pytest.raises(ValueError, match=f"{make.__name__} '{text}': ") as refusal:
        make(text)

    assert why in str(refusal.value)


def test_a_cpt_descriptor_is_refused():
    with pytest.raises(ValueError, match="CPT descriptors belong to the AMA"):
        CptCode("72195", "anything")


@pytest.mark.parametrize(
    ("system", "code", "why"),
    [
        ("observation-category", "imaging", "must be a URI"),
        (OBSERVATION_INTERPRETATION, " POS", "no blanks around it"),
        (OBSERVATION_INTERPRETATION, "", "no blanks around it"),
    ],
    ids=["no-uri", "blank", "empty"],
)
def test_an_hl7_code_needs_a_uri_and_a_fhir_code(system, code, why):
    with pytest.raises(ValueError, match=why):
        Hl7Code(system, code)


def test_codes_are_equal_whatever_they_are_called():
    assert SnomedCode("39723000", "Sacroiliac joint structure") == SnomedCode("39723000", "SI joint")
    assert RadLexId("RID1") != RadLexId("RID2")
    assert len({SnomedCode("39723000", "a"), SnomedCode("39723000", "b")}) == 1


@given(st.integers(10**7, 10**17))
def test_exactly_one_check_digit_fits_a_number(number):
    assert sum(passes_verhoeff(f"{number}{digit}") for digit in range(10)) == 1
    assert sum(passes_mod_10(f"{number}{digit}") for digit in range(10)) == 1


@given(st.integers(10**6, 10**9), st.data())
def test_verhoeff_notices_two_neighbours_swapped(number, data):
    digits = next(f"{number}{digit}" for digit in range(10) if passes_verhoeff(f"{number}{digit}"))
    at = data.draw(st.integers(0, len(digits) - 2))

    swapped = digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]

    assert passes_verhoeff(swapped) is (swapped == digits)


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("http://radlex.org", RADLEX),
        ("http://www.radlex.org", RADLEX),
        ("http://www.radlex.org/", RADLEX),
        ("https://radlex.org", RADLEX),
        ("urn:oid:2.16.840.1.113883.6.256", RADLEX),
        ("urn:oid:2.16.840.1.113883.6.96", SNOMED),
        ("URN:OID:2.16.840.1.113883.6.96", SNOMED),
        ("2.16.840.1.113883.6.96", SNOMED),
        ("http://snomed.info/sct/731000124108", SNOMED),
        ("http://snomed.info/sct/900000000000207008/version/20240101", SNOMED),
        ("http://snomed.info/sct|http://snomed.info/sct/731000124108", SNOMED),
        (" http://loinc.org ", LOINC),
        ("https://loinc.org/", LOINC),
        ("urn:oid:2.16.840.1.113883.6.1", LOINC),
        ("urn:oid:2.16.840.1.113883.6.90", ICD10_CM),
        ("http://hl7.org/fhir/sid/icd-10-cm", ICD10_CM),
        ("http://hl7.org/fhir/sid/icd-10", ICD10),
        ("urn:oid:2.16.840.1.113883.6.3", ICD10),
        ("urn:oid:2.16.840.1.113883.6.88", RXNORM),
        ("urn:oid:2.16.840.1.113883.6.73", ATC),
        ("urn:oid:1.2.840.10008.2.16.4", DICOM),
        ("http://www.ama-assn.org/go/cpt", CPT),
        ("urn:oid:2.16.840.1.113883.6.12", CPT),
        ("http://hl7.org/fhir/v2/0078", OBSERVATION_INTERPRETATION),
        (LOCAL, LOCAL),
    ],
)
def test_a_code_system_is_known_by_all_its_names(sent, canonical):
    assert same_system(sent) == canonical


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "http://snomed.info",
        "http://snomed.info/sctx",
        "http://hl7.org/fhir/sid/icd-9-cm",
        "urn:oid:2.16.840.1.113883.6.103",
        "urn:oid:2.16.840.1.113883.6.9",
        "https://ehr.example/local-codes",
    ],
)
def test_another_code_system_is_not_taken_for_one_of_ours(sent):
    assert same_system(sent) is None


def test_every_alias_leads_to_a_canonical_name():
    assert {name: same_system(name) for name in SYSTEM_ALIASES} == dict(SYSTEM_ALIASES)
    assert all(same_system(canonical) == canonical for canonical in SYSTEM_ALIASES.values())


@pytest.mark.parametrize(
    ("system", "code", "key"),
    [
        pytest.param("urn:oid:2.16.840.1.113883.6.90", "m87051", (ICD10_CM, "M87.051"), id="icd-from-a-claim"),
        pytest.param(ICD10_CM, "M87", (ICD10_CM, "M87"), id="icd-category"),
        pytest.param("http://www.radlex.org", "rid35173", (RADLEX, "RID35173"), id="radlex-lower-case"),
        pytest.param(SNOMED, " 39723000 ", (SNOMED, "39723000"), id="blanks"),
        pytest.param("https://ehr.example/codes", "Xy-1", ("https://ehr.example/codes", "Xy-1"), id="unknown-kept"),
    ],
)
def test_a_key_has_the_usual_spelling(system, code, key):
    assert key_of(system, code) == key
