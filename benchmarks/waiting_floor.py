"""What waiting for an EHR costs at least: one read over a kept connection for each call, and a fixed answer."""

from __future__ import annotations

import os

import orjson
from floors import HELLO, application
from urllib3 import PoolManager

_POOL = PoolManager(num_pools=1, maxsize=64)


def _answer(_body: bytes) -> bytes:
    orjson.loads(_POOL.request("GET", os.environ["BENCH_READ"]).data)
    return HELLO


waiting = application(_answer)
