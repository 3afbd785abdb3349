from __future__ import annotations

from typing import Any

import pytest
from support.records import (
    HIP,
    KNEE,
    LEFT,
    RIGHT,
    SI_JOINT,
    SUBJECT,
    coded,
    cpt,
    draft,
    icd,
    loinc,
    order,
    read,
    rules_of,
    snomed,
)

from cds_service.errors import BadRequest
from cds_service.fhir.access import key_of
from cds_service.fhir.readers.drafts import read_drafts, read_placed
from cds_service.fhir.source import draft_orders
from cds_service.model.case import PlacedOrder
from cds_service.model.coding import ICD10_CM, LOINC, SNOMED

Json = Any


def drafted(code: Json, **more: Any) -> dict[str, str]:
    return draft(read(drafts=[order("a", code, **more)]))


def kind_and_site(code: Json, **more: Any) -> str:
    found = drafted(code, **more)
    return f"{found['kind']} {found.get('site', '')}".strip()


def note(*texts: str) -> Json:
    return {"note": [{"text": text} for text in texts]}


# ------------------------------------------------------------------------------------------------ kinds


def shown(system: str, code: str, display: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def test_a_biopsy_that_its_sender_labels_one_of_marrow_is_one_by_its_site_or_text_only():
    labelled = shown(SNOMED, "86273004", "Biopsy of bone marrow")

    by_display, by_text = drafted(labelled), drafted({**labelled, "text": "Biopsy of bone marrow"})

    assert (by_display["marrow"], by_text["marrow"]) == ("absent", "present")


@pytest.mark.parametrize(
    ("code", "found"),
    [
        pytest.param(
            shown(LOINC, "36502-3", "MRI of the left hip"),
            {"kind": "mri", "site": "si_joint", "contrast": "absent"},
            id="known",
        ),
        pytest.param(shown("urn:own", "MR7", "MRI of the left hip"), {"kind": "mri", "site": "hip"}, id="of their own"),
    ],
)
def test_a_display_is_read_only_where_no_code_is_understood(code: Json, found: dict[str, str]):
    (one,) = read(drafts=[order("a", code)]).case.drafts

    assert draft(read(drafts=[order("a", code)])) == found
    assert one.side == (None if found["site"] == "si_joint" else "left")


def test_the_display_of_a_reason_that_is_understood_names_no_place():
    reason = shown(ICD10_CM, "M54.50", "Pain in the left hip")

    (one,) = read(drafts=[order("a", cpt("72195"), reasonCode=[reason])]).case.drafts

    assert (one.group, one.side) == ("si_joint", None)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        pytest.param(loinc("36502-3"), "mri si_joint", id="LOINC"),
        pytest.param(snomed("241641004"), "mri knee", id="SNOMED CT"),
        pytest.param(cpt("72148"), "mri vertebra", id="CPT"),
        pytest.param(cpt("73721"), "mri", id="CPT of any joint of the leg"),
        pytest.param({"text": "MR SI joint"}, "mri si_joint", id="words"),
        pytest.param({"coding": [{"display": "MRI of hip"}]}, "mri hip", id="a display"),
        pytest.param({"concept": loinc("36502-3")}, "mri si_joint", id="R5's CodeableReference"),
        pytest.param({"coding": [{"system": "urn:own", "code": "X"}, *loinc("36502-3")["coding"]]}, "mri si_joint",
                     id="a code of theirs before"),
        pytest.param({"text": "X-ray knee"}, "radiograph knee", id="radiograph"),
        pytest.param(snomed("1290452004"), "radiograph foot_ankle", id="a code of a radiograph"),
        pytest.param({"text": "Total hip replacement"}, "arthroplasty hip", id="hip replacement"),
        pytest.param(cpt("27447"), "arthroplasty knee", id="a code of arthroplasty"),
        pytest.param({"text": "Bone marrow biopsy"}, "biopsy", id="biopsy"),
        pytest.param(snomed("182572009"), "immobilisation foot_ankle", id="a cast"),
        pytest.param({"text": "Referral to rheumatology"}, "referral", id="referral"),
        pytest.param(snomed("306290009"), "referral", id="a code of a referral"),
        pytest.param({"text": "Basic metabolic panel"}, "other", id="laboratory"),
        pytest.param({"text": "Broadcast message"}, "other", id="a word inside a word"),
        pytest.param({"coding": [{}]}, "other", id="the Sandbox before a choice"),
        pytest.param({}, "other", id="an empty code"),
        pytest.param(None, "other", id="no code"),
        pytest.param("MRI hip", "other", id="a code that is text"),
    ],
)  # fmt: skip
def test_an_order_is_known_by_its_code_or_else_its_title(code: Json, found: str):
    assert kind_and_site(code) == found


def test_an_order_not_to_do_something_is_no_order():
    assert drafted(loinc("36502-3"), doNotPerform=True)["kind"] == "other"


@pytest.mark.parametrize("status", ["completed", "cancelled", "entered-in-error", "revoked", "stopped"])
def test_an_order_that_is_not_being_written_is_not_judged(status: str):
    assert read(drafts=[order("a", loinc("36502-3"), status=status)]).case.drafts == ()


# ------------------------------------------------------------------------------------------------ where


@pytest.mark.parametrize(
    ("code", "more", "place"),
    [
        pytest.param(loinc("36502-3"), {}, ("si_joint", None), id="its code"),
        pytest.param(loinc("36020-6"), {}, ("hip", "left"), id="its code, with the side"),
        pytest.param({**loinc("36013-1"), "text": "MRI HIP LT"}, {}, ("hip", "left"), id="the side in its title"),
        pytest.param(loinc("36013-1"), {"bodySite": [snomed(HIP, RIGHT)]}, ("hip", "right"), id="the side beside"),
        pytest.param(loinc("36013-1"), {"bodySite": [snomed(HIP, LEFT), snomed(HIP, RIGHT)]}, ("hip", "both"),
                     id="both sides beside"),
        pytest.param(loinc("36013-1"), note("Both T1 and STIR, left hip"), ("hip", "left"), id="both, of sequences"),
        pytest.param(loinc("36013-1"), note("bilateral"), ("hip", "both"), id="bilateral"),
        pytest.param(cpt("72195"), {}, (None, None), id="the pelvis"),
        pytest.param({**cpt("72195"), "text": "MRI sacroiliac joints"}, {}, ("si_joint", None), id="pelvis, by title"),
        pytest.param(cpt("72195"), {"bodySite": [snomed(SI_JOINT)]}, ("si_joint", None), id="pelvis, by body site"),
        pytest.param(cpt("72195"), {"reasonCode": [snomed("55146009")]}, ("si_joint", None), id="pelvis, by reason"),
        pytest.param(cpt("72195"), {"reasonCode": [icd("M46.1")]}, ("si_joint", None), id="pelvis, by ICD reason"),
        pytest.param(cpt("72195"), {"reasonCode": [{"text": "Rule out sacroiliitis"}]}, ("si_joint", None),
                     id="pelvis, by a reason in words"),
        pytest.param(cpt("73721"), {"reasonCode": [icd("M25.562")]}, ("knee", "left"), id="a joint, by painful knee"),
        pytest.param(cpt("73721"), {"reason": [{"concept": icd("M25.562")}]}, ("knee", "left"), id="as in R5"),
        pytest.param(cpt("72195"), {"reasonCode": [icd("M46.1"), icd("M25.551")]}, (None, "right"),
                     id="reasons of two places"),
        pytest.param(loinc("36013-1"), {"reasonCode": [snomed("55146009")]}, ("hip", None),
                     id="a reason elsewhere changes nothing"),
        pytest.param({"text": "MRI hip and knee"}, {}, (None, None), id="two places"),
        pytest.param({"text": "MRI"}, note("Heel pain, right"), ("foot_ankle", "right"), id="words of its note"),
    ],
)  # fmt: skip
def test_the_place_of_an_order_is_put_together_from_what_it_says(code: Json, more: Json, place: tuple[Any, Any]):
    (found,) = read(drafts=[order("a", code, **more)]).case.drafts

    assert (found.group, found.side) == place


# ------------------------------------------------------------------------------------------- sequences


@pytest.mark.parametrize(
    ("more", "t1", "fluid"),
    [
        pytest.param(note("STIR only"), "absent", "present", id="STIR"),
        pytest.param(note("Coronal T1, please"), "present", "absent", id="T1"),
        pytest.param(note("T1 and STIR"), "present", "present", id="both"),
        pytest.param(note("T1", "and STIR as well"), "present", "present", id="in two notes"),
        pytest.param({"orderDetail": [{"text": "T2 fat-sat"}]}, "absent", "present", id="in orderDetail"),
        pytest.param({"orderDetail": {"text": "T1"}}, "present", "absent", id="in an orderDetail that is an object"),
        pytest.param({"note": {"text": "T1"}}, "present", "absent", id="in a note that is an object"),
        pytest.param({"note": "T1"}, "", "", id="in a note that is text"),
        pytest.param(note("with contrast"), "", "", id="none"),
        pytest.param({}, "", "", id="nothing said"),
    ],
)
def test_the_sequences_an_mri_order_names(more: Json, t1: str, fluid: str):
    found = drafted(loinc("36502-3"), **more)

    assert (found.get("t1", ""), found.get("fluid", "")) == (t1, fluid)


def test_only_mri_has_sequences():
    assert drafted({"text": "X-ray hip"}, **note("T1 only")) == {"kind": "radiograph", "site": "hip"}


# ------------------------------------------------------------------------------------------- referrals


@pytest.mark.parametrize(
    ("code", "more", "target"),
    [
        pytest.param(snomed("306290009"), {}, "rheumatology", id="its code"),
        pytest.param(snomed("3457005"), {"performerType": coded("182", "http://terminology.hl7.org/CodeSystem/"
                     "service-type")}, "rheumatology", id="its performer type"),
        pytest.param(snomed("3457005"), {"performerType": {"text": "Orthopaedic surgeon"}}, "orthopedics",
                     id="its performer type in words"),
        pytest.param({"text": "Ambulatory referral to Podiatry"}, {}, "diabetic_foot_team", id="its title"),
        pytest.param({"text": "Consult"}, note("Infectious diseases, please"), "infectious_diseases", id="its note"),
        pytest.param({"text": "Referral to orthopedics"}, note("cc rheumatology"), "orthopedics",
                     id="its title before its note"),
        pytest.param({"text": "Referral to rheumatology or orthopedics"}, {}, "", id="to one of two"),
        pytest.param({"text": "Referral to dermatology"}, {}, "", id="to somebody else"),
        pytest.param({"text": "Rheumatology"}, {"category": [snomed("3457005")]}, "rheumatology", id="its category"),
        pytest.param({"text": "MRI hip"}, note("as the rheumatology consult asked"), "", id="no referral"),
    ],
)  # fmt: skip
def test_a_referral_is_known_by_whom_it_is_to(code: Json, more: Json, target: str):
    (found,) = read(drafts=[order("a", code, **more)]).case.drafts

    assert found.target == target


def test_a_site_may_name_its_own_referral():
    how = rules_of({("urn:own", "R1"): "referral=rheumatology"})

    (found,) = read(drafts=[order("a", coded("R1", "urn:own"))], how=how).case.drafts

    assert (found.target, found.findings["order.kind"].values) == ("rheumatology", ("referral",))


def placed(code: Json, **more: Any) -> PlacedOrder | None:
    return read_placed(order("a", code, **{"status": "active", "authoredOn": "2026-03-05", **more}), {})


@pytest.mark.parametrize("status", ["active", "completed"])
def test_a_referral_that_was_ordered_is_known(status: str):
    assert placed(snomed("306290009"), status=status) == PlacedOrder("rheumatology", "2026-03-05", "ServiceRequest/a")


@pytest.mark.parametrize("status", ["draft", "on-hold", "revoked", "entered-in-error", "unknown", None])
def test_a_referral_of_another_status_is_not_placed(status: Any):
    assert placed(snomed("306290009"), status=status) is None


@pytest.mark.parametrize(
    ("code", "more"),
    [
        pytest.param(
            {"text": "CBC"}, note("asked for by the rheumatology consult"), id="a test that somebody asked for"
        ),
        pytest.param(loinc("36502-3"), {"performerType": {"text": "Rheumatology"}}, id="imaging done by them"),
        pytest.param(snomed("306290009"), {"doNotPerform": True}, id="an order not to refer"),
        pytest.param({"text": "Referral to dermatology"}, {}, id="a referral to somebody else"),
        pytest.param({}, {}, id="nothing"),
    ],
)
def test_what_is_no_referral_of_ours_is_not_taken_for_one_already_placed(code: Json, more: Json):
    assert placed(code, **more) is None


@pytest.mark.parametrize(
    ("more", "day"),
    [
        ({}, "2026-03-05"),
        ({"authoredOn": None, "occurrenceDateTime": "2026-03-06"}, "2026-03-06"),
        ({"authoredOn": None, "occurrencePeriod": {"start": "2026-03-07"}}, "2026-03-07"),
        ({"authoredOn": "2026"}, ""),
    ],
)
def test_a_placed_referral_has_its_day(more: Json, day: str):
    found = placed(snomed("306290009"), **more)

    assert found is not None
    assert found.date == day


def test_referrals_are_found_in_the_record():
    found = read(order("a", snomed("306290009"), status="active", authoredOn="2026-03-05"), order("b", {}))

    assert found.case.placed == (PlacedOrder("rheumatology", "2026-03-05", "ServiceRequest/a"),)


# ------------------------------------------------------------------------------------------ as clients send


SANDBOX_MEDICATION = {
    "resourceType": "MedicationRequest",
    "id": "request-123",
    "status": "draft",
    "category": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/medicationrequest-category"}]},
    "subject": SUBJECT,
    "authoredOn": "2026-03-02",
}
SANDBOX_IMAGING = {
    "resourceType": "ServiceRequest",
    "id": "example-request-id",
    "status": "draft",
    "intent": "plan",
    "code": {"coding": [{}]},
    "reasonCode": [],
    "subject": SUBJECT,
}


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        pytest.param(SANDBOX_MEDICATION, "medication", id="a medication before a choice"),
        pytest.param(SANDBOX_IMAGING, "other", id="imaging before a choice"),
        pytest.param({**SANDBOX_IMAGING, "code": {"coding": [{"code": "72195"}], "text": None}}, "other",
                     id="a code without its system"),
    ],
)  # fmt: skip
def test_the_sandboxs_invalid_drafts_are_read_as_far_as_they_go(sent: Json, kind: str):
    found = read(drafts=[sent])

    assert (draft(found)["kind"], found.gaps) == (kind, ())


@pytest.mark.parametrize(
    ("medicine", "title"),
    [
        pytest.param({"medicationCodeableConcept": {"text": "Naproxen 500 mg"}}, "Naproxen 500 mg", id="R4"),
        pytest.param({"medication": {"concept": {"text": "Naproxen 500 mg"}}}, "Naproxen 500 mg", id="R5"),
        pytest.param({}, "", id="none yet"),
    ],
)
def test_a_medication_is_named_as_the_client_names_it(medicine: Json, title: str):
    (found,) = read(drafts=[{**SANDBOX_MEDICATION, **medicine}]).case.drafts

    assert (found.reference, found.title) == ("MedicationRequest/request-123", title)


@pytest.mark.parametrize("dose", ["1e999999", 1e300, -5, 0, True, "much", None, [50], {"value": 50}])
def test_a_dose_that_is_no_number_is_not_read(dose: Any):
    sent = {
        **SANDBOX_MEDICATION,
        "medicationCodeableConcept": {"text": "iloprost"},
        "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": dose, "code": "mg"}}]}],
    }

    found = read(drafts=[sent])

    assert (draft(found), found.gaps) == ({"kind": "medication", "drug": "iloprost"}, ())


def test_orders_of_other_types_are_passed_over():
    assert (
        read(drafts=[{"resourceType": "ReferralRequest", "id": "x"}, {"resourceType": "DeviceRequest"}]).case.drafts
        == ()
    )


def of_version(order: Json) -> Json:
    return {"id": "x", "subject": SUBJECT, "status": "draft", **order}


@pytest.mark.parametrize(
    ("order", "found"),
    [
        pytest.param(
            {"resourceType": "ProcedureRequest", "code": loinc("36013-1"), "bodySite": [snomed(HIP, LEFT)],
             "note": [{"text": "STIR only"}]},
            {"kind": "mri", "site": "hip", "t1": "absent", "fluid": "present"},
            id="ProcedureRequest of STU3",
        ),
        pytest.param(
            {"resourceType": "ProcedureRequest", "code": cpt("72195"), "notes": [{"text": "STIR only"}],
             "reasonCodeableConcept": icd("M46.1"), "subject": {"reference": "https://ehr.example/dstu2/Patient/example"}},
            {"kind": "mri", "site": "si_joint", "t1": "absent", "fluid": "present", "contrast": "absent"},
            id="ProcedureRequest of DSTU2",
        ),
        pytest.param(
            {"resourceType": "DiagnosticOrder", "item": [{"code": loinc("24802-1"), "bodySite": snomed(KNEE, LEFT)}]},
            {"kind": "mri", "site": "knee"},
            id="DiagnosticOrder of DSTU2",
        ),
        pytest.param(
            {"resourceType": "DiagnosticOrder", "item": [{"code": {"text": "MRI hip"}}, {"code": {"text": "CBC"}}]},
            {"kind": "mri", "site": "hip"},
            id="DiagnosticOrder of two items",
        ),
        pytest.param(
            {"resourceType": "DiagnosticOrder", "item": "MRI"}, {"kind": "other"}, id="one that cannot be read"
        ),
        pytest.param(
            {"resourceType": "MedicationOrder", "medicationCodeableConcept": {"text": "iloprost"},
             "dosageInstruction": [{"doseQuantity": {"value": 50, "unit": "ug"}}]},
            {"kind": "medication", "drug": "iloprost", "dose_ug": "50"},
            id="MedicationOrder of DSTU2",
        ),
        pytest.param(
            {"resourceType": "ServiceRequest", "code": {"concept": loinc("36013-1")},
             "reason": [{"concept": {"text": "hip pain"}}],
             "orderDetail": [{"parameter": [{"code": {"text": "protocol"}, "valueString": "STIR only"}]}]},
            {"kind": "mri", "site": "hip", "t1": "absent", "fluid": "present"},
            id="ServiceRequest of R5",
        ),
    ],
)  # fmt: skip
def test_an_order_of_another_version_is_read_as_far_as_it_goes_and_named(order: Json, found: dict[str, str]):
    kind = order["resourceType"]

    reading = read(drafts=[of_version(order)])

    assert (draft(reading), reading.case.drafts[0].reference) == (found, f"{kind}/x")
    assert reading.gaps == (f"1 draft {kind} (of another FHIR version, read as far as its parts are known)",)


def test_drafts_keep_the_clients_order_and_know_which_are_chosen():
    sent = {key_of(one): one for one in (order("b", loinc("36502-3")), order("a", {"text": "CBC"}))}

    found = read_drafts(sent, {}, frozenset({"ServiceRequest/a"}), [])

    assert [(one.reference, one.selected) for one in found] == [("ServiceRequest/b", False), ("ServiceRequest/a", True)]


def test_drafts_without_an_id_are_each_read():
    sent = [{"resourceType": "ServiceRequest", "code": {"text": f"MRI {name}"}} for name in ("knee", "hip")]

    found = read(drafts=sent).case.drafts

    assert [(one.reference, one.group) for one in found] == [
        ("ServiceRequest/(draft 1)", "knee"),
        ("ServiceRequest/(draft 2)", "hip"),
    ]


def test_a_draft_for_another_patient_is_refused():
    sent = {"entry": [{"resource": {**order("a", loinc("36502-3")), "subject": {"reference": "Patient/other"}}}]}

    with pytest.raises(BadRequest) as raised:
        draft_orders(sent, "example")

    assert (raised.value.at, raised.value.message) == (
        "context.draftOrders",
        "draft order 1 is for another patient than context.patientId; send the drafts of this patient",
    )


def test_a_body_site_of_the_other_kind_does_not_hide_the_order():
    assert kind_and_site(loinc("24802-1"), bodySite=snomed(KNEE)) == "mri knee"
