"""Key sets (JWKS, RFC 7517): the public keys that CDS clients sign with, given by hand or fetched from the client."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from joserfc.jwk import ECKey, RSAKey

from cds_service.events import Event, log

Key = ECKey | RSAKey
Fetch = Callable[[str], tuple[bytes, str]]
"""Returns the body at an address and its Cache-Control header. Raises OSError, with a text fit for the log."""

FRESH_S = (300, 86_400)
"""A key set counts as fresh for as long as its Cache-Control says, but so long at least and at most."""
STALE_S = 86_400
"""So much longer it is used when it cannot be fetched again."""
PAUSE_S = 60
"""An unknown key makes us look again, once in so many seconds: anyone can write an unknown key into a token."""
PAUSE_WITHOUT_KEYS_S = 10
"""The same while there are no keys at all, and so every call is refused."""
WAIT_S = 2.0
"""So long a call waits for the fetch of another."""

MOST_KEYS = 50
RSA_BITS = range(2048, 4096 + 1)

_MEMBERS: Mapping[str, tuple[str, ...]] = {"EC": ("crv", "x", "y"), "RSA": ("n", "e")}
_CURVES = ("P-256", "P-384", "P-521")
_USES = ("use", "alg", "key_ops")
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])", re.IGNORECASE)


@dataclass(frozen=True)
class _Fetched:
    keys: Mapping[str, Key] = field(default_factory=dict)
    fresh_until: float = float("-inf")
    usable_until: float = float("-inf")


class KeyRing:
    """The keys of one client: those given by hand, then those at its address. Nothing is fetched before it is needed.

    Threads share a fetch, and the keys at hand are used while it is under way or when it fails.
    """

    def __init__(
        self,
        issuer: str,
        given: Mapping[str, Key],
        address: str = "",
        fetch: Fetch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._given = given
        self._address = address
        self._fetch = fetch
        self._clock = clock
        self._fetched = _Fetched()
        self._not_before = float("-inf")
        self._lock = threading.Lock()

    def find(self, kid: str) -> Key | None:
        """Return the key of that id, looking for it at the client if that may help."""
        if kid in self._given or self._fetch is None:
            return self._given.get(kid)
        had, now = self._fetched, self._clock()
        usable = kid in had.keys and now < had.usable_until
        if not usable or now >= had.fresh_until:
            had = self._newer(self._fetch, wait=not usable)
        return had.keys.get(kid) if self._clock() < had.usable_until else None

    def _newer(self, fetch: Fetch, *, wait: bool) -> _Fetched:
        """Return the keys after a fetch by this thread or another, or as they are if it is too soon for one."""
        if self._lock.acquire(timeout=WAIT_S if wait else 0):
            try:
                if self._clock() >= self._not_before:
                    self._ask(fetch)
            finally:
                self._lock.release()
        return self._fetched

    def _ask(self, fetch: Fetch) -> None:
        try:
            body, cache_control = fetch(self._address)
            keys = read_keys(orjson.loads(body))
        except (OSError, ValueError) as error:
            why = str(error) if isinstance(error, OSError) else "not a key set"
            log(Event.KEYS_NOT_READ, issuer=self._issuer, error=why)
            has_keys = self._clock() < self._fetched.usable_until
            self._not_before = self._clock() + (PAUSE_S if has_keys else PAUSE_WITHOUT_KEYS_S)
            return
        fresh_until = self._clock() + _fresh_s(cache_control)
        self._fetched = _Fetched(keys, fresh_until, fresh_until + STALE_S)
        self._not_before = self._clock() + PAUSE_S


def _fresh_s(cache_control: str) -> int:
    shortest, longest = FRESH_S
    stated = _MAX_AGE.search(cache_control)
    return min(max(int(stated[1]) if stated else shortest, shortest), longest)


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
    try:
        if kind == "EC":
            return ECKey.import_key(public)
        # Through the binding: RSAKey.import_key warns of a short key, and takes it.
        numbers = RSAKey.binding.import_from_dict(public)
        return RSAKey(numbers, public) if numbers.key_size in RSA_BITS else None
    except Exception:  # whatever an entry provokes in the library spoils this one key
        return None
