"""A short name for a value: equal values have the same one, in every process and on every machine."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
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


def _written(value: object) -> str:
    kind: Any = type(value)
    # The kinds that there are most of come first, and are told by their type alone.
    if kind is str or kind is int or value is None:
        return repr(value)
    if isinstance(value, tuple | list):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, Enum):
        return f"{kind.__name__}.{value.name}"
    if is_dataclass(value):
        parts = [f"{name}={_written(getattr(value, name))}" for name in _names(kind)]
        return f"{kind.__name__}({','.join(parts)})"
    if isinstance(value, str | int | float):
        return repr(value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, Mapping):
        return f"{{{','.join(sorted(f'{_written(key)}:{_written(value[key])}' for key in value))}}}"
    if isinstance(value, frozenset | set):
        return f"{{{','.join(sorted(map(_written, value)))}}}"
    raise TypeError(f"a {kind.__name__} has no form that is the same everywhere")


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
