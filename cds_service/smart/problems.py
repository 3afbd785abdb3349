"""Why the app cannot be opened, or goes no further, in words for whoever opened it."""

from __future__ import annotations

from enum import Enum

AGAIN = "Open the app again from the patient's chart."
STAFF = "If it happens again, tell the staff that look after decision support."


class Problem(Enum):
    """Each with its HTTP status, what happened, and what to do."""

    def __init__(self, status: int, happened: str, advice: str) -> None:
        self.status = status
        self.happened = happened
        self.advice = advice

    UNKNOWN_ISSUER = (
        403,
        "The record that opened this app is not one of those that it was set up for.",
        "Nothing was asked of that record. Whoever runs this service adds its FHIR base address to BME_SMART_ISSUERS.",
    )
    NO_CONFIGURATION = (
        502,
        "The record does not say how to sign in (.well-known/smart-configuration could not be read).",
        f"{AGAIN} {STAFF}",
    )
    UNUSABLE_CONFIGURATION = (
        502,
        "The record does not sign in as this app needs it: authorization and token endpoint at the addresses that it"
        " was set up for, and PKCE with S256.",
        "Whoever runs this service looks at the record's .well-known/smart-configuration, and lists the origins of its"
        " endpoints in BME_SMART_ISSUERS.",
    )
    NO_COOKIE = (
        400,
        "The browser did not keep what this app needs to recognise it (a cookie).",
        f"{AGAIN} If it happens again, have the record open the app in a window of its own instead of a frame.",
    )
    NOT_WAITING = (
        400,
        "This is no launch that this browser began, or it is over: each answer of a record counts once, for ten"
        " minutes.",
        AGAIN,
    )
    OTHER_SERVER = (
        400,
        "The answer comes from another authorization server than the one that was asked.",
        f"Nothing was sent to it. {AGAIN} {STAFF}",
    )
    REFUSED = (403, "The record did not let this app in.", f"{AGAIN} {STAFF}")
    NO_TOKEN = (502, "The record let this app in, but gave it nothing to read with.", f"{AGAIN} {STAFF}")
    NO_PATIENT = (
        400,
        "The record did not say which patient this is about.",
        "Open the app from the chart of a patient.",
    )
    BAD_IDENTITY = (
        502,
        "The record's statement of who opened the app (its id_token) is not genuine, or is for another.",
        f"{AGAIN} {STAFF}",
    )
    ENDED = (
        410,
        "This page is closed: it lives for an hour at most, in the browser that opened it.",
        f"Nothing of the patient is kept. {AGAIN}",
    )
    NOT_READ = (
        502,
        "The record let nothing be read from which an answer could be made.",
        f"Nothing is excluded by this. {AGAIN} {STAFF}",
    )
    FAILED = (500, "The app failed.", f"Nothing is excluded by this. {AGAIN} {STAFF}")
    BUSY = (503, "The service cannot answer just now.", "Try again in a moment.")
    NOTHING_HERE = (404, "There is nothing at this address.", AGAIN)


class NotOpened(Exception):
    """The app goes no further. ``detail`` is for the reader, and holds nothing of a patient or a token."""

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(problem.name)
        self.problem = problem
        self.detail = detail
