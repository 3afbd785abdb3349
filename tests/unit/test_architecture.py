"""import-linter holds the direction of imports; these tests hold import-linter to its word."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"

LAYERS = "Imports go down the layers only"
CLINICAL_CORE = "The clinical core knows nothing of plumbing"


def lint_imports(checkout: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the package in ``checkout``; without a cache, so that nothing is written there."""
    return subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS, "--no-cache"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )


def verdicts(report: str) -> dict[str, bool]:
    """Return, for each contract that the report names, whether it is kept."""
    return {contract: f"{contract} KEPT" in " ".join(report.split()) for contract in (LAYERS, CLINICAL_CORE)}


@pytest.fixture
def copy_of_package(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "cds_service", tmp_path / "cds_service", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_package_keeps_its_contracts():
    linted = lint_imports(ROOT)

    assert (linted.returncode, verdicts(linted.stdout)) == (0, {LAYERS: True, CLINICAL_CORE: True}), linted.stdout


@pytest.mark.parametrize(
    ("room", "statement", "broken"),
    [
        pytest.param("knowledge", "import flask", CLINICAL_CORE, id="plumbing-in-knowledge"),
        pytest.param("model", "from pydantic import BaseModel", CLINICAL_CORE, id="plumbing-in-the-model"),
        pytest.param("engine", "import cds_service.knowledge", LAYERS, id="engine-knows-knowledge"),
        pytest.param("model", "import cds_service.engine", LAYERS, id="model-looks-up"),
    ],
)
def test_a_wrong_import_breaks_its_contract(copy_of_package: Path, room: str, statement: str, broken: str):
    module = copy_of_package / "cds_service" / room / "wrong_import.py"
    module.write_text(f"{statement}\n", encoding="utf-8")

    linted = lint_imports(copy_of_package)

    assert linted.returncode == 1, linted.stdout
    assert verdicts(linted.stdout)[broken] is False
    assert f"cds_service.{room}.wrong_import" in linted.stdout
