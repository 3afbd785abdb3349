"""Orders this service suggests: a draft referral, or a draft of the client with one line added.

Everything is validated with the R4B models of fhir.resources before it leaves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from fhir.resources.R4B.servicerequest import ServiceRequest

from cds_service.fhir.access import Json, objects, text
from cds_service.knowledge.codes.referrals import REFERRALS
from cds_service.model.coding import Code

_ID = r"[A-Za-z0-9.-]{1,256}"  # longer than FHIR allows: some servers have such ids
_REASON = re.compile(rf"(?:Condition|Observation|DiagnosticReport)/{_ID}")
_REQUESTER = re.compile(rf"Practitioner(?:Role)?/{_ID}")


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
    if _REQUESTER.fullmatch(user_id):
        resource["requester"] = {"reference": user_id}
    # Only what the EHR can open: nothing inside another resource, nothing that came without an id.
    resource["reasonReference"] = [{"reference": key} for key in dict.fromkeys(evidence) if _REASON.fullmatch(key)]
    return _valid({name: value for name, value in resource.items() if value})


def with_note(draft: Json, note: str) -> dict[str, Any]:
    """Return the whole draft with one more note (an update replaces the resource, CDS Hooks requirement 99).

    Raises:
        UnsendableOrder: the draft cannot be named, or is itself not valid FHIR R4, so that sending it back could lose
            something.
    """
    if text(draft.get("resourceType")) != "ServiceRequest" or not text(draft.get("id")):
        raise UnsendableOrder("only a ServiceRequest with an id can be sent back with a note")
    notes = draft.get("note")
    before = list(objects(notes))
    if notes is not None and notes != before and notes not in before:
        raise UnsendableOrder("the notes of the order cannot be read")
    # Only the notes change: the rest is shared with the draft, which stays as it is.
    return _valid({**draft, "note": [*before, {"text": note}]})


def _concept(code: Code | None) -> dict[str, Any] | None:
    return {"coding": [_coding(code)], "text": code.display} if code is not None else None


def _coding(code: Code) -> dict[str, str]:
    return {"system": code.system, "code": code.code, "display": code.display}


def _valid(resource: dict[str, Any]) -> dict[str, Any]:
    # The models raise KeyError, TypeError and RecursionError besides ValidationError (a ValueError), and they let
    # nulls and empty elements pass, which neither FHIR nor CDS Hooks allows (requirements 5 and 6).
    try:
        if _holds_nothing(resource):
            raise ValueError("an element is null or empty")
        ServiceRequest.model_validate(orjson.loads(orjson.dumps(resource)))  # a model may change what it is given
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnsendableOrder("the order does not validate as FHIR R4") from error
    return resource


def _holds_nothing(value: Any) -> bool:
    """Whether a value, or any part of it, is null or empty."""
    if isinstance(value, str):
        return not value
    if isinstance(value, dict | list):
        return not value or any(map(_holds_nothing, value.values() if isinstance(value, dict) else value))
    return value is None
