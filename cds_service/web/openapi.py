"""The service's contract as OpenAPI 3.1, made from what validates: the hook definitions and the limits of the readers.

The forms of answers are written here; the tests hold every answer to every scenario to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from cds_service.knowledge.codes.overrides import OVERRIDE_REASONS
from cds_service.protocol.discovery import Service
from cds_service.protocol.feedback import MOST_ITEMS
from cds_service.scenarios import Scenario
from cds_service.settings import Settings

Json = dict[str, Any]

ERRORS = {
    "400": "The request cannot be understood; the outcome names the field and what to send.",
    "401": "Who calls is not proven. Nothing more is said here; the service's log has the reason.",
    "404": "There is no such service.",
    "405": "The address takes another method.",
    "412": "Nothing to assess was sent, and nothing could be read; the outcome names the prefetch keys.",
    "413": "The body is too large.",
    "415": "The body is not plain JSON.",
    "500": "The service failed; the outcome has the id under which its log has the error.",
    "503": "The service is busy, or cannot keep what it must; Retry-After says when to send it again.",
}

_TEXT: Json = {"type": "string", "minLength": 1}
_UUID: Json = {"type": "string", "format": "uuid"}
_CODING: Json = {
    "type": "object",
    "required": ["system", "code", "display"],
    "properties": {"system": {"type": "string", "format": "uri"}, "code": _TEXT, "display": _TEXT},
}


def _object(properties: Json, required: Iterable[str] = (), **more: Any) -> Json:
    return {"type": "object", "required": list(required), "properties": properties, **more}


SCHEMAS: Json = {
    "Discovery": _object(
        {
            "services": {
                "type": "array",
                "minItems": 1,
                "items": _object(
                    {
                        "hook": _TEXT,
                        "id": _TEXT,
                        "title": _TEXT,
                        "description": _TEXT,
                        "usageRequirements": _TEXT,
                        "prefetch": {"type": "object", "additionalProperties": _TEXT},
                        "version": _TEXT,
                        "hookVersion": _TEXT,
                    },
                    ["hook", "id", "description"],
                ),
            }
        },
        ["services"],
    ),
    "FhirAuthorization": {
        "type": ["object", "null"],
        "description": "The client's access token for its FHIR server. It is used for this call and not kept.",
        "properties": {
            "access_token": {"type": "string"},
            "token_type": {"type": "string"},
            "expires_in": {"type": "integer"},
            "scope": {"type": "string"},
            "subject": {"type": "string"},
            "patient": {"type": "string"},
        },
    },
    "Prefetch": {
        "type": ["object", "null"],
        "description": "Prefetch key -> resource or Bundle (FHIR R4); null when the query found nothing. What is left"
        " out is read from the FHIR server, if the service may. Resources are read tolerantly, not validated.",
        "additionalProperties": {"type": ["object", "null"]},
    },
    "Action": _object(
        {
            "type": {"enum": ["create", "update"]},
            "description": _TEXT,
            "resource": _object({"resourceType": {"const": "ServiceRequest"}}, ["resourceType"]),
        },
        ["type", "description", "resource"],
    ),
    "Card": _object(
        {
            "uuid": _UUID,
            "summary": {"type": "string", "minLength": 1, "maxLength": 139},
            "detail": {"type": "string", "minLength": 1, "description": "GitHub-flavoured Markdown without HTML."},
            "indicator": {"enum": ["info", "warning", "critical"]},
            "source": _object({"label": _TEXT, "topic": _CODING}, ["label", "topic"]),
            "suggestions": {
                "type": "array",
                "minItems": 1,
                "items": _object(
                    {
                        "label": _TEXT,
                        "uuid": _UUID,
                        "isRecommended": {"type": "boolean"},
                        "actions": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": 1,
                            "items": {"$ref": "#/components/schemas/Action"},
                        },
                    },
                    ["label", "uuid", "actions"],
                ),
            },
            "selectionBehavior": {"const": "any"},
            "overrideReasons": {"type": "array", "minItems": 1, "items": _CODING},
            "extension": {"type": "object"},
        },
        ["uuid", "summary", "detail", "indicator", "source", "overrideReasons"],
        dependentRequired={"suggestions": ["selectionBehavior"]},
    ),
    "Answer": _object(
        {
            "cards": {"type": "array", "items": {"$ref": "#/components/schemas/Card"}},
            "systemActions": {"type": "array", "maxItems": 0},
        },
        ["cards"],
        additionalProperties=False,
    ),
    "Feedback": _object(
        {
            "feedback": {
                "type": "array",
                "maxItems": MOST_ITEMS,
                "description": "One bad item leaves the rest; the request is refused when none can be used.",
                "items": _object(
                    {
                        "card": {**_UUID, "description": "uuid of the card."},
                        "outcome": {"enum": ["accepted", "overridden"]},
                        "acceptedSuggestions": {"type": "array", "items": _object({"id": _UUID}, ["id"])},
                        "overrideReason": _object(
                            {
                                "reason": _object(
                                    {"code": {"enum": [reason.code for reason in OVERRIDE_REASONS]}, "system": _TEXT},
                                    ["code"],
                                ),
                                "userComment": {"type": "string"},
                            }
                        ),
                        "outcomeTimestamp": {"type": "string", "format": "date-time"},
                    },
                    ["card", "outcome"],
                ),
            }
        },
        ["feedback"],
    ),
    "OperationOutcome": _object(
        {
            "resourceType": {"const": "OperationOutcome"},
            "issue": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": _object(
                    {
                        "severity": {"const": "error"},
                        "code": _TEXT,
                        "details": _object({"text": _TEXT}, ["text"]),
                        "expression": {"type": "array", "items": _TEXT, "maxItems": 1},
                        "diagnostics": _TEXT,
                    },
                    ["severity", "code"],
                    additionalProperties=False,
                ),
            },
        },
        ["resourceType", "issue"],
        additionalProperties=False,
    ),
    "Transparency": _object(
        {
            **dict.fromkeys(("purpose", "users", "population", "version", "rule_set"), _TEXT),
            "limits": {"type": "array", "minItems": 1, "items": _TEXT},
            "attributes": {"type": "object", "minProperties": 13, "additionalProperties": _TEXT},
            "resources": {"type": "object", "additionalProperties": {"type": "array", "items": _TEXT}},
            "references": {"type": "object", "additionalProperties": _TEXT},
            **{name: {"type": "array"} for name in ("facts", "figures", "chapters", "judgement", "changes")},
        },
        ["purpose", "users", "population", "version", "rule_set", "limits", "attributes", "resources", "chapters"],
        additionalProperties=False,
    ),
    "Health": _object(
        {"status": {"enum": ["live", "ready", "degraded"]}, "store": {"enum": ["works", "fails"]}}, ["status"]
    ),
}


def openapi(settings: Settings, services: Mapping[str, Service], examples: Iterable[Scenario] = ()) -> Json:
    """Return the contract of the service as it is set up. The smallest scenario of each hook is its example."""
    guarded: list[Json] = [] if settings.auth == "off" else [{"client": []}]
    listed = [] if not settings.auth_discovery else guarded
    shown: dict[str, Scenario] = {}
    for scenario in sorted(examples, key=lambda one: len(str(one.request))):
        shown.setdefault(scenario.request["hook"], scenario)
    paths: Json = {
        "/cds-services": {"get": _operation("discover", "List the services", "Discovery", ("401", "503"), listed)}
    }
    for service in services.values():
        paths |= _paths(service, guarded, shown.get(service.situation))
    for name, about in (
        ("live", "Whether the service runs"),
        ("ready", "Whether it is ready, or does without its store"),
    ):
        paths[f"/health/{name}"] = {"get": _operation(f"health-{name}", about, "Health", (), [])}
    paths["/transparency"] = {"get": _laid_open()}
    contract: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "CDS Hooks service for bone marrow edema on MRI",
            "version": version("bme-cds-service"),
            "description": "CDS Hooks 2.0 over FHIR R4. Decision support for a clinician, not a diagnosis.",
        },
        "paths": paths,
        "components": {"schemas": SCHEMAS | {_name(service): _request(service) for service in services.values()}},
    }
    if settings.public_url:
        contract["servers"] = [{"url": settings.public_url}]
    if guarded:
        about = "A token that the client signs for the address called (CDS Hooks, trusting CDS clients)."
        contract["components"]["securitySchemes"] = {
            "client": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": about}
        }
    return contract


def _paths(service: Service, guarded: list[Json], example: Scenario | None) -> Json:
    refused = ("400", "401", "405", "413", "415", "500", "503")
    call = _operation(service.id, service.entry.get("title", service.id), "Answer", (*refused, "412"), guarded)
    call["description"] = service.entry["description"]
    call["requestBody"] = _body(_name(service))
    if example is not None:
        call["requestBody"]["content"]["application/json"]["example"] = {**example.request, "hook": service.hook}
    told = _operation(f"{service.id}-feedback", f"Say what became of cards of {service.id}", "", refused, guarded)
    told["requestBody"] = _body("Feedback")
    return {f"/cds-services/{service.id}": {"post": call}, f"/cds-services/{service.id}/feedback": {"post": told}}


def _laid_open() -> Json:
    told = _operation("transparency", "What decides, on what evidence, in which version", "Transparency", (), [])
    told["description"] = "Also as a page for people (text/html), which is what is sent unless JSON is preferred."
    told["responses"]["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
    return told


def _operation(name: str, summary: str, gives: str, errors: Iterable[str], security: list[Json]) -> Json:
    schema = {"$ref": f"#/components/schemas/{gives}"} if gives else {"type": "object", "maxProperties": 0}
    outcome = {"application/json": {"schema": {"$ref": "#/components/schemas/OperationOutcome"}}}
    answers: Json = {"200": {"description": "The answer.", "content": {"application/json": {"schema": schema}}}}
    answers |= {status: {"description": ERRORS[status], "content": outcome} for status in sorted(errors)}
    return {"operationId": name, "summary": summary, "security": security, "responses": answers}


def _body(name: str) -> Json:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _name(service: Service) -> str:
    return f"Request-{service.id}"


def _request(service: Service) -> Json:
    """Return the form of a call, with the schema that the context is checked against."""
    schema = service.context.schema
    context = {name: part for name, part in schema.items() if name != "$schema"} if isinstance(schema, Mapping) else {}
    return _object(
        {
            "hook": {"const": service.hook},
            "hookInstance": {"type": "string", "pattern": r"\S", "description": "A UUID; other texts are taken, too."},
            "context": context,
            "prefetch": {"$ref": "#/components/schemas/Prefetch"},
            "fhirServer": {"type": ["string", "null"]},
            "fhirAuthorization": {"$ref": "#/components/schemas/FhirAuthorization"},
            "extension": {},
        },
        ["hook", "hookInstance", "context"],
    )
