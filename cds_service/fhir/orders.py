"""Orders this service suggests: a draft referral, or a draft of the client with one line added.

Everything is validated with the R4B models of fhir.resources before it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from fhir.resources.R4B.servicerequest import ServiceRequest

from cds_service.fhir.access import Json, objects, text
from cds_service.knowledge.codes.referrals import REFERRALS
from cds_service.model.coding import Code


class UnsendableOrder(ValueError):
    """The order does not validate as FHIR R4, so it is not offered."""


def referral(
    target: str,
    *,
    urgent: bool,
    intent: str,
    patient_id: str,
    user_id: str,
    reason_text: str,
    reason_code: Mapping[str, str],
    evidence: tuple[str, ...],
    note: str,
    own_code: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a draft referral as a ServiceRequest (FHIR R4).

    Args:
        target: a referral target, such as ``rheumatology``.
        urgent: priority ``urgent``, else ``routine``.
        intent: ``proposal`` or ``order``.
        user_id: ``Practitioner/x`` or ``PractitionerRole/x``; another shape names no requester.
        reason_code: system, code and display of the cause.
        own_code: the site's own code for this referral, put before the public ones.
        evidence: keys of reports, observations and conditions it rests on.

    Raises:
        UnsendableOrder: the result is not valid.
    """
    ordered = REFERRALS[target]
    resource: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": intent,
        "priority": "urgent" if urgent else "routine",
        "code": {
            "coding": [*([dict(own_code)] if own_code else []), *(_coding(code) for code in ordered.codes)],
            "text": ordered.text,
        },
        "subject": {"reference": f"Patient/{patient_id}"},
        "performerType": _concept(ordered.performer_type),
        "reasonCode": [{"coding": [dict(reason_code)], "text": reason_text}],
        "note": [{"text": note}],
    }
    if user_id.split("/", maxsplit=1)[0] in ("Practitioner", "PractitionerRole") and user_id.count("/") == 1:
        resource["requester"] = {"reference": user_id}
    reasons = [key for key in evidence if key.split("/")[0] in ("Condition", "Observation", "DiagnosticReport")]
    if reasons:
        resource["reasonReference"] = [{"reference": key} for key in reasons if "(" not in key]
    return _valid({name: value for name, value in resource.items() if value})


def with_note(draft: Json, note: str) -> dict[str, Any]:
    """Return the whole draft with one more note (an update replaces the resource, CDS Hooks requirement 99).

    Raises:
        UnsendableOrder: the draft itself is not valid FHIR R4, so that sending it back could lose something.
    """
    changed: dict[str, Any] = deepcopy(dict(draft))
    changed["note"] = [*(dict(one) for one in objects(changed.get("note"))), {"text": note}]
    if text(changed.get("resourceType")) != "ServiceRequest":
        raise UnsendableOrder("only a ServiceRequest can carry this note")
    return _valid(changed)


def _concept(code: Code | None) -> dict[str, Any] | None:
    return {"coding": [_coding(code)], "text": code.display} if code is not None else None


def _coding(code: Code) -> dict[str, str]:
    return {"system": code.system, "code": code.code, "display": code.display}


def _valid(resource: dict[str, Any]) -> dict[str, Any]:
    # The models raise KeyError, TypeError and RecursionError besides ValidationError (a ValueError).
    try:
        ServiceRequest.model_validate(resource)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnsendableOrder("the order does not validate as FHIR R4") from error
    return resource
