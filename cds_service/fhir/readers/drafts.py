"""Draft orders, and referrals already placed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from cds_service.fhir.access import Json, codings, concept_text, first_day, key_of, objects, text
from cds_service.fhir.readers.context import place_in
from cds_service.fhir.readers.medication import read_medication
from cds_service.fhir.sequences import sequences_named
from cds_service.knowledge.codes.entry import Aliases
from cds_service.knowledge.codes.orders import Contrast, imaging_of, procedure_of
from cds_service.knowledge.codes.referrals import is_referral, referral_of
from cds_service.knowledge.codes.sites import Place, Tissue
from cds_service.knowledge.order_words import KIND_WORDS, SITE_WORDS, TARGET_WORDS
from cds_service.knowledge.sites import SITES
from cds_service.model.case import Draft, PlacedOrder
from cds_service.model.finding import Finding, Provenance, State, Trust, Value
from cds_service.model.quantity import Range

PLACED_STATUS = ("active", "completed")
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
    words = _words(resource)
    kind, place = _kind(resource)
    place = _nearest(place_in(resource, aliases, "bodySite"), place, site_named(words))
    source = Provenance(key_of(resource), trust=Trust.CODED)
    findings: dict[str, Finding] = {}

    def state(fact: str, value: Value) -> None:
        findings[fact] = Finding(fact, (value,), (source,))

    state("order.kind", kind)
    group = SITES.group_of.get(place.site or "")
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
        marrow = tissue is Tissue.MARROW or _has("marrow", words)
        state("order.marrow", State.PRESENT if marrow else State.ABSENT)
    elif kind == "immobilisation":
        weeks = _weeks(resource, words)
        if weeks is not None:
            state("order.weeks", weeks)
    elif kind == "medication":
        for fact, value in read_medication(resource, others or {}, aliases):
            state(fact, value)
    return Draft(
        reference=key_of(resource),
        title=concept_text(resource.get("code")) or concept_text(resource.get("medicationCodeableConcept")),
        group=group,
        side=place.side,
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
    if _has("(?:without|no|non|w/o) (?:iv |intravenous )?contrast", words):
        return State.PRESENT if _has("without and with|with and without|w/wo", words) else State.ABSENT
    return State.PRESENT if _has("contrast|gadolinium|dynamic", words) else None


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
    if text(resource.get("status")) not in PLACED_STATUS:
        return None
    target = _target(resource, aliases)
    day = first_day(resource, "authoredOn", "occurrenceDateTime")
    return PlacedOrder(target, day, key_of(resource)) if target else None


def site_named(words: str) -> Place:
    """Return the one place that words name; nowhere when they name none or several."""
    found = {site for pattern, site in SITE_WORDS if _has(pattern, words)}
    side = next((side for side in ("left", "right") if _has(side, words)), None)
    both = _has("bilateral|both", words) or (_has("left", words) and _has("right", words))
    return Place(found.pop() if len(found) == 1 else None, "both" if both else side)


def _words(resource: Json) -> str:
    """Return all free text of an order that says what is asked for."""
    parts = [concept_text(resource.get("code"))]
    parts += [concept_text(detail) for detail in objects(resource.get("orderDetail"))]
    parts += [text(note.get("text")) for note in objects(resource.get("note"))]
    parts += [text(resource.get("patientInstruction"))]
    return ". ".join(part for part in parts if part)


def _kind(resource: Json) -> tuple[str, Place]:
    """Return the kind of order and the place its code names."""
    if text(resource.get("resourceType")) == "MedicationRequest":
        return "medication", Place()
    for system, code in codings(resource.get("code")):
        imaging = imaging_of(system, code)
        if imaging is not None:
            return KIND_OF_IMAGING.get(imaging.modality, "other"), imaging.place
        procedure = procedure_of(system, code)
        if procedure is not None:
            kind = procedure.kind.value
            return {"cast": "immobilisation"}.get(kind, kind) if kind in _PROCEDURES else "other", procedure.place
        if referral_of(system, code) or is_referral(system, code):
            return "referral", Place()
    title = concept_text(resource.get("code"))
    return next((kind for pattern, kind in KIND_WORDS if _has(pattern, title)), "other"), Place()


_PROCEDURES = frozenset({"arthroplasty", "biopsy", "cast", "immobilisation"})


def _target(resource: Json, aliases: Aliases) -> str:
    """Return whom an order refers to, by code, performer type, or words; empty when it is no known referral."""
    coded = [*codings(resource.get("code")), *codings(resource.get("performerType"))]
    for system, code in coded:
        target = referral_of(system, code, aliases)
        if target:
            return target
    words = _words(resource)
    general = any(is_referral(system, code) for system, code in coded) or _has(dict(_BY_KIND)["referral"], words)
    if not general:
        return ""
    return next((target for pattern, target in TARGET_WORDS if _has(pattern, words)), "")


_BY_KIND = tuple((kind, pattern) for pattern, kind in KIND_WORDS)


def _nearest(*places: Place) -> Place:
    """Return the first place that names a site, with the first side any of them names."""
    side = next((place.side for place in places if place.side), None)
    site = next((place.site for place in places if place.site), None)
    return Place(site, side)


def _has(pattern: str, words: str) -> bool:
    return re.search(rf"(?<![\w-])(?:{pattern})(?![\w-])", words[:10_000], re.IGNORECASE) is not None


def read_drafts(orders: Iterable[Json], aliases: Aliases, selections: frozenset[str] | None) -> tuple[Draft, ...]:
    """Return the draft orders of a call. ``selections`` are the keys in focus; None when every draft is."""
    others = {key_of(order): order for order in orders}
    drafts = [
        read_draft(order, aliases, selected=selections is None or key in selections, others=others)
        for key, order in others.items()
        if text(order.get("resourceType")) in ("ServiceRequest", "MedicationRequest")
    ]
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
