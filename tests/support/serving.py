"""A WSGI application on a free port of this machine, for as long as a test needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from werkzeug.serving import make_server


@contextmanager
def serving(application: Any) -> Iterator[str]:
    """Serve an application; yields its address."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    # Asked often whether to stop, it stops at once.
    thread = Thread(target=server.serve_forever, args=(0.01,), name="serving", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
