"""What a MedicationRequest orders: which class of medicine, by which route, and the regimen in one set of units."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds_service.fhir.readers.medication import read_medication
from cds_service.model.coding import ATC, RXNORM
from cds_service.model.finding import State
from cds_service.model.quantity import Range

Json = Any

TIMING = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"
PUBLISHED = {"dose_ug": 50, "infusion_h": 6, "per_day": 1, "days": 5}
DAILY = {"frequency": 1, "period": 1, "periodUnit": "d"}


def quantity(value: Any, unit: str) -> Json:
    return {"value": value, "unit": unit, "code": unit}


def ordered(*dosages: Json, **more: Any) -> dict[str, Any]:
    """Return what is read, without ``order.`` before it and numbers as numbers; a range must be one number."""
    request = {"resourceType": "MedicationRequest", "dosageInstruction": list(dosages), **more}
    found = dict(read_medication(request, more.pop("others", {}), {}))
    return {name.removeprefix("order."): plain(value) for name, value in found.items()}


def plain(value: Any) -> Any:
    if isinstance(value, Range):
        assert value.low == value.high
        return value.low
    return value


def regimen(dosage: Json) -> dict[str, Decimal]:
    return {name: value for name, value in ordered(dosage).items() if name != "drug"}


def drug(others: Json = None, /, **request: Any) -> str:
    found = dict(read_medication({"resourceType": "MedicationRequest", **request}, others or {}, {}))
    return found["order.drug"]


def dose(value: Any, unit: str) -> Json:
    return {"doseAndRate": [{"doseQuantity": quantity(value, unit)}]}


def rate(rated: Json, hours: Any = None) -> Json:
    timing = {"timing": {"repeat": {"duration": hours, "durationUnit": "h"}}} if hours else {}
    return {"doseAndRate": [rated], **timing}


def repeat(**fields: Any) -> Json:
    return {"timing": {"repeat": fields}}


# --------------------------------------------------------------------------------------------------- dose


@pytest.mark.parametrize(
    ("value", "unit", "micrograms"),
    [
        pytest.param(50, "ug", "50", id="ug"),
        pytest.param(50, "mcg", "50", id="mcg"),
        pytest.param(50, "µg", "50", id="micro sign"),
        pytest.param(50, "μg", "50", id="Greek mu"),
        pytest.param(0.05, "mg", "50", id="mg"),
        pytest.param("0.050", "mg", "50", id="mg as text"),
        pytest.param(0.1, "mg", "100", id="mg, another dose"),
    ],
)
def test_a_dose_is_read_in_micrograms(value: Any, unit: str, micrograms: str) -> None:
    assert regimen(dose(value, unit)) == {"dose_ug": Decimal(micrograms)}


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        pytest.param(50, "ug/kg", id="by weight"),
        pytest.param(50, "mL", id="a volume"),
        pytest.param(1, "{ampule}", id="a count"),
        pytest.param(50, "", id="no unit"),
        pytest.param(0, "ug", id="zero"),
        pytest.param(-50, "ug", id="negative"),
        pytest.param(True, "ug", id="yes is no number"),
        pytest.param("fifty", "ug", id="words"),
        pytest.param(float("nan"), "ug", id="not a number"),
        pytest.param("1e400", "ug", id="absurd"),
        pytest.param(None, "ug", id="nothing"),
    ],
)
def test_what_is_no_dose_in_a_known_unit_is_not_read(value: Any, unit: str) -> None:
    assert regimen(dose(value, unit)) == {}


def test_the_code_of_a_unit_counts_more_than_its_label() -> None:
    written = {"doseAndRate": [{"doseQuantity": {"value": 50, "unit": "microgram", "code": "ug"}}]}

    assert regimen(written) == {"dose_ug": 50}


# --------------------------------------------------------------------------------------------------- rate


@pytest.mark.parametrize(
    ("rated", "hours", "micrograms"),
    [
        pytest.param({"rateQuantity": quantity(5, "ug/h")}, 10, 50, id="ug/h"),
        pytest.param({"rateQuantity": quantity(0.005, "mg/h")}, 10, 50, id="mg/h"),
        pytest.param({"rateQuantity": quantity(0.5, "ug/min")}, 2, 60, id="ug/min"),
        pytest.param(
            {"rateRatio": {"numerator": quantity(50, "ug"), "denominator": quantity(6, "h")}}, 6, 50, id="ratio, hours"
        ),
        pytest.param(
            {"rateRatio": {"numerator": quantity(1, "ug"), "denominator": quantity(10, "min")}}, 6, 36,
            id="ratio, minutes",
        ),
    ],
)  # fmt: skip
def test_a_rate_times_the_duration_is_the_dose(rated: Json, hours: int, micrograms: int) -> None:
    assert regimen(rate(rated, hours))["dose_ug"] == micrograms


@pytest.mark.parametrize(
    ("rated", "hours"),
    [
        pytest.param({"rateQuantity": quantity(2, "ng/kg/min")}, 6, id="ng/kg/min"),
        pytest.param({"rateQuantity": quantity(2, "ug/kg/h")}, 6, id="ug/kg/h"),
        pytest.param(
            {"rateRatio": {"numerator": quantity(0.5, "ng/kg"), "denominator": quantity(1, "min")}}, 6, id="ratio"
        ),
        pytest.param({"rateQuantity": quantity(10, "mL/h")}, 6, id="a volume an hour"),
    ],
)
def test_a_rate_by_body_weight_or_volume_is_no_dose(rated: Json, hours: int) -> None:
    assert regimen(rate(rated, hours)) == {"infusion_h": 6}


def test_a_rate_without_a_duration_is_no_dose() -> None:
    assert regimen(rate({"rateQuantity": quantity(5, "ug/h")})) == {}


def test_a_dose_that_is_given_counts_and_not_the_rate_beside_it() -> None:
    both = {"doseQuantity": quantity(50, "ug"), "rateQuantity": quantity(20, "ug/h")}

    assert regimen(rate(both, 6)) == {"dose_ug": 50, "infusion_h": 6}


# ------------------------------------------------------------------------------------------------- timing


@pytest.mark.parametrize(
    ("duration", "unit", "hours"),
    [
        pytest.param(6, "h", "6", id="hours"),
        pytest.param(360, "min", "6", id="minutes"),
        pytest.param(30, "min", "0.5", id="half an hour in minutes"),
        pytest.param(5.5, "h", "5.5", id="part of an hour"),
    ],
)
def test_the_duration_of_an_infusion_is_read_in_hours(duration: Any, unit: str, hours: str) -> None:
    """Exactly: the published regimen is compared with six hours, not with about six."""
    assert regimen(repeat(duration=duration, durationUnit=unit)) == {"infusion_h": Decimal(hours)}


@pytest.mark.parametrize(
    ("timing", "per_day"),
    [
        pytest.param({"repeat": DAILY}, "1", id="once a day"),
        pytest.param({"repeat": {**DAILY, "frequency": 2}}, "2", id="twice a day"),
        pytest.param({"repeat": {**DAILY, "period": 2}}, "0.5", id="every other day"),
        pytest.param({"repeat": {"frequency": 7, "period": 1, "periodUnit": "wk"}}, "1", id="seven times a week"),
        pytest.param({"repeat": {"frequency": 1, "periodUnit": "d"}}, "1", id="period not stated"),
        pytest.param({"code": {"coding": [{"system": TIMING, "code": "QD"}]}}, "1", id="code QD"),
        pytest.param({"code": {"coding": [{"system": TIMING, "code": "BID"}]}}, "2", id="code BID"),
        pytest.param({"code": {"coding": [{"system": TIMING, "code": "TID"}]}}, "3", id="code TID"),
        pytest.param({"code": {"coding": [{"system": TIMING, "code": "QOD"}]}}, "0.5", id="code QOD"),
    ],
)
def test_how_often_a_day_is_read_from_frequency_or_code(timing: Json, per_day: str) -> None:
    assert regimen({"timing": timing}) == {"per_day": Decimal(per_day)}


@pytest.mark.parametrize(
    "timing",
    [
        pytest.param({"repeat": {"frequency": 1, "period": 1, "periodUnit": "mo"}}, id="a unit of no fixed length"),
        pytest.param({"repeat": {"frequency": 1}}, id="no unit"),
        pytest.param({"code": {"coding": [{"system": TIMING, "code": "WHENEVER"}]}}, id="another code"),
        pytest.param({"code": {"text": "as needed"}}, id="words"),
        pytest.param("daily", id="no object"),
        pytest.param({"repeat": [DAILY]}, id="a list"),
    ],
)
def test_how_often_stays_open_when_it_is_not_told_in_known_units(timing: Json) -> None:
    assert regimen({"timing": timing}) == {}


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        pytest.param({"boundsDuration": quantity(5, "d")}, "5", id="days"),
        pytest.param({"boundsDuration": {"value": 5, "unit": "days"}}, "5", id="days as a label"),
        pytest.param({"boundsDuration": quantity(1, "wk")}, "7", id="a week"),
        pytest.param({"boundsDuration": quantity(120, "h")}, "5", id="hours"),
        pytest.param({**DAILY, "count": 5}, "5", id="count of a daily dose"),
        pytest.param({**DAILY, "frequency": 2, "count": 10}, "5", id="count of a dose twice a day"),
    ],
)
def test_for_how_many_days_is_read_from_bounds_or_count(fields: Json, days: str) -> None:
    assert regimen(repeat(**fields))["days"] == Decimal(days)


def test_a_count_without_a_frequency_says_nothing_of_days() -> None:
    assert regimen(repeat(count=5)) == {}


@pytest.mark.parametrize(
    "dosage",
    [
        pytest.param(
            {**dose(50, "ug"), **repeat(**DAILY, duration=6, durationUnit="h", boundsDuration=quantity(5, "d"))},
            id="ug, hours, days",
        ),
        pytest.param(
            {**dose(0.05, "mg"), **repeat(**DAILY, duration=360, durationUnit="min", boundsDuration=quantity(5, "d"))},
            id="mg, minutes, days",
        ),
        pytest.param(
            {**dose("50", "mcg"), **repeat(**DAILY, duration=6, durationUnit="h", count=5)}, id="mcg, hours, count"
        ),
    ],
)
def test_the_published_regimen_is_the_same_in_whatever_units(dosage: Json) -> None:
    assert regimen(dosage) == PUBLISHED


def test_an_order_with_two_dosages_is_not_judged_by_either() -> None:
    first, second = dose(50, "ug"), dose(100, "ug")

    assert ordered(first, second) == {"drug": "other"}


# -------------------------------------------------------------------------------------------------- route


@pytest.mark.parametrize(
    ("route", "inhaled"),
    [
        pytest.param({"text": "Inhalation"}, True, id="inhalation"),
        pytest.param({"text": "by nebuliser"}, True, id="nebuliser"),
        pytest.param({"coding": [{"display": "Respiratory tract route"}]}, True, id="a display"),
        pytest.param({"text": "intravenous"}, False, id="intravenous"),
        pytest.param(None, False, id="not stated"),
    ],
)
def test_an_inhaled_route_is_noticed(route: Json, inhaled: bool) -> None:
    found = ordered({"route": route} if route else {})

    assert found == {"drug": "other", **({"inhaled": State.PRESENT} if inhaled else {})}


def test_one_inhaled_dosage_of_two_is_noticed() -> None:
    found = ordered({"route": {"text": "oral"}}, {"route": {"text": "inhaled"}})

    assert found == {"drug": "other", "inhaled": State.PRESENT}


# ------------------------------------------------------------------------------------------- the medicine

ILOPROST = {"coding": [{"system": RXNORM, "code": "40138"}]}


def test_the_medicine_is_read_from_its_code() -> None:
    assert drug(medicationCodeableConcept=ILOPROST) == "iloprost"


def test_the_medicine_may_be_contained() -> None:
    inside = {"resourceType": "Medication", "id": "med", "code": ILOPROST}

    assert drug(contained=[inside], medicationReference={"reference": "#med"}) == "iloprost"


def test_another_contained_medicine_is_not_the_one_that_is_ordered() -> None:
    inside = [
        {"resourceType": "Medication", "id": "other", "code": ILOPROST},
        {"resourceType": "Medication", "id": "med", "code": {"text": "naproxen 500 mg"}},
    ]

    assert drug(contained=inside, medicationReference={"reference": "#med"}) == "nsaid"


def test_the_medicine_may_travel_among_the_drafts() -> None:
    others = {"Medication/med": {"resourceType": "Medication", "id": "med", "code": ILOPROST}}

    assert drug(others, medicationReference={"reference": "Medication/med"}) == "iloprost"


def test_a_reference_that_leads_nowhere_is_some_other_medicine() -> None:
    assert drug(medicationReference={"reference": "Medication/gone"}) == "other"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("Iloprost 50 ug infusion", "iloprost", id="iloprost"),
        pytest.param("NAPROXEN 500 MG", "nsaid", id="capitals"),
        pytest.param("upadacitinib 15 mg", "jak", id="no verified code"),
        pytest.param("bimekizumab 160 mg/mL", "anti_il17", id="anti-IL-17"),
        pytest.param("adalimumab-adaz", "anti_tnf", id="a biosimilar"),
        pytest.param("naproxen or adalimumab", "other", id="two classes"),
        pytest.param("naproxen or ibuprofen", "nsaid", id="two of one class"),
        pytest.param("iloprosta", "other", id="whole words only"),
        pytest.param("amoxicillin", "other", id="another medicine"),
        pytest.param("prednisone 5 mg", "other", id="a class no order rule asks for"),
        pytest.param("", "other", id="no name"),
    ],
)
def test_a_medicine_without_a_known_code_is_known_by_its_name(name: str, found: str) -> None:
    assert drug(medicationCodeableConcept={"text": name}) == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        pytest.param("L04AB02", "anti_tnf", id="a substance"),
        pytest.param("L04AB99", "anti_tnf", id="any of its group"),
        pytest.param("L04AF03", "jak", id="JAK group"),
        pytest.param("L04AC05", "other", id="another interleukin inhibitor"),
        pytest.param("M01AX05", "other", id="glucosamine is no NSAID"),
    ],
)
def test_an_atc_code_tells_the_class_by_its_group(code: str, found: str) -> None:
    assert drug(medicationCodeableConcept={"coding": [{"system": ATC, "code": code}]}) == found


def test_a_code_counts_more_than_a_name() -> None:
    assert drug(medicationCodeableConcept={**ILOPROST, "text": "naproxen"}) == "iloprost"


def test_a_sites_own_code_names_the_class() -> None:
    own = {"medicationCodeableConcept": {"coding": [{"system": "urn:formulary", "code": "N1"}]}}

    found = dict(read_medication(own, {}, {("urn:formulary", "N1"): "medicine=nsaid"}))

    assert found == {"order.drug": "nsaid"}
