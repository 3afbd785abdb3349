"""The authorization server of the demo: SMART App Launch for a clinician who always consents. Built with Authlib."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer  # type: ignore[import-untyped]  # ships no types
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Error  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc7636 import CodeChallenge  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc7662 import IntrospectionEndpoint  # type: ignore[import-untyped]  # as above
from authlib.oidc.core import UserInfo  # type: ignore[import-untyped]  # as above
from authlib.oidc.core.grants import OpenIDCode  # type: ignore[import-untyped]  # as above
from flask import Blueprint, Flask, Response, jsonify, request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from cds_service.demo.faults import Fault
from cds_service.protocol.signing import new_secret, public_keys

Json = dict[str, Any]

CODE_LIFE_S = 60
LAUNCH_LIFE_S = 300
ACCESS_LIFE_S = 3600

CONTEXT_SCOPES = ("launch", "launch/patient", "openid", "fhirUser", "profile")
_RESOURCE_SCOPE = re.compile(r"(?:patient|user)/([A-Za-z]+|\*)\.(read|write|\*|c?r?u?d?s?)")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}

STYLE = {
    "color_background": "#ffffff",
    "color_error": "#a3121f",
    "color_highlight": "#1b5fae",
    "color_modal_backdrop": "#00000066",
    "color_success": "#1c6b3a",
    "color_text": "#16202b",
    "dim_border_radius": "6px",
    "dim_font_size": "16px",
    "dim_spacing_size": "16px",
    "font_family_body": "sans-serif",
    "font_family_heading": "sans-serif",
}
"""How this record looks, for apps that want to look alike (SMART App Launch 2.2, smart_style_url)."""


@dataclass(frozen=True)
class Client:
    """A registered app: public, or, with its key set, confidential by private_key_jwt."""

    id: str
    redirect_uris: tuple[str, ...]
    keys: Json = field(default_factory=dict)

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> str | None:
        return None  # it must be named

    def get_allowed_scope(self, scope: str) -> str:
        """Return what is granted of a scope that was asked for; what is not known here is left out."""
        asked = scope.split() if scope else []
        return " ".join(one for one in asked if one in CONTEXT_SCOPES or _RESOURCE_SCOPE.fullmatch(one))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == ("client_assertion_jwt" if self.keys else "none")

    def check_response_type(self, response_type: str) -> bool:
        return bool(response_type == "code")

    def check_grant_type(self, grant_type: str) -> bool:
        return bool(grant_type == "authorization_code")


@dataclass(frozen=True)
class Launch:
    """What the chart hands over to an app. ``context`` goes into the token response beside the patient."""

    patient: str
    context: Mapping[str, Any] = field(default_factory=dict)
    at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Code:
    """An authorization code, with what it was given for."""

    code: str
    client: Client
    redirect_uri: str
    scope: str
    launch: Launch
    nonce: str | None
    code_challenge: str
    code_challenge_method: str
    at: float = field(default_factory=time.time)

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> None:
        return None

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass(frozen=True)
class Grant:
    """An access token: what it is good for, and, from the chart, which fault hits whoever uses it."""

    token: str = field(repr=False)
    client_id: str
    scope: str
    patient: str
    user: str
    expires_at: float
    fault: Fault = Fault.NONE

    def is_expired(self) -> bool:
        return time.time() >= self.expires_at

    def is_revoked(self) -> bool:
        return False

    def allows(self, kind: str, letter: str) -> bool:
        """Whether the scope covers one use of a resource type: c, r, u, d or s."""
        if kind == "Practitioner" and letter in "rs" and "fhirUser" in self.scope.split():
            return True
        scopes = (_RESOURCE_SCOPE.fullmatch(one) for one in self.scope.split())
        return any(one[1] in (kind, "*") and letter in _V1.get(one[2], one[2]) for one in scopes if one)


class Authority:
    """What the authorization server remembers, in memory: launches, codes, tokens."""

    def __init__(self, clients: tuple[Client, ...], base: str, fhir_base: str, user: str, patient: str) -> None:
        self.clients = {client.id: client for client in clients}
        self.base, self.fhir_base, self.user, self.patient = base, fhir_base, user, patient
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        self.launches: dict[str, Launch] = {}
        self.codes: dict[str, Code] = {}
        self.grants: dict[str, Grant] = {}
        self.seen: set[tuple[str, str]] = set()

    def launch(self, launch: Launch) -> str:
        """Keep a launch, and return the handle by which an app names it, once."""
        handle = new_secret()
        self.launches[handle] = launch
        return handle

    def issue(self, grant: Grant) -> None:
        """Let a token be used."""
        self.grants[grant.token] = grant

    def grant_of(self, token: str) -> Grant | None:
        """Return what a token is good for; None if it is unknown or no longer valid."""
        grant = self.grants.get(token)
        return None if grant is None or grant.is_expired() else grant


def register(app: Flask, authority: Authority) -> Blueprint:
    """Return the endpoints, to be put below ``authority.base``."""
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"authorization_code": ACCESS_LIFE_S}
    server = AuthorizationServer(app, authority.clients.get, lambda token, asked: _keep(authority, token, asked))
    server.register_client_auth_method("client_assertion_jwt", _assertion(authority))
    server.register_grant(_code_grant(authority), [_S256Challenge(required=True), _id_token(authority)])
    server.register_endpoint(_introspection(authority))
    pages = Blueprint("authorization", __name__)

    @pages.route("/authorize", methods=["GET", "POST"])
    def authorize() -> Any:
        try:
            grant = server.get_consent_grant(end_user=authority.user)
        except OAuth2Error as error:
            return server.handle_error_response(request, error)
        return server.create_authorization_response(grant_user=authority.user, grant=grant)

    @pages.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @pages.post("/introspect")
    def introspect() -> Any:
        return server.create_endpoint_response("introspection")

    @pages.get("/jwks")
    def jwks() -> Response:
        return jsonify(public_keys(authority.key))

    @pages.get("/style.json")
    def style() -> Response:
        return jsonify(STYLE)

    return pages


def configuration(authority: Authority) -> Json:
    """Return ``.well-known/smart-configuration`` (SMART App Launch 2.2)."""
    base = authority.base
    return {
        "issuer": authority.fhir_base,
        "jwks_uri": f"{base}/jwks",
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "introspection_endpoint": f"{base}/introspect",
        "grant_types_supported": ["authorization_code"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES384", "RS384"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": [*CONTEXT_SCOPES, "patient/*.rs", "user/*.rs"],
        "capabilities": [
            "launch-ehr",
            "launch-standalone",
            "authorize-post",
            "client-public",
            "client-confidential-asymmetric",
            "context-banner",
            "context-style",
            "context-ehr-patient",
            "context-standalone-patient",
            "permission-patient",
            "permission-user",
            "permission-v1",
            "permission-v2",
            "sso-openid-connect",
        ],
    }


def launch_of(value: Any) -> Launch:
    """Return the launch that a sandbox asks for: ``{launchUrl, parameters: {patient, appContext, ...}}``.

    Raises:
        ValueError: it names no patient.
    """
    parameters = value.get("parameters") if isinstance(value, dict) else None
    if not isinstance(parameters, dict) or not isinstance(parameters.get("patient"), str):
        raise ValueError("send {launchUrl, parameters: {patient, ...}}")
    known = ("appContext", "smart_messaging_origin", "fhirContext", "encounter", "intent", "need_patient_banner")
    return Launch(parameters["patient"], {name: parameters[name] for name in known if name in parameters})


# ------------------------------------------------------------------------------------------- what Authlib asks for


class _S256Challenge(CodeChallenge):  # type: ignore[misc]  # ships no types
    """Proof Key for Code Exchange of every client, and by S256 only (SMART App Launch forbids ``plain``)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        sent = grant.request.payload.data
        if not sent.get("code_challenge") or sent.get("code_challenge_method") != "S256":
            raise InvalidRequestError("'code_challenge' with 'code_challenge_method=S256' is needed")
        super().validate_code_challenge(grant, redirect_uri)


def _code_grant(authority: Authority) -> type:
    class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # ships no types
        TOKEN_ENDPOINT_AUTH_METHODS = ("none", "client_assertion_jwt")

        def validate_authorization_request(self) -> Any:
            redirect_uri = super().validate_authorization_request()
            sent = self.request.payload.data
            if sent.get("aud", "").rstrip("/") != authority.fhir_base:
                raise InvalidRequestError("'aud' is not the base address of this record", redirect_uri=redirect_uri)
            if not sent.get("state"):
                raise InvalidRequestError("'state' is needed", redirect_uri=redirect_uri)
            return redirect_uri

        def create_authorization_response(self, redirect_uri: str, grant_user: Any) -> Any:
            handle, scopes = self.request.payload.data.get("launch"), self.request.scope.split()
            if handle is None and "launch/patient" in scopes:
                self.request.launch = Launch(authority.patient)
            else:
                launch = authority.launches.pop(handle or "", None)
                if launch is None or "launch" not in scopes or time.time() > launch.at + LAUNCH_LIFE_S:
                    raise InvalidRequestError(
                        "'launch' is not known, was used before, or is too old", redirect_uri=redirect_uri
                    )
                self.request.launch = launch
            return super().create_authorization_response(redirect_uri, grant_user)

        def save_authorization_code(self, code: str, asked: Any) -> None:
            sent = asked.payload.data
            authority.codes[code] = Code(
                code,
                asked.client,
                asked.payload.redirect_uri,
                asked.scope,
                asked.launch,
                sent.get("nonce"),
                sent["code_challenge"],
                sent["code_challenge_method"],
            )

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            # Taken out at once: a code is good for one try.
            kept = authority.codes.pop(code, None)
            usable = kept is not None and kept.client == client and time.time() <= kept.at + CODE_LIFE_S
            return kept if usable else None

        def delete_authorization_code(self, authorization_code: Code) -> None:
            """Nothing is left to do: it was taken out when it was asked for."""

        def authenticate_user(self, authorization_code: Code) -> str:
            return authority.user

        def create_token_response(self) -> Any:
            status, token, headers = super().create_token_response()
            launch = self.request.authorization_code.launch
            context = {
                "patient": launch.patient,
                "need_patient_banner": True,
                "smart_style_url": f"{authority.base}/style.json",
                **launch.context,
            }
            return status, {**token, **context}, headers

    return CodeGrant


def _keep(authority: Authority, token: Mapping[str, Any], asked: Any) -> None:
    launch = asked.authorization_code.launch
    expires_at = time.time() + token["expires_in"]
    authority.issue(
        Grant(token["access_token"], asked.client.id, token["scope"], launch.patient, authority.user, expires_at)
    )


def _id_token(authority: Authority) -> Any:
    class IdToken(OpenIDCode):  # type: ignore[misc]  # ships no types
        def exists_nonce(self, nonce: str, asked: Any) -> bool:
            return any(code.nonce == nonce for code in authority.codes.values())

        def resolve_client_private_key(self, client: Client) -> RSAKey:
            return authority.key

        def get_client_algorithm(self, client: Client) -> str:
            return "RS256"

        def get_encode_header(self, client: Client) -> Json:
            return {"alg": "RS256", "kid": authority.key.kid}

        def get_client_claims(self, client: Client) -> Json:
            return {"iss": authority.fhir_base, "aud": client.id}

        def generate_user_info(self, user: str, scope: str) -> Any:
            known = {"fhirUser": f"{authority.fhir_base}/{user}"} if "fhirUser" in scope.split() else {}
            return UserInfo(sub=user.partition("/")[2], **known)

    return IdToken()


def _assertion(authority: Authority) -> Any:
    class Assertion(JWTBearerClientAssertion):  # type: ignore[misc]  # ships no types
        def get_audiences(self) -> list[str]:
            return [f"{authority.base}/token"]

        def resolve_client_public_key(self, client: Client) -> KeySet:
            return KeySet.import_key_set(client.keys or {"keys": []})  # type: ignore[arg-type]  # joserfc's TypedDict

        def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> Any:
            # SMART App Launch asks for these two; joserfc reads neither unless told to.
            try:
                token = jwt.decode(assertion, resolve_key, algorithms=["ES384", "RS384"])
            except (JoseError, ValueError) as error:
                raise InvalidClientError(description="the assertion cannot be verified") from error
            self.verify_claims(token.claims)
            return token.claims

        def validate_jti(self, claims: Mapping[str, Any], jti: str) -> bool:
            key = (claims["sub"], jti)
            if key in authority.seen:
                return False
            authority.seen.add(key)
            return True

    return Assertion()


def _introspection(authority: Authority) -> type:
    class Introspection(IntrospectionEndpoint):  # type: ignore[misc]  # ships no types
        CLIENT_AUTH_METHODS = ("none", "client_assertion_jwt")

        def query_token(self, token_string: str, token_type_hint: str) -> Grant | None:
            return authority.grant_of(token_string)

        def check_permission(self, token: Grant, client: Client, asked: Any) -> bool:
            return token.client_id == client.id

        def introspect_token(self, token: Grant) -> Json:
            return {
                "active": True,
                "client_id": token.client_id,
                "scope": token.scope,
                "sub": token.user.partition("/")[2],
                "iss": authority.fhir_base,
                "exp": int(token.expires_at),
                "patient": token.patient,
                "fhirUser": f"{authority.fhir_base}/{token.user}",
            }

    return Introspection
