"""What a client does: make a key, and sign tokens. Good ones, and every kind of bad one, to test a setup with."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode

from cds_service.protocol.client_jwt import LEEWAY_S, LONGEST_JTI, JwtFailure
from cds_service.protocol.jwks import Key

LIFE_S = 300
ELSEWHERE = "https://elsewhere.example"


def new_key(algorithm: str) -> Key:
    """Return a new private key for ES384 or RS384, with its thumbprint as ``kid``."""
    use = {"use": "sig", "alg": algorithm}
    if algorithm == "ES384":
        return ECKey.generate_key("P-384", use, auto_kid=True)  # type: ignore[arg-type]  # joserfc's TypedDict
    return RSAKey.generate_key(2048, use, auto_kid=True)  # type: ignore[arg-type]  # as above


def written_key(key: Key) -> bytes:
    """Return a private key as a file holds it (a JWK)."""
    return orjson.dumps(key.as_dict(private=True))


def keep_key(key: Key, file: Path) -> None:
    """Write a private key into a new file that only its owner can read. Raises OSError."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as kept:
        kept.write(written_key(key))


def public_keys(*keys: Key) -> dict[str, Any]:
    """Return the key set (JWKS) by which others check what these keys sign."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


def new_secret() -> str:
    """Return 256 bits that nobody can guess."""
    return secrets.token_urlsafe(32)


def read_private_key(data: bytes) -> Key:
    """Return the private key in a file. Raises ValueError if there is none that can sign."""
    value = orjson.loads(data)
    try:
        key: Key = ECKey.import_key(value) if value["alg"] == "ES384" else RSAKey.import_key(value)
        draft(key, "", "", 0).signed()
    except Exception:  # whatever is in the file
        raise ValueError("not a private key") from None
    return key


@dataclass(frozen=True)
class Draft:
    """A token that is not yet signed."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    key: Key

    def with_header(self, **changes: Any) -> Draft:
        """Return it with parameters of another value, or, given None, without them."""
        return replace(self, header=_changed(self.header, changes))

    def with_claims(self, **changes: Any) -> Draft:
        """Return it with claims of another value, or, given None, without them."""
        return replace(self, claims=_changed(self.claims, changes))

    def message(self) -> bytes:
        """Return what is to be signed."""
        return urlsafe_b64encode(orjson.dumps(self.header)) + b"." + urlsafe_b64encode(orjson.dumps(self.claims))

    def signature(self, key: Key | None = None) -> bytes:
        """Return the signature by the draft's own key or another."""
        key = key or self.key
        return JWSRegistry.algorithms[str(key.alg)].sign(self.message(), key)

    def signed(self, signature: bytes | None = None) -> str:
        """Return the token, with its own signature or another."""
        signature = self.signature() if signature is None else signature
        return (self.message() + b"." + urlsafe_b64encode(signature)).decode()


def draft(key: Key, issuer: str, address: str, now: float, *, jku: str = "", tenant: str = "") -> Draft:
    """Return a token for one call to an address, valid for five minutes."""
    issued = int(now)
    header = {"typ": "JWT", "alg": key.alg, "kid": key.kid, "jku": jku or None}
    claims = {
        "iss": issuer,
        "aud": address,
        "iat": issued,
        "exp": issued + LIFE_S,
        "jti": uuid4().hex,
        "tenant": tenant or None,
    }
    return Draft(_changed({}, header), _changed({}, claims), key)


def _changed(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def _with_public_key_as_secret(good: Draft) -> str:
    bad = good.with_header(alg="HS256")
    return bad.signed(hmac.new(good.key.as_pem(), bad.message(), hashlib.sha256).digest())


def _with_own_key(good: Draft) -> str:
    other = new_key(str(good.key.alg))
    bad = good.with_header(jwk=other.as_dict(private=False), kid=other.kid)
    return bad.signed(bad.signature(other))


def _by_other_key(good: Draft) -> str:
    return good.signed(good.signature(new_key(str(good.key.alg))))


def _altered(good: Draft) -> str:
    return good.with_claims(jti=uuid4().hex).signed(good.signature())


def _as_der(good: Draft) -> str:
    """Sign as other protocols write ECDSA: a sequence of two integers (DER). From an RSA key it is merely wrong."""
    raw = good.signature()
    half = len(raw) // 2
    numbers = (int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
    body = b"".join(_der(2, number.to_bytes(number.bit_length() // 8 + 1)) for number in numbers)
    return good.signed(_der(0x30, body))


def _der(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content) % 256]) + content


def _later(good: Draft, seconds: int) -> Draft:
    times = {name: good.claims[name] + seconds for name in ("iat", "exp")}
    return good.with_claims(**times)


FAR_S = LEEWAY_S + LIFE_S
YEARS_S = 10 * 365 * 86_400

BAD: Mapping[str, tuple[JwtFailure, Callable[[Draft], str]]] = {
    "alg-none": (JwtFailure.ALGORITHM, lambda good: good.with_header(alg="none").signed(b"")),
    "hs256-with-public-key": (JwtFailure.ALGORITHM, _with_public_key_as_secret),
    "typ": (JwtFailure.TYPE, lambda good: good.with_header(typ="JOSE").signed()),
    "embedded-key": (JwtFailure.PARAMETER, _with_own_key),
    "x5u": (JwtFailure.PARAMETER, lambda good: good.with_header(x5u=f"{ELSEWHERE}/certificate").signed()),
    "crit": (JwtFailure.PARAMETER, lambda good: good.with_header(crit=["future"], future=True).signed()),
    "jku": (JwtFailure.KEY_SET, lambda good: good.with_header(jku=f"{ELSEWHERE}/jwks.json").signed()),
    "no-kid": (JwtFailure.KEY_ID, lambda good: good.with_header(kid=None).signed()),
    "unknown-kid": (JwtFailure.UNKNOWN_KEY, lambda good: good.with_header(kid=uuid4().hex).signed()),
    "other-key": (JwtFailure.SIGNATURE, _by_other_key),
    "altered": (JwtFailure.SIGNATURE, _altered),
    "no-signature": (JwtFailure.SIGNATURE, lambda good: good.signed(b"")),
    "zero-signature": (JwtFailure.SIGNATURE, lambda good: good.signed(bytes(len(good.signature())))),
    "der-signature": (JwtFailure.SIGNATURE, _as_der),
    "iss": (JwtFailure.ISSUER, lambda good: good.with_claims(iss=ELSEWHERE).signed()),
    "aud": (JwtFailure.AUDIENCE, lambda good: good.with_claims(aud=f"{ELSEWHERE}/cds-services").signed()),
    "no-aud": (JwtFailure.MISSING_CLAIM, lambda good: good.with_claims(aud=None).signed()),
    "no-exp": (JwtFailure.MISSING_CLAIM, lambda good: good.with_claims(exp=None).signed()),
    "no-iat": (JwtFailure.MISSING_CLAIM, lambda good: good.with_claims(iat=None).signed()),
    "no-jti": (JwtFailure.MISSING_CLAIM, lambda good: good.with_claims(jti=None).signed()),
    "exp-text": (JwtFailure.EXPIRY, lambda good: good.with_claims(exp=str(good.claims["exp"])).signed()),
    "expired": (JwtFailure.EXPIRED, lambda good: _later(good, -FAR_S).signed()),
    "future": (JwtFailure.ISSUED, lambda good: _later(good, FAR_S).signed()),
    "nbf": (JwtFailure.NOT_BEFORE, lambda good: good.with_claims(nbf=good.claims["iat"] + FAR_S).signed()),
    "lifetime": (JwtFailure.LIFETIME, lambda good: good.with_claims(exp=good.claims["iat"] + YEARS_S).signed()),
    "long-jti": (JwtFailure.IDENTIFIER, lambda good: good.with_claims(jti="x" * (LONGEST_JTI + 1)).signed()),
}  # fmt: skip
"""Each kind of bad token: how the log names what is wrong, and how it is made from a good one."""
