"""The link from a card to the app that shows its evidence, and what it hands over.

The record keeps ``appContext`` and gives it to the app when it is opened (CDS Hooks 2.0, link of type smart). Everybody
on the way can read it, and change it: so it names no patient and no finding, it is signed, and it is a hint only. The
app reads the record anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from cds_service.cards import wording
from cds_service.model.fingerprint import keyed_hash

VERSION = 1
LONGEST = 1_000
"""Characters. A longer one is not ours."""


@dataclass(frozen=True)
class AppLink:
    """What the links of one answer share.

    Attributes:
        url: where the app is launched.
        bases: card (``Content.key``) -> what it rests on (``Subject.basis``).
    """

    url: str
    key: bytes = field(repr=False)
    patient_id: str = field(repr=False)
    bases: Mapping[str, str]

    def link(self, card: str, content_key: str) -> dict[str, Any]:
        """Return the link on a card of this id."""
        context = {
            "v": VERSION,
            "card": card,
            "for": _hashed(self.key, self.patient_id),
            "about": _hashed(self.key, self.patient_id, content_key),
            "basis": _hashed(self.key, self.patient_id, self.bases[content_key]),
        }
        return {
            "label": wording.SHOW_EVIDENCE,
            "url": self.url,
            "type": "smart",
            "appContext": _signing(self.key).dumps(context),
        }


@dataclass(frozen=True)
class CardOpened:
    """The card from which the app was opened: its id, and what it said, as hashes."""

    card: str
    about: str
    basis: str

    def since(self, bases: Mapping[str, str], key: bytes, patient_id: str) -> Since:
        """Return what became of the card. ``bases``: those of the cards that there would be now (``AppLink``)."""
        for content_key, basis in bases.items():
            if self.about == _hashed(key, patient_id, content_key):
                return Since.SAME if self.basis == _hashed(key, patient_id, basis) else Since.CHANGED
        return Since.GONE


class Since(Enum):
    """What became of a card since it was shown."""

    SAME = "same"
    CHANGED = "changed"
    GONE = "gone"


class NotOurs(ValueError):
    """The context was not made by this service, or was changed, or is of another version."""


class OtherPatient(ValueError):
    """The context belongs to a card about somebody else."""


def read_app_context(value: object, key: bytes, patient_id: str) -> CardOpened:
    """Return the card that a launch for this patient was opened from.

    Raises:
        NotOurs, OtherPatient: nothing of it may be used.
    """
    if not isinstance(value, str) or len(value) > LONGEST:
        raise NotOurs
    try:
        context = _signing(key).loads(value)
    except BadSignature:
        raise NotOurs from None
    if context.get("v") != VERSION:
        raise NotOurs
    if context["for"] != _hashed(key, patient_id):
        raise OtherPatient
    return CardOpened(context["card"], context["about"], context["basis"])


def _signing(key: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt="appContext")


def _hashed(key: bytes, *words: str) -> str:
    return keyed_hash(key, "appContext", *words)[:32]
