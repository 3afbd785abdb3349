"""The evidence page as HTML: one answer in, one document out. No network, no clock, nothing remembered.

Safe below ``default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; script-src 'self'``: no
script, style or event handler stands in the document. Without its script, and without styles, nothing is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment

from cds_service.model.rule import RuleSet
from cds_service.service import Answer
from cds_service.smart.drawings import MAP_HEIGHT, MAP_WIDTH, TIME_HEIGHT, TIME_WIDTH
from cds_service.smart.evidence import evidence
from cds_service.smart.what_if import WhatIf
from cds_service.templates import templates

STATIC = files("cds_service.smart") / "static"
"""What the page asks for beside itself: ``page.css`` and ``page.js``, to be served from one folder."""


def evidence_page(
    answer: Answer,
    rules: RuleSet,
    version: str,
    *,
    as_of: datetime,
    patient_id: str = "",
    patient_banner: bool = True,
    not_granted: Mapping[str, str] | None = None,
    what_if: WhatIf | None = None,
    opened: str = "",
    source: str = "",
    assets: str = "",
    notices: Sequence[str] = (),
    reasons: Sequence[tuple[str, str]] = (),
    styled: bool = False,
) -> str:
    """Return the page about an answer.

    Args:
        version: fingerprint of the rules and the site's judgement (``service.rules_version``).
        as_of: when the record was read.
        patient_id: whom the call is about, shown where no Patient could be had.
        patient_banner: whether the page must say in full who the patient is; otherwise on one line.
        not_granted: prefetch key -> why the app could not read it, such as ``evidence.NOT_GRANTED`` or a ``Failure``.
        what_if: what ``answer`` supposes, and the answer without it; None for an answer about the record.
        opened: the reference the app was opened for.
        source: which record system it was read from, as a clinician knows it.
        assets: address of the folder that serves ``STATIC``; empty for a page that stands alone: it carries its
            styles, has no script, and asks nothing back.
        notices: what the reader must know before anything else.
        reasons: the (code, display) for which the card may be overridden here; none where there is no card to answer.
        styled: whether ``style.css`` beside the page says how the record looks.
    """
    found = evidence(
        answer,
        rules,
        version,
        as_of=as_of,
        patient_id=patient_id,
        patient_banner=patient_banner,
        not_granted=not_granted,
        what_if=what_if,
        opened=opened,
        source=source,
    )
    sizes = {"map": (MAP_WIDTH, MAP_HEIGHT), "time": (TIME_WIDTH, TIME_HEIGHT)}
    style = "" if assets else (STATIC / "page.css").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("page.html")
        .render(page=found, assets=assets, style=style, sizes=sizes, notices=notices, reasons=reasons, styled=styled)
    )


def notice_page(title: str, paragraphs: Iterable[str], *, back: str = "", assets: str) -> str:
    """Return a page that says what happened, with an address to go back to, if any."""
    said = [one for one in paragraphs if one]
    return _environment().get_template("notice.html").render(title=title, paragraphs=said, back=back, assets=assets)


@cache
def _environment() -> Environment:
    return templates("smart")
