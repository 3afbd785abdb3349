"""A CDS Hooks request: read with tolerance for what real clients leave out, strict about what a decision needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from cds_service.errors import BadRequest, WrongHook
from cds_service.protocol.authorization import Authorization, read_authorization
from cds_service.protocol.client_jwt import NOBODY, Caller
from cds_service.protocol.discovery import Service

Json = Mapping[str, Any]

_TOKEN = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


@dataclass(frozen=True)
class HookCall:
    """One validated request to one service.

    ``hook_instance`` is never used to recognise a repeated call: clients send constants.
    """

    service: Service
    hook_instance: str
    patient_id: str
    user_id: str
    context: Json
    prefetch: Json
    server: str = ""
    authorization: Authorization = Authorization()
    caller: Caller = NOBODY

    def queries(self) -> dict[str, str]:
        """Return the service's prefetch queries by key, with the context filled in.

        A key whose context field the client left out is left out, unless it was sent all the same; a query that
        cannot be filled in is empty.
        """
        templates = self.service.prefetch
        names = {name for template in templates.values() for name in _tokens(template)}
        fields = {name: self._field(name) for name in names if name.startswith("context.")}
        found: dict[str, str] = {}
        for key, template in templates.items():
            values = [fields.get(name) for name in _tokens(template)]
            if "" in values and key not in self.prefetch:
                continue
            known = all(values)
            found[key] = _TOKEN.sub(lambda token: fields[token[1]], template) if known else ""
        return found

    def _field(self, name: str) -> str:
        value = self.context.get(name.removeprefix("context."))
        return quote(value, safe="") if isinstance(value, str) else ""


@cache
def _tokens(template: str) -> list[str]:
    """Return what a prefetch template of ours wants filled in."""
    return _TOKEN.findall(template)


def read_call(value: Any, service: Service, caller: Caller = NOBODY) -> HookCall:
    """Return the request as a call to ``service`` by whoever has proven to call.

    Raises:
        WrongHook: the request's hook is not this service's.
        BadRequest: a field is missing or of the wrong kind; the message names it and the fix.
    """
    if not isinstance(value, Mapping):
        raise BadRequest("the body is not a JSON object; send a CDS Hooks request")
    hook = _string(value, "hook", "the name of the hook, such as 'order-sign'")
    if hook != service.hook:
        raise WrongHook(
            f"field 'hook' is not the hook of service {service.id!r}; send {service.hook!r} here, or call the service"
            " that the discovery lists for your hook",
            at="hook",
        )
    hook_instance = _string(value, "hookInstance", "a UUID that identifies this call")
    context = value.get("context")
    if not isinstance(context, Mapping):
        raise BadRequest("field 'context' is missing or is not an object", at="context")
    service.check_context(context)
    patient_id = _string(context, "patientId", "the id of the patient", within="context.")
    user_id = _string(context, "userId", "who is at work, as Type/id", within="context.")
    prefetch = value.get("prefetch")
    if prefetch is not None and not isinstance(prefetch, Mapping):
        raise BadRequest("field 'prefetch' is not an object of key to resource; leave it out if empty", at="prefetch")
    if value.get("fhirAuthorization") is not None and not isinstance(value.get("fhirServer"), str):
        raise BadRequest("field 'fhirServer' is required when 'fhirAuthorization' is sent", at="fhirServer")
    server = value.get("fhirServer")
    return HookCall(
        service=service,
        hook_instance=hook_instance,
        patient_id=patient_id,
        user_id=user_id,
        context=context,
        prefetch=prefetch or {},
        server=server if isinstance(server, str) else "",
        authorization=read_authorization(value.get("fhirAuthorization")),
        caller=caller,
    )


def _string(value: Json, name: str, meaning: str, *, within: str = "") -> str:
    found = value.get(name)
    if not isinstance(found, str) or not found.strip():
        at = f"{within}{name}"
        raise BadRequest(f"field {at!r} is missing or is not a text; send {meaning}", at=at)
    return found
