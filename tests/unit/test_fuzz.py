"""The targets of the fuzzer, for a little while and without looking for new paths."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fuzz import TARGETS


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.binary(max_size=300))
def test_nothing_that_comes_in_breaks_a_promise(target: str, data: bytes):
    TARGETS[target](data)
