"""Everything that can go wrong and has an answer of its own.

    CdsServiceError
    +-- BadRequest (400)            not JSON, not a CDS Hooks request, a field missing or of the wrong kind
    |   +-- WrongHook (400)         the request's hook is not this service's
    +-- NotAuthenticated (401)      no token where one is required, or one that does not prove who calls
    +-- UnknownService (404)        no service of that id
    +-- BodyTooLarge (413)          more bytes than ``max_body_bytes``
    +-- UnsupportedMediaType (415)  not application/json, or compressed
    +-- MissingData (412)           nothing to work with, and no way to get it
    +-- StoreUnavailable (503)      feedback, or a token, cannot be kept now; says when to send it again
    +-- Overloaded (503)            as many calls as can be answered at a time are being answered
    +-- ConfigurationError          settings or data that cannot be used (never reaches a client)

Each carries its HTTP status and FHIR issue code. Messages name fields and what to do; they never hold a value from the
request.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class CdsServiceError(Exception):
    """A problem with a known answer. ``message`` may be shown to the caller."""

    status = 500
    code = "exception"
    retry_after_s = 0
    """When to ask again, in seconds; 0 when asking again does not help."""

    def __init__(self, message: str, *, at: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        """Path of the field the problem is about, such as ``context.patientId``; empty when it is the whole."""


class BadRequest(CdsServiceError):
    """The request cannot be understood."""

    status = 400
    code = "invalid"


class WrongHook(BadRequest):
    """The request was made for another hook than this service's."""

    code = "value"


class NotAuthenticated(CdsServiceError):
    """Who calls is not proven. The caller is told how to prove it, and no more; ``failure`` is for the log."""

    status = 401
    code = "login"

    def __init__(self, failure: str, challenge: str = "Bearer") -> None:
        super().__init__("the call is not authenticated")
        self.failure = failure
        self.challenge = challenge


class UnknownService(CdsServiceError):
    """No service of that id; the message offers the nearest."""

    status = 404
    code = "not-found"

    def __init__(self, asked: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(asked, names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        super().__init__(f"there is no service of this id; {hint}known: {', '.join(names)}")


class BodyTooLarge(CdsServiceError):
    """The body is larger than the service accepts."""

    status = 413
    code = "too-long"


class UnsupportedMediaType(CdsServiceError):
    """The body is not plain JSON."""

    status = 415
    code = "not-supported"


class MissingData(CdsServiceError):
    """What the decision needs was neither sent nor can be had (CDS Hooks: 412)."""

    status = 412
    code = "required"


class StoreUnavailable(CdsServiceError):
    """The database of the store cannot be written."""

    status = 503
    code = "transient"
    retry_after_s = 60

    def __init__(self) -> None:
        super().__init__("what was sent cannot be kept now and was perhaps not kept; send it again later")


class Overloaded(CdsServiceError):
    """As many calls as can be answered at a time are being answered."""

    status = 503
    code = "throttled"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__("the service is busy with other calls; send it again in a moment")


class ConfigurationError(CdsServiceError):
    """The service cannot start as configured."""
