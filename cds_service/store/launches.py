"""Launches of the SMART app, shared by all processes: encrypted, and readable by one browser only.

Whoever has the database has no token: the key is made from a secret of the service. Whoever has an address has no page:
it opens only beside the cookie of the browser that launched it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import bindparam, delete, insert, select

from cds_service.model.fingerprint import keyed_hash
from cds_service.store.database import Database
from cds_service.store.tables import launches

_HERE = (
    launches.c.name == bindparam("name"),
    launches.c.browser == bindparam("browser"),
    launches.c.expires >= bindparam("now"),
)
_READ = select(launches.c.sealed).where(*_HERE)
_TAKE = delete(launches).where(*_HERE).returning(launches.c.sealed)


class Launches:
    """Values kept under a name that nobody can guess, for one browser, until they expire. Each raises StoreUnavailable.

    A value can be anything that JSON can hold.
    """

    def __init__(self, database: Database, secret: bytes, now: Callable[[], float]) -> None:
        """Keep them in this database. ``secret``: of the service, the same in all processes."""
        self._database = database
        self._secret = secret
        self._now = now
        self._cipher = Fernet(base64.urlsafe_b64encode(HKDF(SHA256(), 32, None, b"launches").derive(secret)))

    def keep(self, name: str, browser: str, value: Mapping[str, Any], until: float) -> None:
        """Keep a value until then (seconds since 1970); ``browser`` is what only its cookie holds."""
        row = {
            "name": _hashed(name),
            "browser": self._of(browser),
            "sealed": self._cipher.encrypt(orjson.dumps(value)).decode(),
            "expires": int(until),
        }
        with self._database.write(durable=False) as connection:
            connection.execute(delete(launches).where(launches.c.expires < self._now()))
            connection.execute(insert(launches), row)

    def read(self, name: str, browser: str) -> dict[str, Any] | None:
        """Return the value, or None unless it is this browser's and has not expired."""
        found = self._database.rows(_READ, **self._here(name, browser))
        return self._opened(found[0][0] if found else None)

    def take(self, name: str, browser: str) -> dict[str, Any] | None:
        """Return the value as ``read`` does, to the first who asks, and forget it."""
        with self._database.write(durable=False) as connection:
            return self._opened(connection.scalar(_TAKE, self._here(name, browser)))

    def _here(self, name: str, browser: str) -> dict[str, Any]:
        return {"name": _hashed(name), "browser": self._of(browser), "now": self._now()}

    def _of(self, browser: str) -> str:
        return keyed_hash(self._secret, "browser", browser)

    def _opened(self, sealed: str | None) -> dict[str, Any] | None:
        return None if sealed is None else orjson.loads(self._cipher.decrypt(sealed))


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
