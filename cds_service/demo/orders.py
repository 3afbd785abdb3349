"""What can be ordered from the chart: the draft orders of the scenarios, and a few common ones beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from cds_service.demo.patients import USER, Story

Json = dict[str, Any]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"

_IMAGING = {"system": SNOMED, "code": "363679005", "display": "Imaging"}
_FORGOTTEN = ("id", "subject", "encounter", "requester", "authoredOn", "status", "occurrenceDateTime")


def _mri(code: str, words: str, note: str = "") -> Json:
    order: Json = {
        "resourceType": "ServiceRequest",
        "intent": "order",
        "category": [{"coding": [_IMAGING]}],
        "code": {"coding": [{"system": LOINC, "code": code, "display": words}], "text": words},
    }
    return {**order, "note": [{"text": note}]} if note else order


def _referral(code: str, words: str) -> Json:
    coding = {"system": SNOMED, "code": code, "display": words}
    return {"resourceType": "ServiceRequest", "intent": "order", "code": {"coding": [coding], "text": words}}


def _medicine(code: str, name: str, dose: str) -> Json:
    return {
        "resourceType": "MedicationRequest",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": code, "display": name}], "text": name},
        "dosageInstruction": [{"text": dose}],
    }


_COMMON = (
    _mri("30673-8", "MR Pelvis WO contrast"),
    _mri("30691-0", "MR Knee WO contrast"),
    _mri("30681-1", "MR Foot WO contrast", "STIR only"),
    _mri("30687-8", "MR Hip WO contrast", "T1 and STIR"),
    _referral("306290009", "Referral to rheumatologist"),
    _referral("308481009", "Referral to orthopedic surgeon"),
    _medicine("327361", "adalimumab", "40 mg subcutaneously every 2 weeks"),
)


def catalogue(stories: Iterable[Story]) -> Mapping[str, Json]:
    """Return what can be ordered, by the words a person chooses it by, in order of these words."""
    drafts = [_without_patient(draft) for story in stories for draft in story.drafts]
    named = {label_of(order): order for order in [*drafts, *_COMMON] if words_of(order)}
    return dict(sorted(named.items(), key=lambda one: one[0].casefold()))


def words_of(order: Json) -> str:
    """Return what an order asks for; empty if it does not say."""
    concept = order.get("code") or order.get("medicationCodeableConcept") or {}
    words: str = concept.get("text") or next((one.get("display", "") for one in concept.get("coding", [])), "")
    return words


def detail_of(order: Json) -> str:
    """Return the rest of what an order says: its dose, its notes, how long."""
    said = [one.get("text", "") for name in ("dosageInstruction", "note") for one in order.get(name, [])]
    bounds = order.get("occurrenceTiming", {}).get("repeat", {}).get("boundsDuration", {})
    if bounds:
        said.append(f"for {bounds['value']} {bounds['unit']}")
    return "; ".join(one for one in said if one)


def label_of(order: Json) -> str:
    """Return the words of an order with its detail."""
    return ": ".join(part for part in (words_of(order), detail_of(order)) if part)


def draft_for(order: Json, patient: str) -> Json:
    """Return an order of the catalogue as a draft for one patient."""
    return {
        **order,
        "id": f"draft-{uuid4()}",
        "status": "draft",
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": _now(),
        "requester": {"reference": USER},
    }


def signed(draft: Json) -> Json:
    """Return a draft, or an order that was suggested, as the order it becomes now."""
    return {**draft, "status": "active", "intent": "order", "authoredOn": _now()}


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _without_patient(draft: Json) -> Json:
    return {name: value for name, value in draft.items() if name not in _FORGOTTEN}
