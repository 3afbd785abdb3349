"""One small document from an address that the site has configured: a key set, what an authorization server says."""

from __future__ import annotations

from io import BytesIO
from time import monotonic
from typing import Any

from requests import PreparedRequest, Request, Response

from cds_service.fhir.transport import TimedAdapter, end_reads_at, time_left, tls_context

CONNECT_S = 1.0
WITHIN_S = 2.0
MAX_BYTES = 64_000


class DocumentAdapter(TimedAdapter):
    """requests' adapter for small documents: it reads the whole body, of 64 kB at most, before it returns.

    All reading of a thread together may take 2 s from the making of the adapter on; connecting, 1 s for each address
    that the host's name has. Raises OSError, whose text says what went wrong, and holds nothing sent or received.
    """

    def __init__(self, address: str, ca_file: str = "") -> None:
        super().__init__(1, tls_context(ca_file) if address.startswith("https:") else None)
        end_reads_at(monotonic() + WITHIN_S)

    def send(self, request: PreparedRequest, *_: Any, **_options: Any) -> Response:
        """Return the answer with its body. What else requests would decide about a request is decided here."""
        request.headers["Accept-Encoding"] = "identity"
        request.headers["User-Agent"] = "bme-cds-service"
        try:
            left = time_left()
            with super().send(request, stream=True, timeout=(min(CONNECT_S, left), left)) as response:
                body = response.raw.read(MAX_BYTES + 1, decode_content=False)
        except Exception:  # whatever a server provokes in the libraries, whose words hold addresses
            raise OSError("the document could not be had") from None
        if len(body) > MAX_BYTES:
            raise OSError("the document is too large")
        response.raw = BytesIO(body)
        return response


def fetch_document(address: str, ca_file: str = "") -> tuple[bytes, str]:
    """Return the body at an address and its Cache-Control header; for the limits see ``DocumentAdapter``.

    No redirect is followed, and nothing of the environment (proxies, passwords) is used.

    Raises:
        OSError: whatever goes wrong.
    """
    adapter = DocumentAdapter(address, ca_file)
    try:
        response = adapter.send(Request("GET", address, headers={"Accept": "application/json"}).prepare())
    finally:
        adapter.close()
    if response.status_code != 200:
        raise OSError(f"the document could not be had (HTTP {response.status_code})")
    return response.content, response.headers.get("Cache-Control", "")
