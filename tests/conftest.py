"""What the service remembers during tests stays in memory, or in a folder that is gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile


def pytest_configure() -> None:
    # For this process; and for programs that tests start without BME_ settings.
    os.environ["BME_STORE_URL"] = "sqlite://"
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="cds-service-tests-")


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)
