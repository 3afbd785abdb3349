"""The running service that the conformance tests talk to."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest
from werkzeug.serving import make_server


@pytest.fixture(scope="session")
def service_url() -> Iterator[str]:
    """Return the address of the service, running on a free port of this machine with its default settings."""
    # deferred: the checker is tested without the service
    from cds_service.settings import Settings
    from cds_service.web import create_app

    server = make_server("127.0.0.1", 0, create_app(Settings()), threaded=True)
    thread = Thread(target=server.serve_forever, name="service", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
