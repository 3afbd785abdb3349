"""What must hold whatever comes in: for Hypothesis in the test suite, and for atheris, which looks for new paths.

A target takes bytes and makes its choices from them: which example request, what of it is damaged and how, or which
words a report is made of. It raises when a promise is broken: an exception escapes, an answer breaks a rule of CDS
Hooks, or a quote is not where it says it is.

``make fuzz`` runs every target for ``FUZZ_S`` seconds (``support.fuzzing``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson

from cds_service.data import data_path
from cds_service.errors import CdsServiceError
from cds_service.fhir.narrative import read_text
from cds_service.knowledge.facts import FACTS
from cds_service.knowledge.rules import rule_set
from cds_service.model.finding import State
from cds_service.protocol.call import read_call
from cds_service.protocol.discovery import load_services
from cds_service.protocol.strict_json import parse_json
from cds_service.scenarios import Scenario, load_scenarios
from cds_service.service import Ports, answer
from cds_service.settings import Settings

Json = Any


@dataclass
class Choices:
    """Choices made from bytes; when they run out, the first of everything."""

    data: bytes
    at: int = 0

    def below(self, limit: int) -> int:
        taken = self.data[self.at : self.at + 2]
        self.at += 2
        return int.from_bytes(taken, "big") % limit if limit > 1 else 0

    def of(self, options: Any) -> Any:
        return options[self.below(len(options))]


# A damaged request


@cache
def scenarios() -> list[Scenario]:
    return list(load_scenarios(data_path("scenarios")))


@cache
def _services() -> Mapping[str, Any]:
    return load_services(data_path("hooks"))


ODD: tuple[Json, ...] = (
    None,
    "",
    [],
    {},
    0,
    -1,
    True,
    1e300,
    "x" * 3000,
    "\x00\x1b[31m\u202e\ufeff",
    "<img src=x onerror=alert(1)> [a](javascript:b) **c** `d` | e\n# f",
    "2026-02-30",
    "0000-00-00",
    "9999-12-31T23:59:59Z",
    "#",
    "Patient/somebody-else",
    {"reference": "#x"},
    {"coding": [{}]},
    {"value": "1e999", "unit": "mm"},
    [[[]]],
    [None],
)


def damaged(request: Json, choices: Choices) -> Json:
    """Return a request in which something else stands at up to eight places."""
    request = deepcopy(request)
    for _ in range(1 + choices.below(8)):
        places = list(_places(request["prefetch"])) + list(_places(request["context"]))
        if not places:
            break
        holder, key = choices.of(places)
        match choices.below(5):
            case 0:
                del holder[key]
            case 1:
                holder[key] = [holder[key]]
            case 2:
                holder[key] = deepcopy(choices.of(places)[0])
            case 3 if isinstance(holder[key], str) and holder[key]:
                cut = choices.below(len(holder[key]))
                holder[key] = holder[key][cut:] + holder[key][:cut]
            case _:
                holder[key] = deepcopy(choices.of(ODD))
    return request


def _places(value: Json, deep: int = 0) -> Iterator[tuple[Json, Any]]:
    if deep > 30:
        return
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield value, key
        yield from _places(inner, deep + 1)


def record(data: bytes) -> None:
    """Answer a damaged request: cards that keep the rules of CDS Hooks, or a refusal with a reason."""
    from tests.conformance.response_rules import check_response

    choices = Choices(data)
    scenario = choices.of(scenarios())
    request = damaged(scenario.request, choices)
    service = _services()[f"bme-{request['hook']}"]
    found, status = None, 200
    try:
        call = read_call(parse_json(orjson.dumps(request)), service)
        found = answer(call, Settings(card_key="fuzz"), Ports(rule_set(), lambda: scenario.as_of))
    except CdsServiceError as refused:
        status = refused.status
    assert status in (200, 400, 412), status
    if found is None:
        return
    body = orjson.loads(orjson.dumps({"cards": found.cards}))
    faults = check_response(body, context=request["context"])
    assert faults == [], faults
    urgent = {card["indicator"] for card in body["cards"]} & {"critical"}
    assert not urgent or found.assessment.tier.name in ("URGENT", "EMERGENT")


# A report made of words


WORDS = (
    *"""bone marrow edema
oedema
erosions
no
without
no evidence of
cannot be excluded
cannot exclude
osteomyelitis
and
or
nor
but
however
left
right
both
bilateral
sacroiliac joint
femoral head
femoral neck
medial femoral condyle
knee
foot
12 mm
1,2 cm
8-12 mm
about
up to
>
deep
extends
from the articular surface
T1
hypointense
low
signal
unchanged
new
no new
resolved
increased
decreased
since
2 weeks ago
rim sign
double line
joint effusion
synovitis
suspicious for
suggestive of
consistent with
possible
versus
?
.
,
;
:
(
)
FINDINGS:
IMPRESSION:
INDICATION:
HISTORY:
TECHNIQUE:
COMPARISON:
STIR
normal
marrow
diffuse
the
of
is
are
in
with
history of
1.
2)
-
*""".splitlines(),
    "\n",
    "\n\n",
    "\u2022",
    "\x00",
    "\ud800",
)


def report(data: bytes) -> None:
    """Read a text made of report words and of any characters: values of the right kind, quotes where they stand."""
    choices = Choices(data)
    parts = [choices.of(WORDS) if choices.below(12) else chr(choices.below(0x10000)) for _ in range(choices.below(120))]
    said = " ".join(parts)
    for one in read_text(said, default_site=choices.of((None, "si_joint", "hip", "foot_ankle"))).statements:
        fact = FACTS[one.fact]
        assert 0 <= one.start <= one.end <= len(said)
        assert len(one.quote) == one.end - one.start
        assert not fact.choices or one.value in fact.choices or one.value is State.INDETERMINATE


# Bytes for a body


def body(data: bytes) -> None:
    """Send bytes as a body, or an example with some bytes changed: an answer or a refusal, never a failure."""
    choices = Choices(data)
    sent = bytearray(orjson.dumps(choices.of(scenarios()).request))
    for _ in range(choices.below(6)):
        sent[choices.below(len(sent))] = choices.below(256)
    hook = choices.of(("result-review", "order-sign", "order-select", "patient-view"))
    posted = data if choices.below(4) == 0 else bytes(sent)
    reply = _client().post(f"/cds-services/bme-{hook}", data=posted, content_type="application/json")
    assert reply.status_code in (200, 400, 412), reply.status_code


@cache
def _client() -> Any:
    from cds_service.web import create_app

    return create_app(Settings(card_key="fuzz")).test_client()


TARGETS: Mapping[str, Callable[[bytes], None]] = {"record": record, "report": report, "body": body}
