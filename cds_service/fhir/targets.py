"""Where a query may lead: below the base address of the call's FHIR server, and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
# What one program reads differently from the next, or as a way up: controls, spaces, credentials, fragments,
# backslashes, encoded dots, slashes and percent signs, and segments of dots (Java servers drop what follows a ";").
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\@#]|%(?:2e|2f|5c|25|00)|(?:^|/)\.{1,2}(?:[;/]|$)", re.IGNORECASE)
_AMBIGUOUS_QUERY = re.compile(r"[\x00-\x1f\x7f#]")


@dataclass(frozen=True)
class Target:
    """An address below a base: the base's origin, the path in full and its part below the base, and the query."""

    origin: str
    path: str
    below: str
    query: str

    @property
    def is_search(self) -> bool:
        """Whether this asks for a type by criteria, rather than for one resource or a further page."""
        return bool(self.query) and self.below.isalpha()

    @property
    def type_name(self) -> str:
        """The resource type that is asked for; empty for a further page of a server that pages at its base."""
        return self.below.partition("/")[0]


def target_of(base: str, address: str) -> Target | None:
    """Return where a query or a next link leads, or None unless that is below the base.

    Only path and query are taken from the address. The origin is always the base's own, so that whoever reads the
    result, and however, connects nowhere else. The next links of some servers are the bare base with a query (HAPI:
    ``/fhir?_getpages=...``).
    """
    base = base.rstrip("/")
    path, _, query = address.partition("?")
    if not address or any(map(_AMBIGUOUS.search, (base, path))) or _AMBIGUOUS_QUERY.search(query):
        return None
    try:
        ours, theirs = urlsplit(base), urlsplit(urljoin(f"{base}/", address))
        elsewhere = _host(ours) != _host(theirs)
    except ValueError:
        return None
    if elsewhere or not (theirs.path.startswith(f"{ours.path}/") or theirs.path == ours.path):
        return None
    below = theirs.path.removeprefix(ours.path).removeprefix("/")
    return Target(f"{ours.scheme}://{ours.netloc.lower()}", theirs.path, below, theirs.query)


def _host(parts: SplitResult) -> tuple[str, str, int]:
    """Return scheme, host and port. Raises ValueError where there are none that we would connect to."""
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError
    return parts.scheme, parts.hostname, DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
