"""Where the data that travels with the package lies: hook definitions, example scenarios, terminology, changes."""

from __future__ import annotations

from pathlib import Path

PLACES_IN_CHECKOUT = {
    "hooks": "hooks",
    "scenarios": "fixtures/scenarios",
    "terminology": "fixtures/terminology",
    "changelog": ".",
}
"""The kinds of data there are, and the folder of the checkout that each is kept in."""

_PACKAGE = Path(__file__).resolve().parent


def data_path(kind: str) -> Path:
    """Return the folder that holds one kind of data: ``hooks``, ``scenarios``, ``terminology`` or ``changelog``.

    An installed package carries its data in ``_data`` inside itself; a checkout, also one installed as editable,
    keeps it beside the package. The first that exists is returned.

    Raises:
        FileNotFoundError: no such kind, or the folder is in neither place. The message names the two places
            relative to the package and the checkout, never a path of the machine.
    """
    if kind not in PLACES_IN_CHECKOUT:
        raise FileNotFoundError(f"there is no data of the kind {kind!r}; known: {', '.join(PLACES_IN_CHECKOUT)}")
    inside = _PACKAGE / "_data" / kind
    if inside.is_dir():
        return inside
    # Only beside a pyproject.toml: `site-packages/hooks` would be another project's package.
    checkout = _PACKAGE.parent
    beside = checkout / PLACES_IN_CHECKOUT[kind]
    if (checkout / "pyproject.toml").is_file() and beside.is_dir():
        return beside
    raise FileNotFoundError(
        f"the {kind} data is missing: looked for cds_service/_data/{kind} in the installed package and "
        f"{PLACES_IN_CHECKOUT[kind]}/ in the checkout; install the package again"
    )
