from __future__ import annotations

from typing import Any

import pytest
from support.records import SUBJECT, coded, draft, icd, patient, read, rules_of, to

from cds_service.model.coding import RXNORM

Json = Any

ATC = "http://www.whocc.no/atc"


def request(*dosages: Json, **more: Any) -> Json:
    return {
        "resourceType": "MedicationRequest",
        "id": "a",
        "status": "draft",
        "intent": "order",
        "subject": SUBJECT,
        "medicationCodeableConcept": {"text": "iloprost"},
        **({"dosageInstruction": list(dosages)} if dosages else {}),
        **more,
    }


def ordered(*dosages: Json, **more: Any) -> dict[str, str]:
    """What is read of an order, without its kind."""
    return {name: value for name, value in draft(read(drafts=[request(*dosages, **more)])).items() if name != "kind"}


def given(value: Any, unit: str = "ug") -> Json:
    return {"doseAndRate": [{"doseQuantity": {"value": value, "code": unit}}]}


def times(**repeat: Any) -> Json:
    return {"timing": {"repeat": repeat}}


# -------------------------------------------------------------------------------------------- which medicine


@pytest.mark.parametrize(
    ("medicine", "drug"),
    [
        pytest.param({"text": "Naproxen 500 mg oral tablet"}, "nsaid", id="an NSAID in words"),
        pytest.param({"text": "adalimumab"}, "anti_tnf", id="anti-TNF in words"),
        pytest.param({"text": "secukinumab"}, "anti_il17", id="anti-IL-17 in words"),
        pytest.param({"text": "tofacitinib"}, "jak", id="a JAK inhibitor in words"),
        pytest.param(coded("B01AC11", ATC), "iloprost", id="ATC"),
        pytest.param({"coding": [{"display": "Iloprost"}]}, "iloprost", id="a display"),
        pytest.param({"text": "amoxicillin"}, "other", id="another"),
        pytest.param({"coding": [{}]}, "other", id="an empty coding"),
        pytest.param(None, "other", id="none yet"),
    ],
)
def test_a_medicine_is_known_by_its_code_or_its_name(medicine: Json, drug: str):
    assert ordered(medicationCodeableConcept=medicine) == {"drug": drug}


def test_a_medicine_may_be_contained_or_travel_with_the_order():
    inside = request(
        medicationCodeableConcept=None,
        medicationReference=to("#m"),
        contained=[{"resourceType": "Medication", "id": "m", "code": {"text": "iloprost"}}],
    )
    beside = request(medicationCodeableConcept=None, medicationReference=to("Medication/m"))
    medication = {"resourceType": "Medication", "id": "m", "code": {"text": "iloprost"}}

    found = [draft(read(drafts=sent))["drug"] for sent in ([inside], [beside, medication], [beside])]

    assert found == ["iloprost", "iloprost", "other"]


def test_a_medicine_of_r5_and_of_the_site_is_known():
    r5 = request(medicationCodeableConcept=None, medication={"concept": {"text": "iloprost"}})
    own = request(medicationCodeableConcept=coded("ILO", "urn:own"))
    inside = request(
        medicationCodeableConcept=None,
        medication={"reference": to("#m")},
        contained=[{"resourceType": "Medication", "id": "m", "code": {"text": "iloprost"}}],
    )
    how = rules_of({("urn:own", "ILO"): "medicine=iloprost"})

    found = [draft(read(drafts=[sent], how=how)) for sent in (r5, own, inside)]

    assert [one["drug"] for one in found] == ["iloprost"] * 3


# ---------------------------------------------------------------------------------------------- which regimen


@pytest.mark.parametrize(
    ("dosage", "found"),
    [
        pytest.param(given(50), {"dose_ug": "50"}, id="ug"),
        pytest.param(given(50, "mcg"), {"dose_ug": "50"}, id="mcg"),
        pytest.param(given(0.05, "mg"), {"dose_ug": "50"}, id="mg"),
        pytest.param(given(50_000, "ng"), {"dose_ug": "50"}, id="ng"),
        pytest.param(given(2, "ng/kg"), {}, id="a dose by weight"),
        pytest.param(given(50, "mL"), {}, id="a volume"),
        pytest.param({"doseQuantity": {"value": 50, "code": "ug"}}, {"dose_ug": "50"}, id="a dose of STU3"),
        pytest.param(
            {"doseAndRate": [*given(50)["doseAndRate"], *given(0.05, "mg")["doseAndRate"]]},
            {"dose_ug": "50"},
            id="one dose in two units",
        ),
        pytest.param(
            {"doseAndRate": [*given(50)["doseAndRate"], *given(60)["doseAndRate"]]}, {}, id="two doses that differ"
        ),
        pytest.param(
            {"doseAndRate": [{"doseRange": {"low": {"value": 25, "code": "ug"}, "high": {"value": 50, "code": "ug"}}}]},
            {},
            id="a range of doses",
        ),
        pytest.param({"text": "50 ug over 6 hours, daily for 5 days"}, {}, id="words only"),
        pytest.param(
            {
                "doseAndRate": [
                    {"rateRatio": {"numerator": {"value": 50, "code": "ug"}, "denominator": {"value": 6, "code": "h"}}}
                ]
            },
            {},
            id="a rate without its time",
        ),
        pytest.param(
            {
                **times(duration=6, durationUnits="h"),
                "rateRatio": {
                    "numerator": {"value": 10_000, "unit": "ng"},
                    "denominator": {"value": 60, "unit": "min"},
                },
            },
            {"infusion_h": "6", "dose_ug": "60"},
            id="a rate of DSTU2, in small units",
        ),
        pytest.param({"doseAndRate": {"doseQuantity": {"value": 50, "unit": "ug"}}}, {"dose_ug": "50"}, id="an object"),
        pytest.param(times(duration=6, durationUnit="h"), {"infusion_h": "6"}, id="hours"),
        pytest.param(times(duration=360, durationUnit="min"), {"infusion_h": "6"}, id="minutes"),
        pytest.param(times(duration=21600, durationUnit="s"), {"infusion_h": "6"}, id="seconds"),
        pytest.param(times(duration=6), {}, id="a duration without unit"),
        pytest.param(times(duration=4, durationMax=6, durationUnit="h"), {}, id="four to six hours"),
        pytest.param(times(frequency=1, frequencyMax=2, period=1, periodUnit="d"), {}, id="once or twice a day"),
        pytest.param(times(frequency=1, period=1, periodMax=2, periodUnit="d"), {}, id="every day or two"),
        pytest.param(times(frequency=1, period=1, periodUnits="d"), {"per_day": "1"}, id="once a day, as in DSTU2"),
        pytest.param(times(frequency=1), {}, id="once, in what time"),
        pytest.param(
            {
                **times(duration=6, durationUnit="h"),
                "doseAndRate": [
                    {"rateRatio": {"numerator": {"value": 50, "code": "ug"}, "denominator": {"value": 6, "code": "h"}}}
                ],
            },
            {"infusion_h": "6", "dose_ug": "50"},
            id="a rate over a time",
        ),
        pytest.param(
            {
                **times(duration=360, durationUnit="min"),
                "doseAndRate": [{"rateQuantity": {"value": 10, "code": "ug/h"}}],
            },
            {"infusion_h": "6", "dose_ug": "60"},
            id="a rate as a quantity",
        ),
        pytest.param(
            {
                **times(duration=6, durationUnit="h"),
                "doseAndRate": [{"rateQuantity": {"value": 2, "code": "ng/kg/min"}}],
            },
            {"infusion_h": "6"},
            id="a rate by weight",
        ),
        pytest.param(times(frequency=1, period=1, periodUnit="d"), {"per_day": "1"}, id="once a day"),
        pytest.param(times(frequency=1, period=24, periodUnit="h"), {"per_day": "1"}, id="every 24 hours"),
        pytest.param(times(frequency=3, period=1, periodUnit="wk"), {"per_day": ""}, id="three times a week"),
        pytest.param({"timing": {"code": coded("BID")}}, {"per_day": "2"}, id="twice a day by code"),
        pytest.param(times(boundsDuration={"value": 5, "code": "d"}), {"days": "5"}, id="five days"),
        pytest.param(times(boundsDuration={"value": 1, "code": "wk"}), {"days": "7"}, id="a week"),
        pytest.param(
            times(boundsPeriod={"start": "2026-03-02", "end": "2026-03-06"}),
            {"days": "5"},
            id="from one day to another",
        ),
        pytest.param(
            times(boundsPeriod={"start": "2026-03-06", "end": "2026-03-02"}), {}, id="from one day to one before"
        ),
        pytest.param(times(boundsPeriod={"start": "2026-03-02"}), {}, id="from one day on"),
        pytest.param(times(boundsRange={"low": {"value": 3, "code": "d"}}), {}, id="at least some days"),
        pytest.param(
            times(count=5, countMax=7, frequency=1, period=1, periodUnit="d"),
            {"per_day": "1"},
            id="five to seven times",
        ),
        pytest.param(
            times(count=5, frequency=1, period=1, periodUnit="d"), {"per_day": "1", "days": "5"}, id="five times, daily"
        ),
        pytest.param(times(count=5), {}, id="five times, who knows when"),
        pytest.param({"route": {"text": "Inhalation"}}, {"inhaled": "present"}, id="inhaled"),
        pytest.param({"route": {"text": "intravenous"}}, {}, id="intravenous"),
        pytest.param({"timing": "daily"}, {}, id="a timing that is text"),
        pytest.param({"timing": {"repeat": [1]}}, {}, id="a repeat that is a list"),
    ],
)
def test_a_regimen_is_read_as_far_as_its_units_are_known(dosage: Json, found: dict[str, str]):
    stated = ordered(dosage)

    if found.get("per_day") == "":
        found = {**found, "per_day": stated["per_day"]}
        assert 0.42 < float(stated["per_day"]) < 0.43
    assert stated == {"drug": "iloprost", **found}


def test_two_dosages_are_no_regimen():
    assert ordered(given(50), given(25)) == {"drug": "iloprost"}


@pytest.mark.parametrize("number", ["1e999999999", "1/3", "1e-999999999", "NaN", "Infinity", -5, 0, True, None, "much"])
def test_a_number_that_is_none_is_never_worked_with(number: Any):
    assert ordered({**given(number), **times(duration=number, durationUnit="h", count=number)}) == {"drug": "iloprost"}


# -------------------------------------------------------------------------------------------------- what for


@pytest.mark.parametrize(
    ("reason", "found"),
    [
        pytest.param({"reasonCode": [icd("L40.0")]}, {"psoriasis": "present"}, id="psoriasis"),
        pytest.param({"reasonCode": icd("K50.90")}, {"ibd": "present"}, id="an object"),
        pytest.param({"reason": [{"concept": icd("M05.9")}]}, {"rheumatoid_arthritis": "present"}, id="as in R5"),
        pytest.param({"reasonCode": [icd("M46.1")]}, {"site": "si_joint"}, id="sacroiliitis"),
        pytest.param({"reasonCode": [icd("E11.9")]}, {}, id="what is no reason for it"),
        pytest.param({"reasonCode": [{"text": "psoriasis"}]}, {}, id="words"),
        pytest.param({"reasonCode": []}, {}, id="none"),
    ],
)
def test_the_reason_of_an_order_may_be_another_disease_the_medicine_is_given_for(reason: Json, found: Json):
    assert ordered(medicationCodeableConcept={"text": "adalimumab"}, **reason) == {"drug": "anti_tnf", **found}


# ------------------------------------------------------------------------------------------ what is being taken


WARFARIN = {"medicationCodeableConcept": {"text": "Warfarin 5 MG Oral Tablet"}}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        pytest.param({"status": "active", **WARFARIN}, {"anticoagulation": "present"}, id="in words"),
        pytest.param(
            {"status": "active", "medicationCodeableConcept": coded("11289", RXNORM)},
            {"anticoagulation": "present"},
            id="by its code",
        ),
        pytest.param({"status": None, **WARFARIN}, {"anticoagulation": "present"}, id="of no status"),
        pytest.param({"status": "stopped", **WARFARIN}, {}, id="stopped"),
        pytest.param({"status": "completed", **WARFARIN}, {}, id="completed"),
        pytest.param({"status": "entered-in-error", **WARFARIN}, {}, id="in error"),
        pytest.param({"status": "active", "doNotPerform": True, **WARFARIN}, {}, id="an order not to"),
        pytest.param(
            {"status": "active", "medicationCodeableConcept": {"text": "Naproxen"}}, {}, id="another medicine"
        ),
        pytest.param(
            {
                "status": "active",
                "medicationCodeableConcept": None,
                "medicationReference": to("#m"),
                "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "apixaban"}}],
            },
            {"anticoagulation": "present"},
            id="contained",
        ),
    ],
)
def test_a_prescription_that_is_followed_says_what_stands_against_iloprost(more: Json, found: dict[str, str]):
    assert patient(read(request(**more))) == found
