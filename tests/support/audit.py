"""``make audit``: known vulnerabilities of what a lock names, by pip-audit.

What nobody could be asked about is told and is never taken for sound: it ends with 75, a vulnerability with 1.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

VULNERABLE = 1
NOT_REACHED = 75
"""Try again later (sysexits.h, EX_TEMPFAIL)."""


def told(packages: list[Any]) -> tuple[list[str], int]:
    """Return lines about the packages of pip-audit's report, and the exit code they come to."""
    found = [
        f"{one['name']} {one['version']}: {known['id']}, mended in {', '.join(known['fix_versions']) or 'no version'}"
        for one in packages
        for known in one.get("vulns", ())
    ]
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    lines = [
        *found,
        f"{len(packages) - len(skipped)} of {len(packages)} packages looked up, {len(found)} vulnerabilities",
    ]
    if skipped or not packages:
        lines.append(
            f"NOT AUDITED: nothing is known of {', '.join(skipped) or 'any package'}; ask where they are known"
        )
    return lines, VULNERABLE if found else NOT_REACHED if skipped or not packages else 0


def main(program: str, lock: str) -> int:
    """Ask, tell, and return the exit code."""
    command = [program, "--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json", "-r", lock]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        sys.stderr.write(f"NOT AUDITED: pip-audit could not be asked, or its service does not answer: {last[0]}\n")
        return NOT_REACHED
    lines, code = told(packages)
    sys.stdout.write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
