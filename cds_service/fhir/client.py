"""Reading from the FHIR server that a call names: in parallel, inside a deadline, and from nowhere else.

The server is not trusted. It may be slow, broken or hostile: whatever it does ends as the ``Failure`` of one query,
inside the deadline and with bounded memory, and the token goes nowhere but below the base address it came with.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic, sleep
from typing import Any

import orjson
from pybreaker import CircuitBreaker, CircuitBreakerError
from requests.utils import requote_uri
from urllib3 import BaseHTTPResponse, Retry, Timeout
from urllib3.exceptions import DecodeError, NewConnectionError, SSLError
from urllib3.util import parse_url

from cds_service.fhir.access import Json, objects, text
from cds_service.fhir.targets import Target, target_of
from cds_service.fhir.transport import end_reads_at, time_left, timed_pool, tls_context


class Failure(StrEnum):
    """Why a query brought nothing, in words for a card."""

    TIMED_OUT = "timed out"
    NOT_PERMITTED = "not permitted"
    NOT_FOUND = "not found"
    REFUSED = "query refused"
    SERVER_ERROR = "server error"
    BUSY = "server busy"
    UNREACHABLE = "could not be reached"
    NOT_SECURE = "no secure connection"
    BROKEN_OFF = "broken off"
    NOT_FHIR = "not FHIR JSON"
    TOO_LARGE = "too large"
    REDIRECTED = "redirected"
    NOT_ALLOWED = "address not allowed"
    NOT_TRIED = "not tried (server failing)"


@dataclass(frozen=True)
class Access:
    """Where a call lets us read, and with what. Nothing of it is kept when ``fetch`` has returned.

    ``base`` is an address that the site allows: deciding that is the caller's. ``token`` is empty for an open server.
    ``scope`` is as the client sent it: SMART version 1 or 2, or words of its own.
    """

    base: str
    token: str = field(default="", repr=False)
    scope: str = ""


@dataclass(frozen=True)
class Fetched:
    """What one query brought: its pages, or why there are none.

    ``incomplete``: there is more than these pages. The limit was reached, the next link leads elsewhere or round in a
    circle, or a later page could not be read.
    """

    pages: tuple[Json, ...] = ()
    failure: Failure | None = None
    incomplete: bool = False


@dataclass(frozen=True)
class Limits:
    """What a server may cost one process. An origin is a scheme, host and port."""

    connect_s: float = 0.3
    """For each address of the host, and again for the TLS handshake."""
    max_bytes: int = 5_000_000
    """Of one page, decompressed."""
    max_pages: int = 5
    parallel: int = 6
    """Queries of one call that are read at a time."""
    in_flight: int = 128
    """Queries of all calls that are read at a time from one origin. A call makes do with the places that are free."""
    failures_to_open: int = 10
    """Failures in a row after which an origin is left alone. More than one call makes, so that no call decides it."""
    open_s: float = 15.0
    """How long the server is left alone."""
    post_search: bool = False
    """Search with POST, which keeps patient ids out of the server's access log. Not every server offers it."""
    ca_file: str = ""
    """The site's certificate authorities (PEM), instead of the public ones."""


REPORTING_S = 0.02
"""Readers stop this much before the call does, so that they can still hand over what they have."""
RETRY_PAUSE_S = 0.05
JSON_TYPES = frozenset({"application/fhir+json", "application/json", "application/json+fhir"})


class FhirClient:
    """Reads FHIR servers, for the life of a process. Opens no socket, file or thread before the first fetch."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._origins: dict[str, _Origin] = {}
        self._lock = threading.Lock()
        # urllib3 logs addresses, and with them patient ids: all of them at DEBUG, those of odd answers at WARNING.
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)

    def fetch(self, queries: Mapping[str, str], access: Access, within_s: float) -> dict[str, Fetched]:
        """Return what came for each key; after ``within_s`` seconds at the latest, and every key is there.

        A query is relative to the base (``Patient/1``, ``Observation?patient=1``) or an absolute address below it.
        Nothing that a server does raises.
        """
        end = monotonic() + within_s
        results: dict[str, Fetched] = {}
        todo: deque[tuple[str, Target]] = deque()
        for key, query in queries.items():
            target = target_of(access.base, query)
            if target is None:
                results[key] = Fetched(failure=Failure.NOT_ALLOWED)
            elif not _permits(access, target):
                results[key] = Fetched(failure=Failure.NOT_PERMITTED)
            else:
                todo.append((key, target))
        unread = self._read_all(todo, access, end, results) if todo else Failure.TIMED_OUT
        return {key: results.get(key, Fetched(failure=unread)) for key in queries}

    def close(self) -> None:
        """Close what is open. A read still under way ends by its deadline, and its connection with it."""
        with self._lock:
            for origin in self._origins.values():
                origin.threads.shutdown(wait=False)
                origin.pool.close()
            self._origins.clear()

    def _read_all(
        self, todo: deque[tuple[str, Target]], access: Access, end: float, results: dict[str, Fetched]
    ) -> Failure:
        """Fill ``results`` until the end. Returns why the queries are missing that are not in it by then."""
        origin = self._origin(todo[0][1].origin)
        readers = []
        for _ in range(min(self._limits.parallel, len(todo))):
            if origin.places.acquire(blocking=False):
                readers.append(origin.threads.submit(self._read_queries, origin, todo, access, end, results))
        done, _ = wait(readers, timeout=max(0.0, end - monotonic()))
        for reader in done:
            reader.result()  # raises what only a mistake of ours can be
        return Failure.TIMED_OUT if readers else Failure.BUSY

    def _origin(self, name: str) -> _Origin:
        with self._lock:
            if name not in self._origins:
                self._origins[name] = _Origin(name, self._limits)
            return self._origins[name]

    def _read_queries(
        self, origin: _Origin, todo: deque[tuple[str, Target]], access: Access, end: float, results: dict[str, Fetched]
    ) -> None:
        """Read one query after the other, as long as there are any that no other reader has taken."""
        end_reads_at(end - REPORTING_S)
        try:
            for key, target in _taken(todo):
                for so_far in self._pages(origin, target, access):
                    results[key] = so_far
        finally:
            origin.places.release()

    def _pages(self, origin: _Origin, target: Target, access: Access) -> Iterator[Fetched]:
        """Yield what there is of a query after each page."""
        pages: tuple[Json, ...] = ()
        seen: set[Target] = set()
        following: Target | None = target
        while following and following not in seen and len(pages) < self._limits.max_pages:
            seen.add(following)
            try:
                page = origin.read(following, access.token, self._limits, post=self._limits.post_search and not pages)
            except _FailedError as failed:
                if not pages:
                    yield Fetched(failure=failed.failure)
                return
            pages = (*pages, page)
            link = next((one for one in objects(page.get("link")) if text(one.get("relation")) == "next"), None)
            yield Fetched(pages, incomplete=link is not None)
            following = target_of(access.base, text(link.get("url"))) if link else None


class _FailedError(Exception):
    """A read failed. ``counts``: that speaks against the server as a whole."""

    def __init__(self, failure: Failure, *, counts: bool) -> None:
        super().__init__(failure)
        self.failure = failure
        self.counts = counts


class _Origin:
    """What all reads from one scheme, host and port share."""

    def __init__(self, name: str, limits: Limits) -> None:
        tls = tls_context(limits.ca_file) if name.startswith("https:") else None
        self.pool = timed_pool(name, limits.in_flight, tls)
        self.places = threading.BoundedSemaphore(limits.in_flight)
        self.threads = ThreadPoolExecutor(limits.in_flight, thread_name_prefix="fhir-read")
        self.breaker = CircuitBreaker(
            fail_max=limits.failures_to_open,
            reset_timeout=limits.open_s,
            exclude=[lambda error: isinstance(error, _FailedError) and not error.counts],
            throw_new_error_on_trip=False,
        )

    def read(self, target: Target, token: str, limits: Limits, *, post: bool) -> Json:
        """Return the resource at an address. Raises _FailedError."""
        try:
            # Not breaker.call(): it holds the breaker's lock until the read is over, so reads would queue.
            with self.breaker.calling():
                try:
                    response = self._send(_Request(target, token, post=post), limits.connect_s)
                    try:
                        return _resource(response, limits.max_bytes)
                    finally:
                        response.close()  # what is not read to the end is not read at all
                        response.release_conn()
                except _FailedError:
                    raise
                except Exception as error:  # whatever a server provokes in the libraries fails this one read
                    raise _failed(error) from None
        except CircuitBreakerError:
            raise _FailedError(Failure.NOT_TRIED, counts=False) from None

    def _send(self, request: _Request, connect_s: float) -> BaseHTTPResponse:
        """Return the answer, of which the body is still to be read. A refused connection is tried once more."""
        try:
            return self._send_once(request, connect_s)
        except NewConnectionError as error:
            if not any(isinstance(one, ConnectionRefusedError) for one in _causes(error)):
                raise
        sleep(min(RETRY_PAUSE_S, time_left()))
        return self._send_once(request, connect_s)

    def _send_once(self, request: _Request, connect_s: float) -> BaseHTTPResponse:
        left = time_left()
        try:
            return self.pool.urlopen(
                request.method,
                request.target,
                request.body,
                request.headers,
                retries=_NO_RETRIES,
                redirect=False,
                timeout=Timeout(min(connect_s, left), left),
                preload_content=False,
                decode_content=False,
            )
        except SSLError:
            raise _FailedError(Failure.NOT_SECURE, counts=True) from None


_NO_RETRIES = Retry(False)


def _taken(todo: deque[tuple[str, Target]]) -> Iterator[tuple[str, Target]]:
    while True:
        try:
            yield todo.popleft()
        except IndexError:
            return


_TOKEN = re.compile(r"[\x21-\x7e]*")
_SCOPE = re.compile(r"(?:patient|user|system)/(\*|[A-Za-z]+)\.(read|write|\*|c?r?u?d?s?)(?:\?\S*)?")


def covers(scope: str, query: str) -> bool:
    """Whether SMART scopes, of version 1 or 2, let a query be made (``Patient/1``, ``Observation?patient=1``)."""
    kind, search, _ = query.partition("?")
    return _covers(_rights(scope), kind.partition("/")[0], "s" if search else "r")


def _rights(scope: str) -> list[tuple[str, str]]:
    """Return the resource types of SMART scopes, each with what may be done with it."""
    return [(found[1], found[2]) for word in scope.split() if (found := _SCOPE.fullmatch(word))]


def _covers(rights: list[tuple[str, str]], kind: str, right: str) -> bool:
    return any(
        of in ("*", kind) and (given in ("read", "*") or (given != "write" and right in given)) for of, given in rights
    )


def _permits(access: Access, target: Target) -> bool:
    """Whether the token can be sent, and its SMART scopes, if it has any, cover the read or search."""
    rights = _rights(access.scope)
    covered = _covers(rights, target.type_name, "s" if target.is_search else "r")
    return _TOKEN.fullmatch(access.token) is not None and (covered or not rights or not access.token)


class _Request:
    """What is sent for a target. Its characters are quoted as requests quotes them."""

    def __init__(self, target: Target, token: str, *, post: bool) -> None:
        post = post and target.is_search
        self.method = "POST" if post else "GET"
        self.target = target.path or "/"
        if post:
            self.target += "/_search"
        elif target.query:
            self.target += f"?{target.query}"
        if "%" in self.target:  # all else urllib3 quotes alike when it sends it
            self.target = requote_uri(parse_url(f"{target.origin}{self.target}").request_uri)
        self.body = requote_uri(target.query) if post else None
        self.headers = {
            "Accept": "application/fhir+json, application/json;q=0.9",
            "Accept-Encoding": "gzip",
            "User-Agent": "bme-cds-service",
        }
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        if post:
            self.headers["Content-Type"] = "application/x-www-form-urlencoded"


def _resource(response: BaseHTTPResponse, max_bytes: int) -> Json:
    """Return the resource in an answer. Raises _FailedError, and whatever reading the body raises."""
    status, headers = response.status, response.headers
    if status != 200:
        raise _FailedError(_failure_of(status), counts=status >= 500)
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    # An encoding that was not asked for would be inflated by a decoder that knows no limit.
    if kind not in JSON_TYPES or headers.get("Content-Encoding", "identity").lower() not in ("identity", "gzip"):
        raise _FailedError(Failure.NOT_FHIR, counts=False)
    body = response.read(max_bytes + 1, decode_content=True)
    if len(body) > max_bytes:
        raise _FailedError(Failure.TOO_LARGE, counts=False)
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or not text(found.get("resourceType")):
        raise _FailedError(Failure.NOT_FHIR, counts=False)
    return found


def _failure_of(status: int) -> Failure:
    by_status = {401: Failure.NOT_PERMITTED, 403: Failure.NOT_PERMITTED, 404: Failure.NOT_FOUND, 410: Failure.NOT_FOUND}
    by_class = {3: Failure.REDIRECTED, 4: Failure.REFUSED, 5: Failure.SERVER_ERROR}
    if status in (429, 503):
        return Failure.BUSY
    return by_status.get(status) or by_class.get(status // 100, Failure.NOT_FHIR)


def _failed(error: Exception) -> _FailedError:
    """Return the failure that an error of the libraries amounts to. Their words hold addresses and stay behind."""
    causes = list(_causes(error))
    for kind, failure in (
        (TimeoutError, Failure.TIMED_OUT),
        (NewConnectionError, Failure.UNREACHABLE),
    ):
        if any(isinstance(one, kind) for one in causes):
            return _FailedError(failure, counts=True)
    if isinstance(error, DecodeError):
        return _FailedError(Failure.NOT_FHIR, counts=False)
    return _FailedError(Failure.BROKEN_OFF, counts=True)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
