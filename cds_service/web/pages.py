"""Pages for people that need no script: made from the templates, below one policy."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from flask import Response
from jinja2 import Environment

from cds_service.templates import templates

POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def as_page(template: str, *, status: int = 200, asks: bool = False, **values: Any) -> Response:
    """Return a response that holds a page. ``asks``: whether it has a form, which goes back to us."""
    response = Response(_environment().get_template(template).render(values), status=status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = POLICY.replace("form-action 'none'", "form-action 'self'", int(asks))
    return response


@cache
def _environment() -> Environment:
    environment = templates("web")
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
    return environment
