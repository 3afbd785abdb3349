"""One target of ``support.fuzz`` under atheris: ``python -m support.fuzzing TARGET``, then libFuzzer's options."""

from __future__ import annotations

import sys

import atheris

# What is imported in here is watched for new paths.
with atheris.instrument_imports(include=["cds_service"], enable_loader_override=False):
    from support.fuzz import TARGETS

if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()
