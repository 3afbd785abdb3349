"""The service under gunicorn."""

from __future__ import annotations

import gc
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from cds_service import metrics
from cds_service.settings import Settings


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
            "worker_class": "gthread",
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
    # What is loaded by now stays: the collector need not look at it again, and the workers share its pages.
    gc.collect()
    gc.freeze()
    Server(app, settings).run()
