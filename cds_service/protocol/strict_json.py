"""JSON as RFC 8259 has it and as every reader understands it: no key twice in an object, nothing nested without end.

orjson refuses what is no JSON (NaN, numbers too large, halves of characters, other encodings than UTF-8), but of a key
that stands twice it takes the last, where another reader may take the first. What is nested deeper than the resources
of FHIR would end the recursive readers behind this gate.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from cds_service.errors import BadRequest

DEEPEST = 64
"""So many objects and lists may lie inside one another; FHIR needs about twenty."""

_NEITHER_QUOTE_NOR_COLON = bytes(mark for mark in range(256) if mark not in b'":')
_TEXTS = re.compile(rb'"[^"]*"')
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def parse_json(body: bytes) -> Any:
    """Return the JSON value of a request body.

    Raises:
        BadRequest: the body is not JSON (RFC 8259), is nested without reason, or has a key twice in one object.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(
            f"the body is not JSON (line {error.lineno}, column {error.colno}); send one JSON object"
        ) from error
    members = _members(value)
    if members is None:
        raise BadRequest(f"the body is JSON nested more than {DEEPEST} deep; send the resources as FHIR has them")
    if members != _members_written(body):
        raise BadRequest(f"{_twice(body)} stands twice in one object of the body; send each key once")
    return value


def _members(value: Any) -> int | None:
    """Return how many members all objects have together; None when they are nested too deep."""
    found = 0
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [one for one in level if type(one) is dict or type(one) is list]
        if not level:
            return found
        inner: list[Any] = []
        for one in level:
            if type(one) is dict:
                found += len(one)
                inner.extend(one.values())
            else:
                inner.extend(one)
        level = inner
    return None


def _members_written(body: bytes) -> int:
    """Return how many members a valid JSON text has: one for each colon outside of its texts."""
    # Without its escapes every quote begins or ends a text; those without a colon go first.
    marks = body.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _NEITHER_QUOTE_NOR_COLON)
    return _TEXTS.sub(b"", marks.replace(b'""', b"")).count(b":")


class _TwiceError(Exception):
    """A key stands twice; the argument is its name."""


def _twice(body: bytes) -> str:
    """Return what stands twice, by its name if that is one of a field; anything else may be a piece of the record."""

    def each_once(pairs: list[tuple[str, Any]]) -> None:
        names: set[str] = set()
        for name, _ in pairs:
            if name in names:
                raise _TwiceError(name)
            names.add(name)

    try:
        json.loads(body, object_pairs_hook=each_once)
    except _TwiceError as found:
        name = str(found)
        if _FIELD.fullmatch(name):
            return f"the key '{name}'"
    return "a key"
