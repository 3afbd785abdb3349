"""What a client lets the service read: the ``fhirAuthorization`` of a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Authorization:
    """An access token with what it is for.

    Attributes:
        token: what goes behind ``Bearer``; empty when the client sent none, as the clients of open servers do.
        scope: SMART scopes, as they came.
        patient: the patient it is limited to, or empty.
        expires_in: seconds it lives on, or None when the client did not say.
    """

    token: str = field(default="", repr=False)
    scope: str = ""
    patient: str = field(default="", repr=False)
    expires_in: float | None = None

    def is_for(self, patient_id: str) -> bool:
        """Whether the token still lives and is not limited to somebody else."""
        return self.patient in ("", patient_id) and (self.expires_in is None or self.expires_in > 0)


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
