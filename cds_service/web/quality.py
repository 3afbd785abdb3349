"""What becomes of the cards at ``/quality``: for whoever has the admin token. Counts only; nothing can be changed."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from urllib.parse import urlencode

from flask import Flask, Response, request

from cds_service.errors import BadRequest, StoreUnavailable
from cds_service.protocol.discovery import Service
from cds_service.protocol.profiles import ProfileName
from cds_service.settings import Settings
from cds_service.smart.quality import (
    DAY,
    NEARLY_ALWAYS,
    NO_PROFILE,
    SMALL,
    SPAN,
    TREND_HEIGHT,
    TREND_WIDTH,
    WEEK,
    Count,
    Part,
    Portion,
    Series,
    day,
    gathered,
    quality,
    spans_of,
    trend_of,
)
from cds_service.store.store import Store
from cds_service.web.pages import as_page
from cds_service.web.watching import admit

WEEKS = ("12", "24", "48")
COLUMNS = (
    *("rule", "hook", "profile", "first day", "last day", "fired", "shown"),
    *(part.value for part in Part),
    *("share accepted of answers", "lower end of 95 % interval", "upper end of 95 % interval"),
    *("time to action", "overridden for this reason only"),
)
"""A line with a reason has the number of overrides for it, in twelve weeks, and no other."""


@dataclass(frozen=True)
class Asked:
    """What the form asks for; an empty hook or profile means all."""

    hook: str
    profile: str
    weeks: str


def show_quality(
    app: Flask, settings: Settings, services: Iterable[Service], store: Store, now: Callable[[], float]
) -> None:
    """Serve the figures, if there is an admin token. ``now``: seconds since 1970."""
    token = settings.admin_token.get_secret_value()
    if not token:
        return
    hooks = sorted({service.hook for service in services})
    profiles = [*sorted(ProfileName), NO_PROFILE]

    def read(asked: Asked) -> tuple[datetime, list[Series], Count]:
        begin, weeks = spans_of(datetime.fromtimestamp(now(), UTC), int(asked.weeks))
        series = gathered(store.outcomes(begin, weeks), begin + weeks * WEEK)
        return begin, series, Count.of(store.answers_to_unknown(begin))

    def asked() -> Asked:
        return Asked(_one_of("hook", ["", *hooks]), _one_of("profile", ["", *profiles]), _one_of("weeks", WEEKS))

    @app.get("/quality")
    def show_figures() -> Response:
        admit(token)
        wanted = asked()
        choices = {"hooks": hooks, "profiles": profiles, "weeks": WEEKS}
        try:
            since, series, unknown = read(wanted)
        except StoreUnavailable:
            return _not_read()
        rules = quality(series, wanted.hook, wanted.profile)
        return as_page(
            "quality.html",
            asks=True,
            asked=wanted,
            choices=choices,
            since=day(since),
            rules=[(one, trend_of(one.told)) for one in rules],
            to_look_at=[one for one in rules if one.figures.stands_out],
            unknown=unknown,
            parts=list(Part),
            small=SMALL,
            nearly_always=f"{NEARLY_ALWAYS:.0%}".replace("%", " %"),
            size=(TREND_WIDTH, TREND_HEIGHT),
            query=urlencode(vars(wanted)),
        )

    @app.get("/quality.csv")
    def send_figures() -> Response:
        admit(token)
        wanted = asked()
        try:
            _, series, _ = read(wanted)
        except StoreUnavailable:
            return _not_read()
        written = StringIO()
        lines = csv.writer(written)
        lines.writerow(COLUMNS)
        lines.writerows(map(safe, _rows(series, wanted)))
        response = Response(written.getvalue(), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="quality.csv"'
        return response


def safe(row: Iterable[str]) -> list[str]:
    """Return the cells of a line so that no spreadsheet takes one for a formula."""
    return [f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in row]


def _rows(series: Iterable[Series], asked: Asked) -> Iterator[list[str]]:
    for one in series:
        if asked.hook not in ("", one.hook) or asked.profile not in ("", one.profile):
            continue
        of = [one.rule, one.hook, one.profile]
        for told in one.told:
            found = told.figures
            counts = [count.words for count in (found.fired, found.shown, *(found.of(part) for part in Part))]
            yield [*of, told.first_day, told.last_day, *counts, *_share(found.accepted), found.time_to_action, ""]
        for begin, reasons in one.reasons:
            for reason, count in reasons.items():
                counts = [f"{count:,}" if part is Part.OVERRIDDEN else "" for part in Part]
                yield [*of, day(begin), day(begin + SPAN - DAY), "", "", *counts, "", "", "", "", reason]


def _share(share: Portion | None) -> tuple[str, str, str]:
    if share is None:
        return "", "", ""
    value = f"{share.least:.3f}" if share.least == share.most else f"{share.least:.3f} to {share.most:.3f}"
    return value, f"{share.low:.3f}", f"{share.high:.3f}"


def _one_of(name: str, known: Iterable[str]) -> str:
    """Return a value of the query, the first of those known if there is none. Raises BadRequest for any other."""
    choices = list(known)
    given = request.args.get(name, choices[0])
    if given not in choices:
        raise BadRequest(f"{name!r} is none of those that can be chosen; leave it out, or choose on the page", at=name)
    return given


def _not_read() -> Response:
    response = as_page("quality_not_read.html", status=503)
    response.headers["Retry-After"] = str(StoreUnavailable.retry_after_s)
    return response
