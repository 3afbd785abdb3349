"""What a client lets the service read: the ``fhirAuthorization`` of a call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SCOPE = re.compile(r"(?P<level>patient|user|system)/(?P<type>\*|[A-Za-z]+)\.(?P<may>\*|read|write|c?r?u?d?s?)(?:\?.*)?")


@dataclass(frozen=True)
class Authorization:
    """An access token with what it is for. The token is in no representation of it.

    Attributes:
        token: what goes behind ``Bearer``; empty when the client sent none, as open servers' clients do.
        scope: SMART scopes, of version 1 (``user/Observation.read``) or 2 (``user/Observation.rs``).
        patient: the patient it is limited to, or empty.
        expires_in: seconds it lives on, or None when the client did not say.
    """

    token: str = field(default="", repr=False)
    scope: str = ""
    patient: str = field(default="", repr=False)
    expires_in: float | None = None

    def permits(self, kind: str, patient_id: str) -> bool:
        """Whether resources of a type may be read of this patient. Without a token there is nothing to limit."""
        if not self.token:
            return True
        if (self.expires_in is not None and self.expires_in <= 0) or self.patient not in ("", patient_id):
            return False
        found = [match for one in self.scope.split() if (match := _SCOPE.fullmatch(one))]
        return any(one["type"] in ("*", kind) and _reads(one["may"]) for one in found)


def _reads(may: str) -> bool:
    """Whether a scope's verb lets one read: ``read``, ``*``, or (version 2) both ``r`` and ``s``."""
    return may in ("*", "read") or {"r", "s"} <= set(may)


def read_authorization(value: Any) -> Authorization:
    """Return the authorization of a call; what is missing or of the wrong kind is taken as not said."""
    if not isinstance(value, Mapping):
        return Authorization()
    lives = value.get("expires_in")
    return Authorization(
        token=_text(value.get("access_token")),
        scope=_text(value.get("scope")),
        patient=_text(value.get("patient")),
        expires_in=lives if isinstance(lives, int | float) and not isinstance(lives, bool) else None,
    )


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
