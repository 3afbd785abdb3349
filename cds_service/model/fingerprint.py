"""A short name for a value: equal values have the same one, in every process and on every machine."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any


def fingerprint(value: object) -> str:
    """Return 16 hexadecimal digits that change when anything in the value does.

    Raises:
        TypeError: the value holds something that may be written differently in another process.
    """
    return hashlib.sha256(_written(value).encode()).hexdigest()[:16]


def keyed_hash(key: bytes, *words: str) -> str:
    """Return 64 hexadecimal digits for these words: without the key nobody can try out patient ids against them."""
    return hmac.new(key, "\x1f".join(words).encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


class _Writers(dict[type, Callable[[Any], str]]):
    """How values of each type are written; worked out when the first of them comes."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        self[kind] = writer = _writer(kind)
        return writer


_WRITERS = _Writers()


def _written(value: object) -> str:
    return _WRITERS[type(value)](value)


def _writer(kind: Any) -> Callable[[Any], str]:
    title = kind.__name__
    if issubclass(kind, tuple | list):
        return lambda value: f"[{','.join([_WRITERS[type(part)](part) for part in value])}]"
    if issubclass(kind, Enum):
        return lambda value: f"{title}.{value._name_}"  # ``name`` takes ten times as long
    if is_dataclass(kind):
        names = [(field.name, f"{field.name}=") for field in fields(kind)]

        def of_fields(value: object) -> str:
            parts = []
            for name, label in names:
                part = getattr(value, name)
                parts.append(label + _WRITERS[type(part)](part))
            return f"{title}({','.join(parts)})"

        return of_fields
    if issubclass(kind, str | int | float | None):
        return repr
    if issubclass(kind, Decimal):
        return lambda value: f"{value.normalize():f}"
    if issubclass(kind, Mapping):
        return lambda value: f"{{{','.join(sorted(f'{_written(key)}:{_written(value[key])}' for key in value))}}}"
    if issubclass(kind, frozenset | set):
        return lambda value: f"{{{','.join(sorted(map(_written, value)))}}}"
    raise TypeError(f"a {title} has no form that is the same everywhere")
