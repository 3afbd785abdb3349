"""Tables of the documents that follow from the data and the code: ``python -m support.tables`` writes them anew.

What a table says in words about a hook or a key of the prefetch stands here; the rest is read where it is defined.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cds_service.metrics import COUNTERS, SECONDS
from support.sentences import with_section

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / "hooks"

FIRES_WHEN = {
    "order-sign": "orders are about to be signed",
    "order-select": "an order has just been chosen",
    "result-review": "results are being reviewed ([definition](result-review/hook.md))",
    "patient-view": "a record is opened",
}
"""Hook -> when it fires. The order is the table's."""

PREFETCH = {
    "patient": ("age, sex", "rules that ask for age or sex stay open; the card names them"),
    "studies": (
        "which sequences were acquired, body site, date of the study",
        "the card asks to confirm that T1 and STIR or T2 were acquired",
    ),
    "reports": (
        "findings in the report's text, coded conclusions, links to findings and studies",
        "only coded findings count",
    ),
    "observations": ("coded imaging findings, measured depth", "only what reports say counts"),
    "labs": (
        "CRP, erythrocyte sedimentation rate, leukocytes",
        "signs of infection stay unknown, never absent",
    ),
    "temperature": ("body temperature", "fever stays unknown, never absent"),
    "conditions": (
        "diabetes, Charcot foot, known malignancy, earlier osteomyelitis, diagnoses already made",
        "these stay unknown; at the foot the card asks for diabetes, which changes the urgency",
    ),
    "medications": ("anticoagulants, which stand against iloprost", "this caution stays unknown"),
    "orders": ("whether the referral has been placed already", "a referral may be suggested a second time"),
    "report": ("the report on screen (`result-review` only)", "it is looked for among `reports`"),
    "study": ("the study on screen (`result-review` only)", "it is looked for among `studies`"),
}
"""Key -> what it is for, and what is so when it is missing."""


def tables() -> Iterator[tuple[Path, str, str]]:
    """Yield the page, the name and the text of every table."""
    yield HOOKS / "README.md", "services", services()
    yield HOOKS / "README.md", "prefetch", prefetch()
    yield ROOT / "docs" / "operations.md", "metrics", metrics()


def services() -> str:
    """Return the table of services: hook, id, when it fires, fields of the context."""
    rows = []
    for hook, fires_when in FIRES_WHEN.items():
        context = _json(hook, "context.schema.json")
        needed = context["required"]
        rest = [field for field in context["properties"] if field not in needed]
        rows.append((f"`{hook}`", f"`{_json(hook, 'service.json')['id']}`", fires_when, _listed(needed), _listed(rest)))
    return _table(("hook", "service", "fires when", "needed in the context", "also used"), rows)


def prefetch() -> str:
    """Return the table of prefetch templates. Raises KeyError for a key that nothing is said about."""
    templates = _json("result-review", "service.json")["prefetch"]
    rows = ((f"`{key}`", f"`{template}`", *PREFETCH[key]) for key, template in templates.items())
    return _table(("key", "template", "what it is for", "when it is missing"), rows)


def metrics() -> str:
    """Return the table of metrics, by the names that Prometheus sees."""
    counted = ((f"`bme_{name}_total`", about, _listed(labels)) for name, (about, labels) in COUNTERS.items())
    timed = ((f"`bme_{name}`", f"{about} In seconds.", _listed(labels)) for name, (about, labels) in SECONDS.items())
    return _table(("metric", "what", "labels"), [*counted, *timed])


def written(page: Path) -> str:
    """Return the text of a page with its tables as they ought to be."""
    text = page.read_text(encoding="utf-8")
    for where, name, table in tables():
        if where == page:
            text = with_section(text, name, f"<!-- begin: {name} -->\n\n{table}\n\n<!-- end: {name} -->")
    return text


def _json(hook: str, name: str) -> Any:
    return json.loads((HOOKS / hook / name).read_text(encoding="utf-8"))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |".replace("| --- ", "|---").replace("--- |", "---|") for line in lines)


if __name__ == "__main__":
    for each in sorted({page for page, _, _ in tables()}):
        each.write_text(written(each), encoding="utf-8")
