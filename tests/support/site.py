"""The pages of the documentation site, laid out for its generator: ``make site``.

The Markdown stays where it is read in a checkout. A link to another page of the site is turned to where that page
comes to lie; a link to a file that is no page, such as a module, keeps its words and is no link.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "build" / "pages"
"""Where they are laid out; ``mkdocs.yml`` reads them from here."""

ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "hooks/README.md": "hooks.md",
    "hooks/result-review/hook.md": "result-review.md",
    "cds_service/web/static/contract.css": "contract.css",
}
"""Where what does not lie in ``docs`` comes to lie. The README is not shown again: links to it lead to
the first page."""

LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def placed(root: Path = ROOT) -> dict[Path, str]:
    """Return every file of the site with its place there."""
    docs = root / "docs"
    found = {path: path.relative_to(docs).as_posix() for path in sorted(docs.rglob("*")) if path.is_file()}
    mine = {path: place for path, place in found.items() if not place.startswith("theme/")}
    return mine | {root / source: place for source, place in ELSEWHERE.items()}


def turned(text: str, page: Path, places: dict[Path, str]) -> str:
    """Return a page's text with its links as the site needs them."""

    def link(found: re.Match[str]) -> str:
        words, target, place = found[1], found[2], found[3] or ""
        if "://" in target:
            return found[0]
        there = places.get((page.parent / target).resolve())
        return f"[{words}]({there}{place})" if there else words

    return LINK.sub(link, text)


def lay_out(root: Path = ROOT, pages: Path = PAGES) -> None:
    """Write all pages, and what they show, into an empty folder."""
    shutil.rmtree(pages, ignore_errors=True)
    places = placed(root)
    for source, place in places.items():
        if source == root / "README.md":
            continue
        target = pages / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            target.write_text(turned(source.read_text(encoding="utf-8"), source, places), encoding="utf-8")
        else:
            shutil.copyfile(source, target)


if __name__ == "__main__":
    lay_out()
    sys.stdout.write(f"{len(list(PAGES.rglob('*.md')))} pages\n")
