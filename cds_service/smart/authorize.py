"""Signing in at a record's authorization server: SMART App Launch 2.2, as a client.

Authlib makes the requests (PKCE, private_key_jwt), joserfc checks signatures; what they leave open is decided here:
whom to believe, where a request may go, and how long anything counts.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]  # ships no types
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc7523 import PrivateKeyJWT  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc7523.assertion import private_key_jwt_sign  # type: ignore[import-untyped]  # as above
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests.exceptions import RequestException

from cds_service.fhir.access import text
from cds_service.fhir.documents import DocumentAdapter, fetch_document
from cds_service.protocol.jwks import Key, read_keys
from cds_service.protocol.signing import new_secret
from cds_service.settings import AppIssuer, normal_address
from cds_service.smart.problems import NotOpened, Problem

IDENTITY_ALGORITHMS = ("RS256", "RS384", "ES256", "ES384")
IDENTITY_LEEWAY_S = 60
ASSERTION_LIFE_S = 240
"""SMART App Launch allows five minutes."""

OWN_SCOPES = ("openid", "fhirUser")
_USERS = ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Person")
_REFERENCE = re.compile(r"[A-Za-z]{1,64}/[A-Za-z0-9.-]{1,64}")
_ERRORS = re.compile(r"[a-z_]{1,40}")

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Issuer:
    """One record that the app knows: its FHIR base address in normal form, how it is set up, and our keys there."""

    base: str
    settings: AppIssuer
    keys: tuple[Key, ...]
    ca_file: str = ""

    @property
    def name(self) -> str:
        """What clinicians call it."""
        return self.settings.name or urlsplit(self.base).netloc

    def address(self, given: Any) -> str:
        """Return an address that the record names, if requests may go there; else nothing.

        It may be relative to the base. Its origin is the base's own, or one of those that the site has listed.
        """
        try:
            found = urljoin(f"{self.base}/", text(given)) if text(given) else ""
            parts = urlsplit(found)
            origin = normal_address(f"{parts.scheme}://{parts.netloc}")
        except ValueError:
            return ""
        ours = urlsplit(self.base)
        allowed = {f"{ours.scheme}://{ours.netloc}", *map(normal_address, self.settings.origins)}
        return found if origin and origin in allowed and not parts.fragment else ""

    def fetch(self, address: str) -> Any:
        """Return the JSON at an address. Raises OSError."""
        body, _ = fetch_document(address, self.ca_file)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise OSError("not JSON") from None


@dataclass(frozen=True)
class Endpoints:
    """What a record says of its authorization server, checked."""

    authorize: str
    token: str
    issuer: str
    jwks: str
    assertion_algorithms: tuple[str, ...]
    version_2: bool

    @property
    def identifies(self) -> bool:
        """Whether it can prove who its users are."""
        return bool(self.issuer and self.jwks)


@dataclass(frozen=True)
class Pending:
    """A launch that waits for the record's answer: what only we know of it."""

    state: str
    verifier: str
    nonce: str
    scope: str
    endpoints: Endpoints


@dataclass(frozen=True, repr=False)
class Signed:
    """What a record let us have: an access token, what it is for, and who uses it. ``context``: the whole answer."""

    token: str
    scope: str
    expires_in: float
    patient: str
    user: str
    context: Json


def discover(issuer: Issuer) -> Endpoints:
    """Return the endpoints that a record names in its ``.well-known/smart-configuration``.

    Raises:
        NotOpened: it cannot be read, or names nothing that may be used.
    """
    try:
        given = issuer.fetch(f"{issuer.base}/.well-known/smart-configuration")
    except OSError:
        raise NotOpened(Problem.NO_CONFIGURATION) from None
    if not isinstance(given, dict):
        raise NotOpened(Problem.NO_CONFIGURATION)
    found = Endpoints(
        authorize=issuer.address(given.get("authorization_endpoint")),
        token=issuer.address(given.get("token_endpoint")),
        issuer=text(given.get("issuer")),
        jwks=issuer.address(given.get("jwks_uri")),
        assertion_algorithms=_words(given.get("token_endpoint_auth_signing_alg_values_supported")),
        version_2="permission-v2" in _words(given.get("capabilities")) or "capabilities" not in given,
    )
    if not found.authorize or not found.token or "S256" not in _words(given.get("code_challenge_methods_supported")):
        raise NotOpened(Problem.UNUSABLE_CONFIGURATION)
    return found


def begin(issuer: Issuer, launch: str | None, redirect_uri: str, types: Mapping[str, str]) -> tuple[str, Pending]:
    """Return where to send the browser, and what to keep until it comes back.

    Args:
        launch: the record's handle for this launch; None to have the record ask for a patient (standalone).
        types: resource type -> the rights that the app needs on it (``r``, ``rs``).

    Raises:
        NotOpened: see ``discover``.
    """
    endpoints = discover(issuer)
    rights = {kind: letters if endpoints.version_2 else "read" for kind, letters in types.items()}
    scope = " ".join(
        [
            "launch/patient" if launch is None else "launch",
            *(OWN_SCOPES if endpoints.identifies else ()),
            *(f"patient/{kind}.{letters}" for kind, letters in rights.items()),
        ]
    )
    pending = Pending(new_secret(), secrets.token_urlsafe(64), new_secret(), scope, endpoints)
    context = {} if launch is None else {"launch": launch}
    address, _ = _session(issuer, redirect_uri, endpoints).create_authorization_url(
        endpoints.authorize,
        state=pending.state,
        code_verifier=pending.verifier,
        nonce=pending.nonce,
        scope=scope,
        aud=issuer.base,
        **context,
    )
    return address, pending


def finish(issuer: Issuer, pending: Pending, answer: Json, redirect_uri: str, now: Callable[[], float]) -> Signed:
    """Return what the record lets us have, for the answer that the browser brought.

    Raises:
        NotOpened: the record refused, or what it gave cannot be trusted or used.
    """
    # RFC 9207: an answer that names its server must name ours.
    if answer.get("iss") not in (None, pending.endpoints.issuer):
        raise NotOpened(Problem.OTHER_SERVER)
    if answer.get("error") or not answer.get("code"):
        code = text(answer.get("error"))
        raise NotOpened(Problem.REFUSED, code if _ERRORS.fullmatch(code) else "")
    given = _exchange(issuer, pending, text(answer["code"]), redirect_uri)
    token, lives = given.get("access_token"), given.get("expires_in")
    if not isinstance(token, str) or not token or str(given.get("token_type")).lower() != "bearer":
        raise NotOpened(Problem.NO_TOKEN)
    identified = pending.endpoints.identifies and "id_token" in given
    user = _user(issuer, _identity(issuer, pending, given["id_token"], now)) if identified else ""
    patient = text(given.get("patient"))
    if not patient:
        raise NotOpened(Problem.NO_PATIENT)
    scope = given.get("scope")
    seconds = float(lives) if isinstance(lives, int | float) and not isinstance(lives, bool) else 0.0
    return Signed(token, scope if isinstance(scope, str) else pending.scope, seconds, patient, user, given)


class _Assertion(PrivateKeyJWT):  # type: ignore[misc]  # ships no types
    """Authlib's, which signs for an hour and, given claims, repeats their jti."""

    def sign(self, auth: Any, token_endpoint: str) -> Any:
        key: Key = auth.client_secret
        header = {"typ": "JWT", "kid": key.kid}
        return private_key_jwt_sign(
            key, auth.client_id, token_endpoint, alg=key.alg, header=header, expires_in=ASSERTION_LIFE_S
        )


def _session(issuer: Issuer, redirect_uri: str, endpoints: Endpoints) -> Any:
    """Return a session for one exchange: no redirect, no environment, small answers, all in time."""
    confidential = issuer.settings.auth == "private_key_jwt"
    session = OAuth2Session(
        issuer.settings.client_id,
        _key(issuer.keys, endpoints.assertion_algorithms) if confidential else None,
        token_endpoint_auth_method=PrivateKeyJWT.name if confidential else "none",
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )
    session.register_client_auth_method(_Assertion(endpoints.token))
    session.trust_env = False
    return session


def _key(keys: tuple[Key, ...], algorithms: tuple[str, ...]) -> Key:
    """Return our first key whose algorithm the record takes; where it names none of them, our first."""
    return next((key for key in keys if key.alg in algorithms), keys[0])


def _exchange(issuer: Issuer, pending: Pending, code: str, redirect_uri: str) -> Json:
    """Return the answer of the token endpoint."""
    endpoints = pending.endpoints
    with _session(issuer, redirect_uri, endpoints) as session:
        session.adapters.clear()
        session.mount(endpoints.token, DocumentAdapter(endpoints.token, issuer.ca_file))
        try:
            found = session.fetch_token(
                endpoints.token,
                grant_type="authorization_code",
                code=code,
                code_verifier=pending.verifier,
                redirect_uri=redirect_uri,
                allow_redirects=False,
            )
        except (AuthlibBaseError, RequestException, OSError, ValueError, TypeError):
            # Their words hold what the record sent.
            raise NotOpened(Problem.NO_TOKEN) from None
    return dict(found) if isinstance(found, dict) else {}


def _identity(issuer: Issuer, pending: Pending, token: Any, now: Callable[[], float]) -> Json:
    """Return the claims of an id_token, once it is proven to be this record's, for us, and for this launch."""
    client_id = issuer.settings.client_id
    rules = jwt.JWTClaimsRegistry(
        now=lambda: int(now()),
        leeway=IDENTITY_LEEWAY_S,
        iss={"essential": True, "value": pending.endpoints.issuer},
        sub={"essential": True},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": pending.nonce},
    )
    try:
        keys = KeySet(list(read_keys(issuer.fetch(pending.endpoints.jwks)).values()))
        claims = jwt.decode(token, keys, algorithms=list(IDENTITY_ALGORITHMS)).claims
        rules.validate(claims)
    except (JoseError, OSError, ValueError, TypeError, KeyError):
        raise NotOpened(Problem.BAD_IDENTITY) from None
    others = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", client_id) != client_id or (others and "azp" not in claims):
        raise NotOpened(Problem.BAD_IDENTITY)
    return claims


def _user(issuer: Issuer, claims: Json) -> str:
    """Return who opened the app, as ``Type/id`` on the record's own server; nothing for anybody elsewhere."""
    given = text(claims.get("fhirUser")) or text(claims.get("profile"))
    inside = given.removeprefix(f"{issuer.base}/")
    return inside if _REFERENCE.fullmatch(inside) and inside.partition("/")[0] in _USERS else ""


def _words(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
