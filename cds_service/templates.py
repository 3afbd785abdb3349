"""Pages from the templates of a room: HTML in which everything is escaped, and a name that is not given is an error."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def templates(room: str) -> Environment:
    """Return the templates in ``cds_service/<room>/templates``."""
    return Environment(
        loader=PackageLoader(f"cds_service.{room}"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
