"""How much a test asks: all of it in the gate (``THOROUGH=1``, as ``make coverage`` and ``make test-all`` set it)."""

from __future__ import annotations

import os

THOROUGH = os.environ.get("THOROUGH") == "1"

SHARE = 1 if THOROUGH else 3
"""One of so many examples or cases is enough for ``make test``."""
