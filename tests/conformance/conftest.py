"""The running service that the conformance tests talk to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.serving import serving


@contextmanager
def running(**settings: Any) -> Iterator[str]:
    """Run the service on a free port of this machine; yields its address."""
    # deferred: the checker is tested without the service
    from cds_service.settings import Settings
    from cds_service.web import create_app

    with serving(create_app(Settings(**settings))) as url:
        yield url


@pytest.fixture(scope="session")
def service_url() -> Iterator[str]:
    """The address of the service with its default settings, except that no test silences the cards of another."""
    with running(judgement={"silence_days": 0}) as url:
        yield url


@pytest.fixture
def run_service() -> Callable[..., Any]:
    """Start the service with settings of the test's own: ``with run_service(host=...) as url``."""
    return running
