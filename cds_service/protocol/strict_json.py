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

_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_TEXTS = re.compile(rb'"[^"]*"')
_AS_BRACES = bytes.maketrans(b"[]", b"{}")
_NO_MARKS = bytes(mark for mark in range(256) if mark not in b'"{}[]')
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
    marked = _without_escapes(body)
    if _is_deep(marked):
        raise BadRequest(f"the body is JSON nested more than {DEEPEST} deep; send the resources as FHIR has them")
    # Written again, the value has each key once: a key that stood twice took its quotes with it.
    if marked.count(b'"') != _without_escapes(orjson.dumps(value)).count(b'"'):
        raise BadRequest(f"{_twice(body)} stands twice in one object of the body; send each key once")
    return value


def _without_escapes(body: bytes) -> bytes:
    """Return a valid JSON text in which every quote begins or ends a text."""
    return _ESCAPED.sub(b"", body) if b"\\" in body else body


def _is_deep(marked: bytes) -> bool:
    """Whether a valid JSON text without its escapes has more than ``DEEPEST`` objects and lists inside one another."""
    marks = marked.translate(_AS_BRACES, _NO_MARKS).replace(b'""', b"")
    if b'"' in marks:  # around texts that hold brackets
        marks = _TEXTS.sub(b"", marks)
    for _ in range(DEEPEST):
        if not marks:
            return False
        marks = marks.replace(b"{}", b"")  # the innermost
    return bool(marks)


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
