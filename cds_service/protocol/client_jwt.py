"""Who calls: the JSON Web Token that a CDS client signs anew for each call.

CDS Hooks 2.0.1, "Trusting CDS Clients" (requirements 119 to 130). joserfc decodes, verifies and checks the times; what
it leaves open is decided here, before it: which algorithms, whose keys, and that nothing in a token leads anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import orjson
from joserfc.errors import (
    BadSignatureError,
    ExpiredTokenError,
    InvalidClaimError,
    InvalidKeyCurveError,
    JoseError,
    KeyParameterError,
    MissingClaimError,
)
from joserfc.jws import CompactSignature, JWSRegistry, extract_compact, validate_compact
from joserfc.jwt import JWTClaimsRegistry

from cds_service.errors import NotAuthenticated
from cds_service.protocol.jwks import Key
from cds_service.protocol.profiles import Profile

ALGORITHMS = ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS384")
REFUSED_PARAMETERS = ("jwk", "x5u", "x5c", "crit")
"""Of the header. The first three offer a key, the last one asks for what we may not know."""

LEEWAY_S = 60
"""So far may the clocks of client and service be apart, in seconds."""
LONGEST_HEADER = 8192
"""Characters of the Authorization header, and so of the token."""
LONGEST_JTI = 256


class JwtFailure(StrEnum):
    """Why a call is not authenticated, in words for the log. The caller is not told."""

    NO_TOKEN = "no token"  # noqa: S105  # no secret
    NOT_BEARER = "not a bearer token"
    TOO_LONG = "longer than 8 kB"
    MALFORMED = "not a signed token"
    ALGORITHM = "alg not allowed"
    TYPE = "typ is not JWT"
    PARAMETER = "header with jwk, x5u, x5c or crit"
    KEY_ID = "kid missing or not a text"
    ISSUER = "iss not configured"
    KEY_SET = "jku not the configured one"
    MISSING_CLAIM = "aud, exp, iat or jti missing"
    AUDIENCE = "aud is not the address called"
    EXPIRY = "exp is not a time"
    EXPIRED = "expired"
    ISSUED = "iat is in the future or not a time"
    NOT_BEFORE = "nbf is in the future or not a time"
    SUBJECT = "sub is not a text"
    LIFETIME = "valid for longer than allowed"
    IDENTIFIER = "jti is no text of 1 to 256 characters"
    TENANT = "tenant not allowed"
    UNKNOWN_KEY = "kid not in the key set"
    UNFIT_KEY = "key does not fit alg"
    SIGNATURE = "wrong signature"
    REPLAYED = "used before"


@dataclass(frozen=True)
class Caller:
    """Who has proven to call: nobody in particular, unless there is an issuer.

    ``fhir_servers``: base addresses that this client may name, besides those that every client may. ``profile``: what
    it needs, where it differs from the others.
    """

    issuer: str = ""
    tenant: str = ""
    fhir_servers: tuple[str, ...] = ()
    profile: Profile | None = None


NOBODY = Caller()


class Keys(Protocol):
    """The keys of one client."""

    def find(self, kid: str) -> Key | None:
        """Return the key of that id, if there is one."""


class SeenTokens(Protocol):
    """Remembers which tokens were used."""

    def take(self, issuer: str, jti: str, expires: float) -> bool:
        """Take a token for use. Returns False if it was taken before.

        ``expires``: seconds since 1970, from when on the token is refused anyway and can be forgotten.
        """


@dataclass(frozen=True)
class Client:
    """A CDS client as configured.

    Attributes:
        keys: what it signs with.
        jku: the address of its key set, the only one that a token may name; empty if there is none.
        tenants: those it may call for; every one if empty.
        fhir_servers, profile: see ``Caller``.
    """

    keys: Keys
    jku: str = ""
    tenants: tuple[str, ...] = ()
    fhir_servers: tuple[str, ...] = ()
    profile: Profile | None = None


class _Registry(JWSRegistry):
    max_header_length = LONGEST_HEADER  # joserfc's 512 are too few for long addresses of key sets


_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)
_OF_CLAIM = {
    "aud": JwtFailure.AUDIENCE,
    "exp": JwtFailure.EXPIRY,
    "iat": JwtFailure.ISSUED,
    "nbf": JwtFailure.NOT_BEFORE,
    "jti": JwtFailure.IDENTIFIER,
    "sub": JwtFailure.SUBJECT,
}


class Verifier:
    """Tells who calls."""

    def __init__(
        self, clients: Mapping[str, Client], seen: SeenTokens, now: Callable[[], float], longest_life_s: float
    ) -> None:
        """Know the clients by issuer. ``now``: seconds since 1970."""
        self._clients = clients
        self._seen = seen
        self._now = now
        self._longest_life_s = longest_life_s

    def caller(self, authorization: str, audiences: Collection[str]) -> Caller:
        """Return who sent an Authorization header to the address that ``audiences`` has in all its spellings.

        What costs nothing is checked first, the signature next to last, and only a signed token is remembered.

        Raises:
            NotAuthenticated: it proves nothing.
        """
        token = _read(authorization)
        header = token.headers()
        kid = _check_header(header)
        claims = _claims(token)
        issuer = claims.get("iss")
        client = self._clients.get(issuer) if isinstance(issuer, str) else None
        if client is None:
            raise NotAuthenticated(JwtFailure.ISSUER)
        if "jku" in header and (not client.jku or header["jku"] != client.jku):
            raise NotAuthenticated(JwtFailure.KEY_SET)
        self._check_claims(claims, client, audiences)
        key = client.keys.find(kid)
        if key is None:
            raise NotAuthenticated(JwtFailure.UNKNOWN_KEY)
        _verify(token, key)
        if not self._seen.take(str(issuer), claims["jti"], claims["exp"] + LEEWAY_S):
            raise NotAuthenticated(JwtFailure.REPLAYED)
        tenant = claims.get("tenant")
        return Caller(str(issuer), tenant if isinstance(tenant, str) else "", client.fhir_servers, client.profile)

    def _check_claims(self, claims: Mapping[str, Any], client: Client, audiences: Collection[str]) -> None:
        registry = JWTClaimsRegistry(
            now=int(self._now()),
            leeway=LEEWAY_S,
            aud={"essential": True, "values": list(audiences)},
            exp={"essential": True},
            iat={"essential": True},
            jti={"essential": True},
        )
        try:
            registry.validate(dict(claims))
        except MissingClaimError:
            raise NotAuthenticated(JwtFailure.MISSING_CLAIM) from None
        except ExpiredTokenError:
            raise NotAuthenticated(JwtFailure.EXPIRED) from None
        except InvalidClaimError as error:
            raise NotAuthenticated(_OF_CLAIM[error.claim]) from None
        if claims["exp"] - claims["iat"] > self._longest_life_s:
            raise NotAuthenticated(JwtFailure.LIFETIME)
        if len(claims["jti"]) > LONGEST_JTI:
            raise NotAuthenticated(JwtFailure.IDENTIFIER)
        if client.tenants and claims.get("tenant") not in client.tenants:
            raise NotAuthenticated(JwtFailure.TENANT)


def _read(authorization: str) -> CompactSignature:
    """Return the token in an Authorization header, not yet verified."""
    if not authorization:
        raise NotAuthenticated(JwtFailure.NO_TOKEN)
    if len(authorization) > LONGEST_HEADER:
        raise NotAuthenticated(JwtFailure.TOO_LONG)
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticated(JwtFailure.NOT_BEARER)
    try:
        found = extract_compact(token.strip(" ").encode(), registry=_REGISTRY)
    # joserfc lets through what json makes of a header that is no object, or is nested without end.
    except (JoseError, ValueError, TypeError, RecursionError):
        raise NotAuthenticated(JwtFailure.MALFORMED) from None
    if not isinstance(found.headers(), dict):
        raise NotAuthenticated(JwtFailure.MALFORMED)
    return found


def _check_header(header: Mapping[str, Any]) -> str:
    """Return the id of the key, if the header is one that we take."""
    if header.get("alg") not in ALGORITHMS:
        raise NotAuthenticated(JwtFailure.ALGORITHM)
    kind = header.get("typ")
    if not isinstance(kind, str) or kind.upper() != "JWT":
        raise NotAuthenticated(JwtFailure.TYPE)
    if any(name in header for name in REFUSED_PARAMETERS):
        raise NotAuthenticated(JwtFailure.PARAMETER)
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise NotAuthenticated(JwtFailure.KEY_ID)
    return kid


def _claims(token: CompactSignature) -> Mapping[str, Any]:
    try:
        claims = orjson.loads(token.payload)
    except orjson.JSONDecodeError:
        claims = None
    if not isinstance(claims, dict):
        raise NotAuthenticated(JwtFailure.MALFORMED)
    return claims


def _verify(token: CompactSignature, key: Key) -> None:
    try:
        if not validate_compact(token, key, registry=_REGISTRY):
            raise BadSignatureError
    except (KeyParameterError, InvalidKeyCurveError):
        raise NotAuthenticated(JwtFailure.UNFIT_KEY) from None
    except BadSignatureError:
        raise NotAuthenticated(JwtFailure.SIGNATURE) from None
    except JoseError:
        raise NotAuthenticated(JwtFailure.MALFORMED) from None
