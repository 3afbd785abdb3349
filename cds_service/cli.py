"""``cds-service``: serve, demo, try, explain, read, assess, rules, terminology, export, check, config, doctor, jwt."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import orjson
import typer
from pydantic import ValidationError

from cds_service import metrics
from cds_service.data import data_path
from cds_service.errors import CdsServiceError, ConfigurationError
from cds_service.events import Event, log
from cds_service.fhir.readers import ReadingRules
from cds_service.knowledge.codes.sites import SIDES, Place
from cds_service.knowledge.rules import rule_set
from cds_service.protocol.discovery import load_services
from cds_service.protocol.jwks import Key
from cds_service.protocol.profiles import ProfileName
from cds_service.protocol.signing import BAD, draft, keep_key, new_key, public_keys, read_private_key
from cds_service.protocol.strict_json import parse_json
from cds_service.reading import UnreadableFile, read_file
from cds_service.reading import as_json as as_read
from cds_service.scenarios import load_scenarios
from cds_service.service import (
    Answer,
    Responses,
    answer_on,
    no_responses,
    real_ports,
    rules_version,
    site_services,
)
from cds_service.settings import Settings, misspelt, mistakes, schema, shown
from cds_service.vignettes import UnreadableVignette, assess_vignette, misses, not_covered, read_vignette

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    help="Decision support for bone marrow edema on MRI, over CDS Hooks.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals could hold a patient's record
)

jwt_app = typer.Typer(help="Be a CDS client: make a key, sign tokens, good and bad, to test a setup with.")
app.add_typer(jwt_app, name="jwt", no_args_is_help=True)

config_app = typer.Typer(help="What the service is set up with.")
app.add_typer(config_app, name="config", no_args_is_help=True)

RequestFile = Annotated[Path, typer.Argument(help="A CDS Hooks request as JSON.", exists=True, dir_okay=False)]
Today = Annotated[str, typer.Option("--today", help="Answer as on this day (YYYY-MM-DD).")]

EXIT_MISMATCH = 1
EXIT_USAGE = 2


class Engine(StrEnum):
    """Where a replay is decided."""

    LOCAL = "local"
    SPARK = "spark"


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    profile: Annotated[ProfileName | None, typer.Option(help="What kind of client calls.")] = None,
) -> None:
    """Serve CDS Hooks with gunicorn. Settings come from the environment (BME_...)."""
    gc.disable()  # until all is loaded: next to nothing of it is garbage, and to look takes a tenth of the start
    from cds_service.web import create_app  # noqa: PLC0415  # deferred: slow import
    from cds_service.web.server import serve as run  # noqa: PLC0415  # deferred: slow import

    given = {name: value for name, value in (("host", host), ("port", port), ("profile", profile)) if value is not None}
    settings = _settings(**given)
    with TemporaryDirectory(prefix="cds-service-metrics-") as folder:
        metrics.share(Path(folder))
        try:
            application = create_app(settings)
        except ConfigurationError as error:
            _fail(error.message)
        log(Event.STARTED, host=settings.host, port=settings.port, workers=settings.workers)
        run(application, settings)


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port of the service; 0 for a free one.")] = 8321,
    ehr_port: Annotated[int, typer.Option(help="Port of the record; 0 for a free one.")] = 8322,
    stay: Annotated[bool, typer.Option(help="Leave both running, until Ctrl-C.")] = True,
    cards: Annotated[bool, typer.Option(help="Send every example patient first, and print the cards.")] = False,
    open_fhir: Annotated[bool, typer.Option(help="Let the record's FHIR server be read without a token.")] = False,
) -> None:
    """Start the service beside a small health record with example patients, on this machine, to try in a browser."""
    from cds_service.demo.run import run  # noqa: PLC0415  # deferred: only this command needs it

    raise typer.Exit(run(port, ehr_port, stay=stay, cards=cards, open_reading=open_fhir))


@app.command("try")
def try_request(
    request: RequestFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print the response as JSON.")] = False,
    today: Today = "",
) -> None:
    """Answer one request here and print its cards as a person would see them."""
    found = _answer(request, today)
    if as_json:
        typer.echo(orjson.dumps(found.response, option=orjson.OPT_INDENT_2).decode())
    else:
        from cds_service.show import cards_panel  # noqa: PLC0415  # deferred: slow import

        _console().print(cards_panel(found.cards))


@app.command()
def explain(
    request: RequestFile,
    today: Today = "",
    *,
    remembered: Annotated[
        bool, typer.Option(help="Ask the store which cards are silent (BME_STORE_URL and BME_CARD_KEY as served).")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write the evidence page of the SMART app to this file instead.", dir_okay=False)
    ] = None,
) -> None:
    """Print why each rule did or did not fire, with what was read and where."""
    found = _answer(request, today, remembered=remembered)
    if html is None:
        from cds_service.show import trace_tree  # noqa: PLC0415  # deferred: slow import

        _console().print(trace_tree(found, rule_set()))
        return
    from cds_service.smart.page import evidence_page  # noqa: PLC0415  # deferred: only this option needs it

    settings = _settings()
    now = datetime.now().astimezone()
    as_of = datetime.combine(date.fromisoformat(today), now.timetz()) if today else now
    ports = real_ports(settings)
    page = evidence_page(found, ports.rules, rules_version(settings, ports), as_of=as_of)
    html.write_text(page, encoding="utf-8")


@app.command()
def read(
    files: Annotated[list[str], typer.Argument(help="Texts of reports (.txt), or FHIR resources or Bundles (.json).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON for each file.")] = False,
    site: Annotated[str | None, typer.Option(help="Where the study of a text was, such as si_joint.")] = None,
    side: Annotated[str | None, typer.Option(help="Its side: left, right or both.")] = None,
) -> None:
    """Print what is read in reports: each finding with the words it was read in, and what became of each report.

    Exits with 2 when a file cannot be read; the others still are.
    """
    from cds_service.show import reading_panel  # noqa: PLC0415  # deferred: slow import

    found = rule_set()
    for name, given, known in (("--site", site, found.sites.group_of), ("--side", side, SIDES)):
        if given is not None and given not in known:
            _fail(f"{name} is none that is known; known: {', '.join(sorted(known))}")
    settings = _settings()
    today = date.today()  # noqa: DTZ011  # the local day, as a person means it
    how = ReadingRules(found, settings.judgement, settings.aliases, today)
    failed = False
    for file in files:
        try:
            reading = read_file(Path(file), how, Place(site, side))
        except UnreadableFile as error:
            failed = True
            _console(error=True).print(f"{file}: {error}", style="red", markup=False, soft_wrap=True)
            continue
        result = as_read(file, reading, found.facts)
        if as_json:
            typer.echo(orjson.dumps(result).decode())
        else:
            _console().print(reading_panel(result, reading.reports))
    if failed:
        raise typer.Exit(EXIT_USAGE)


@app.command()
def assess(
    vignettes: Annotated[Path, typer.Argument(help="Cases, one JSON object a line.", exists=True, dir_okay=False)],
) -> None:
    """Assess clinical cases: one assessment a line on standard output, agreement on standard error.

    Exits with 1 when a case that the rules cover misses what it expects strictly.
    """
    rules, today = rule_set(), date.today()  # noqa: DTZ011  # the local day, as a person means it
    errors = _console(error=True)
    agreed = missed = uncovered = 0
    for number, line in enumerate(_lines(vignettes), start=1):
        try:
            vignette = read_vignette(orjson.loads(line), rules)
        except (orjson.JSONDecodeError, UnreadableVignette) as error:
            _fail(f"line {number} is not a vignette: {error}")
        result = assess_vignette(vignette, rules, today)
        typer.echo(orjson.dumps(result).decode())
        if not vignette.strict:
            continue
        absent = not_covered(vignette, rules)
        if absent:
            uncovered += 1
            errors.print(f"{vignette.id}: not yet covered ({', '.join(absent)})", style="yellow")
        elif differing := misses(result, vignette):
            missed += 1
            errors.print(f"{vignette.id}: differs in {', '.join(differing)}", style="red")
        else:
            agreed += 1
    errors.print(f"{agreed} agree, {missed} differ, {uncovered} not yet covered")
    if missed:
        raise typer.Exit(EXIT_MISMATCH)


@app.command()
def rules() -> None:
    """Print all rules, settings and the coverage of the 58 statements as Markdown (docs/rules.md)."""
    from cds_service.rulebook import fires_in, rulebook  # noqa: PLC0415  # deferred: only this command needs it

    settings, found = _settings(), rule_set()
    services = load_services(data_path("hooks"))
    assessed = [
        (one.name, answer_on(one.as_of, one.request, services[f"bme-{one.request['hook']}"], settings).assessment)
        for one in load_scenarios(data_path("scenarios"))
    ]
    typer.echo(rulebook(found, fires_in(assessed)), nl=False)


@app.command("openapi")
def print_contract() -> None:
    """Print the interface of the service, as it is set up, as OpenAPI 3.1 (docs/openapi.json)."""
    from cds_service.web.openapi import openapi  # noqa: PLC0415  # deferred: only this command needs it

    settings = _settings()
    found = openapi(settings, site_services(settings), load_scenarios(data_path("scenarios")))
    typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


@app.command()
def replay(
    export: Annotated[Path, typer.Argument(help="Folder of a FHIR Bulk Data export (NDJSON, plain or gzip).")],
    out: Annotated[Path, typer.Option(help="Folder for the results, which are pseudonymous patient data.")],
    *,
    engine: Annotated[Engine, typer.Option(help="This machine, or Spark.")] = Engine.LOCAL,
    master: Annotated[str, typer.Option(help="Spark's master URL.")] = "local[*]",
    processes: Annotated[int, typer.Option(help="Worker processes of the local engine.", min=1)] = os.cpu_count() or 1,
    sample: Annotated[int, typer.Option(help="Firings of each rule in the worksheet.", min=0)] = 30,
    with_key: Annotated[bool, typer.Option(help="Also write who the sample is about (identifies patients).")] = False,
) -> None:
    """Replay a bulk export: what would have fired, as if each report had been opened and each order signed.

    A replay that was stopped goes on where it was.
    """
    from rich import progress  # noqa: PLC0415  # deferred: slow import

    from cds_service.replay.replay import Wish  # noqa: PLC0415  # deferred: only this command needs it
    from cds_service.replay.replay import replay as run  # noqa: PLC0415  # as above

    wish = Wish(export, out, engine.value, master, processes, sample, with_key)
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(show_speed=True),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=_console(error=True)) as bar:
        tasks: dict[str, progress.TaskID] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], advance=done, total=total)

        try:
            figures = run(wish, _settings(), tell)
        except ConfigurationError as error:
            _fail(error.message)
        except OSError as error:
            _fail(f"{error.strerror or type(error).__name__}; what is done is kept: run it again")
    _console().print(f"{sum(figures.evaluations.values())} evaluations; see {out}", markup=False)


@app.command()
def judged(
    worksheet: Annotated[
        Path, typer.Argument(help="The worksheet of a replay, filled in.", exists=True, dir_okay=False)
    ],
) -> None:
    """Print how often each rule was right, from a worksheet whose column `correct` holds yes, no or unsure."""
    from rich.table import Table  # noqa: PLC0415  # deferred: slow import

    from cds_service.replay import review  # noqa: PLC0415  # deferred: only this command needs it

    try:
        found = review.judged(worksheet)
    except review.UnreadableWorksheet as error:
        _fail(f"{worksheet}: {error}")
    table = Table("rule", "right", "of", "share", "95 % interval", "unsure", "open")
    for one in found:
        share = one.value
        interval = f"{share.low:.2f} to {share.high:.2f}"
        words = (
            one.rule,
            share.count,
            share.of,
            f"{share.value:.2f}" if share.of else "-",
            interval,
            one.unsure,
            one.left_open,
        )
        table.add_row(*map(str, words))
    _console().print(table)


@app.command()
def terminology(
    out: Annotated[Path, typer.Option(help="Folder to write to; it is made if it is not there.", file_okay=False)],
) -> None:
    """Write the code tables as FHIR R4: our CodeSystem, and a ValueSet for each thing that codes can say."""
    from cds_service.fhir.terminology import file_name, resources, written_form  # noqa: PLC0415  # deferred: slow import

    out.mkdir(parents=True, exist_ok=True)
    found = resources()
    for resource in found:
        (out / file_name(resource)).write_bytes(written_form(resource))
    _console().print(f"{len(found)} resources written")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; it is made if it is not there.", file_okay=False)],
) -> None:
    """Write the rules as FHIR R4, with their codes, their evidence, what they advise, and what they read."""
    from importlib.metadata import version  # noqa: PLC0415  # deferred, like what follows

    from cds_service.fhir.terminology import file_name, written_form  # noqa: PLC0415  # deferred: slow import
    from cds_service.smart.export import export as exported  # noqa: PLC0415  # deferred: slow import
    from cds_service.smart.transparency import changelog, transparency  # noqa: PLC0415  # deferred: slow import

    settings = _settings()
    ports = real_ports(settings)
    laid_open = transparency(
        ports.rules, settings.judgement, rules_version(settings, ports), version("bme-cds-service"), changelog()
    )
    found = exported(ports.rules, laid_open, site_services(settings).values(), ports.today())
    folder.mkdir(parents=True, exist_ok=True)
    for resource in found:
        (folder / file_name(resource)).write_bytes(written_form(resource))
    _console().print(f"{len(found)} resources written")


@app.command()
def check() -> None:
    """Check hooks, rules, codes and scenarios; exits with 1 and names everything that is wrong."""
    from cds_service.lint import problems  # noqa: PLC0415  # deferred: slow import

    found = list(problems(_settings()))
    for problem in found:
        _console(error=True).print(problem, style="red", markup=False)
    if found:
        raise typer.Exit(EXIT_MISMATCH)
    _console().print("hooks, rules, codes and scenarios are in order")


@app.command()
def doctor(
    url: Annotated[str, typer.Argument(help="Address that the EHR is given, before /cds-services.")],
    *,
    fhir: Annotated[str, typer.Option(help="Base address of the EHR's FHIR server.")] = "",
    patient: Annotated[str, typer.Option(help="Id of a test patient there; without one no query is tried.")] = "",
    token: Annotated[
        str, typer.Option(envvar="FHIR_TOKEN", help="Access token for the FHIR server; better given as FHIR_TOKEN.")
    ] = "",
) -> None:
    """Walk the connection to an EHR step by step, with the settings of the environment, and say what to mend.

    Exits with 1 when anything is to be mended.
    """
    from cds_service.web.doctor import Patient, walk  # noqa: PLC0415  # deferred: slow import

    settings = _settings()
    try:
        services = site_services(settings)
    except ConfigurationError as error:
        _fail(error.message)
    to_mend = 0
    for step in walk(url, settings, services, Patient(fhir, patient, token) if fhir else None):
        to_mend += bool(step.mend)
        typer.echo(f"{'MEND' if step.mend else 'ok  '}  {step.name}: {step.found}")
        if step.mend:
            typer.echo(f"      -> {step.mend}")
    typer.echo(f"{to_mend} to mend" if to_mend else "nothing to mend")
    if to_mend:
        raise typer.Exit(EXIT_MISMATCH)


@config_app.command("show")
def show_settings() -> None:
    """Print every setting with its value, and whether it was set. No secret, key or database is printed."""
    for variable, (value, was_set) in shown(_settings()).items():
        typer.echo(f"{variable}={orjson.dumps(value).decode()}{'' if was_set else '  (default)'}")


@config_app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of the settings, by variable."""
    typer.echo(orjson.dumps(schema(), option=orjson.OPT_INDENT_2).decode())


class Algorithm(StrEnum):
    """What keys can be made for: the two that CDS Hooks recommends."""

    ES384 = "ES384"
    RS384 = "RS384"


@jwt_app.command("key")
def make_key(
    file: Annotated[Path, typer.Argument(help="Where the private key is kept, or will be.", dir_okay=False)],
    algorithm: Annotated[Algorithm, typer.Option("--alg", help="What a new key is for.")] = Algorithm.ES384,
) -> None:
    """Print the key set (JWKS) of a private key, for `keys` in BME_CLIENTS; the key is made if it is not there."""
    if not file.exists():
        try:
            keep_key(new_key(algorithm), file)
        except OSError as error:
            _fail(f"the key cannot be written: {error.strerror}")
    typer.echo(orjson.dumps(public_keys(_private_key(file))).decode())


@jwt_app.command("token")
def make_token(
    address: Annotated[str, typer.Argument(help="The address to be called, such as https://.../cds-services/ID.")],
    *,
    key: Annotated[Path, typer.Option(help="The private key, as `jwt key` keeps it.", exists=True, dir_okay=False)],
    issuer: Annotated[str, typer.Option(help="Who signs, as named in BME_CLIENTS.")],
    jku: Annotated[str, typer.Option(help="Address of the key set, to be named in the token.")] = "",
    tenant: Annotated[str, typer.Option(help="Tenant to be named in the token.")] = "",
    bad: Annotated[str, typer.Option(help=f"Make a bad one instead: {', '.join(BAD)}.", metavar="KIND")] = "",
) -> None:
    """Print a token for one call to one address, valid for five minutes. Sent twice, it is refused the second time.

    For a bad one, standard error says which reason (jwt_failure) the log of the service will give.
    """
    good = draft(_private_key(key), issuer, address, time.time(), jku=jku, tenant=tenant)
    if not bad:
        typer.echo(good.signed())
    elif bad in BAD:
        why, make = BAD[bad]
        typer.echo(make(good))
        _console(error=True).print(f"expect 401, and in the log: {why}", markup=False)
    else:
        _fail(f"--bad is none that is known; known: {', '.join(BAD)}")


def _private_key(file: Path) -> Key:
    try:
        return read_private_key(file.read_bytes())
    except (OSError, ValueError):
        _fail(f"{file} holds no private key that `cds-service jwt key` made")


def _settings(**given: Any) -> Settings:
    settings, wrong = None, list(misspelt(os.environ))
    try:
        settings = Settings(**given)
    except ValidationError as error:
        wrong += mistakes(error)
    if settings is None or wrong:
        _fail("the settings cannot be used:\n  " + "\n  ".join(wrong))
    return settings


def _answer(request: Path, today: str, *, remembered: bool = False) -> Answer:
    """Answer a request file in this process, with the hooks that travel with the package."""
    settings = _settings()
    services = site_services(settings)
    try:
        day = date.fromisoformat(today) if today else date.today()  # noqa: DTZ011  # the local day, as a person means it
    except ValueError:
        _fail("--today is not a day; write YYYY-MM-DD")
    try:
        value = parse_json(request.read_bytes())
        hook = value.get("hook") if isinstance(value, dict) else None
        service = next((one for one in services.values() if one.hook == hook), next(iter(services.values())))
        return answer_on(day, value, service, settings, _remembered(settings) if remembered else no_responses)
    except CdsServiceError as error:
        _fail(error.message)


def _remembered(settings: Settings) -> Responses:
    from cds_service.store.store import Store  # noqa: PLC0415  # deferred: slow import

    return Store(settings.store_url.get_secret_value()).responses


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from (line for line in file if line.strip())


def _console(*, error: bool = False) -> Console:
    from cds_service.show import console  # noqa: PLC0415  # deferred: slow import, and what serves prints nothing

    return console(error=error)


def _fail(message: str) -> NoReturn:
    _console(error=True).print(message, style="red", markup=False)
    raise typer.Exit(EXIT_USAGE)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
