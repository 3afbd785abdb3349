from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.data import data_path
from cds_service.errors import BadRequest, CdsServiceError, ConfigurationError, UnknownService, WrongHook
from cds_service.protocol.authorization import Authorization, read_authorization
from cds_service.protocol.call import HookCall, read_call
from cds_service.protocol.discovery import discovery, load_services
from cds_service.protocol.feedback import OTHER_REASON, FeedbackItem, FeedbackRead, read_feedback
from cds_service.protocol.outcome import operation_outcome
from cds_service.protocol.strict_json import DEEPEST, parse_json

Json = Any

SERVICES = load_services(data_path("hooks"))
SIGN = SERVICES["bme-order-sign"]
CANARY = "canary-5b1f"


def refused(error: pytest.ExceptionInfo[CdsServiceError]) -> tuple[str, str]:
    return error.value.at, error.value.message


# -------------------------------------------------------------------------------------------------- JSON


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(b'{"a": [1, "\xc3\xa9", null]}', {"a": [1, "é", None]}, id="an object"),
        pytest.param(b" 7 ", 7, id="a number"),
        pytest.param(b'"{[{["', "{[{[", id="brackets in a text"),
        pytest.param(rb'"\"{\\"', '"{\\', id="escapes in a text"),
    ],
)
def test_json_is_read(body: bytes, value: Json):
    assert parse_json(body) == value


@pytest.mark.requirement("cds-hooks-2.0", 4)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"a":', id="cut off"),
        pytest.param(b'{"a": 1,}', id="a trailing comma"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": Infinity}', id="Infinity"),
        pytest.param(b'{"a": 1e400}', id="a number too large"),
        pytest.param(rb'{"a": "\ud800"}', id="half a character"),
        pytest.param(b'{"a": "\xff"}', id="no UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', id="a byte order mark"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b"/* a */ {}", id="a comment"),
        pytest.param(b'{"a":' * 5000 + b"1" + b"}" * 5000, id="nested without end"),
    ],
)
def test_what_is_no_json_is_refused_by_its_place(body: bytes):
    with pytest.raises(BadRequest, match="the body is not JSON") as error:
        parse_json(body)

    assert (error.value.status, error.value.code) == (400, "invalid")


@pytest.mark.parametrize("depth", [1, DEEPEST, DEEPEST + 1, 200])
@pytest.mark.parametrize("ends", [("[", "]"), ('{"a":', "}")])
def test_json_may_be_nested_as_deep_as_fhir_needs_and_no_deeper(depth: int, ends: tuple[str, str]):
    body = ('["}", "\\"]", ' + ends[0] * (depth - 1) + "1" + ends[1] * (depth - 1) + "]").encode()

    if depth <= DEEPEST:
        assert len(parse_json(body)) == 3
    else:
        with pytest.raises(BadRequest, match="nested more than 64 deep"):
            parse_json(body)


@given(st.recursive(st.none() | st.text(max_size=3) | st.integers(0, 9), lambda inner: st.lists(inner, max_size=3)))
def test_ordinary_json_is_never_called_too_deep(value: Json):
    assert parse_json(json.dumps([value] * 40).encode()) == [value] * 40


# --------------------------------------------------------------------------------------------- a hook call


def call(**changes: Json) -> Json:
    return {
        "hook": "order-sign",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/a", "patientId": "example", "draftOrders": {"entry": []}},
        **changes,
    }


def context(**changes: Json) -> Json:
    return {**call()["context"], **changes}


def test_a_call_is_read():
    sent = call(fhirServer="https://ehr.example/fhir", prefetch={"patient": None}, extension={"x": 1}, more=1)

    assert read_call(sent, SIGN) == HookCall(
        service=SIGN,
        hook_instance="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        patient_id="example",
        user_id="Practitioner/a",
        context=sent["context"],
        prefetch={"patient": None},
        server="https://ehr.example/fhir",
    )


@pytest.mark.requirement("cds-hooks-2.0", 31)
@pytest.mark.parametrize("sent", [{}, {"prefetch": None}, {"prefetch": {}}])
def test_a_call_without_prefetch_has_an_empty_one(sent: Json):
    found = read_call(call(**sent), SIGN)

    assert (found.prefetch, found.server) == ({}, "")


@pytest.mark.requirement("cds-hooks-2.0", 26)
@pytest.mark.requirement("cds-hooks-2.0", 27)
@pytest.mark.requirement("cds-hooks-2.0", 28)
@pytest.mark.requirement("cds-hooks-2.0", 30)
@pytest.mark.requirement("cds-hooks-2.0", 31)
@pytest.mark.parametrize(
    ("sent", "at", "said"),
    [
        pytest.param([], "", "the body is not a JSON object", id="a list"),
        pytest.param(call(hook=7), "hook", "field 'hook' is missing or is not a text", id="a hook that is a number"),
        pytest.param(call(hook=" "), "hook", "field 'hook' is missing", id="a blank hook"),
        pytest.param(call(hookInstance=None), "hookInstance", "field 'hookInstance' is missing", id="no hookInstance"),
        pytest.param(call(context=None), "context", "field 'context' is missing", id="no context"),
        pytest.param(call(context=[CANARY]), "context", "field 'context' is missing", id="a context that is a list"),
        pytest.param(call(context={}), "context.", "is missing", id="an empty context"),
        pytest.param(call(context=context(patientId=7)), "context.patientId", "'context.patientId' does not have the"
                     " expected form: Patient.id alone", id="a patient that is a number"),
        pytest.param(call(context=context(patientId=f"Patient/{CANARY}")), "context.patientId", "Patient.id alone",
                     id="a patient with its type"),
        pytest.param(call(context=context(userId="")), "context.userId", "Who is at work", id="an empty user"),
        pytest.param(call(context=context(userId=" ")), "context.userId", "who is at work", id="a blank user"),
        pytest.param(call(context=context(draftOrders=[CANARY])), "context.draftOrders", "orders", id="drafts a list"),
        pytest.param(call(prefetch=[CANARY]), "prefetch", "field 'prefetch' is not an object", id="prefetch a list"),
        pytest.param(call(fhirAuthorization={"access_token": CANARY}), "fhirServer", "required when",
                     id="a token without its server"),
        pytest.param(call(fhirAuthorization={}, fhirServer=7), "fhirServer", "required when", id="a server, a number"),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_used_is_refused_by_the_name_of_the_field(sent: Json, at: str, said: str):
    with pytest.raises(BadRequest) as error:
        read_call(sent, SIGN)

    assert (refused(error)[0].startswith(at), said in refused(error)[1]) == (True, True), refused(error)
    assert CANARY not in refused(error)[1]


def test_the_hook_of_another_service_is_refused_with_what_to_send():
    with pytest.raises(WrongHook) as error:
        read_call(call(hook="order-select"), SIGN)

    assert (error.value.status, error.value.code, refused(error)) == (
        400,
        "value",
        (
            "hook",
            "field 'hook' is not the hook of service 'bme-order-sign'; send 'order-sign' here, or call the service that"
            " the discovery lists for your hook",
        ),
    )


NAMES = st.sampled_from(
    ["hook", "hookInstance", "context", "userId", "patientId", "draftOrders", "entry", "prefetch", "fhirServer",
     "feedback", "card", "outcome", "overrideReason", "reason", "code"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=10,
)


@given(JSON)
def test_any_value_is_read_as_a_call_or_refused(value: Json):
    for service in SERVICES.values():
        for sent in (value, {**call(), "hook": service.hook, "context": value}):
            with suppress(BadRequest):
                assert read_call(sent, service).patient_id


# -------------------------------------------------------------------------------------------- the services


ENTRY = {"hook": "order-sign", "id": "mine", "description": "Mine.", "prefetch": {"patient": "Patient/x"}}
SCHEMA = {"type": "object", "required": ["patientId"]}


def folder(at: Path, **situations: tuple[Json, Json]) -> Path:
    """Write hook definitions: a pair of entry and schema, as JSON or as raw text; None writes no file."""
    for name, files in situations.items():
        place = at / name.replace("_", "-")
        place.mkdir()
        for file, content in zip(("service.json", "context.schema.json"), files, strict=True):
            if content is not None:
                (place / file).write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return at


def test_the_packaged_services_are_loaded_and_listed():
    assert {ident: (service.hook, service.situation) for ident, service in SERVICES.items()} == {
        f"bme-{hook}": (hook, hook) for hook in ("order-select", "order-sign", "patient-view", "result-review")
    }
    assert discovery(SERVICES, "2.0.1") == {
        "services": [
            json.loads((data_path("hooks") / service.situation / "service.json").read_bytes()) | {"version": "2.0.1"}
            for service in SERVICES.values()
        ]
    }


def test_a_site_may_rename_a_hook_and_bring_its_own_definitions(tmp_path: Path):
    found = load_services(folder(tmp_path, order_sign=(ENTRY, SCHEMA)), {"order-sign": "org.example.sign"})

    (service,) = found.values()
    assert (service.id, service.hook, service.situation) == ("mine", "org.example.sign", "order-sign")
    assert (service.prefetch, discovery(found)) == (
        {"patient": "Patient/x"},
        {"services": [{**ENTRY, "hook": "org.example.sign"}]},
    )


def test_a_service_without_prefetch_asks_for_nothing(tmp_path: Path):
    entry = {name: value for name, value in ENTRY.items() if name != "prefetch"}

    (service,) = load_services(folder(tmp_path, order_sign=(entry, SCHEMA))).values()

    assert service.prefetch == {}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param(("{", SCHEMA), "'order-sign' cannot be read", id="an entry that is no JSON"),
        pytest.param((ENTRY, "{"), "'order-sign' cannot be read", id="a schema that is no JSON"),
        pytest.param((ENTRY, None), "'order-sign' cannot be read", id="no schema"),
        pytest.param((ENTRY, {"type": 5}), "'order-sign' cannot be read", id="a schema that is none"),
        pytest.param((ENTRY, [1]), "'order-sign' cannot be read", id="a schema that is a list"),
        pytest.param(([], SCHEMA), "'order-sign' is not a JSON object", id="an entry that is a list"),
        pytest.param(({}, SCHEMA), "'order-sign' has no text for 'hook'", id="an empty entry"),
        pytest.param(({**ENTRY, "hook": 5}, SCHEMA), "no text for 'hook'", id="a hook that is a number"),
        pytest.param(({**ENTRY, "id": ""}, SCHEMA), "no text for 'id'", id="an empty id"),
        pytest.param(({**ENTRY, "description": None}, SCHEMA), "no text for 'description'", id="no description"),
        pytest.param(({**ENTRY, "id": "a/b"}, SCHEMA), "does not fit into an address", id="an id with a slash"),
        pytest.param(({**ENTRY, "prefetch": ["x"]}, SCHEMA), "the prefetch of", id="prefetch that is a list"),
        pytest.param(({**ENTRY, "prefetch": {"a": 1}}, SCHEMA), "the prefetch of", id="a template that is a number"),
        pytest.param((None, SCHEMA), "no hook definition was found", id="no entry at all"),
    ],
)
def test_a_definition_that_cannot_be_used_stops_the_start(tmp_path: Path, files: tuple[Json, Json], said: str):
    with pytest.raises(ConfigurationError) as error:
        load_services(folder(tmp_path, order_sign=files))

    assert said in error.value.message
    assert str(tmp_path) not in error.value.message


def test_an_id_may_be_used_once_only(tmp_path: Path):
    at = folder(tmp_path, order_sign=(ENTRY, SCHEMA), order_select=(ENTRY, SCHEMA))

    with pytest.raises(ConfigurationError, match="two hook definitions have the id 'mine'"):
        load_services(at)


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_a_folder_without_definitions_stops_the_start(tmp_path: Path, place: str):
    with pytest.raises(ConfigurationError, match="no hook definition was found"):
        load_services(tmp_path / place)


def test_a_schema_that_says_little_is_enough(tmp_path: Path):
    (service,) = load_services(folder(tmp_path, order_sign=(ENTRY, SCHEMA))).values()

    with pytest.raises(BadRequest) as missing:
        read_call(call(context={"userId": "x"}), service)
    with pytest.raises(BadRequest) as wrong:
        read_call(call(context={"patientId": ["x"], "userId": "x"}), service)

    assert [refused(missing), refused(wrong)] == [
        ("context.patientId", "field 'context.patientId' is missing: see the hook's context.schema.json"),
        ("context.patientId", "field 'context.patientId' is missing or is not a text; send the id of the patient"),
    ]


# ---------------------------------------------------------------------------------------------- feedback


CARD, TAKEN = "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a01", "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a02"
TEN_O_CLOCK = datetime(2026, 3, 2, 10, tzinfo=UTC)


def item(**changes: Json) -> Json:
    return {"card": CARD, "outcome": "accepted", "outcomeTimestamp": "2026-03-02T10:00:00Z", **changes}


OURS = ("https://bme-cds.example/fhir/CodeSystem/bme-finding", "record-misread")
HL7S = ("http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes", "action-completed")


def chosen(system: Json, code: Json) -> Json:
    return {"reason": {"code": code, "system": system, "display": CANARY}}


@pytest.mark.parametrize(
    ("changes", "suggestions", "reason"),
    [
        pytest.param({"acceptedSuggestions": [{"id": TAKEN}, {"id": CARD}]}, (TAKEN, CARD), None, id="two suggestions"),
        pytest.param({"acceptedSuggestions": [{"id": 7}, "x", {}]}, (), None, id="suggestions that are none"),
        pytest.param({"acceptedSuggestions": [{"id": CANARY}, {"id": TAKEN}]}, (TAKEN,), None, id="a name for an id"),
        pytest.param({"acceptedSuggestions": {"id": TAKEN}}, (), None, id="suggestions that are no list"),
        pytest.param({"overrideReason": chosen(*OURS)}, (), OURS, id="a reason of ours"),
        pytest.param({"overrideReason": chosen(*HL7S)}, (), HL7S, id="a reason of HL7's"),
        pytest.param({"overrideReasons": chosen(*HL7S)}, (), HL7S, id="a reason in Epic's spelling"),
        pytest.param({"overrideReason": {"reason": {"code": HL7S[1]}}}, (), HL7S, id="no system, as the Sandbox does"),
        pytest.param({"overrideReason": chosen("urn:own", OURS[1])}, (), OTHER_REASON, id="our code of another system"),
        pytest.param({"overrideReason": chosen(HL7S[0], CANARY)}, (), OTHER_REASON, id="a reason nobody offered"),
        pytest.param({"overrideReasons": {"extension": {"com.epic.x": CANARY}}}, (), OTHER_REASON, id="Epic's own"),
        pytest.param({"overrideReason": {"userComment": CANARY}}, (), None, id="a comment, which is not kept"),
        pytest.param({"overrideReason": {"reason": CANARY}}, (), OTHER_REASON, id="a reason that is text"),
        pytest.param({"overrideReason": [CANARY]}, (), None, id="a reason that is a list"),
        pytest.param({"extension": {"com.example.x": CANARY}, "more": 1}, (), None, id="fields nobody knows"),
    ],
)
def test_feedback_is_read(changes: Json, suggestions: tuple[str, ...], reason: Json):
    found = read_feedback({"feedback": [item(**changes)]})

    assert found == FeedbackRead((FeedbackItem(CARD, "accepted", suggestions, reason, "", TEN_O_CLOCK),), ())


def test_ids_are_compared_without_their_case():
    (found,) = read_feedback({"feedback": [item(card=CARD.upper())]}).items

    assert found.card == CARD


@pytest.mark.parametrize(
    ("given", "at"),
    [
        pytest.param("2026-03-02T10:00:00.000Z", TEN_O_CLOCK, id="milliseconds, as the Sandbox writes"),
        pytest.param("2026-03-02T12:00:00+02:00", TEN_O_CLOCK, id="another zone"),
        pytest.param("2026-03-02T10:00:00", TEN_O_CLOCK, id="no zone"),
        pytest.param("0001-01-01T00:00:00+14:00", None, id="before all time"),
        pytest.param(CANARY, None, id="text"),
        pytest.param(1772445600, None, id="a number"),
        pytest.param(None, None, id="none"),
    ],
)
def test_the_time_of_an_outcome_is_read_as_utc_or_left_out(given: Json, at: datetime | None):
    (found,) = read_feedback({"feedback": [item(outcomeTimestamp=given)]}).items

    assert found.at == at


@pytest.mark.parametrize(
    ("comment", "kept"),
    [("not\0 now", "not now"), ("x" * 2_001, "x" * 2_000), (None, ""), ({"text": CANARY}, "")],
    ids=["with a NUL", "too long", "none", "an object"],
)
def test_a_comment_is_read_when_it_is_asked_for(comment: Json, kept: str):
    (found,) = read_feedback({"feedback": [item(overrideReason={"userComment": comment})]}, comments=True).items

    assert found.comment == kept


def test_one_bad_item_leaves_the_rest_of_the_batch():
    found = read_feedback({"feedback": [item(), None, item(card=CANARY), item(outcome="overridden"), item(outcome=1)]})

    assert ([one.outcome for one in found.items], found.unusable) == (
        ["accepted", "overridden"],
        ("feedback[1]", "feedback[2].card", "feedback[4].outcome"),
    )
    assert read_feedback({"feedback": []}) == FeedbackRead((), ())


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        (None, ""),
        ([], ""),
        ({}, "feedback"),
        ({"feedback": {}}, "feedback"),
        ({"feedback": [None]}, "feedback[0]"),
        ({"feedback": [item(card=""), None]}, "feedback[0].card"),
        ({"feedback": [item(card=CANARY)]}, "feedback[0].card"),
        ({"feedback": [item()] * 1_001}, "feedback"),
        ({"feedback": [item(card=[CANARY])]}, "feedback[0].card"),
        ({"feedback": [item(outcome=CANARY)]}, "feedback[0].outcome"),
        ({"feedback": [item(outcome=[])]}, "feedback[0].outcome"),
        ({"feedback": [{"card": CARD}]}, "feedback[0].outcome"),
    ],
)
def test_feedback_that_cannot_be_read_is_refused_by_the_name_of_the_field(sent: Json, at: str):
    with pytest.raises(BadRequest) as error:
        read_feedback(sent)

    assert refused(error)[0] == at
    assert CANARY not in refused(error)[1]


@given(JSON)
def test_any_value_is_read_as_feedback_or_refused(value: Json):
    for sent in (value, {"feedback": value}, {"feedback": [value, item()]}):
        with suppress(BadRequest):
            assert {one.outcome for one in read_feedback(sent).items} <= {"accepted", "overridden"}


# ------------------------------------------------------------------------------------------------ errors


def test_an_outcome_holds_what_is_known_of_the_error():
    assert operation_outcome("invalid", "say it", at="context.patientId", error_id="e1") == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "invalid",
                "details": {"text": "say it"},
                "expression": ["context.patientId"],
                "diagnostics": "error id e1",
            }
        ],
    }
    assert operation_outcome("invalid", "say it") == {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "invalid", "details": {"text": "say it"}}],
    }


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("bme-order-sing", "did you mean 'bme-order-sign'? "),
        ("bme-order-sign ", "did you mean 'bme-order-sign'? "),
        (CANARY, ""),
        ("x" * 10_000, ""),
    ],
)
def test_an_unknown_service_is_answered_with_the_nearest_name_and_all_known(asked: str, hint: str):
    error = UnknownService(asked, SERVICES)

    known = "bme-order-select, bme-order-sign, bme-patient-view, bme-result-review"
    assert (error.status, error.message) == (404, f"there is no service of this id; {hint}known: {known}")


# ------------------------------------------------------------------------------------- what a call lets us read


@pytest.mark.requirement("cds-hooks-2.0", 29)
@pytest.mark.requirement("cds-hooks-2.0", 60)
@pytest.mark.parametrize(
    ("sent", "found"),
    [
        pytest.param(
            {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "user/*.rs", "subject": "app"},
            Authorization("t", "user/*.rs", "", 300),
            id="as the specification has it",
        ),
        pytest.param(
            {"access_token": "", "scope": "patient/Patient.read"},
            Authorization("", "patient/Patient.read"),
            id="open server",
        ),
        pytest.param(
            {"access_token": 7, "expires_in": "300", "scope": None, "patient": []}, Authorization(), id="wrong kinds"
        ),
        pytest.param({"access_token": "t", "expires_in": True}, Authorization("t"), id="a time that is no number"),
        pytest.param({"access_token": " t ", "patient": "example"}, Authorization("t", "", "example"), id="blanks"),
        pytest.param("t", Authorization(), id="a text"),
        pytest.param(None, Authorization(), id="nothing"),
    ],
)
def test_the_authorization_of_a_call_is_read(sent: Json, found: Authorization):
    assert read_call(call(fhirAuthorization=sent, fhirServer="https://ehr.example/fhir"), SIGN).authorization == found


@pytest.mark.requirement("cds-hooks-2.0", 60)
@pytest.mark.parametrize(
    ("found", "usable"),
    [
        (Authorization("t"), True),
        (Authorization("t", patient="example"), True),
        (Authorization("t", patient="other"), False),
        (Authorization("t", expires_in=1), True),
        (Authorization("t", expires_in=0), False),
        (Authorization("t", expires_in=-5), False),
    ],
)
def test_a_token_for_another_patient_or_an_expired_one_is_not_used(found: Authorization, usable: bool):
    assert found.is_for("example") is usable


@pytest.mark.requirement("cds-hooks-2.0", 62)
def test_an_authorization_never_shows_its_token():
    assert "secret" not in repr(read_authorization({"access_token": "secret", "patient": "secret"}))


def test_queries_are_filled_in_from_the_context_so_that_nothing_in_it_can_change_them():
    review = SERVICES["bme-result-review"]
    sent = call(hook="result-review", context={"userId": "Practitioner/a", "patientId": "a&b=c|d", "reportId": "r"})

    found = read_call(sent, review).queries()

    assert (found["patient"], found["conditions"], found["report"]) == (
        "Patient/a%26b%3Dc%7Cd",
        "Condition?patient=a%26b%3Dc%7Cd&_count=200",
        "DiagnosticReport/r",
    )
    assert "study" not in found


def test_a_key_sent_without_its_context_field_has_no_query():
    sent = call(hook="result-review", context={"userId": "Practitioner/a", "patientId": "a"}, prefetch={"study": None})

    assert read_call(sent, SERVICES["bme-result-review"]).queries()["study"] == ""


@pytest.mark.parametrize(
    ("body", "what"),
    [
        pytest.param(b'{"hook": "a", "hook": "b"}', "the key 'hook'", id="at the top"),
        pytest.param(b'{"a": [{"b": {"c:d": 1, "status": 2, "status": 2}}]}', "the key 'status'", id="inside"),
        pytest.param(rb'{"a\"b": 1, "x": "\"a\":", "id": 1, "\u0069d": 2}', "the key 'id'", id="spelled otherwise"),
        pytest.param(b'{"Jane Doe": 1, "Jane Doe": 2}', "a key", id="a key that is no field"),
    ],
)
def test_a_key_that_stands_twice_is_refused_by_the_name_of_a_field(body: bytes, what: str):
    with pytest.raises(BadRequest) as raised:
        parse_json(body)

    assert raised.value.message == f"{what} stands twice in one object of the body; send each key once"


@settings(max_examples=300)
@given(
    st.recursive(
        st.text(alphabet='a{}[]"\\:,é', max_size=4) | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='{}[]"\\', max_size=2), inner),
        max_leaves=8,
    ),
    st.integers(0, 4),
)
def test_the_depth_of_json_is_counted_whatever_its_texts_hold(value: Json, more: int):
    depth = DEEPEST - depth_of(value) + more
    text = "[" * depth + json.dumps(value, ensure_ascii=False) + "]" * depth

    if more > 0:
        with pytest.raises(BadRequest):
            parse_json(text.encode())
    else:
        parse_json(text.encode())


def depth_of(value: Json) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(depth_of, inside), default=0)
