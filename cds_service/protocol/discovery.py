"""The services on offer: read from ``hooks/``, one folder each, and listed at ``/cds-services``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match

from cds_service.errors import BadRequest, ConfigurationError

_ID = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Service:
    """One CDS service: its discovery entry and what it asks of the context.

    ``situation`` is the folder's name: which of our situations this is, whatever a site calls the hook.
    """

    id: str
    hook: str
    situation: str
    entry: Mapping[str, Any]
    context: Draft202012Validator

    @property
    def prefetch(self) -> Mapping[str, str]:
        """Prefetch key -> query template."""
        templates: Mapping[str, str] = self.entry.get("prefetch", {})
        return templates

    def check_context(self, context: Any) -> None:
        """Check the context of a call against its schema.

        Raises:
            BadRequest: naming the field that is missing or of the wrong form, and what is expected of it.
        """
        error = best_match(self.context.iter_errors(context))
        if error is None:
            return
        path = [str(part) for part in error.absolute_path]
        expected = error.schema
        if error.validator == "required":
            missing = next(name for name in error.validator_value if name not in error.instance)
            path, expected = [*path, missing], error.schema.get("properties", {}).get(missing)
        name = ".".join(["context", *path])
        problem = "is missing" if error.validator == "required" else "does not have the expected form"
        raise BadRequest(f"field '{name}' {problem}: {_meaning(expected)}", at=name)


def _meaning(schema: Any) -> str:
    described = schema.get("description", "") if isinstance(schema, Mapping) else ""
    return described or "see the hook's context.schema.json"


def load_services(folder: Path, names: Mapping[str, str] | None = None) -> dict[str, Service]:
    """Return the services defined in a folder, by id.

    ``names`` gives a situation another hook name than its definition has.

    Raises:
        ConfigurationError: no definition is there, one cannot be used, or an id is used twice.
    """
    services: dict[str, Service] = {}
    for definition in sorted(folder.glob("*/service.json")):
        situation = definition.parent.name
        try:
            entry = orjson.loads(definition.read_bytes())
            schema = orjson.loads((definition.parent / "context.schema.json").read_bytes())
            Draft202012Validator.check_schema(schema)
        except (OSError, orjson.JSONDecodeError, SchemaError) as error:
            raise ConfigurationError(f"the hook definition {situation!r} cannot be read") from error
        service = _service(situation, entry, schema, (names or {}).get(situation))
        if service.id in services:
            raise ConfigurationError(f"two hook definitions have the id {service.id!r}")
        services[service.id] = service
    if not services:
        raise ConfigurationError("no hook definition was found; expected <folder>/<hook>/service.json")
    return services


def _service(situation: str, entry: Any, schema: Any, name: str | None) -> Service:
    """Return the service of one definition, under its own hook's name or another."""
    if not isinstance(entry, dict):
        raise ConfigurationError(f"the hook definition {situation!r} is not a JSON object")
    if name is not None:
        entry["hook"] = name
    for field in ("hook", "id", "description"):
        if not isinstance(entry.get(field), str) or not entry[field].strip():
            raise ConfigurationError(f"the hook definition {situation!r} has no text for {field!r}")
    if not _ID.fullmatch(entry["id"]):
        raise ConfigurationError(f"the hook definition {situation!r} has an id that does not fit into an address")
    templates = entry.get("prefetch", {})
    if not isinstance(templates, dict) or not all(isinstance(template, str) for template in templates.values()):
        raise ConfigurationError(
            f"the prefetch of the hook definition {situation!r} is not an object of key to template"
        )
    return Service(entry["id"], entry["hook"], situation, entry, Draft202012Validator(schema))


def discovery(services: Mapping[str, Service], version: str = "") -> dict[str, Any]:
    """Return the body of ``GET /cds-services``.

    ``version``: that of CDS Hooks, to be named with each hook's own (requirements 19 and 20, since 3.0); without one
    neither is named, as in CDS Hooks 2.0.
    """
    return {"services": [_listed(service.entry, version) for service in services.values()]}


def _listed(entry: Mapping[str, Any], version: str) -> dict[str, Any]:
    if version:
        return {**entry, "version": version}
    return {name: value for name, value in entry.items() if name != "hookVersion"}
