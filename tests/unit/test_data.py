from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from cds_service import data

ROOT = Path(__file__).parents[2]


@pytest.fixture
def elsewhere(tmp_path: Path) -> ModuleType:
    """The loader as it stands in another place, with nothing around it."""
    package = tmp_path / "cds_service"
    package.mkdir()
    shutil.copy(data.__file__, package)
    spec = importlib.util.spec_from_file_location("data_elsewhere", package / "data.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("kind", "folder"),
    [("hooks", "hooks"), ("scenarios", "fixtures/scenarios"), ("terminology", "fixtures/terminology")],
)
def test_a_checkout_is_read_where_it_lies(kind: str, folder: str):
    assert data.data_path(kind) == ROOT / folder


def test_an_unknown_kind_is_answered_with_the_known_ones():
    with pytest.raises(FileNotFoundError) as refused:
        data.data_path("hook")

    assert str(refused.value) == "there is no data of the kind 'hook'; known: hooks, scenarios, terminology, changelog"


def test_an_installed_package_reads_what_it_carries(elsewhere: ModuleType, tmp_path: Path):
    carried = tmp_path / "cds_service" / "_data" / "hooks"
    carried.mkdir(parents=True)

    assert elsewhere.data_path("hooks") == carried


def test_missing_data_names_both_places_and_no_path_of_the_machine(elsewhere: ModuleType, tmp_path: Path):
    # Another project's package of that name, beside ours: not a checkout, so not looked at.
    (tmp_path / "hooks").mkdir()

    with pytest.raises(FileNotFoundError) as refused:
        elsewhere.data_path("hooks")

    assert str(refused.value) == (
        "the hooks data is missing: looked for cds_service/_data/hooks in the installed package and "
        "hooks/ in the checkout; install the package again"
    )
