"""Ask the running service for what its contract promises: ``python -m support.contract SCHEMATHESIS SECONDS``.

Two of schemathesis' checks do not apply. The service takes more than the contract asks of a client (real ones send
null, objects for lists, and worse), and it refuses what no schema can tell: an answer of 412 when nothing was sent.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from support.service_process import service_process

NOT_ASKED = "negative_data_rejection,positive_data_acceptance"
SLOWEST_S = 2


def main(program: str, seconds: str) -> int:
    """Return 0 when nothing was found."""
    with tempfile.TemporaryDirectory() as home, service_process(Path(home), auth="off", admin_token="") as service:
        limits = ["--max-time", seconds, "--max-response-time", str(SLOWEST_S), "--exclude-checks", NOT_ASKED]
        quiet = ["--output-truncate=true", "--no-color"]
        command = [program, "run", f"{service.url}/openapi.json", *limits, *quiet]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
