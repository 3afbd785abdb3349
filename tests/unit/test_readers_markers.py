from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from support.records import loinc, marker, patient, read, report, rules_of, snomed, to

Json = Any

INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"


def flagged(code: str) -> Json:
    return {"interpretation": [{"coding": [{"system": INTERPRETATION, "code": code}]}]}


def value(number: Any, unit: str = "mg/L", **more: Any) -> Json:
    return {"value": number, "unit": unit, "code": unit, **more}


def measured(number: Any, high: Any = None, **more: Any) -> Json:
    """A value with a reference range in the same unit."""
    return {"valueQuantity": value(number), "referenceRange": [{"high": high or value(5)}], **more}


# ---------------------------------------------------------------------------------------- raised or not


@pytest.mark.parametrize(
    ("code", "fact"),
    [
        pytest.param("1988-5", "crp_raised", id="CRP"),
        pytest.param("30522-7", "crp_raised", id="CRP, high sensitivity"),
        pytest.param("4537-7", "esr_raised", id="ESR, Westergren"),
        pytest.param("30341-2", "esr_raised", id="ESR"),
        pytest.param("6690-2", "wbc_raised", id="leukocytes, automated"),
        pytest.param("26464-8", "wbc_raised", id="leukocytes"),
        pytest.param("8310-5", "fever", id="temperature"),
    ],
)
def test_a_raised_value_states_its_fact(code: str, fact: str):
    assert patient(read(marker("a", code, **flagged("H")))) == {fact: "present"}


def test_another_test_states_nothing():
    assert patient(read(marker("a", "718-7", **flagged("H")))) == {}


@pytest.mark.parametrize(
    ("told", "state"),
    [
        pytest.param(flagged("H"), "present", id="H"),
        pytest.param(flagged("HH"), "present", id="HH"),
        pytest.param(flagged("N"), "absent", id="N"),
        pytest.param(flagged("L"), "", id="L"),
        pytest.param(flagged("A"), "", id="A, which says no direction"),
        pytest.param({**flagged("N"), **measured(80)}, "absent", id="the laboratory's word before the range"),
        pytest.param({"interpretation": [{"text": "high"}]}, "", id="a word"),
        pytest.param(
            {"interpretation": {"coding": [{"system": "http://hl7.org/fhir/v2/0078", "code": "H"}]}},
            "present",
            id="as in DSTU2",
        ),
        pytest.param(measured(5.1), "present", id="above the range"),
        pytest.param(measured(5), "absent", id="at its end"),
        pytest.param(measured(0), "absent", id="zero"),
        pytest.param(measured(80, value(5, "mg/dL")), "present", id="a range in another unit"),
        pytest.param(measured(45, value(5, "mg/dL")), "absent", id="below a range in another unit"),
        pytest.param(measured(80, value(5, "nmol/L")), "", id="a unit that cannot be converted"),
        pytest.param(measured(80, value(5, "mm/h")), "", id="a unit of another kind"),
        pytest.param(measured(80, {"value": 5, "code": "mg/L", "unit": "mg/dL"}), "", id="two units that disagree"),
        pytest.param({"interpretation": [{"coding": [{"code": "H"}]}]}, "present", id="H without its system"),
        pytest.param({"interpretation": [*flagged("H")["interpretation"], *flagged("N")["interpretation"]]}, "",
                     id="two words that disagree"),
        pytest.param({**flagged("H"), "dataAbsentReason": {"text": "hemolysed"}}, "", id="H and not measured"),
        pytest.param(measured(True), "", id="a boolean"),
        pytest.param(measured(float("inf")), "", id="a number without end"),
        pytest.param(measured(80, {"value": 5}), "present", id="a range without unit"),
        pytest.param({"valueQuantity": {"value": 80}, "referenceRange": [{"high": value(5)}]}, "", id="no unit"),
        pytest.param({"valueQuantity": value(80)}, "", id="no range"),
        pytest.param({"valueQuantity": value(80), "referenceRange": [{"text": "<5"}]}, "", id="a range in words"),
        pytest.param({"valueQuantity": value(80), "referenceRange": [{"low": value(5)}]}, "", id="only a lower end"),
        pytest.param({"valueQuantity": value("80"), "referenceRange": [{"high": value(5)}]}, "", id="text"),
        pytest.param({"valueString": "80"}, "", id="a string"),
        pytest.param({"dataAbsentReason": {"text": "hemolysed"}}, "", id="not measured"),
        pytest.param(
            {"valueQuantity": value(8), "referenceRange": [{"high": value(5)}, {"high": value(10)}]},
            "",
            id="two ranges that disagree",
        ),
        pytest.param(
            {
                "valueQuantity": value(8),
                "referenceRange": [
                    {"high": value(5), "type": {"coding": [{"code": "normal"}]}},
                    {"high": value(100), "type": {"coding": [{"code": "treatment"}]}},
                ],
            },
            "present",
            id="a range that is not of healthy people",
        ),
    ],
)  # fmt: skip
def test_the_laboratorys_word_or_its_range_decides(told: Json, state: str):
    assert patient(read(marker("a", **told))) == ({"crp_raised": state} if state else {})


@pytest.mark.parametrize(
    ("comparator", "number", "state"),
    [
        ("<", 5, "absent"),
        ("<", 3, "absent"),
        ("<", 10, ""),
        ("<=", 5, "absent"),
        (">", 5, "present"),
        (">", 200, "present"),
        (">", 3, ""),
        (">=", 5.5, "present"),
        (">=", 5, ""),
        ("~", 80, ""),
    ],
)
def test_a_bound_decides_only_as_far_as_it_reaches(comparator: str, number: float, state: str):
    found = patient(read(marker("a", **measured(number)) | {"valueQuantity": value(number, comparator=comparator)}))

    assert found == ({"crp_raised": state} if state else {})


@pytest.mark.parametrize(
    ("code", "quantity", "high", "state"),
    [
        pytest.param("6690-2", value(14, "10*3/uL"), value(11, "10*3/uL"), "present", id="thousands"),
        pytest.param("6690-2", value(14, "10*9/L"), value(11000, "/uL"), "present", id="a litre and a microlitre"),
        pytest.param("6690-2", value(9000, "/uL"), value(11, "10*9/L"), "absent", id="the other way round"),
        pytest.param("26464-8", value(14, "K/uL"), value(11, "10*3/uL"), "present", id="as Americans write it"),
        pytest.param("6690-2", value(14, "10*9/L"), value(11), "", id="a count and a mass"),
        pytest.param("4537-7", value(40, "mm/h"), value(20, "mm/hr"), "present", id="sedimentation"),
        pytest.param("1988-5", value(1.2, "mg/dL"), value(5, "mg/L"), "present", id="CRP in mg/dL"),
        pytest.param("1988-5", value(0.5, "mg/dL"), value(5, "mg/L"), "absent", id="exactly the limit"),
    ],
)
def test_values_are_compared_in_one_unit(code: str, quantity: Json, high: Json, state: str):
    found = patient(read(marker("a", code, valueQuantity=quantity, referenceRange=[{"high": high}])))

    assert list(found.values()) == ([state] if state else [])


def test_a_panel_may_hold_its_values_as_components():
    panel = {
        "code": loinc("58410-2"),
        "component": [
            {"code": loinc("6690-2"), **flagged("H")},
            {"code": loinc("718-7"), **flagged("N")},
            {"code": loinc("1988-5"), "dataAbsentReason": {"text": "hemolysed"}},
        ],
    }

    assert patient(read({**marker("a"), **panel})) == {"wbc_raised": "present"}


# ------------------------------------------------------------------------------------------------- when


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        pytest.param("2026-03-10", True, id="today"),
        pytest.param("2026-03-11", True, id="today, elsewhere"),
        pytest.param("2026-02-08", True, id="30 days ago"),
        pytest.param("2026-02-07", False, id="31 days ago"),
        pytest.param("2026-04-01", False, id="in the future"),
        pytest.param("2026-03", False, id="a month only"),
        pytest.param(None, False, id="undated"),
    ],
)
def test_a_value_counts_for_some_weeks(day: str | None, counts: bool):
    found = patient(read(marker("a", effectiveDateTime=day, **flagged("H"))))

    assert found == ({"crp_raised": "present"} if counts else {})


def test_a_site_may_set_for_how_long():
    found = read(marker("a", effectiveDateTime="2026-03-01", **flagged("H")), how=rules_of(infection_sign_days=7))

    assert patient(found) == {}


OLD, NEW = {"effectiveDateTime": "2026-03-01"}, {"effectiveDateTime": "2026-03-05"}


@pytest.mark.parametrize(
    ("values", "state"),
    [
        pytest.param([{**OLD, **flagged("H")}, {**NEW, **flagged("N")}], "absent", id="normal again"),
        pytest.param([{**OLD, **flagged("N")}, {**NEW, **flagged("H")}], "present", id="raised since"),
        pytest.param([{**NEW, **flagged("N")}, {**NEW, **flagged("H")}], "present", id="both on one day"),
        pytest.param([{**OLD, **flagged("N")}, {**NEW, "valueQuantity": value(80)}], "", id="newest not judged"),
        pytest.param(
            [{**OLD, **flagged("H")}, {**NEW, "valueQuantity": value(80)}], "present", id="newest not judged, raised"
        ),
        pytest.param([{**OLD, **flagged("N")}, {**NEW, **flagged("H"), "status": "entered-in-error"}], "absent",
                     id="newest in error"),
    ],
)  # fmt: skip
def test_the_newest_value_decides_in_whatever_order_they_come(values: list[Json], state: str):
    sent = [marker(f"m{number}", **one) for number, one in enumerate(values)]

    found = [patient(read(*several)) for several in permutations(sent)]

    assert found == [{"crp_raised": state} if state else {}] * len(found)


def test_where_the_value_was_read_is_kept():
    (source,) = (
        read(marker("a", **OLD, **flagged("H")), marker("b", **NEW, **flagged("H"))).case.patient["crp_raised"].sources
    )

    assert (source.reference, source.date) == ("Observation/b", "2026-03-05")


def test_a_value_named_by_a_laboratory_report_counts():
    found = read(
        report(
            code={"text": "C-reactive protein"},
            category=[{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "LAB"}]}],
            result=[to("Observation/a")],
        ),
        marker("a", **flagged("H")),
    )

    assert (patient(found), found.case.lesions) == ({"crp_raised": "present"}, ())


def test_a_value_coded_twice_counts_once():
    twice = {"coding": [*loinc("1988-5")["coding"], *snomed("55235003")["coding"]]}

    assert patient(read({**marker("a", **flagged("H")), "code": twice})) == {"crp_raised": "present"}
