"""Tolerant look-ups in raw FHIR JSON.

Real clients send objects where lists belong, lists where objects belong, and nulls. Every function here returns what
can be read and nothing for the rest; none raises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

Json = Mapping[str, Any]

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?![0-9]))?)?(?![0-9])")
_LOCAL = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]+")
_TYPE = re.compile(r"[A-Z][A-Za-z]+")


def objects(value: Any) -> Sequence[Json]:
    """Return the objects of a list, or a lone object as if it were a list of one."""
    # A JSON object is a dict; asking for a Mapping would take most of the time of reading a large record.
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict)]
    return (value,) if isinstance(value, dict) else ()


def text(value: Any) -> str:
    """Return a string, or nothing for anything else."""
    return value if isinstance(value, str) else ""


def codings(concept: Any) -> list[tuple[str, str]]:
    """Return (system, code) of every usable coding of a CodeableConcept, a Coding, or a list of either."""
    found: list[tuple[str, str]] = []
    if not concept:
        return found
    # Written out, because a large record asks it many thousand times.
    for one in concept if isinstance(concept, list) else (concept,):
        if isinstance(one, dict):
            inner = unwrapped(one) if "concept" in one else one
            listed = inner.get("coding")
            for coding in listed if isinstance(listed, list) else (listed,):
                if isinstance(coding, dict) and (code := coding.get("code")) and isinstance(code, str):
                    system = coding.get("system")
                    found.append((system if isinstance(system, str) else "", code))
            if (code := inner.get("code")) and isinstance(code, str):
                found.append((text(inner.get("system")), code))
    return found


def concept_text(concept: Any) -> str:
    """Return the words of a CodeableConcept: its text, else the first display."""
    for one in objects(concept):
        inner = unwrapped(one)
        if found := text(inner.get("text")):
            return found
        for coding in (*objects(inner.get("coding")), inner):
            if found := text(coding.get("display")):
                return found
    return ""


def unwrapped(concept: Json) -> Json:
    """Return the CodeableConcept inside an R5 CodeableReference, or the concept itself."""
    wrapped = concept.get("concept")
    return wrapped if isinstance(wrapped, dict) else concept


def reference_key(value: Any) -> str:
    """Return ``Type/id`` of a Reference (or a reference string), whatever server it names; ``#id`` if contained.

    Empty for anything else, such as ``urn:uuid:...``, a search, or a reference by identifier only.
    """
    found = value.get("reference") if isinstance(value, dict) else value
    if not isinstance(found, str):
        return ""
    if _LOCAL.fullmatch(found) or found.startswith("#"):
        return found
    parts = [part for part in found.partition("?")[0].split("/") if part]
    if "_history" in parts:
        parts = parts[: parts.index("_history")]
    return "/".join(parts[-2:]) if len(parts) >= 2 and _TYPE.fullmatch(parts[-2]) else ""


def references(value: Any) -> list[str]:
    """Return the keys of every usable Reference in a list or a lone one."""
    if not value:
        return []
    listed = value if isinstance(value, list) else (value,)
    return [key for one in listed if isinstance(one, dict) and (key := reference_key(one))]


def key_of(resource: Json) -> str:
    """Return ``Type/id`` of a resource; the type alone when it has no id."""
    kind, ident = text(resource.get("resourceType")), text(resource.get("id"))
    return f"{kind}/{ident}" if ident else kind


def day(value: Any) -> str:
    """Return the ISO 8601 day of a FHIR date, dateTime, instant or Period start; empty when there is no full day."""
    if isinstance(value, dict):
        return day(text(value.get("start"))) or day(text(value.get("end")))
    found = _DATE.match(text(value))
    return _if_in_calendar(found[0]) if found and found[3] else ""


def earliest_day(value: Any) -> str:
    """Return the first day that a date, even one of a year or month only, leaves possible; of a Period, its start's."""
    if isinstance(value, dict):
        value = value.get("start")
    found = _DATE.match(text(value))
    return _if_in_calendar(f"{found[1]}-{found[2] or '01'}-{found[3] or '01'}") if found else ""


def _if_in_calendar(iso_day: str) -> str:
    """Return a day of the form YYYY-MM-DD, or empty when there is no such day."""
    try:
        date.fromisoformat(iso_day)
    except ValueError:
        return ""
    return iso_day


def first_day(resource: Json, *names: str) -> str:
    """Return the first usable day among these elements of a resource."""
    for name in names:
        if found := day(resource.get(name)):
            return found
    return ""


def first_date(resource: Json, *names: str) -> str:
    """Return the first usable date among these elements, of a Period its start: a day, a month, or a year."""
    for name in names:
        value = resource.get(name)
        stated = text(value.get("start") if isinstance(value, dict) else value)
        if earliest_day(stated):
            found = _DATE.match(stated)
            return found[0] if found else ""
    return ""
