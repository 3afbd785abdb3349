"""Draft orders, and referrals already placed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from cds_service.fhir.access import Json, codings, concept_text, first_day, key_of, objects, text
from cds_service.fhir.readers.context import UNREADABLE, most_exact, place_in
from cds_service.fhir.readers.medication import read_medication
from cds_service.fhir.readers.versions import ORDERS, as_r4, is_of_another_version, reasons
from cds_service.fhir.readers.words import has, kind_named, site_named, targets_named, words_of
from cds_service.fhir.sequences import sequences_named
from cds_service.knowledge.codes.context import pain_of
from cds_service.knowledge.codes.diagnoses import diagnosis_of
from cds_service.knowledge.codes.entry import Aliases
from cds_service.knowledge.codes.orders import Contrast, imaging_of, procedure_of
from cds_service.knowledge.codes.referrals import is_referral, referral_of
from cds_service.knowledge.codes.sites import ANYWHERE, Place, Tissue, settle
from cds_service.knowledge.sites import SITES
from cds_service.model.case import Draft, PlacedOrder, Problem
from cds_service.model.finding import Finding, Provenance, State, Trust, Value
from cds_service.model.quantity import Range

DRAFT_TYPES = frozenset({"ServiceRequest", "MedicationRequest", *ORDERS})
PLACED_STATUS = ("active", "completed")
NO_DRAFT_STATUS = ("completed", "cancelled", "entered-in-error", "revoked", "stopped")
"""An order with one of these is not being written any more."""

MORE_WORDS = frozenset({"orderDetail", "note", "patientInstruction"})
"""Elements that may say in words what an order's code does not."""

KIND_OF_IMAGING = {"MR": "mri", "XR": "radiograph"}


def read_draft(
    resource: Json,
    aliases: Aliases | None = None,
    *,
    selected: bool = True,
    others: Mapping[str, Json] | None = None,
) -> Draft:
    """Return one draft order: its kind, place, referral target, and what its codes and text ask for.

    ``others`` are the resources that travel with it, by key.
    """
    aliases = aliases or {}
    reference, resource = key_of(resource), as_r4(resource)
    words = _words(resource)
    kind, place = _kind(resource, aliases)
    where = _reason_place(resource, aliases)
    # MRI of the sacroiliac joints is often ordered as pelvis: its body site, its words or its reason say which.
    for nearer in (site_named(words), place, place_in(resource, aliases, "bodySite")):
        where = settle(nearer, where)
    source = Provenance(reference, trust=Trust.CODED)
    findings: dict[str, Finding] = {}

    def state(fact: str, value: Value) -> None:
        findings[fact] = Finding(fact, (value,), (source,))

    state("order.kind", kind)
    group = SITES.group_of.get(where.site or "")
    if group:
        state("order.site", {"medial_femoral_condyle": "knee", "knee_other": "knee"}.get(group, group))
    named = sequences_named(words) if kind == "mri" else frozenset()
    if named & {"t1", "stir", "t2"}:
        state("order.t1", State.PRESENT if "t1" in named else State.ABSENT)
        state("order.fluid", State.PRESENT if named & {"stir", "t2"} else State.ABSENT)
    if kind == "mri":
        contrast = _contrast(resource, words, named)
        if contrast is not None:
            state("order.contrast", contrast)
    elif kind == "biopsy":
        tissue = place_in(resource, aliases, "bodySite").tissue
        marrow = tissue is Tissue.MARROW or has("marrow", words)
        state("order.marrow", State.PRESENT if marrow else State.ABSENT)
    elif kind == "immobilisation":
        weeks = _weeks(resource, words)
        if weeks is not None:
            state("order.weeks", weeks)
    elif kind == "medication":
        for fact, value in read_medication(resource, others or {}, aliases):
            state(fact, value)
    return Draft(
        reference=reference,
        title=_title(resource),
        group=group,
        side=where.side,
        target=_target(resource, aliases) if kind == "referral" else "",
        selected=selected,
        findings=findings,
    )


def _contrast(resource: Json, words: str, named: frozenset[str]) -> State | None:
    """Return whether an MRI order asks for contrast; None when it does not say."""
    for system, code in codings(resource.get("code")):
        imaging = imaging_of(system, code)
        if imaging is not None and imaging.contrast is not None:
            return State.ABSENT if imaging.contrast is Contrast.WITHOUT else State.PRESENT
    if "dce" in named:
        return State.PRESENT
    if has("(?:without|no|non|w/o) (?:iv |intravenous )?contrast", words):
        return State.PRESENT if has("without and with|with and without|w/wo", words) else State.ABSENT
    return State.PRESENT if has("contrast|gadolinium|dynamic", words) else None


def _weeks(resource: Json, words: str) -> Range | None:
    """Return for how many weeks an order is meant, by its timing or its words."""
    timing = resource.get("occurrenceTiming")
    repeat = timing.get("repeat") if isinstance(timing, Mapping) else None
    bounds = repeat.get("boundsDuration") if isinstance(repeat, Mapping) else None
    if isinstance(bounds, Mapping):
        value, unit = bounds.get("value"), text(bounds.get("code") or bounds.get("unit"))
        per_week = {"wk": 1, "week": 1, "weeks": 1, "d": 7, "day": 7, "days": 7}.get(unit)
        if isinstance(value, int | float) and value > 0 and per_week:
            number = Decimal(str(value)) / per_week
            return Range(number, number)
    found = re.search(r"(?<![\w.])(\d{1,3})(?:\s?(?:-|to)\s?(\d{1,3}))?\s?(?:weeks?|wks?)(?!\w)", words, re.IGNORECASE)
    if found is None:
        return None
    low, high = Decimal(found[1]), Decimal(found[2] or found[1])
    return Range(low, high) if 0 < low <= high else None


def read_placed(resource: Json, aliases: Aliases) -> PlacedOrder | None:
    """Return a referral that is active or completed, or None for any other order."""
    if text(resource.get("status")) not in PLACED_STATUS or _kind(resource, aliases)[0] != "referral":
        return None
    target = _target(resource, aliases)
    if not target:
        return None
    day = first_day(resource, "authoredOn", "occurrenceDateTime", "occurrencePeriod")
    return PlacedOrder(target, day, key_of(resource))


def _title(resource: Json) -> str:
    """Return what the client calls an order."""
    concepts = (resource.get(name) for name in ("code", "medicationCodeableConcept", "medication"))
    return next((found for concept in concepts if (found := concept_text(concept))), "")


def _words(resource: Json) -> str:
    """Return all free text of an order that says what is asked for."""
    parts = [words_of(resource.get("code"))]
    for detail in objects(resource.get("orderDetail")):
        parts.append(words_of(detail))
        # R5 has parameters in place of one concept.
        for parameter in objects(detail.get("parameter")):
            parts += [text(parameter.get("valueString")), words_of(parameter.get("valueCodeableConcept"))]
    parts += [text(note.get("text")) for note in objects(resource.get("note"))]
    parts.append(text(resource.get("patientInstruction")))
    return ". ".join(filter(None, parts))


def _reason_place(resource: Json, aliases: Aliases) -> Place:
    """Return the one place that the reasons of an order concern."""
    places: list[Place] = []
    for reason in reasons(resource):
        meant = [diagnosis_of(system, code, aliases) for system, code in codings(reason)]
        places += [meaning.place for meaning in meant if meaning is not None]
        places += [place for system, code in codings(reason) if (place := pain_of(system, code)) is not None]
        places.append(site_named(words_of(reason)))
    sides = {place.side for place in places if place.side}
    exact = most_exact(places)
    return Place(exact.site, sides.pop() if len(sides) == 1 else None, exact.may_be)


def _kind(resource: Json, aliases: Aliases) -> tuple[str, Place]:
    """Return the kind of order and the place its code names. An order not to do something is of no kind."""
    if resource.get("doNotPerform") is True:
        return "other", ANYWHERE
    if text(resource.get("resourceType")) == "MedicationRequest":
        return "medication", ANYWHERE
    for system, code in codings(resource.get("code")):
        imaging = imaging_of(system, code)
        if imaging is not None:
            return KIND_OF_IMAGING.get(imaging.modality, "other"), imaging.place
        procedure = procedure_of(system, code)
        if procedure is not None:
            kind = procedure.kind.value
            return {"cast": "immobilisation"}.get(kind, kind) if kind in _PROCEDURES else "other", procedure.place
        if referral_of(system, code, aliases) or is_referral(system, code):
            return "referral", ANYWHERE
    title = words_of(resource.get("code"))
    named = kind_named(title)
    if named == "other" and any(is_referral(system, code) for system, code in codings(resource.get("category"))):
        named = "referral"
    return named, ANYWHERE


_PROCEDURES = frozenset({"arthroplasty", "biopsy", "cast", "immobilisation"})


def _target(resource: Json, aliases: Aliases) -> str:
    """Return whom a referral is to: by its code, its performer type, or the words nearest to them; else empty."""
    for system, code in codings(resource.get("code")) + codings(resource.get("performerType")):
        target = referral_of(system, code, aliases)
        if target:
            return target
    named = targets_named(words_of(resource.get("code"))) or targets_named(words_of(resource.get("performerType")))
    if not named and not MORE_WORDS.isdisjoint(resource):
        named = targets_named(_words(resource))
    return next(iter(named)) if len(named) == 1 else ""


def read_drafts(
    orders: Mapping[str, Json], aliases: Aliases, selections: frozenset[str] | None, problems: list[Problem]
) -> tuple[Draft, ...]:
    """Return the draft orders of a call, given by key; one that cannot be read is added to ``problems``.

    ``selections`` are the keys in focus; None when every draft is.
    """
    drafts: list[Draft] = []
    for key, order in orders.items():
        kind = text(order.get("resourceType"))
        if kind not in DRAFT_TYPES or text(order.get("status")) in NO_DRAFT_STATUS:
            continue
        if is_of_another_version(order):
            problems.append(Problem("other-version", f"draft {kind}", key))
        try:
            focus = selections is None or key in selections
            drafts.append(replace(read_draft(order, aliases, selected=focus, others=orders), reference=key))
        except UNREADABLE:
            problems.append(Problem("unreadable", kind, key))
    imaged = {draft.group for draft in drafts if draft.group and _is(draft, "mri")}
    with_mri = Finding("order.with_mri", (State.PRESENT,), (Provenance(),))
    return tuple(
        replace(draft, findings={**draft.findings, "order.with_mri": with_mri})
        if draft.group in imaged and not _is(draft, "mri")
        else draft
        for draft in drafts
    )


def _is(draft: Draft, kind: str) -> bool:
    return draft.findings["order.kind"].values == (kind,)
