"""The running service that the conformance tests talk to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from werkzeug.serving import make_server


@contextmanager
def running(**settings: Any) -> Iterator[str]:
    """Run the service on a free port of this machine; yields its address."""
    # deferred: the checker is tested without the service
    from cds_service.settings import Settings
    from cds_service.web import create_app

    server = make_server("127.0.0.1", 0, create_app(Settings(**settings)), threaded=True)
    # Asked often whether to stop, it stops at once.
    thread = Thread(target=server.serve_forever, args=(0.01,), name="service", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def service_url() -> Iterator[str]:
    """The address of the service with its default settings."""
    with running() as url:
        yield url


@pytest.fixture
def run_service() -> Callable[..., Any]:
    """Start the service with settings of the test's own: ``with run_service(host=...) as url``."""
    return running
