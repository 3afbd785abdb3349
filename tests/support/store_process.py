"""A process of its own that uses a store, for the tests that kill one or race several.

``python -m support.store_process keep URL THREADS`` keeps feedback without end and prints the suggestion of each item
once it is acknowledged; ``take URL TOKEN...`` prints which tokens it was the first to see.
"""

from __future__ import annotations

import sys
import time
from threading import Lock, Thread
from uuid import uuid4

from cds_service.store.records import Feedback
from cds_service.store.store import Store

CARD = "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a01"


def keep(store: Store, threads: int) -> None:
    printing = Lock()

    def without_end() -> None:
        while True:
            suggestion = str(uuid4())
            store.keep([Feedback("client", CARD, "accepted", (suggestion,), "", "", "", None)])
            with printing:
                print(suggestion, flush=True)  # noqa: T201  # what the test reads

    running = [Thread(target=without_end) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def take(store: Store, tokens: list[str]) -> None:
    print(*(token for token in tokens if store.seen.take("issuer", token, time.time() + 300)))  # noqa: T201  # as above
    store.close()


if __name__ == "__main__":
    command, url, *rest = sys.argv[1:]
    if command == "keep":
        keep(Store(url), int(rest[0]))
    else:
        take(Store(url), rest)
