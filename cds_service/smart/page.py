"""The evidence page as HTML: one answer in, one document out. No network, no clock, nothing remembered.

Safe below ``default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; script-src 'self'``: no
script, style or event handler stands in the document. Without its script, and without styles, nothing is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from cds_service.model.rule import RuleSet
from cds_service.service import Answer
from cds_service.smart.drawings import MAP_HEIGHT, MAP_WIDTH, TIME_HEIGHT, TIME_WIDTH
from cds_service.smart.evidence import evidence
from cds_service.smart.what_if import WhatIf

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
    return _environment().get_template("page.html").render(page=found, assets=assets, style=style, sizes=sizes)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("cds_service.smart"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
