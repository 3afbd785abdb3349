"""Settings of all tests: what the service remembers stays in memory, or in a folder that is gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile

from hypothesis import settings


def pytest_configure() -> None:
    # How long an example takes says how busy the machine is.
    settings.register_profile("unhurried", settings.default, deadline=None)
    settings.load_profile("unhurried")
    # For this process; and for programs that tests start without BME_ settings.
    os.environ["BME_STORE_URL"] = "sqlite://"
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="cds-service-tests-")


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)
