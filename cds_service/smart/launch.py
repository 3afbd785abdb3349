"""A launch of the app, from the record's link to the open page: whom it is about, and how much may be read.

Each launch stands for itself: two tabs show two patients. What is known of it stays on the server (``store.launches``);
the browser has an address that nobody can guess, and a cookie without which the address opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from cds_service.cards import wording
from cds_service.cards.app_link import CardOpened, NotOurs, OtherPatient, Since, read_app_context
from cds_service.errors import BadRequest, ConfigurationError
from cds_service.fhir.access import objects, text
from cds_service.fhir.client import covers
from cds_service.fhir.documents import fetch_document
from cds_service.protocol.call import HookCall, read_call
from cds_service.protocol.client_jwt import Caller
from cds_service.protocol.discovery import Service
from cds_service.protocol.jwks import Key
from cds_service.protocol.signing import new_secret, read_private_key
from cds_service.service import Answer, app_address
from cds_service.settings import Settings, normal_address
from cds_service.smart.authorize import Endpoints, Issuer, Pending, Signed, begin, finish
from cds_service.smart.evidence import NOT_GRANTED
from cds_service.smart.problems import NotOpened, Problem
from cds_service.smart.style import read_style
from cds_service.store.launches import Launches

WAITS_S = 600
"""So long a launch waits for the record's answer."""
OPEN_S = 3600
"""So long a page is open at most, and not longer than its token lives."""
SITUATION = "result-review"
"""What a page shows is what this hook would be answered."""

_FOCUS = re.compile(r"(DiagnosticReport|ImagingStudy)/([A-Za-z0-9.-]{1,64})")
_FIELDS = {"DiagnosticReport": "reportId", "ImagingStudy": "studyId"}


@dataclass(frozen=True)
class OpenLaunch:
    """A launch that the record has let in. All of it is kept encrypted.

    Attributes:
        context: the context of the hook that is answered: patient, user, report and study on screen.
        card: the card that it was opened from; ``notice`` says why none, if there was one that cannot be used.
        expires: seconds since 1970.
    """

    issuer: str
    token: str = field(repr=False)
    scope: str
    expires: float
    context: Mapping[str, str] = field(repr=False)
    banner: bool
    style: Mapping[str, str]
    card: CardOpened | None
    notice: str = ""

    @property
    def focus(self) -> str:
        """What it was opened for, as ``Type/id``; empty for the patient as a whole."""
        return next((f"{kind}/{self.context[name]}" for kind, name in _FIELDS.items() if name in self.context), "")


class Launcher:
    """The launches of one service."""

    def __init__(
        self, settings: Settings, services: Iterable[Service], launches: Launches, now: Callable[[], float]
    ) -> None:
        """Read the keys, and open nothing.

        Raises:
            ConfigurationError: the keys cannot be used, or no service is for results under review.
        """
        self.keys = read_app_keys(settings)
        self.issuers = {
            base: Issuer(base, given, self.keys, settings.fhir_ca_file)
            for base, given in settings.smart_issuers.items()
        }
        service = next((one for one in services if one.situation == SITUATION), None)
        if service is None:
            raise ConfigurationError(f"the app (BME_SMART_ISSUERS) needs a hook definition for {SITUATION!r}")
        self._service = service
        self._redirect_uri = app_address(settings, "callback")
        self._card_key = settings.secret
        self._launches = launches
        self._now = now

    def issuer_of(self, iss: str) -> Issuer:
        """Return the record that opens the app. Raises NotOpened for one that the site has not listed."""
        found = self.issuers.get(normal_address(iss))
        if found is None:
            raise NotOpened(Problem.UNKNOWN_ISSUER)
        return found

    def begin(self, issuer: Issuer, launch: str | None, browser: str) -> str:
        """Return where to send the browser, and keep what is needed when it comes back.

        Raises:
            NotOpened: see ``authorize.begin``.
            StoreUnavailable: it cannot be kept.
        """
        address, pending = begin(issuer, launch, self._redirect_uri, types_of(self._service))
        kept = {"issuer": issuer.base, "pending": asdict(pending)}
        self._launches.keep(_waiting(pending.state), browser, kept, self._now() + WAITS_S)
        return address

    def take_pending(self, state: str, browser: str) -> tuple[Issuer, Pending]:
        """Return the launch that this answer belongs to, once. Raises NotOpened, StoreUnavailable."""
        if not browser:
            raise NotOpened(Problem.NO_COOKIE)
        kept = self._launches.take(_waiting(state), browser)
        if kept is None:
            raise NotOpened(Problem.NOT_WAITING)
        given = kept["pending"]
        # A record that was taken out of the settings in the meantime is unknown.
        return self.issuer_of(kept["issuer"]), Pending(**{**given, "endpoints": Endpoints(**given["endpoints"])})

    def finish(self, issuer: Issuer, pending: Pending, answer: Mapping[str, Any], browser: str) -> str:
        """Return the name under which the launch is now open. Raises NotOpened, StoreUnavailable."""
        signed = finish(issuer, pending, answer, self._redirect_uri, self._now)
        opened = self._opened(issuer, signed)
        try:
            self.call(opened)
        except BadRequest:
            raise NotOpened(Problem.NO_PATIENT) from None
        name = new_secret()
        self._launches.keep(_open(name), browser, asdict(opened), opened.expires)
        return name

    def read(self, name: str, browser: str) -> OpenLaunch:
        """Return an open launch of this browser. Raises NotOpened, StoreUnavailable."""
        kept = self._launches.read(_open(name), browser) if browser else None
        if kept is None or kept["issuer"] not in self.issuers:
            raise NotOpened(Problem.ENDED)
        card = kept.pop("card")
        return OpenLaunch(**kept, card=CardOpened(**card) if card else None)

    def end(self, name: str, browser: str) -> None:
        """Forget a launch of this browser. Raises StoreUnavailable."""
        self._launches.take(_open(name), browser)

    def call(self, opened: OpenLaunch) -> HookCall:
        """Return the call whose answer the page shows: with nothing but what may be read with the launch's token."""
        body = {
            "hook": self._service.hook,
            "hookInstance": "app",
            "fhirServer": opened.issuer,
            "fhirAuthorization": {"access_token": opened.token, "scope": opened.scope},
            "context": opened.context,
        }
        return read_call(body, self._service, Caller(opened.issuer, fhir_servers=(opened.issuer,)))

    def notices(self, opened: OpenLaunch, answer: Answer) -> tuple[str, ...]:
        """Return what the reader must know of this launch, beside what the record says."""
        if opened.card is None:
            return (opened.notice,) if opened.notice else ()
        since = opened.card.since(answer.selection.bases, self._card_key, opened.context["patientId"])
        return {Since.SAME: (), Since.CHANGED: (wording.CARD_CHANGED,), Since.GONE: (wording.CARD_GONE,)}[since]

    def _opened(self, issuer: Issuer, signed: Signed) -> OpenLaunch:
        card, notice = self._card(signed)
        lives = min(signed.expires_in, OPEN_S) if signed.expires_in > 0 else OPEN_S
        return OpenLaunch(
            issuer=issuer.base,
            token=signed.token,
            scope=signed.scope,
            expires=self._now() + lives,
            context={
                "patientId": signed.patient,
                "userId": signed.user or "unknown",
                **_focus(issuer, signed.context.get("fhirContext")),
            },
            banner=signed.context.get("need_patient_banner") is not False,
            style=_style(issuer, signed.context.get("smart_style_url")),
            card=card,
            notice=notice,
        )

    def _card(self, signed: Signed) -> tuple[CardOpened | None, str]:
        given = signed.context.get("appContext")
        if given is None:
            return None, ""
        try:
            return read_app_context(given, self._card_key, signed.patient), ""
        except OtherPatient:
            return None, wording.CARD_OF_OTHER
        except NotOurs:
            return None, wording.CARD_UNKNOWN


def not_granted(call: HookCall) -> dict[str, str]:
    """Return the prefetch keys that the scope of a call's token does not cover, with what to say of them."""
    scope = call.authorization.scope
    return {key: NOT_GRANTED for key, query in call.queries().items() if query and not covers(scope, query)}


def types_of(service: Service) -> dict[str, str]:
    """Return the resource types that a service's queries ask for, each with its rights as in SMART scopes."""
    found: dict[str, set[str]] = {}
    for template in service.prefetch.values():
        kind, search, _ = template.partition("?")
        found.setdefault(kind.partition("/")[0], set()).add("s" if search else "r")
    # Who may search a type may read what the search names.
    return {kind: "rs" if "s" in letters else "r" for kind, letters in sorted(found.items())}


def read_app_keys(settings: Settings) -> tuple[Key, ...]:
    """Return the app's private keys, in the order in which they are tried. Raises ConfigurationError."""
    if settings.smart_keys is None:
        return ()
    try:
        given = orjson.loads(settings.smart_keys.read_bytes())
        entries = given.get("keys", [given])
        keys = tuple(read_private_key(orjson.dumps(one)) for one in entries)
    except (OSError, ValueError, AttributeError, TypeError):
        keys = ()
    if not keys or len({key.kid for key in keys}) < len(keys):
        raise ConfigurationError(
            "BME_SMART_KEYS: the file holds no private keys that can be used: make one with `cds-service jwt key`"
            " (ES384 or RS384), or put several into {'keys': [...]}, each with a kid of its own"
        )
    return keys


def _focus(issuer: Issuer, given: Any) -> dict[str, str]:
    """Return the report and study that the record has on screen, the first of each."""
    found: dict[str, str] = {}
    for one in objects(given):
        named = _FOCUS.fullmatch(text(one.get("reference")).removeprefix(f"{issuer.base}/"))
        if named and text(one.get("role")) in ("", "launch"):
            found.setdefault(_FIELDS[named[1]], named[2])
    return found


def _style(issuer: Issuer, given: Any) -> dict[str, str]:
    address = issuer.address(given)
    if not address:
        return {}
    try:
        return read_style(fetch_document(address, issuer.ca_file)[0])
    except OSError:
        return {}  # looks only


def _waiting(state: str) -> str:
    return f"waiting:{state}"


def _open(name: str) -> str:
    return f"open:{name}"
