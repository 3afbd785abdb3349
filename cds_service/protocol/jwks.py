"""Key sets (JWKS, RFC 7517): the public keys that CDS clients sign with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from joserfc.jwk import ECKey, RSAKey

Key = ECKey | RSAKey

MOST_KEYS = 50
RSA_BITS = range(2048, 4096 + 1)
LONGEST_MODULUS = 700
"""Characters of the modulus of an RSA key, of which 4096 bits take 683. A longer one is not even decoded."""

_MEMBERS: Mapping[str, tuple[str, ...]] = {"EC": ("crv", "x", "y"), "RSA": ("n", "e")}
_CURVES = ("P-256", "P-384", "P-521")
_USES = ("use", "alg", "key_ops")


def read_keys(value: Any) -> dict[str, Key]:
    """Return the usable keys of a key set by their ``kid``; of two with the same, the first.

    Usable are EC keys of the NIST curves and RSA keys of 2048 to 4096 bits that are for signatures. The others are left
    out, as RFC 7517 asks, and so is whatever a key holds that is not public.

    Raises:
        ValueError: it is not a key set, or one of more than 50 keys.
    """
    found: dict[str, Key] = {}
    for entry in _entries(value):
        key = _public_key(entry)
        if key is not None and key.kid:
            found.setdefault(key.kid, key)
    return found


def _entries(value: Any) -> list[Any]:
    entries = value.get("keys") if isinstance(value, dict) else value
    if not isinstance(entries, list) or len(entries) > MOST_KEYS:
        raise ValueError("not a key set")
    # crd-request-generator (1a184da) answers with a list of {"pem": <a JWK, despite its name>, "id": <its kid>}.
    return entries if isinstance(value, dict) else list(_unwrapped(entries))


def _unwrapped(entries: list[Any]) -> Iterator[Any]:
    for entry in entries:
        inner = entry.get("pem") if isinstance(entry, dict) else None
        if isinstance(inner, dict):
            yield {"kid": entry.get("id"), **inner}


def _public_key(entry: Any) -> Key | None:
    """Return the key of one entry, or None if it is of no use here."""
    if not isinstance(entry, dict) or entry.get("kty") not in ("EC", "RSA"):
        return None
    kind = entry["kty"]
    public = {name: entry[name] for name in ("kty", "kid", *_USES, *_MEMBERS[kind]) if name in entry}
    if not all(isinstance(public.get(name), str) for name in ("kid", *_MEMBERS[kind])):
        return None
    if public.get("use", "sig") != "sig" or (kind == "EC" and public["crv"] not in _CURVES):
        return None
    if kind == "RSA" and len(public["n"]) > LONGEST_MODULUS:
        return None
    try:
        if kind == "EC":
            return ECKey.import_key(public)
        # Through the binding: RSAKey.import_key warns of a short key, and takes it.
        numbers = RSAKey.binding.import_from_dict(public)
        return RSAKey(numbers, public) if numbers.key_size in RSA_BITS else None
    except Exception:  # whatever an entry provokes in the library spoils this one key
        return None
