"""What the parts of an answer cost by themselves: processor time in this process, each beside its floor."""

from __future__ import annotations

import gc
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import orjson
from bodies import STORY, body, resources, with_clutter
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA384

from cds_service import metrics
from cds_service.cards.content import contents
from cds_service.cards.render import Addressee, render
from cds_service.data import data_path
from cds_service.engine.assess import assess
from cds_service.events import Event, configure_logging, log
from cds_service.fhir.narrative import read_text
from cds_service.fhir.orders import referral
from cds_service.fhir.readers import ReadingRules, read_case
from cds_service.fhir.source import Record, read_record
from cds_service.knowledge.rules import rule_set
from cds_service.model.rule import RuleSet
from cds_service.protocol.call import HookCall, read_call
from cds_service.protocol.client_jwt import Client, Verifier
from cds_service.protocol.discovery import load_services
from cds_service.protocol.jwks import KeyRing
from cds_service.protocol.signing import draft, new_key
from cds_service.protocol.strict_json import parse_json
from cds_service.service import Answer, Ports, answer, issued_cards
from cds_service.settings import Settings
from cds_service.store.store import Store
from cds_service.web.watching import count_answer

RESOURCES = 305
ISSUER, ADDRESS = "https://ehr.example", "https://cds.example/cds-services/bme-result-review"

SERVICE = load_services(data_path("hooks"))["bme-result-review"]
RULES = rule_set()
SETTINGS, PORTS = Settings(card_key="benchmark"), Ports(RULES, lambda: STORY.as_of)
HOW = ReadingRules(RULES, SETTINGS.judgement, SETTINGS.aliases, STORY.as_of)


@dataclass(frozen=True)
class Part:
    """A part of an answer: what it is, on what, and how to do it once."""

    name: str
    work: Callable[[], object]


def call_of(sent: bytes) -> HookCall:
    """Return a request as a call."""
    return read_call(parse_json(sent), SERVICE)


def record_of(call: HookCall) -> Record:
    """Return the record of a call."""
    return read_record(call.prefetch, call.queries(), call.patient_id)


def answered(sent: bytes) -> Answer:
    """Return the answer to a request body, as the service gives it without a store."""
    return answer(call_of(sent), SETTINGS, PORTS)


def parts() -> list[Part]:
    """Return the parts of an answer, on the 10 KB body unless the name says another."""
    small, large = body(10_000), body(200_000)
    many = orjson.dumps(with_clutter(RESOURCES - resources(STORY.request)))
    call, reply = call_of(small), answered(small)
    call_of_many = call_of(many)
    record, record_of_many = record_of(call), record_of(call_of_many)
    reading = read_case(record, HOW, drafts={})
    written = contents(reply.assessment, reply.selection, RULES)
    addressee = Addressee("", "", SERVICE.id, call.patient_id, call.user_id, b"benchmark", "proposal")
    report = next(record.of_type("DiagnosticReport"))["conclusion"]
    return [
        Part("orjson, 200 KB", lambda: orjson.loads(large)),
        Part("the strict JSON gate, 200 KB", lambda: parse_json(large)),
        Part("the strict JSON gate", lambda: parse_json(small)),
        Part("the request, its context checked, without the gate", lambda: read_call(STORY.request, SERVICE)),
        Part("read_record", lambda: record_of(call)),
        Part(f"read_record, {RESOURCES} resources", lambda: record_of(call_of_many)),
        Part("read_case", lambda: read_case(record, HOW, drafts={})),
        Part(f"read_case, {RESOURCES} resources", lambda: read_case(record_of_many, HOW, drafts={})),
        Part(f"of it the text of one report, {len(report)} characters", lambda: read_text(report)),
        Part("assess, all rules, trace kept", lambda: assess(reading.case, RULES)),
        Part("contents of the cards", lambda: contents(reply.assessment, reply.selection, RULES)),
        Part("render", lambda: render(written, {}, [], addressee)),
        Part("of it one order validated by fhir.resources", _one_order),
        Part("the whole answer", lambda: answered(small)),
        Part("the whole answer, 200 KB", lambda: answered(large)),
    ]


def _one_order() -> object:
    return referral(
        "orthopedics",
        urgent=True,
        intent="proposal",
        patient_id="example",
        user_id="Practitioner/1",
        reason_text="a reason",
        reason_code={"system": "http://example.org", "code": "osteonecrosis", "display": "osteonecrosis"},
        evidence=("DiagnosticReport/1", "Observation/1", "Observation/2"),
        note="a note",
    )


@contextmanager
def remembering() -> Iterator[list[Part]]:
    """Give the parts that need a store, on the disk: what is kept of a call, and what a token costs."""
    key = new_key("ES384")
    with TemporaryDirectory() as home:
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            metrics.share(Path(home))
        store = Store(f"sqlite:///{home}/store.sqlite3")
        verifier = Verifier(
            {ISSUER: Client(KeyRing(ISSUER, {str(key.kid): key}, "", None))}, store.seen, time.time, 600
        )
        reply = answered(body(10_000))

        def keep() -> None:
            # Each time as of another call: the same card is written once only.
            cards = [replace(card, card=str(uuid4())) for card in issued_cards(reply, SERVICE, "a version")]
            count_answer(reply, SERVICE)
            store.record(cards)
            log(Event.CALL_ANSWERED, service=SERVICE.id, cards=1, rules=["a-rule", "another"], took_ms=1.5)

        def check() -> None:
            verifier.caller(f"Bearer {draft(key, ISSUER, ADDRESS, time.time()).signed()}", frozenset({ADDRESS}))

        public, private = key.public_key, key.private_key
        words = hashlib.sha384(b"a token").digest()
        how = ec.ECDSA(SHA384())
        signature = private.sign(words, how)
        yield [
            Part("cards recorded, counted and logged", keep),
            Part(
                "one ES384 signature verified by cryptography",
                lambda: public.verify(signature, words, ec.ECDSA(SHA384())),
            ),
            Part("a token signed", lambda: draft(key, ISSUER, ADDRESS, time.time()).signed()),
            Part("a token signed, checked, and remembered", check),
        ]
        store.close()


def measure(rounds: int, part_s: float = 0.15) -> dict[str, float]:
    """Return the milliseconds of each part: the median of several rounds through all of them."""
    configure_logging()
    found: dict[str, list[float]] = {}
    with _output_to_nowhere(), remembering() as more:
        every = [*parts(), *more]
        for part in every:
            part.work()
        gc.collect()
        gc.freeze()
        for _ in range(rounds):
            for part in every:
                found.setdefault(part.name, []).append(_once_ms(part.work, part_s))
    return {name: median(times) for name, times in found.items()}


def _once_ms(work: Callable[[], object], seconds: float) -> float:
    """Return the processor milliseconds of doing something once: all threads of this process, for some time."""
    began, times = time.process_time(), 0
    while (spent := time.process_time() - began) < seconds or times < 3:
        work()
        times += 1
    return spent / times * 1_000


@contextmanager
def _output_to_nowhere() -> Iterator[None]:
    """Send what is logged where a server's output goes in these benchmarks."""
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def growth_of_body(counts: tuple[int, ...], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return (KB, milliseconds) of the answer and its floors, for more and more resources."""
    curves: dict[str, list[tuple[float, float]]] = {"orjson": [], "the strict gate": [], "the answer": []}
    works: tuple[Callable[[bytes], Any], ...] = (orjson.loads, parse_json, answered)
    for count in counts:
        sent = orjson.dumps(with_clutter(count))
        for curve, work in zip(curves.values(), works, strict=True):
            times = [_once_ms(lambda work=work, sent=sent: work(sent), 0.05) for _ in range(rounds)]
            curve.append((len(sent) / 1_000, median(times)))
    return curves


def growth_of_rules(shares: tuple[float, ...], rounds: int) -> list[tuple[float, float]]:
    """Return (rules, milliseconds of ``assess``), for a part of the rules, all, and all of them several times."""
    case = read_case(record_of(call_of(body(10_000))), HOW, drafts={}).case
    points = []
    for share in shares:
        rules = _rules(share)
        assess(case, rules)
        times = [_once_ms(lambda rules=rules: assess(case, rules), 0.05) for _ in range(rounds)]
        points.append((float(len(rules.rules)), median(times)))
    return points


def _rules(share: float) -> RuleSet:
    if share <= 1:
        return replace(RULES, rules=RULES.rules[: round(len(RULES.rules) * share)])
    copies = [replace(rule, id=f"{rule.id}-{n}") for n in range(1, int(share)) for rule in RULES.rules]
    return replace(RULES, rules=(*RULES.rules, *copies))
