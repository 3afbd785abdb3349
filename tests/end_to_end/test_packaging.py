"""What we hand out works where it is installed: the wheel, the source archive and the checkout itself.

The environments are fresh and filled from the locks alone, so a runtime import of something that only the
tests bring along is found here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

# The environment of whoever runs the tests must not reach the interpreters that are tried.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "VIRTUAL_ENV"))}

SHOW_DATA = """
from cds_service.data import data_path
for kind in ("hooks", "scenarios", "terminology"):
    folder = data_path(kind)
    for file in sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()):
        print(kind, file)
"""

IMPORT_ALL = """
import importlib, pkgutil, cds_service
for module in pkgutil.walk_packages(cds_service.__path__, "cds_service."):
    importlib.import_module(module.name)
print(cds_service.__path__[0])
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command and return what it printed; its whole output is the message when it fails."""
    done = subprocess.run(command, cwd=cwd, env=CLEAN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment in a folder of its own."""

    folder: Path

    def program(self, name: str) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin") / name

    def run(self, *command: str) -> str:
        """Run one of its programs, from a folder where the checkout cannot be imported by accident."""
        return run(self.program(command[0]), *command[1:], cwd=self.folder)

    def install(self, *arguments: str) -> None:
        self.run("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)

    def install_lock(self, name: str) -> None:
        self.install("--require-hashes", "-r", str(ROOT / name))

    def install_ours(self, *what: str) -> None:
        """Install the package with the build backend of the lock, and without what it depends on."""
        self.install_lock("requirements-build.lock")
        self.install("--no-deps", "--no-build-isolation", *what)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=True)
    return Environment(folder)


@dataclass(frozen=True)
class Archives:
    sdist: Path
    wheel: Path
    wheel_from_sdist: Path


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    """Build all there is to build, with the backend that the development lock installed."""
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir")
    direct, staged = tmp_path_factory.mktemp("direct"), tmp_path_factory.mktemp("staged")
    run(*build, direct, "--wheel", ".", cwd=ROOT)
    run(*build, staged, ".", cwd=ROOT)  # the source archive, then a wheel from its content
    (wheel,) = direct.glob("*.whl")
    (wheel_from_sdist,) = staged.glob("*.whl")
    (sdist,) = staged.glob("*.tar.gz")
    return Archives(sdist, wheel, wheel_from_sdist)


def data_in_checkout() -> list[str]:
    """Return the lines that SHOW_DATA should print: each file under version control's eye, by kind."""
    folders = {"hooks": "hooks", "scenarios": "fixtures/scenarios", "terminology": "fixtures/terminology"}
    return [
        f"{kind} {file}"
        for kind, folder in folders.items()
        for file in sorted(p.relative_to(ROOT / folder).as_posix() for p in (ROOT / folder).rglob("*") if p.is_file())
    ]


def content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_runs_on_the_runtime_lock_alone(archives: Archives, environment: Environment):
    environment.install_lock("requirements.lock")
    environment.install("--no-deps", "--no-index", str(archives.wheel))

    imported_from = environment.run("python", "-c", IMPORT_ALL)
    usage = environment.run("cds-service", "--help")

    assert Path(imported_from.strip()).is_relative_to(environment.folder)
    assert "serve" in usage
    assert environment.run("python", "-c", SHOW_DATA).splitlines() == data_in_checkout()


def test_the_source_archive_installs_with_all_its_data(archives: Archives, environment: Environment):
    environment.install_ours(str(archives.sdist))

    assert environment.run("python", "-c", SHOW_DATA).splitlines() == data_in_checkout()


def test_an_editable_install_reads_the_data_of_the_checkout(environment: Environment):
    environment.install_ours("--editable", str(ROOT))

    where = environment.run("python", "-c", "from cds_service.data import data_path; print(data_path('hooks'))")

    assert Path(where.strip()) == ROOT / "hooks"
    assert environment.run("python", "-c", SHOW_DATA).splitlines() == data_in_checkout()


def test_the_source_archive_builds_the_wheel_that_the_checkout_builds(archives: Archives):
    assert content(archives.wheel_from_sdist) == content(archives.wheel)


def test_the_wheel_is_the_same_byte_for_byte_wherever_and_whenever_it_is_built(archives: Archives, tmp_path: Path):
    with tarfile.open(archives.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    for file in source.rglob("*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))

    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path / "again", source, cwd=source)

    (again,) = (tmp_path / "again").glob("*.whl")
    assert again.read_bytes() == archives.wheel.read_bytes()


def test_the_wheel_has_one_importable_name(archives: Archives):
    top_level = {name.partition("/")[0] for name in content(archives.wheel)}

    assert top_level == {"cds_service", "bme_cds_service-0.1.0.dist-info"}


@pytest.mark.parametrize("name", ["LICENSE", "NOTICE"])
def test_the_wheel_carries_the_licence_and_the_notices(archives: Archives, name: str):
    in_wheel = content(archives.wheel)

    assert in_wheel[f"bme_cds_service-0.1.0.dist-info/licenses/{name}"] == (ROOT / name).read_bytes()
    assert f"License-File: {name}" in in_wheel["bme_cds_service-0.1.0.dist-info/METADATA"].decode().splitlines()


def test_the_wheel_carries_the_change_log_that_is_laid_open(archives: Archives):
    in_wheel = content(archives.wheel)

    assert in_wheel["cds_service/_data/changelog/CHANGELOG.md"] == (ROOT / "CHANGELOG.md").read_bytes()


def test_the_wheel_carries_what_the_evidence_page_is_made_of(archives: Archives):
    in_wheel = content(archives.wheel)
    parts = [*ROOT.glob("cds_service/smart/templates/*"), *ROOT.glob("cds_service/smart/static/*")]

    assert len(parts) == 5
    assert [one.name for one in parts if in_wheel.get(str(one.relative_to(ROOT))) != one.read_bytes()] == []


def test_the_source_archive_holds_what_a_packager_needs(archives: Archives):
    with tarfile.open(archives.sdist) as archive:
        top_level = {name.split("/")[1] for name in archive.getnames()}

    needed = {"CHANGELOG.md", "LICENSE", "NOTICE", "Makefile", "README.md", "docs", "pyproject.toml", "tests"}
    locks = {"requirements.lock", "requirements-build.lock", "requirements-dev.lock"}
    assert needed | locks <= top_level
    assert ".venv" not in top_level
