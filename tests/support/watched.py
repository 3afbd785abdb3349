"""Requests that notice which elements of their resources are looked up.

The names of the elements are what notices: a look-up compares the name asked for with the one that is there, also in a
copy of the resource. Elements that a resource does not have are there as null, so that asking for them is noticed, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from cds_service.fhir.readers.versions import ELEMENTS

Json = Any
Looked = dict[str, set[str]]
"""Resource type -> elements that were looked up."""


class _Name(str):
    """The name of an element."""

    kind: str
    looked: Looked
    __slots__ = ("kind", "looked")
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        same = str.__eq__(self, other)
        if same is True:
            self.looked.setdefault(self.kind, set()).add(str(self))
        return same

    def startswith(self, beginning: Any, *where: Any) -> bool:
        asked = beginning if isinstance(beginning, tuple) else (beginning,)
        begun = {f"{one}[x]" for one in asked if str.startswith(self, one, *where)}
        self.looked.setdefault(self.kind, set()).update(begun)
        return bool(begun)


class _Resource(dict[str, Any]):
    """A resource; whether two are the same as a whole looks nothing up."""

    __hash__ = None  # type: ignore[assignment]  # as of any dict

    def __eq__(self, other: object) -> bool:
        return json.dumps(self) == json.dumps(other)


def watched(value: Json, looked: Looked, without: Iterable[str] = ()) -> Json:
    """Return a copy of a request that notes in ``looked`` what is looked up; elements named ``without`` are null."""
    if isinstance(value, list):
        return [watched(one, looked, without) for one in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("resourceType")
    if not isinstance(kind, str):
        return {name: watched(one, looked, without) for name, one in value.items()}
    found = _Resource()
    for element in dict.fromkeys([*value, *_elements(kind)]):
        name = _Name(element)
        name.kind, name.looked = kind, looked
        found[name] = None if element in without else watched(value.get(element), looked, without)
    return found


def _elements(kind: str) -> Iterable[str]:
    """Return every element that R4 gives a type, and those of other versions that the readers know."""
    model = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    return [*model.elements_sequence(), *ELEMENTS.get(kind, ())]
