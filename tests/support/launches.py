"""Launching the app as a browser does, and a record that is watched, and made to misbehave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import orjson
import requests
from flask import Flask, Response, request
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import urlsafe_b64decode

from cds_service.protocol.signing import new_key
from support.record import Demo

FOOT = "example-diabetic-foot"
HIP = "example-transient-hip"
TIMEOUT_S = 30


@dataclass(frozen=True)
class Seen:
    """One request that reached the record."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str] = field(repr=False)


@dataclass
class Watched:
    """What reaches the record, and what is changed in its answers, by path."""

    seen: list[Seen] = field(default_factory=list)
    changes: dict[str, Callable[[Response], Response]] = field(default_factory=dict)

    def install(self, app: Flask) -> None:
        @app.before_request
        def note() -> None:
            # Headers in small letters: nobody may depend on their case.
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.seen.append(Seen(request.method, request.path, dict(request.args), dict(request.form), headers))

        @app.after_request
        def change(response: Response) -> Response:
            return self.changes.get(request.path, lambda same: same)(response)

    def to(self, path: str) -> list[Seen]:
        """The requests to a path, in order."""
        return [one for one in self.seen if one.path == path]

    def change_json(self, path: str, **changes: Any) -> None:
        """Have the JSON that is answered at a path say something else; None takes a member away."""

        def changed(response: Response) -> Response:
            if response.status_code == 200:
                given = {**orjson.loads(response.get_data()), **changes}
                response.set_data(orjson.dumps({name: one for name, one in given.items() if one is not None}))
            return response

        self.changes[path] = changed

    def replace(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        """Have something else answered at a path."""
        self.changes[path] = lambda _: Response(body, status, headers, content_type="application/json")

    def sign_identity(
        self, algorithm: str = "RS384", header: dict[str, Any] | None = None, known: bool = True, **claims: Any
    ) -> None:
        """Have another key of the record sign what it says of its user; None takes a claim away."""
        key, other = _key(algorithm), _key(algorithm)
        keys = {"keys": [(key if known else other).as_dict(private=False) | {"kid": key.kid}]}
        self.replace("/auth/jwks", orjson.dumps(keys))

        def signed(response: Response) -> Response:
            given = orjson.loads(response.get_data())
            true = orjson.loads(urlsafe_b64decode(given["id_token"].split(".")[1].encode()))
            said = {name: one for name, one in {**true, **claims}.items() if one is not None}
            head = {"alg": algorithm, "kid": key.kid, **(header or {})}
            given["id_token"] = jwt.encode(head, said, key, algorithms=[algorithm])
            response.set_data(orjson.dumps(given))
            return response

        self.changes["/auth/token"] = signed


def _key(algorithm: str) -> Any:
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", {"use": "sig", "alg": algorithm}, auto_kid=True)
    return new_key("ES384") if algorithm == "ES384" else RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)


class Browser:
    """A browser that sends Secure cookies to this machine without TLS, as Chromium does, whatever the port."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    def get(self, address: str, *, follow: bool = True, **query: str) -> requests.Response:
        return self._sent("GET", f"{address}?{urlencode(query)}" if query else address, follow=follow)

    def post(self, address: str, **fields: str) -> requests.Response:
        return self._sent("POST", address, follow=True, data=fields)

    def _sent(self, method: str, address: str, *, follow: bool, **more: Any) -> requests.Response:
        for _ in range(10):
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
            answer = requests.request(
                method, address, headers=headers, timeout=TIMEOUT_S, allow_redirects=False, **more
            )
            self.cookies.update(answer.cookies.get_dict())
            if not follow or not answer.is_redirect:
                return answer
            method, address, more = "GET", urljoin(address, answer.headers["Location"]), {}
        raise AssertionError("redirected in a circle")


def handle_for(both: Demo, patient: str, **parameters: Any) -> str:
    """What the record hands over for one launch."""
    asked = {"launchUrl": "", "parameters": {"patient": patient, **parameters}}
    answer = requests.post(f"{both.ehr}/fhir/_services/smart/Launch", json=asked, timeout=TIMEOUT_S)
    return str(answer.json()["launch_id"])


def launched(both: Demo, browser: Browser, patient: str = FOOT, **parameters: Any) -> requests.Response:
    """Open the app for a patient, and return the page at the end of all redirects."""
    handle = handle_for(both, patient, **parameters)
    return browser.get(f"{both.service}/smart/launch", iss=f"{both.ehr}/fhir", launch=handle)


def answer_of_record(both: Demo, browser: Browser, patient: str = FOOT, **parameters: Any) -> str:
    """Go as far as the record's answer, and return its address without opening it."""
    handle = handle_for(both, patient, **parameters)
    sent = browser.get(f"{both.service}/smart/launch", follow=False, iss=f"{both.ehr}/fhir", launch=handle)
    return browser.get(sent.headers["Location"], follow=False).headers["Location"]


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))
