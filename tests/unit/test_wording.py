"""What a card says in words of its own stands in one module, so that a translation can take its place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "cds_service"
MODULES = ["cards/app_link.py", "cards/content.py", "cards/render.py", "cards/silence.py", "service.py"]
"""Those that make cards. (``cards/reasons.py`` and the reasons of ``selection.py`` word the trace, not cards.)"""

WORDS = re.compile(r"[A-Za-z] | [A-Za-z]")
NO_CARD = {"NotAsked"}
"""Classes whose texts go into a refusal, which is for the staff of the EHR."""


def words(tree: ast.AST) -> Iterator[str]:
    """Yield the texts that hold a space beside a letter, but for docstrings, errors and ``NO_CARD``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Raise) or (isinstance(node, ast.ClassDef) and node.name in NO_CARD):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and WORDS.search(node.value):
            yield node.value
        yield from words(node)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_makes_cards_has_no_words_of_its_own(module: str):
    assert list(words(ast.parse((PACKAGE / module).read_text(encoding="utf-8")))) == []


def test_words_are_found_wherever_they_stand():
    source = '''
def f(x):
    """A docstring."""
    y = f" of {x}"
    raise ValueError("not here")
z = ["Refer to x"]
'''

    assert list(words(ast.parse(source))) == [" of ", "Refer to x"]
