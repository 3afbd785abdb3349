"""What a call costs at least, as applications for gunicorn: the same server, and less and less of what we do.

``hello`` reads the body and answers the same card; ``toy`` parses it with orjson and asks one question of the dicts;
``gated`` parses it with our strict gate first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from flask import Flask, Response, request

from cds_service.protocol.strict_json import parse_json

CARD = {
    "uuid": "8f0d2f4e-0a1b-5c3d-9e4f-6a7b8c9d0e1f",
    "summary": "Bone marrow edema in an adult: correlate with history and examination",
    "detail": "A toy rule. " * 100,
    "indicator": "info",
    "source": {"label": "benchmark"},
}
HELLO = orjson.dumps({"cards": [CARD]})


def toy_cards(call: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the card if any report speaks of edema and the patient is an adult: one look at every resource."""
    held = [value for value in call["prefetch"].values() if value]
    resources = [entry.get("resource", {}) for value in held for entry in value.get("entry", ())] + held
    adult = any(one.get("birthDate", "9") < "2008" for one in resources if one.get("resourceType") == "Patient")
    told = any(
        "edema" in one.get("conclusion", "").lower()
        for one in resources
        if one.get("resourceType") == "DiagnosticReport"
    )
    return [CARD] if adult and told else []


def application(answer: Callable[[bytes], bytes]) -> Flask:
    app = Flask(__name__, static_folder=None)

    @app.post("/cds-services/<_service_id>")
    def call(_service_id: str) -> Response:
        return Response(answer(request.get_data(cache=False)), mimetype="application/json")

    return app


hello = application(lambda _body: HELLO)
toy = application(lambda body: orjson.dumps({"cards": toy_cards(orjson.loads(body))}))
gated = application(lambda body: orjson.dumps({"cards": toy_cards(parse_json(body))}))
