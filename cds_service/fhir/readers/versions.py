"""Resources in the shape of another version of FHIR than R4: which they are, and their orders in R4's words."""

from __future__ import annotations

from cds_service.fhir.access import Json, codings, concept_text, objects, text

ORDERS = {
    "MedicationOrder": "MedicationRequest",
    "ProcedureRequest": "ServiceRequest",
    "DiagnosticOrder": "ServiceRequest",
}
"""Orders of DSTU2 and STU3, and what R4 calls them."""

ELEMENTS = {
    "Condition": frozenset({"assertedDate", "dateRecorded"}),
    "DiagnosticReport": frozenset({"codedDiagnosis", "study"}),
    "ImagingStudy": frozenset({"modalityList", "procedure"}),
    "MedicationRequest": frozenset({"medication"}),
    "Observation": frozenset({"comment", "comments", "related", "bodyStructure"}),
    "ServiceRequest": frozenset({"reason"}),
}
"""Elements that R4 does not have, by type: those of DSTU2 and STU3, and those of R5."""


def is_of_another_version(resource: Json) -> bool:
    """Whether a resource has a type, or an element, that R4 does not know but another version does."""
    kind: str = resource.get("resourceType", "")
    own = ELEMENTS.get(kind)
    if own is None:
        return kind in ORDERS
    if not resource.keys().isdisjoint(own) and any(resource.get(name) for name in own):
        return True
    # DSTU2 and STU3 write a condition's status as a plain code.
    return kind == "Condition" and bool(text(resource.get("clinicalStatus")))


def as_r4(order: Json) -> Json:
    """Return an order of DSTU2 or STU3 with the names that R4 gives its parts; any other as it is.

    The items of one DiagnosticOrder become one order of all their codes and body sites.
    """
    kind = ORDERS.get(text(order.get("resourceType")))
    if kind is None:
        return order
    parts = [order, *objects(order.get("item"))]
    codes = [part.get("code") for part in parts]
    reasons = (order.get(name) for name in ("reasonCode", "reasonCodeableConcept", "reason"))
    return {
        **order,
        "resourceType": kind,
        "code": {
            "coding": [{"system": system, "code": name} for code in codes for system, name in codings(code)],
            "text": ". ".join(words for code in codes if (words := concept_text(code))),
        },
        "bodySite": [site for part in parts for site in objects(part.get("bodySite"))],
        "reasonCode": [reason for named in reasons for reason in objects(named)],
        "note": [*objects(order.get("note")), *objects(order.get("notes"))],
    }


def reasons(order: Json) -> list[Json]:
    """Return why an order is given, as concepts: by R4's name for it, or by that of R5."""
    return [*objects(order.get("reasonCode")), *objects(order.get("reason"))]
