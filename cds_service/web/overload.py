"""A limit on the calls that one worker answers at a time: the next is refused at once, instead of waiting in a queue.

gunicorn takes connections without end and lets them wait for a thread. Some threads are kept free of calls, so that
one is there to refuse, and to say that the service is live.
"""

from __future__ import annotations

from threading import BoundedSemaphore

from flask import Flask, g, request

from cds_service.errors import Overloaded
from cds_service.settings import Settings
from cds_service.web.authentication import is_guarded


def limit_calls(app: Flask, settings: Settings) -> None:
    """Refuse calls beyond the limit."""
    places = BoundedSemaphore(most_calls(settings))

    @app.before_request
    def take_place() -> None:
        if is_guarded() or request.blueprint == "smart":
            if not places.acquire(blocking=False):
                raise Overloaded
            g.has_place = True

    @app.teardown_request
    def leave_place(_error: BaseException | None) -> None:
        if g.pop("has_place", False):
            places.release()


def most_calls(settings: Settings) -> int:
    """Return how many calls a worker answers at a time: as set, else by all of its threads but an eighth."""
    return settings.calls_at_once or max(1, settings.threads - max(1, settings.threads // 8))
