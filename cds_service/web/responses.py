"""Responses as JSON."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response


def as_json(value: Any, status: int = 200) -> Response:
    """Return a response that holds the value."""
    return Response(orjson.dumps(value), status=status, mimetype="application/json")
