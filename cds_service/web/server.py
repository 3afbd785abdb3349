"""The service under gunicorn."""

from __future__ import annotations

import gc
from contextlib import suppress
from itertools import islice
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.http.errors import ParseException
from gunicorn.util import write_error
from gunicorn.workers.gthread import ThreadWorker

from cds_service import metrics
from cds_service.cards.selection import HookKind
from cds_service.data import data_path
from cds_service.errors import CdsServiceError
from cds_service.events import Event, log, log_failure
from cds_service.scenarios import load_scenarios
from cds_service.service import answer_on, site_services
from cds_service.settings import Settings

EXAMPLES = 5
"""Of the packaged ones so many are answered before the first call; all of these are for result-review."""


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's worker with threads, which repeats nothing of a request that it could not read."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Refuse it. gunicorn itself writes the line in which it got stuck into its log, and into the answer."""
        if isinstance(exc, ParseException):
            status, reason = 400, "Bad Request"
            log(Event.NOT_HTTP, status=status, error=type(exc).__name__)
        else:
            status, reason = 500, "Internal Server Error"
            log_failure(exc)
        with suppress(OSError):  # whoever sent it may be gone
            write_error(client, status, reason, "")


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn with our settings instead of its command line."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.app = app
        self.service_settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Set what gunicorn runs with. Access logs stay off: a log line is an event, and only an event."""
        options: dict[str, Any] = {
            "bind": f"{self.service_settings.host}:{self.service_settings.port}",
            "workers": self.service_settings.workers,
            "threads": self.service_settings.threads,
            "worker_class": f"{__name__}.{Worker.__name__}",
            "preload_app": True,
            "control_socket_disable": True,
            "accesslog": None,
            "loglevel": "warning",
            "graceful_timeout": 30,
            "timeout": 30,
            "child_exit": lambda _server, worker: metrics.forget_worker(worker.pid),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return the application, made before the workers are forked."""
        return self.app


def serve(app: Flask, settings: Settings) -> None:
    """Serve until told to stop (SIGTERM or SIGINT)."""
    _warm_up(settings)
    # What is loaded by now stays: the collector need not look at it again, and the workers share its pages.
    gc.freeze()
    gc.enable()
    Server(app, settings).run()


def _warm_up(settings: Settings) -> None:
    """Answer some examples, so that what the first calls make is made once, before the workers are forked.

    Nothing is read, written or remembered.
    """
    services = [one for one in site_services(settings).values() if one.situation == HookKind.RESULT_REVIEW]
    for service in services[:1]:
        for story in islice(load_scenarios(data_path("scenarios")), EXAMPLES):
            with suppress(CdsServiceError):  # a site's own hook may ask for more
                answer_on(story.as_of, {**story.request, "hook": service.hook}, service, settings)
