"""A small FHIR server on loopback that behaves as badly as it is told to.

``server.on("Observation?patient=1", reset_mid_body)`` decides what one address does, ``server.every`` what all others
do, which is 404. A behaviour writes to the connection itself and says whether it may be used again. Nothing waits
longer than until the server stops.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

Json = dict[str, Any]

PATIENT: Json = {"resourceType": "Patient", "id": "1"}
EMPTY: Json = {"resourceType": "Bundle", "type": "searchset", "total": 0}
DRIP_S = 0.05


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Line:
    """The connection of one request."""

    socket: socket.socket
    stopping: threading.Event

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send a byte at a time, too fast for any limit on a single read."""
        for place in range(len(data)):
            self.send(data[place : place + 1])
            self.rest(DRIP_S)

    def rest(self, seconds: float | None = None) -> None:
        """Wait, for good if no time is given; a stop of the server ends it."""
        if self.stopping.wait(seconds):
            raise ConnectionAbortedError


Behaviour = Callable[[Line], bool]


class FhirServer:
    """The server, running between ``with`` and its end. ``connections`` counts those that were made."""

    def __init__(self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self._behaviours: dict[str, Behaviour] = {}
        self._otherwise = status(404)
        self._stopping = threading.Event()
        self._tls = tls
        self._listening = socket.create_server((host, 0), backlog=64)
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self.origin = f"{'https' if tls else 'http'}://{host}:{self._listening.getsockname()[1]}"
        self.base = f"{self.origin}/fhir"

    def on(self, address: str, behaviour: Behaviour) -> None:
        """Decide what happens at an address below the base, or, with a slash before it, of the host."""
        self._behaviours[address if address.startswith("/") else f"/fhir/{address}"] = behaviour

    def every(self, behaviour: Behaviour) -> None:
        """Decide what happens at all other addresses."""
        self._otherwise = behaviour

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:  # stopped
                return
            self.connections += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:  # whoever asked may have given up
            if self._tls:
                with self._tls.wrap_socket(connection, server_side=True) as secured:
                    self._answer(secured)
            else:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as incoming:
            while (first := incoming.readline().decode("latin-1").split(" "))[-1] == "HTTP/1.1\r\n":
                method, target, _ = first
                headers = {}
                while (line := incoming.readline().decode("latin-1")) not in ("\r\n", ""):
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                body = incoming.read(int(headers.get("content-length", 0))).decode()
                self.asked.append(Asked(method, target, headers, body))
                if not self._behaviours.get(target, self._otherwise)(Line(connection, self._stopping)):
                    return


def answer(body: bytes, code: int = 200, **headers: str) -> bytes:
    """The bytes of a whole answer. ``content_type="..."`` sets that header; one set to nothing is left out."""
    stated = {"content_type": "application/fhir+json", "content_length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in stated.items() if value]
    return "\r\n".join([f"HTTP/1.1 {code} Whatever", *lines, "", ""]).encode() + body


def ok(resource: Any, **headers: str) -> Behaviour:
    """Answer as one should."""
    return raw(answer(json.dumps(resource).encode(), **headers))


def page(number: int, following: str | None) -> Behaviour:
    """A page of a search, with a link to the next."""
    links = [{"relation": "self", "url": "ignored"}]
    if following is not None:
        links.append({"relation": "next", "url": following})
    return ok(page_of(number) | {"link": links})


def page_of(number: int) -> Json:
    entry = {"resource": {"resourceType": "Observation", "id": str(number)}}
    return {"resourceType": "Bundle", "type": "searchset", "entry": [entry]}


def status(code: int, body: bytes = b'{"resourceType": "OperationOutcome"}', **headers: str) -> Behaviour:
    return raw(answer(body, code, **headers))


def raw(data: bytes, *, keep: bool = True) -> Behaviour:
    """Send these bytes."""

    def behave(line: Line) -> bool:
        line.send(data)
        return keep

    return behave


def slow(seconds: float, then: Behaviour) -> Behaviour:
    def behave(line: Line) -> bool:
        line.rest(seconds)
        return then(line)

    return behave


def silent(line: Line) -> bool:
    """Take the request and never answer."""
    line.rest()
    return False


def drip_headers(line: Line) -> bool:
    line.drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nX-Long: " + b"x" * 10_000)
    return False


def drip_body(line: Line) -> bool:
    line.send(answer(b"", content_length="10000"))
    line.drip(b'{"resourceType": "Patient", "id": "1"' + b" " * 9_000)
    return False


def drip_until_closed(line: Line) -> bool:
    """Drip a body that says it ends with the connection: the client's socket is then already marked as closed."""
    line.send(answer(b"", content_length="", connection="close"))
    line.drip(b" " * 10_000)
    return False


def drip_chunks(line: Line) -> bool:
    line.send(answer(b"", content_length="", transfer_encoding="chunked"))
    line.drip(b"1\r\n \r\n" * 2_000)
    return False


def continue_for_ever(line: Line) -> bool:
    """Announce an answer again and again, as fast as can be."""
    while not line.stopping.is_set():
        line.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
    return False


def endless_body(line: Line) -> bool:
    line.send(answer(b"", content_length="", connection="close"))
    while not line.stopping.is_set():
        line.send(b" " * 65_536)
    return False


def reset_mid_body(line: Line) -> bool:
    line.send(answer(b'{"resourceType": ', content_length="1000"))
    # Closing a socket that lingers for no time sends a reset.
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def half_close(line: Line) -> bool:
    """Stop sending in the middle of the body, and keep the connection."""
    line.send(answer(b'{"resourceType": ', content_length="1000"))
    line.socket.shutdown(socket.SHUT_WR)
    line.rest()
    return False


def zipped(body: bytes) -> Behaviour:
    return raw(answer(gzip.compress(body), content_encoding="gzip"))


def gzip_bomb(inflated_bytes: int = 2**30) -> Behaviour:
    """Answer with 1 MB that becomes 1 GiB of JSON. Made of one compressed block, repeated."""
    block_bytes = 2**24
    squeezer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = squeezer.compress(b'{"resourceType": "') + squeezer.flush(zlib.Z_FULL_FLUSH)
    block = squeezer.compress(b"x" * block_bytes) + squeezer.flush(zlib.Z_FULL_FLUSH)
    return raw(answer(head + block * (inflated_bytes // block_bytes), content_encoding="gzip"))


@contextmanager
def refusing() -> Iterator[socket.socket]:
    """A port that is taken and refuses connections, until the socket is told to listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken
