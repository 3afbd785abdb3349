"""What the service logs: a fixed list of events, and a fixed list of what may vary in them.

No line can hold a name, a patient id, a token or a piece of a resource, because no key for one exists.
"""

from __future__ import annotations

import traceback
from collections.abc import MutableMapping
from enum import StrEnum
from typing import Any
from uuid import uuid4

import structlog

from cds_service import metrics


class Event(StrEnum):
    """Every line the service may write."""

    STARTED = "service started"
    NOT_AUTHENTICATED = "WARNING: callers are not authenticated (BME_AUTH=off); anyone on this machine is answered"
    PUBLIC_KEY_TRUSTED = (
        "WARNING: tokens of the public CDS Hooks Sandbox are taken; its private key is public, so that anybody can sign"
        " them: for demonstrations with made-up patients only"
    )
    REFERRALS_NOT_OFFERED = (
        "WARNING: this kind of client orders by the site's own codes only, and these referrals have none"
        " (BME_REFERRAL_CODES): its cards name them, but do not offer to order them"
    )
    KEYS_NOT_READ = "key set could not be read"
    CALL_ANSWERED = "call answered"
    CALL_REFUSED = "call refused"
    CALL_FAILED = "call failed"
    NOT_HTTP = "request is not HTTP"
    FEEDBACK_TAKEN = "feedback taken"
    APP_OPENED = "app opened"
    APP_NOT_OPENED = "app not opened"
    STORE_FAILED = "store failed"
    CARDS_NOT_RECORDED = "cards not recorded"
    TOKENS_REMEMBERED_HERE = "WARNING: the store fails; seen tokens are remembered in each process only"


_WARNINGS = (
    Event.NOT_AUTHENTICATED,
    Event.PUBLIC_KEY_TRUSTED,
    Event.REFERRALS_NOT_OFFERED,
    Event.KEYS_NOT_READ,
    Event.TOKENS_REMEMBERED_HERE,
)


ALLOWED_KEYS = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "service",
        "status",
        "code",
        "jwt_failure",
        "issuer",
        "at",
        "cards",
        "silent",
        "gaps",
        "fetch_failures",
        "not_asked",
        "unread_reports",
        "rules",
        "items",
        "unknown_cards",
        "unusable",
        "took_ms",
        "error_id",
        "error",
        "where",
        "host",
        "port",
        "workers",
        "profile",
        "targets",
    }
)


def _only_allowed(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value for key, value in line.items() if key in ALLOWED_KEYS}


def configure_logging() -> None:
    """Write events to standard output as JSON lines, with the allowed keys only."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        # A line in one write. The default writes its end by itself where output is not buffered (PYTHONUNBUFFERED, as
        # in containers), and lines of two workers run together.
        logger_factory=structlog.WriteLoggerFactory(),
    )


def log(event: Event, **values: str | int | float | list[str]) -> None:
    """Write one event, and count it. Keys that are not allowed are dropped."""
    metrics.count("events", event.name.lower())
    logger = structlog.get_logger()
    write = logger.warning if event in _WARNINGS else logger.info
    write(event.value, **{key: value for key, value in values.items() if key in ALLOWED_KEYS})


def log_failure(error: Exception) -> str:
    """Write that a call failed by a mistake of ours, and return the number under which it is found.

    The error's own text may hold a piece of the record, so only its type and place are logged.
    """
    error_id = uuid4().hex
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""
    log(Event.CALL_FAILED, status=500, error_id=error_id, error=type(error).__name__, where=where)
    return error_id
