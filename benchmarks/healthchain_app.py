"""A toy rule on HealthChain, in the environment that ``contenders`` makes: on raw dicts, and on its documented types.

Raw: the handler reads ``request.prefetch`` as it came. Typed: it converts the prefetch to FHIR objects first, with the
function that HealthChain's own ``CdsFhirAdapter`` uses.
"""

from __future__ import annotations

import logging

from healthchain.fhir import convert_prefetch_to_fhir_objects
from healthchain.gateway import HealthChainAPI
from healthchain.gateway.cds import CDSHooksConfig, CDSHooksService
from healthchain.models.requests.cdsrequest import CDSRequest
from healthchain.models.responses.cdsresponse import CDSResponse

logging.disable(logging.WARNING)  # it warns of every prefetch key that is null
CARD = {
    "summary": "Bone marrow edema in an adult: correlate with history and examination",
    "detail": "A toy rule. " * 100,
    "indicator": "info",
    "source": {"label": "benchmark"},
}


def _cards(*, adult: bool, told: bool) -> CDSResponse:
    return CDSResponse(cards=[CARD] if adult and told else [])


def on_dicts(request: CDSRequest) -> CDSResponse:
    held = [value for value in (request.prefetch or {}).values() if value]
    resources = [entry.get("resource", {}) for value in held for entry in value.get("entry", ())] + held
    return _cards(
        adult=any(one.get("birthDate", "9") < "2008" for one in resources if one.get("resourceType") == "Patient"),
        told=any(
            "edema" in one.get("conclusion", "").lower()
            for one in resources
            if one.get("resourceType") == "DiagnosticReport"
        ),
    )


def on_types(request: CDSRequest) -> CDSResponse:
    held = [one for one in convert_prefetch_to_fhir_objects(request.prefetch or {}).values() if one is not None]
    bundles = [one for one in held if one.get_resource_type() == "Bundle"]
    resources = [entry.resource for bundle in bundles for entry in bundle.entry or ()] + held
    return _cards(
        adult=any(str(one.birthDate) < "2008" for one in resources if one.get_resource_type() == "Patient"),
        told=any(
            "edema" in (one.conclusion or "").lower()
            for one in resources
            if one.get_resource_type() == "DiagnosticReport"
        ),
    )


def _application(handler) -> HealthChainAPI:
    service = CDSHooksService(CDSHooksConfig(base_path="", allowed_hooks=["result-review"]))
    service.hook("result-review", id="bme-result-review")(handler)
    app = HealthChainAPI()
    app.register_service(service, path="")
    return app


raw = _application(on_dicts)
typed = _application(on_types)
