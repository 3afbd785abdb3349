"""Fetching one small document from an address that the site has configured, such as a client's key set."""

from __future__ import annotations

from time import monotonic

from requests import Request

from cds_service.fhir.transport import TimedAdapter, end_reads_at, time_left, tls_context

CONNECT_S = 1.0
WITHIN_S = 2.0
MAX_BYTES = 64_000


def fetch_document(address: str, ca_file: str = "") -> tuple[bytes, str]:
    """Return the body at an address, of 64 kB at most, and its Cache-Control header.

    All reading together may take 2 s; connecting, 1 s for each address that the host's name has. No redirect is
    followed, and nothing of the environment (proxies, passwords) is used.

    Raises:
        OSError: whatever goes wrong. Its text says what, and holds nothing that was sent or received.
    """
    end_reads_at(monotonic() + WITHIN_S)
    adapter = TimedAdapter(1, tls_context(ca_file) if address.startswith("https:") else None)
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "bme-cds-service"}
    request = Request("GET", address, headers=headers).prepare()
    try:
        left = time_left()
        with adapter.send(request, stream=True, timeout=(min(CONNECT_S, left), left)) as response:
            status, cache_control = response.status_code, response.headers.get("Cache-Control", "")
            body: bytes = response.raw.read(MAX_BYTES + 1, decode_content=False) if status == 200 else b""
    except Exception:  # whatever a server provokes in the libraries, whose words hold addresses
        raise OSError("the document could not be had") from None
    finally:
        adapter.close()
    if status != 200:
        raise OSError(f"the document could not be had (HTTP {status})")
    if len(body) > MAX_BYTES:
        raise OSError("the document is too large")
    return body, cache_control
