"""Who calls: what a token must be, and every way to forge one."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from cds_service.errors import NotAuthenticated
from cds_service.protocol.client_jwt import Caller, Client, JwtFailure, Verifier
from cds_service.protocol.jwks import Key, read_keys
from cds_service.protocol.signing import BAD, Draft, draft, new_key

Json = Any

NOW = 1_780_000_000
EHR = "https://ehr.example/fhir"
OTHER_EHR = "https://other.example/fhir"
JKU = "https://ehr.example/jwks.json"
ADDRESS = "https://cds.example/cds-services/bme-order-sign"
ELLIPTIC, RSA, OTHER = new_key("ES384"), new_key("RS384"), new_key("ES384")
DAY_S = 86_400


def public(*keys: Key) -> Json:
    return {"keys": [key.as_dict(private=False) for key in keys]}


@dataclass(frozen=True)
class Known:
    """Keys that are simply there."""

    keys: Mapping[str, Key]

    def find(self, kid: str) -> Key | None:
        return self.keys.get(kid)


KEYS = Known(read_keys(public(ELLIPTIC, RSA)))
CLIENTS = {
    EHR: Client(KEYS, JKU, ("north", "south"), ("https://ehr.example/other",)),
    OTHER_EHR: Client(Known(read_keys(public(OTHER)))),
}


class Seen(set[tuple[str, str]]):
    def take(self, issuer: str, jti: str, expires: float) -> bool:
        is_new = (issuer, jti) not in self
        self.add((issuer, jti))
        return is_new


def verifier(now: float = NOW) -> Verifier:
    return Verifier(CLIENTS, Seen(), lambda: now, DAY_S)


def verdict(token: str, by: Verifier | None = None) -> Caller | str:
    """Who calls with a token, or why it proves nothing."""
    try:
        return (by or verifier()).caller(f"Bearer {token}", {ADDRESS})
    except NotAuthenticated as error:
        return error.failure


def good(key: Key = ELLIPTIC, issuer: str = EHR, **claims: Any) -> Draft:
    jku, tenant = (JKU, "north") if issuer == EHR else ("", "")
    return draft(key, issuer, ADDRESS, NOW, jku=jku, tenant=tenant).with_claims(**claims)


def segment(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


CALLER = Caller(EHR, "north", ("https://ehr.example/other",))

# ------------------------------------------------------------------------------------------- what is taken


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(good(ELLIPTIC), id="ES384"),
        pytest.param(good(RSA), id="RS384"),
        pytest.param(good().with_header(jku=None), id="no jku"),
        pytest.param(good().with_header(typ="jwt"), id="typ in lower case"),
        pytest.param(good().with_header(vendor="x", cty="json"), id="parameters that do not matter"),
        pytest.param(good(aud=["https://else.example", ADDRESS]), id="several audiences"),
        pytest.param(good(sub="abc", nbf=NOW - 300), id="sub and nbf as Epic sends them"),
        pytest.param(good(exp=NOW + DAY_S), id="a day as crd-request-generator signs it"),
        pytest.param(good(iat=NOW + 59, exp=NOW + 300), id="a clock that is 59 s ahead"),
        pytest.param(good(iat=NOW - 300, exp=NOW - 59), id="a clock that is 59 s behind"),
        pytest.param(good(nbf=NOW + 59), id="nbf inside the leeway"),
        pytest.param(good(exp=NOW + 300.5, iat=NOW + 0.5), id="times with fractions"),
        pytest.param(good(jti="~" * 256), id="the longest jti"),
    ],
)
def test_a_good_token_tells_who_calls(token: Draft):
    assert verdict(token.signed()) == CALLER


@pytest.mark.parametrize(
    ("algorithm", "made"),
    [
        *(pytest.param(f"ES{size}", ECKey.generate_key(curve, auto_kid=True), id=f"ES{size}")
          for size, curve in ((256, "P-256"), (384, "P-384"), (512, "P-521"))),
        *(pytest.param(name, RSAKey.generate_key(2048, auto_kid=True), id=name)
          for name in ("RS256", "RS384", "RS512", "PS384")),
    ],
)  # fmt: skip
@pytest.mark.requirement("cds-hooks-2.0", 127)
def test_every_algorithm_of_the_list_is_taken(algorithm: str, made: Key):
    key = type(made).import_key({**made.as_dict(private=True), "alg": algorithm})
    named = Verifier({EHR: Client(Known(read_keys(public(key))))}, Seen(), lambda: NOW, DAY_S)

    assert verdict(draft(key, EHR, ADDRESS, NOW).signed(), named) == Caller(EHR)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_written_in_any_case(scheme: str):
    assert verifier().caller(f"{scheme} {good().signed()}", {ADDRESS}) == CALLER


@pytest.mark.parametrize("tenant", ["a", 7, ["a"]], ids=repr)
def test_without_a_list_of_tenants_every_one_may_call(tenant: Json):
    token = good(OTHER, OTHER_EHR, tenant=tenant).signed()

    assert verdict(token) == Caller(OTHER_EHR, tenant if isinstance(tenant, str) else "")


# ------------------------------------------------------------------------------------------ what is refused


def signed_as(algorithm: str, token: Draft, secret: bytes) -> str:
    """A token whose signature is a keyed hash."""
    bad = token.with_header(alg=algorithm)
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    return bad.signed(hmac.new(secret, bad.message(), digest).digest())


def with_parts(header: bytes, claims: bytes) -> str:
    """A token of any two parts, signed with the right key."""
    message = f"{segment(header)}.{segment(claims)}"
    return f"{message}.{segment(JWSRegistry.algorithms['ES384'].sign(message.encode(), ELLIPTIC))}"


HEADER = json.dumps(dict(good().header)).encode()
CLAIMS = json.dumps(dict(good().claims)).encode()
TOKEN = good().signed()
HALF = len(good().signature()) // 2
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973
F = JwtFailure

FORGED: list[tuple[str, str, JwtFailure]] = [
    # Algorithms
    ("alg None", good().with_header(alg="None").signed(b""), F.ALGORITHM),
    ("alg nOnE", good().with_header(alg="nOnE").signed(b""), F.ALGORITHM),
    ("alg none with a signature", good().with_header(alg="none").signed(), F.ALGORITHM),
    ("no alg", good().with_header(alg=None).signed(), F.MALFORMED),
    ("alg as a list", good().with_header(alg=["ES384"]).signed(), F.ALGORITHM),
    ("alg as an object", good().with_header(alg={"ES384": 1}).signed(), F.ALGORITHM),
    ("HS256 with the public key as PEM", signed_as("HS256", good(RSA), RSA.as_pem()), F.ALGORITHM),
    ("HS384 with the public key as DER", signed_as("HS384", good(RSA), RSA.as_der()), F.ALGORITHM),
    ("HS512 with the key id", signed_as("HS512", good(), str(ELLIPTIC.kid).encode()), F.ALGORITHM),
    ("HS256 with no secret", signed_as("HS256", good(), b""), F.ALGORITHM),
    ("PS256", good(RSA).with_header(alg="PS256").signed(), F.ALGORITHM),
    ("ES256K", good().with_header(alg="ES256K").signed(), F.ALGORITHM),
    ("EdDSA", good().with_header(alg="EdDSA").signed(), F.ALGORITHM),
    # Header
    ("no typ", good().with_header(typ=None).signed(), F.TYPE),
    ("typ of an access token", good().with_header(typ="at+jwt").signed(), F.TYPE),
    ("typ as a list", good().with_header(typ=["JWT"]).signed(), F.TYPE),
    ("embedded public key of ours", good().with_header(jwk=ELLIPTIC.as_dict(private=False)).signed(), F.PARAMETER),
    ("x5c", good().with_header(x5c=["MIIB"]).signed(), F.PARAMETER),
    ("x5u of this machine", good().with_header(x5u="http://127.0.0.1:1/x").signed(), F.PARAMETER),
    ("crit of a known name", good().with_header(crit=["kid"]).signed(), F.PARAMETER),
    ("crit that is empty", good().with_header(crit=[]).signed(), F.PARAMETER),
    ("unencoded payload", good().with_header(crit=["b64"], b64=False).signed(), F.PARAMETER),
    ("unencoded payload, not critical", good().with_header(b64=False).signed(), F.MALFORMED),
    ("jku with a slash more", good().with_header(jku=f"{JKU}/").signed(), F.KEY_SET),
    ("jku in capitals", good().with_header(jku=JKU.replace("https", "HTTPS")).signed(), F.KEY_SET),
    ("jku with a query", good().with_header(jku=f"{JKU}?x").signed(), F.KEY_SET),
    ("jku with a fragment", good().with_header(jku=f"{JKU}#x").signed(), F.KEY_SET),
    ("jku behind an at", good().with_header(jku="https://ehr.example@evil.example/jwks.json").signed(), F.KEY_SET),
    ("jku of metadata", good().with_header(jku="http://169.254.169.254/latest").signed(), F.KEY_SET),
    ("jku that is a file", good().with_header(jku="file:///etc/passwd").signed(), F.KEY_SET),
    ("jku as a list", good().with_header(jku=[JKU]).signed(), F.KEY_SET),
    ("jku that is empty", good().with_header(jku="").signed(), F.KEY_SET),
    ("jku of a client that has none", good(OTHER, OTHER_EHR).with_header(jku=JKU).signed(), F.KEY_SET),
    ("empty jku of a client that has none", good(OTHER, OTHER_EHR).with_header(jku="").signed(), F.KEY_SET),
    # Keys
    ("kid of a key of another type", good().with_header(kid=RSA.kid).signed(), F.UNFIT_KEY),
    ("kid of an elliptic key for RS384", good(RSA).with_header(kid=ELLIPTIC.kid).signed(), F.UNFIT_KEY),
    ("alg of another curve", good().with_header(alg="ES256").signed(), F.UNFIT_KEY),
    ("alg other than the key is for", good(RSA).with_header(alg="RS256").signed(), F.UNFIT_KEY),
    ("kid of another client's key", good(OTHER).signed(), F.UNKNOWN_KEY),
    ("another client's key and our kid", good(OTHER).with_header(kid=ELLIPTIC.kid).signed(), F.SIGNATURE),
    ("kid that is empty", good().with_header(kid="").signed(), F.KEY_ID),
    ("kid as a list", good().with_header(kid=[ELLIPTIC.kid]).signed(), F.KEY_ID),
    ("kid as a number", good().with_header(kid=0).signed(), F.KEY_ID),
    ("kid as an object", good().with_header(kid={"$ne": ""}).signed(), F.KEY_ID),
    ("kid that is a path", good().with_header(kid="../../../../dev/null").signed(), F.UNKNOWN_KEY),
    ("kid that is SQL", good().with_header(kid="' OR 1=1 --").signed(), F.UNKNOWN_KEY),
    ("kid with a NUL", good().with_header(kid=f"{ELLIPTIC.kid}\0").signed(), F.UNKNOWN_KEY),
    # Signatures
    ("r is 0", good().signed(bytes(HALF) + good().signature()[HALF:]), F.SIGNATURE),
    ("r and s are the order", good().signed(CURVE_ORDER.to_bytes(HALF) * 2), F.SIGNATURE),
    ("r and s are 1", good().signed((1).to_bytes(HALF) * 2), F.SIGNATURE),
    ("a signature cut short", good().signed(good().signature()[:-1]), F.SIGNATURE),
    ("a signature of twice the length", good().signed(good().signature() * 2), F.SIGNATURE),
    ("RSA signature that is 0", good(RSA).signed(bytes(256)), F.SIGNATURE),
    ("RSA signature that is empty", good(RSA).signed(b""), F.SIGNATURE),
    ("a signature with padding", f"{TOKEN}==", F.SIGNATURE),
    ("a signature in plain base64", f"{TOKEN[:-4]}+/+/", F.SIGNATURE),
    ("a signature of another token", good(jti="other").signed(good().signature()), F.SIGNATURE),
    # Form
    ("two parts", TOKEN.rpartition(".")[0], F.MALFORMED),
    ("four parts", f"{TOKEN}.x", F.MALFORMED),
    ("five parts, as if encrypted", "a.b.c.d.e", F.MALFORMED),
    ("nothing", "", F.MALFORMED),
    ("only dots", "..", F.MALFORMED),
    ("no base64", "!.!.!", F.MALFORMED),
    ("a word beyond ASCII", "ä.ä.ä", F.MALFORMED),
    ("two tokens", f"{TOKEN}, Bearer {TOKEN}", F.MALFORMED),
    ("a header that is a list", with_parts(b'["alg"]', CLAIMS), F.MALFORMED),
    ("a header that is a list and asks for b64", with_parts(b'["alg", "b64"]', CLAIMS), F.MALFORMED),
    ("a header that is a text", with_parts(b'"alg b64"', CLAIMS), F.MALFORMED),
    ("a header that is a number", with_parts(b"1", CLAIMS), F.MALFORMED),
    ("a header nested without end", with_parts(b"[" * 4000, b"{}"), F.MALFORMED),
    ("a header of many digits", with_parts(b"1" * 5000, b"{}"), F.MALFORMED),
    ("claims that are a list", with_parts(HEADER, b"[]"), F.MALFORMED),
    ("claims that are nothing", with_parts(HEADER, b""), F.MALFORMED),
    ("claims that are no JSON", with_parts(HEADER, b"{"), F.MALFORMED),
    ("claims nested without end", with_parts(HEADER, b"[" * 4000), F.MALFORMED),
    ("claims with a number that is none", with_parts(HEADER, CLAIMS.replace(str(NOW).encode(), b"NaN")), F.MALFORMED),
    ("claims with an endless number", with_parts(HEADER, CLAIMS[:-1] + b', "exp": 1e400}'), F.MALFORMED),
    ("claims with half a character", with_parts(HEADER, CLAIMS[:-1] + rb', "jti": "\ud800"}'), F.MALFORMED),
    ("claims in UTF-16", with_parts(HEADER, CLAIMS.decode().encode("utf-16")), F.MALFORMED),
    ("a header in which the last alg is none", with_parts(HEADER[:-1] + b', "alg": "none"}', CLAIMS), F.ALGORITHM),
    ("claims in which the last iss is another", with_parts(HEADER, CLAIMS[:-1] + b', "iss": "x"}'), F.ISSUER),
    ("a token of 9 kB", good(padding="x" * 9_000).signed(), F.TOO_LONG),
    ("a token of 2 MB", "x" * 2_000_000, F.TOO_LONG),
    # Issuer, audience, tenant
    ("no iss", good(iss=None).signed(), F.ISSUER),
    ("iss with a slash more", good(iss=f"{EHR}/").signed(), F.ISSUER),
    ("iss in capitals", good(iss=EHR.upper()).signed(), F.ISSUER),
    ("iss as a list", good(iss=[EHR]).signed(), F.ISSUER),
    ("iss as an object", good(iss={}).signed(), F.ISSUER),
    ("iss of another client", good(iss=OTHER_EHR).with_header(jku=None).signed(), F.UNKNOWN_KEY),
    ("aud of another service", good(aud=ADDRESS.replace("sign", "select")).signed(), F.AUDIENCE),
    ("aud of the discovery", good(aud="https://cds.example/cds-services").signed(), F.AUDIENCE),
    ("aud of this service's feedback", good(aud=f"{ADDRESS}/feedback").signed(), F.AUDIENCE),
    ("aud that begins so", good(aud=f"{ADDRESS}-x").signed(), F.AUDIENCE),
    ("aud in capitals", good(aud=ADDRESS.upper()).signed(), F.AUDIENCE),
    ("aud that is empty", good(aud="").signed(), F.AUDIENCE),
    ("no audience in the list", good(aud=[]).signed(), F.AUDIENCE),
    ("other audiences in the list", good(aud=["a", "b"]).signed(), F.AUDIENCE),
    ("a list in the list of audiences", good(aud=[[ADDRESS]]).signed(), F.AUDIENCE),
    ("a number in the list of audiences", good(aud=[ADDRESS, 1]).signed(), F.AUDIENCE),
    ("aud as an object", good(aud={ADDRESS: ADDRESS}).signed(), F.AUDIENCE),
    ("aud as a number", good(aud=0).signed(), F.AUDIENCE),
    ("tenant not in the list", good(tenant="west").signed(), F.TENANT),
    ("no tenant", good(tenant=None).signed(), F.TENANT),
    ("tenants as a list", good(tenant=["north"]).signed(), F.TENANT),
    # Times
    ("exp as true", good(exp=True).signed(), F.EXPIRY),
    ("exp as a list", good(exp=[NOW + 60]).signed(), F.EXPIRY),
    ("exp that is 0", good(exp=0).signed(), F.EXPIRED),
    ("exp below 0", good(exp=-NOW).signed(), F.EXPIRED),
    ("exp beyond all clocks", good(exp=2**62).signed(), F.LIFETIME),
    ("exp as a great fraction", good(exp=1e300).signed(), F.LIFETIME),
    ("exp of 60 s ago", good(exp=NOW - 60).signed(), F.EXPIRED),
    ("exp of a day and a second later", good(exp=NOW + DAY_S + 1).signed(), F.LIFETIME),
    ("exp in milliseconds", good(exp=(NOW + 300) * 1000).signed(), F.LIFETIME),
    ("exp that is nothing", with_parts(HEADER, CLAIMS[:-1] + b', "exp": null}'), F.MISSING_CLAIM),
    ("iat as text", good(iat=str(NOW)).signed(), F.ISSUED),
    ("iat as true", good(iat=True).signed(), F.ISSUED),
    ("iat 61 s ahead", good(iat=NOW + 61).signed(), F.ISSUED),
    ("iat long ago", good(iat=0).signed(), F.LIFETIME),
    ("nbf as text", good(nbf=str(NOW)).signed(), F.NOT_BEFORE),
    ("nbf 61 s ahead", good(nbf=NOW + 61).signed(), F.NOT_BEFORE),
    # Identifier
    ("jti that is empty", good(jti="").signed(), F.IDENTIFIER),
    ("jti as a number", good(jti=7).signed(), F.IDENTIFIER),
    ("jti as a list", good(jti=["a"]).signed(), F.IDENTIFIER),
    ("jti that is nothing", with_parts(HEADER, CLAIMS[:-1] + b', "jti": null}'), F.MISSING_CLAIM),
    ("sub as an object", good(sub={}).signed(), F.SUBJECT),
]  # fmt: skip


@pytest.mark.parametrize(("token", "why"), [pytest.param(token, why, id=name) for name, token, why in FORGED])
@pytest.mark.requirement("cds-hooks-2.0", 122)
@pytest.mark.requirement("cds-hooks-2.0", 123)
@pytest.mark.requirement("cds-hooks-2.0", 126)
def test_a_forged_or_odd_token_proves_nothing(token: str, why: JwtFailure):
    assert verdict(token) == why


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("key", [ELLIPTIC, RSA], ids=["ES384", "RS384"])
def test_every_bad_kind_that_the_command_line_makes_proves_nothing(kind: str, key: Key):
    why, make = BAD[kind]

    assert verdict(make(good(key))) == why


@pytest.mark.parametrize(
    ("authorization", "why"),
    [
        pytest.param("", F.NO_TOKEN, id="nothing"),
        pytest.param("Basic dXNlcjp3b3Jk", F.NOT_BEARER, id="a password"),
        pytest.param(TOKEN, F.NOT_BEARER, id="no scheme"),
        pytest.param(f"Bearer\t{TOKEN}", F.NOT_BEARER, id="a tab"),
        pytest.param(f"Bearer,{TOKEN}", F.NOT_BEARER, id="a comma"),
        pytest.param("Bearer", F.MALFORMED, id="only the scheme"),
        pytest.param("Bearer  ", F.MALFORMED, id="the scheme and spaces"),
        pytest.param(f"Bearer {TOKEN} {TOKEN}", F.MALFORMED, id="two tokens"),
    ],
)
def test_a_header_without_a_bearer_token_proves_nothing(authorization: str, why: JwtFailure):
    with pytest.raises(NotAuthenticated) as error:
        verifier().caller(authorization, {ADDRESS})

    assert error.value.failure == why


def test_every_reason_has_a_token_that_it_is_given_for():
    elsewhere = {F.NO_TOKEN, F.NOT_BEARER, F.REPLAYED}

    assert {why for _, _, why in FORGED} | {why for why, _ in BAD.values()} | elsewhere == set(JwtFailure)


@given(token=st.text(max_size=40) | st.builds(with_parts, st.binary(max_size=40), st.binary(max_size=40)))
def test_any_token_proves_nothing_and_is_never_an_error_of_ours(token: str):
    assert isinstance(verdict(token), JwtFailure)


# ---------------------------------------------------------------------------------------------- used before


def test_a_token_is_taken_once():
    by = verifier()

    assert [verdict(TOKEN, by), verdict(TOKEN, by)] == [CALLER, F.REPLAYED]


def test_another_signature_of_the_same_token_is_the_same_token():
    by, token = verifier(), good()

    assert [verdict(token.signed(), by), verdict(token.signed(), by)] == [CALLER, F.REPLAYED]


def test_the_same_jti_of_another_issuer_is_another_token():
    by = verifier()

    assert [verdict(good(jti="a").signed(), by), verdict(good(OTHER, OTHER_EHR, jti="a").signed(), by)] == [
        CALLER,
        Caller(OTHER_EHR),
    ]


def test_a_token_that_was_refused_does_not_use_up_its_jti():
    by, token = verifier(), good(jti="a")

    assert [verdict(token.signed(b"x"), by), verdict(token.signed(), by)] == [F.SIGNATURE, CALLER]


def test_a_token_is_remembered_as_long_as_it_would_be_taken():
    clock = [float(NOW)]
    by = Verifier(CLIENTS, Seen(), lambda: clock[0], DAY_S)
    first = verdict(good(jti="a").signed(), by)
    clock[0] += 359

    assert (first, verdict(good(jti="a").signed(), by)) == (CALLER, F.REPLAYED)

    clock[0] += 1
    assert verdict(good(jti="a").signed(), by) == F.EXPIRED
