"""The story of one replay: plan it, let an engine decide, write what came of it, and clear the work away."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cds_service.errors import ConfigurationError
from cds_service.replay.export import pieces
from cds_service.replay.figures import Figures
from cds_service.replay.local import Job, Progress, partitions_for
from cds_service.replay.local import run as run_local
from cds_service.replay.patient import site_of
from cds_service.replay.report import About, report
from cds_service.replay.results import KEY, REPORT, WORKSHEET, needs, write_evaluations
from cds_service.replay.work import Work, written
from cds_service.service import rules_version
from cds_service.settings import Settings


@dataclass(frozen=True)
class Wish:
    """What to replay and how.

    Attributes:
        export: folder of the export.
        out: folder for the results; it is made if it is not there.
        engine: ``local`` or ``spark``.
        master: Spark's master URL.
        processes: worker processes of the local engine.
        sample: firings of each rule in the worksheet.
        with_key: whether to write who the sample is about.
    """

    export: Path
    out: Path
    engine: str = "local"
    master: str = "local[*]"
    processes: int = 1
    sample: int = 30
    with_key: bool = False


def replay(wish: Wish, settings: Settings, progress: Progress) -> Figures:
    """Replay an export and write the results; a replay that was stopped goes on where it was.

    Raises:
        ConfigurationError: nothing to read, an extra is missing, or ``out`` holds another replay's work.
        OSError: a file cannot be read or written; what is done is kept.
    """
    for extra in ("replay", "spark") if wish.engine == "spark" else ("replay",):
        needs({"replay": "pyarrow", "spark": "pyspark"}[extra], extra)
    found = pieces(wish.export)
    work = Work(wish.out / "work")
    if work.folder.resolve().is_relative_to(wish.export.resolve()):
        raise ConfigurationError("--out lies in the folder of the export; give another")
    wish.out.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = _key(settings)
    site = site_of(settings, key)
    rules = rules_version(settings, site.ports)
    plan = work.begin(
        {
            "files": [[piece.file, piece.start, piece.end] for piece in found],
            "changed": [(wish.export / name).stat().st_mtime_ns for name in sorted({piece.file for piece in found})],
            "rules": rules,
            "settings": _fingerprint(settings),
            "key": key.hex(),
        }
    )
    site = replace(site, key=bytes.fromhex(plan["key"]))
    job = Job(wish.export, found, work, partitions_for(found), site)
    results = write_evaluations(wish.out, _engine(wish, job, progress), wish.sample)
    with written(wish.out / REPORT) as file:
        labels = {name: fact.label for name, fact in site.ports.rules.facts.items()}
        file.write(report(results.figures, About(version("bme-cds-service"), rules), labels).encode())
    with written(wish.out / WORKSHEET) as file:
        file.write(results.sample.worksheet().encode())
    if wish.with_key:
        with written(wish.out / KEY) as file:
            file.write(results.sample.key().encode())
    shutil.rmtree(work.folder)
    return results.figures


def _engine(wish: Wish, job: Job, progress: Progress) -> Iterator[dict[str, Any]]:
    if wish.engine == "local":
        return run_local(job, wish.processes, progress)
    from cds_service.replay.spark import run as run_spark  # noqa: PLC0415  # deferred: an extra

    return run_spark(job, wish.master, progress)


def _key(settings: Settings) -> bytes:
    """Return the key of the pseudonyms: from BME_CARD_KEY where a site has set it, else a new one each time."""
    if "card_key" not in settings.model_fields_set:
        return secrets.token_bytes(32)
    return blake2b(settings.secret, digest_size=32, person=b"replay").digest()


def _fingerprint(settings: Settings) -> str:
    """Return what the settings that decide come to: other ones make another replay."""
    decides = settings.model_dump_json(include={"judgement", "code_aliases", "hooks_folder", "referral_codes"})
    return blake2b(decides.encode(), digest_size=16).hexdigest()
