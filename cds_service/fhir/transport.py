"""HTTP connections that end when they must, whatever the server does.

urllib3's pools and requests' adapter over them, to be used without a session. It is the session that follows redirects
(and reads their bodies whole even with ``allow_redirects=False``), keeps cookies, and takes proxies and passwords from
the environment.
"""

from __future__ import annotations

import ssl
import threading
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from socket import socket
from time import monotonic
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_this_thread = threading.local()


def end_reads_at(end: float) -> None:
    """Say when, on the monotonic clock, all that this thread reads must be over."""
    _this_thread.end = end


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Return a context that trusts the authorities in a PEM file, or the public ones if none is named."""
    return ssl.create_default_context(cafile=ca_file or DEFAULT_CA_BUNDLE_PATH)


def time_left() -> float:
    """Return the seconds that this thread may still read. Raises TimeoutError when there are none."""
    left: float = _this_thread.end - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def timed_pool(origin: str, connections: int, tls: ssl.SSLContext | None) -> HTTPConnectionPool:
    """Return a pool that keeps up to so many connections to a scheme, host and port; they keep to ``end_reads_at``.

    For many reads: to prepare each for requests' adapter takes nearly as long as to make it. ``tls`` is needed for
    https.
    """
    manager = PoolManager(1, maxsize=connections, ssl_context=tls)
    manager.pool_classes_by_scheme = _POOLS
    return manager.connection_from_url(origin)


class TimedAdapter(HTTPAdapter):
    """requests' adapter, with connections that keep to ``end_reads_at``, and one TLS context for all of them.

    requests itself reads the file of authorities again for every connection (18 ms), on top of what a context trusts.
    """

    def __init__(self, connections: int, tls: ssl.SSLContext | None) -> None:
        """Keep up to so many connections to one host. ``tls`` is needed for https."""
        self._tls = tls
        super().__init__(pool_connections=1, pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Let the pools make our connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def build_connection_pool_key_attributes(self, request: PreparedRequest, *_: Any) -> Any:
        """Return host and TLS of a request: the context is all there is to say about TLS."""
        host, _tls = super().build_connection_pool_key_attributes(request, True)
        return host, {"ssl_context": self._tls}

    def cert_verify(self, *_: Any) -> None:
        """Do nothing: the context verifies."""


class _Timed(RawIOBase):
    """What comes from a socket. The time left is for all of it, so a server that drips gains nothing."""

    def __init__(self, connection: socket, incoming: RawIOBase) -> None:
        self._connection = connection
        self._incoming = incoming

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(time_left())
        return self._incoming.readinto(buffer)

    def close(self) -> None:
        self._incoming.close()
        super().close()


class _TimedResponse(HTTPResponse):
    def __init__(self, connection: socket, *args: Any, **options: Any) -> None:
        super().__init__(connection, *args, **options)
        self.fp = BufferedReader(_Timed(connection, self.fp.detach()))


class _PlainConnection(HTTPConnection):
    response_class = _TimedResponse

    def connect(self) -> None:
        super().connect()
        time_left()  # a name look-up has no time limit of its own; after a long one nothing is sent any more


class _TlsConnection(HTTPSConnection):
    response_class = _TimedResponse

    def connect(self) -> None:
        super().connect()
        time_left()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _PlainPool, "https": _TlsPool}
