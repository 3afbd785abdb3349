"""How real clients behave: what each of them sends is answered. What they need of an answer: ``test_profiles.py``.

Every client was read in its source or documentation, and most were seen running: the CDS Hooks Sandbox (3b7e255),
the request generator of HL7's CRD (1a184da), the SMART launcher (v2, 6437425), HealthChain (0.16.1), and the pages of
Epic and Oracle Health. A request is what that client would send for one of our scenarios, oddities included, and the
answer is compared with what the scenario calls for: to be polite about an odd request is not enough.

What cannot be served, and why:

* The Sandbox's imaging tab (PAMA) carries out an update only of a resource with Argonaut's extension pama-rating, and
  reads system actions for it. How appropriate an order is, is not ours to rate: its profile offers no update.
* The Sandbox and the launcher start SMART links with what appContext holds (``test_smart_client.py``).
* The request generator colours 'hard-stop', which CDS Hooks 1.0 took out; 'critical' stays uncoloured.

Which tokens and keys are believed is asked where authentication is tested, the site's own codes for referrals, which
Epic needs, where settings are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from support.fhir_server import FhirServer, ok, status

from tests.conformance.response_rules import check_outcome, check_response
from tests.conformance.stories import STORIES, actions, bearer, send, story, suggestions, told

Json = Any
Run = Callable[..., Any]

CHART = "chart-opened-result-not-acted-on"
SACROILIAC_MRI = "sacroiliac-mri-without-protocol"
STIR_ONLY = "mri-ordered-with-stir-only"
RIM_SIGN = "iloprost-ordered-despite-a-rim-sign"
TWO_REFERRALS = "charcot-foot-with-low-t1"

# What a clinician sees of these scenarios: topic, indicator and suggestions of each card.
ARTHRITIS = ("axspa", "critical", ["Refer to rheumatology (urgent)"])
PROTOCOL = ("order-check", "info", [])
ADD_T1 = ("order-check", "warning", ["Add a T1-weighted sequence to this order"])


# ---------------------------------------------------------------------------------------------- speaking


def seen(response: requests.Response) -> tuple[int, list[tuple[str, str, list[str]]]]:
    """Return the status and what is seen of each card: its topic, its indicator, and the labels of suggestions."""
    assert response.status_code == 200, response.text
    return response.status_code, [
        (card["source"]["topic"]["code"], card["indicator"], [each["label"] for each in suggestions([card])])
        for card in response.json()["cards"]
    ]


def refused(response: requests.Response, *words: str) -> tuple[int, list[Any], list[str]]:
    """Return the status of a refusal, the faults of its form, and which of the words it does not say."""
    outcome = response.json()
    said = json.dumps([issue["details"]["text"] for issue in outcome["issue"]], ensure_ascii=False)
    return response.status_code, check_outcome(outcome), [word for word in words if word not in said]


def with_text(body: Json, old: str, new: str) -> Json:
    """Return a request with a piece of its text replaced wherever it stands."""
    return json.loads(json.dumps(body).replace(old, new))


def drafts(*resources: Json, **more: Json) -> Json:
    """Return draft orders as most clients send them: in a Bundle without a type."""
    return {"resourceType": "Bundle", **more, "entry": [{"resource": resource} for resource in resources]}


def searchset(*resources: Json) -> Json:
    return {"type": "searchset", "total": len(resources), **drafts(*resources)}


def about(name: str) -> Json:
    """Return a context that says for which patient a scenario is, and no more."""
    return {"patientId": story(name)["context"]["patientId"]}


# ------------------------------------------------------------------------------------------- CDS Hooks Sandbox

SANDBOX = "https://sandbox.cds-hooks.org"
DSTU2_SERVER = "https://launch.smarthealthit.org/v/r2/fhir"
UUID4 = "1f0a4b3e-92f8-4b0e-8d0b-5f2f4f5f9a01"
PAMA_REASON = {"system": "http://snomed.info/sct", "code": "55146009", "display": "Inflammation of sacroiliac joint"}


def as_the_sandbox(address: str) -> dict[str, str]:
    """Return the headers of a page of the Sandbox; its token is for exactly the address it calls."""
    header = {
        "alg": "ES384",
        "typ": "JWT",
        "kid": "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f",
        "jku": f"{SANDBOX}/.well-known/jwks.json",
    }
    claims = {"iss": SANDBOX, "aud": address, "exp": 1764043500, "iat": 1764043200, "jti": UUID4}
    return {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Authorization": bearer(header, claims),
        "Origin": SANDBOX,
        "Referer": f"{SANDBOX}/",
    }


def preflight(address: str, method: str, names: str) -> tuple[int, str | None, bool]:
    """Ask as Chromium does before a call; returns status, allowed origin, and whether all headers may be sent."""
    asked = {"Origin": SANDBOX, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": names}
    response = requests.options(address, headers=asked, timeout=30, allow_redirects=False)
    allowed = response.headers.get("Access-Control-Allow-Headers", "").lower().replace(" ", "").split(",")
    return (
        response.status_code,
        response.headers.get("Access-Control-Allow-Origin"),
        set(names.split(",")) <= set(allowed),
    )


def from_the_sandbox(hook: str, context: Json, prefetch: Json = None, **more: Json) -> Json:
    """Return a call of the Sandbox: no encounter, and a user who is nobody unless it was launched as an app."""
    context = {**context, "userId": "Practitioner/COREPRACTITIONER1"}
    body = {"hookInstance": UUID4, "hook": hook, "fhirServer": DSTU2_SERVER, "context": context, **more}
    return body if prefetch is None else {**body, "prefetch": prefetch}


@pytest.fixture
def open_to_the_sandbox(run_service: Run) -> Iterator[str]:
    with run_service(profile="sandbox") as url:
        yield url


@pytest.mark.parametrize("typed", ["/cds-services", "/cds-services/"])
def test_sandbox_reads_the_discovery_at_the_address_that_was_typed(open_to_the_sandbox: str, typed: str):
    address = f"{open_to_the_sandbox}{typed}"

    asked_first = preflight(address, "GET", "authorization")
    response = requests.get(address, headers=as_the_sandbox(address), timeout=30, allow_redirects=False)

    assert asked_first in [(200, "*", True), (200, SANDBOX, True)]
    assert response.headers["Access-Control-Allow-Origin"] in ("*", SANDBOX)
    # It keeps services by their address, and shows the entry as HTML.
    entries = response.json()["services"]
    assert len({f"{address}/{entry['id']}" for entry in entries}) == len(entries) > 0
    assert "<" not in response.text


@pytest.mark.parametrize("between", ["/", "//"], ids=["one slash", "two slashes"])
@pytest.mark.parametrize("end", ["", "/feedback"], ids=["a call", "feedback"])
def test_sandbox_may_call_behind_a_trailing_slash_of_the_typed_address(
    open_to_the_sandbox: str, between: str, end: str
):
    address = f"{open_to_the_sandbox}/cds-services{between}bme-patient-view{end}"
    body = {"feedback": []} if end else from_the_sandbox("patient-view", story(CHART)["context"], {"reports": None})

    asked_first = preflight(address, "POST", "authorization,content-type")
    response = requests.post(address, json=body, headers=as_the_sandbox(address), timeout=30, allow_redirects=False)

    assert asked_first == (200, SANDBOX, True)
    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (200, SANDBOX)


def test_sandbox_may_read_why_a_call_was_refused(open_to_the_sandbox: str):
    response = send(open_to_the_sandbox, "bme-patient-view", {}, as_the_sandbox("x"))

    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (400, SANDBOX)


def prefetch_of_the_sandbox(templates: Mapping[str, str], context: Mapping[str, str], base: str) -> Json:
    """Prefetch as the Sandbox does.

    A key with a token that it cannot fill in is skipped; parameters of one name are joined to a list; a search is
    posted, and sent with GET when that fails; a key whose query failed is left out.
    """
    found = {}
    for key, template in templates.items():
        query = re.sub(r"\{\{context\.(\w+)\}\}", lambda token: context.get(token[1], token[0]), template)
        if "{{" in query:
            continue
        path, _, search = query.partition("?")
        joined: dict[str, str] = {}
        for name, value in parse_qsl(search):
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        headers = {"Accept": "application/json+fhir"}
        response = requests.post(f"{base}/{path}/_search", data=joined, headers=headers, timeout=30) if search else None
        if response is None or not response.ok:
            response = requests.get(f"{base}/{path}", params=joined or None, headers=headers, timeout=30)
        if response.ok:
            found[key] = response.json()
    return found


def test_sandbox_fetches_by_our_templates_and_gets_the_card(service_url: str):
    sent = story(CHART)
    (entry,) = [
        each
        for each in requests.get(f"{service_url}/cds-services", timeout=30).json()["services"]
        if each["hook"] == "patient-view"
    ]
    context = about(CHART)
    with FhirServer() as server:
        server.on(f"Patient/{context['patientId']}", ok(sent["prefetch"]["patient"], content_type="application/json"))
        for key, kind in {"reports": "DiagnosticReport", "conditions": "Condition", "orders": "ServiceRequest"}.items():
            server.on(f"{kind}/_search", ok(sent["prefetch"][key]))
        server.on("Observation/_search", ok(searchset()))
        server.on("MedicationRequest/_search", status(500))
        prefetch = prefetch_of_the_sandbox(entry["prefetch"], context, server.base)
        asked = [dict(parse_qsl(one.body)) for one in server.asked if one.method == "POST"]

    response = send(service_url, "bme-patient-view", from_the_sandbox("patient-view", context, prefetch))

    meant = [
        dict(parse_qsl(template.partition("?")[2].replace("{{context.patientId}}", context["patientId"])))
        for template in entry["prefetch"].values()
        if "?" in template
    ]
    assert asked == meant
    assert seen(response) == (200, [ARTHRITIS])
    (card,) = response.json()["cards"]
    assert "imaging studies (not sent), medications (not sent)" in card["detail"].replace("\\", "")


def test_sandbox_follows_no_link_to_a_next_page_and_the_card_says_so(service_url: str):
    prefetch = story(CHART)["prefetch"]
    prefetch["reports"]["link"] = [{"relation": "next", "url": f"{DSTU2_SERVER}?_getpages=1"}]

    response = send(service_url, "bme-patient-view", from_the_sandbox("patient-view", about(CHART), prefetch))

    assert seen(response) == (200, [ARTHRITIS])
    assert "reports (not all pages)" in response.json()["cards"][0]["detail"].replace("\\", "")


RX_JUST_OPENED = {
    "resourceType": "MedicationRequest",
    "id": "request-123",
    "status": "draft",
    "category": {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/medicationrequest-category",
                "code": "outpatient",
                "display": "Outpatient",
            }
        ]
    },
    "authoredOn": "2026-11-25",
}
PAMA_JUST_OPENED = {
    "resourceType": "ServiceRequest",
    "id": "example-request-id",
    "status": "draft",
    "intent": "plan",
    "code": {"coding": [{}]},
    "reasonCode": [],
    "authoredOn": "2026-11-25",
}
PAMA_CHOSEN = {
    **PAMA_JUST_OPENED,
    "code": {
        "coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "72195"}],
        "text": "Magnetic resonance (eg, proton) imaging, pelvis; without contrast material(s)",
    },
    "reasonCode": [{"coding": [PAMA_REASON], "text": PAMA_REASON["display"]}],
}


@pytest.mark.parametrize(
    ("name", "draft", "cards"),
    [
        pytest.param(SACROILIAC_MRI, RX_JUST_OPENED, [], id="medications opened"),
        pytest.param(SACROILIAC_MRI, PAMA_JUST_OPENED, [], id="imaging opened"),
        pytest.param(SACROILIAC_MRI, PAMA_CHOSEN, [PROTOCOL], id="an MRI chosen for the sacroiliac joint"),
        pytest.param(CHART, RX_JUST_OPENED, [ARTHRITIS], id="medications opened, a result waiting"),
    ],
)
def test_sandbox_sends_draft_orders_that_are_no_fhir(service_url: str, name: str, draft: Json, cards: Json):
    context = about(name)
    order = {**draft, "subject": {"reference": f"Patient/{context['patientId']}"}}
    context |= {"selections": [f"{draft['resourceType']}/{draft['id']}"], "draftOrders": drafts(order)}

    response = send(
        service_url,
        "bme-order-select",
        from_the_sandbox("order-select", context, story(name)["prefetch"]),
        as_the_sandbox(f"{service_url}/cds-services/bme-order-select"),
    )

    assert seen(response) == (200, cards)
    assert check_response(response.json(), context=context) == []


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_sandbox_leaves_out_the_draft_orders_when_a_tab_is_clicked_again(service_url: str, hook: str):
    body = from_the_sandbox(hook, about(SACROILIAC_MRI), {})

    response = send(service_url, f"bme-{hook}", body)

    assert refused(response, "context.draftOrders", "is missing", "orders") == (400, [], [])


def test_sandbox_sends_order_sign_to_the_order_select_service(service_url: str):
    """It does when opened with ?hook=order-sign&screen=pama, and would not show the cards."""
    context = about(SACROILIAC_MRI)
    context |= {"draftOrders": drafts({**PAMA_CHOSEN, "subject": {"reference": f"Patient/{context['patientId']}"}})}

    response = send(service_url, "bme-order-select", from_the_sandbox("order-sign", context))

    assert refused(response, "'hook'", "'bme-order-select'", "'order-select'") == (400, [], [])


def test_sandbox_signs_medications_that_concern_nothing_of_ours(service_url: str):
    context = about(SACROILIAC_MRI)
    chosen = {"medicationCodeableConcept": {"text": "Aspirin 81 MG Oral Tablet", "coding": [{"code": "243670"}]}}
    order = {**RX_JUST_OPENED, **chosen, "subject": {"reference": f"Patient/{context['patientId']}"}}
    context |= {"draftOrders": drafts(order)}

    response = send(service_url, "bme-order-sign", from_the_sandbox("order-sign", context))

    assert (response.status_code, response.json()) == (200, {"cards": []})


def in_dstu2(prefetch: Json) -> Json:
    """Return the prefetch with a patient of DSTU2: its default server speaks that."""
    name = {"use": "official", "family": ["Example"], "given": ["Inbasket"]}
    patient = {**prefetch["patient"], "name": [name], "careProvider": [{"reference": "Practitioner/example"}]}
    return {**prefetch, "patient": patient}


def test_sandbox_prefetches_a_patient_of_dstu2(service_url: str):
    body = from_the_sandbox("patient-view", about(CHART), in_dstu2(story(CHART)["prefetch"]))

    assert seen(send(service_url, "bme-patient-view", body)) == (200, [ARTHRITIS])


def test_sandbox_drafts_a_medication_order_of_dstu2(service_url: str):
    """Rim sign or not: the order of the scenario is recognised in its old form, too."""
    sent = story(RIM_SIGN)
    (draft,) = [entry["resource"] for entry in sent["context"]["draftOrders"]["entry"]]
    order = {key: value for key, value in draft.items() if key not in ("subject", "intent", "authoredOn")}
    order |= {"resourceType": "MedicationOrder", "patient": draft["subject"], "dateWritten": draft["authoredOn"]}
    context = about(RIM_SIGN)
    context |= {"selections": [f"MedicationOrder/{draft['id']}"], "draftOrders": drafts(order)}

    response = send(
        service_url, "bme-order-select", from_the_sandbox("order-select", context, in_dstu2(sent["prefetch"]))
    )

    topics = [topic for topic, _, _ in seen(response)[1]]
    assert topics == [card["topic"] for card in STORIES[RIM_SIGN].expected["cards"]]


def test_sandbox_launched_as_an_app_sends_a_token_that_names_no_patient(run_service: Run):
    """Its scope is a constant, and there may be no expires_in."""
    authorization = {
        "access_token": "example-token",
        "token_type": "Bearer",
        "scope": "patient/*.* user/*.* launch openid profile online_access",
        "subject": "48163c5e-88b5-4cb3-92d3-23b800caa927",
    }
    sent = story(CHART)
    with FhirServer() as server, run_service(fhir_servers=[server.base]) as url:
        server.on(f"Patient/{sent['context']['patientId']}", ok(sent["prefetch"].pop("patient")))
        body = from_the_sandbox(
            "patient-view",
            about(CHART),
            sent["prefetch"],
            fhirServer=server.base,
            fhirAuthorization=authorization,
        )
        response = send(url, "bme-patient-view", body)
        asked = [(one.target, one.headers["authorization"]) for one in server.asked]

    assert asked == [(f"/fhir/Patient/{sent['context']['patientId']}", "Bearer example-token")]
    assert seen(response) == (200, [ARTHRITIS])


@pytest.mark.parametrize(
    "accept",
    ["application/json", "application/json, text/plain, */*", "application/json+fhir", "*/*", "text/html"],
)
def test_sandbox_and_others_ask_for_json_by_many_names(service_url: str, accept: str):
    response = send(service_url, "bme-patient-view", story(CHART), {"Accept": accept})

    assert response.headers["Content-Type"] == "application/json"
    assert seen(response) == (200, [ARTHRITIS])


def test_sandbox_shows_html_of_a_detail_so_there_is_none(service_url: str):
    """It renders details with rehype-raw: a report's own tags would become part of the page."""
    tags = "<img src=x onerror=alert(1)> <iframe src=//example.org></iframe> [click](javascript:alert(1))"
    words = "Bone marrow edema, synovitis and joint effusion of the right sacroiliac joint."
    body = with_text(story(CHART), words, f"Bone marrow edema {tags} of the right sacroiliac joint. Sclerosis {tags}.")

    response = send(service_url, "bme-patient-view", body)

    assert seen(response) == (200, [ARTHRITIS])
    assert check_response(response.json(), context=body["context"]) == []
    (card,) = response.json()["cards"]
    assert f"Sclerosis {tags}" in re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", card["detail"])


def outcomes_of_the_sandbox(card: Json) -> dict[str, Json]:
    """Return each of the things its user can do with a card, as the one element of its feedback."""
    moment = {"outcomeTimestamp": "2026-11-25T10:00:00.123Z"}
    reason = card["overrideReasons"][0]
    overridden = {"card": card["uuid"], "outcome": "overridden", **moment}
    taken = [{"id": card["suggestions"][0]["uuid"]}]
    return {
        "taken": {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": taken, **moment},
        "dismissed": overridden,
        "overridden": {
            **overridden,
            "overrideReason": {"reason": {"code": reason["code"], "system": reason["system"]}},
        },
        "overridden by a reason without a system": {**overridden, "overrideReason": {"reason": {"code": "other"}}},
    }


@pytest.mark.parametrize("act", ["taken", "dismissed", "overridden", "overridden by a reason without a system"])
def test_sandbox_tells_what_became_of_a_card(open_to_the_sandbox: str, act: str):
    (card,) = told(open_to_the_sandbox, CHART).cards
    address = f"{open_to_the_sandbox}/cds-services/bme-patient-view/feedback"
    headers = {**as_the_sandbox(address), "Accept": "application/json, text/plain, */*"}

    response = requests.post(
        address, json={"feedback": [outcomes_of_the_sandbox(card)[act]]}, headers=headers, timeout=30
    )

    assert (response.status_code, response.content) == (200, b"{}")


# ------------------------------------------------------------------------------------- request generator of CRD

CONSTANT = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
NARROW_SCOPE = "patient/Patient.read patient/Observation.read"


def from_the_generator(name: str, *orders: Json, hook: str = "order-sign", **more: Json) -> Json:
    """Return a call for a scenario's patient: constants, a Bundle without type, keys that nobody asked for."""
    patient = story(name)["context"]["patientId"]
    context = {
        "userId": "Practitioner/example",
        "patientId": patient,
        "encounterId": "enc89284",
        "draftOrders": drafts(*orders),
    }
    if hook == "order-select":
        context["selections"] = [f"{order['resourceType']}/{order['id']}" for order in orders]
    return {
        "hookInstance": CONSTANT,
        "hook": hook,
        "context": context,
        "extension": {"davinci-crd.configuration": {"max-cards": 10, "alt-drug": True}},
        "prefetch": {
            "serviceRequestBundle": {"type": "collection", **drafts(*orders, story(name)["prefetch"]["patient"])},
            "coverageBundle": {"type": "collection", **drafts({"resourceType": "Coverage", "id": "example"})},
        },
        **more,
    }


def mri_of(name: str) -> Json:
    """Return the MRI order of a scenario."""
    (found,) = [
        entry["resource"]
        for entry in story(name)["context"]["draftOrders"]["entry"]
        if entry["resource"]["resourceType"] == "ServiceRequest"
    ]
    return found


@pytest.mark.parametrize(
    ("hook", "name", "card"),
    [
        pytest.param("order-sign", STIR_ONLY, ADD_T1, id="order-sign"),
        pytest.param("order-select", SACROILIAC_MRI, PROTOCOL, id="order-select"),
    ],
)
def test_request_generator_sends_keys_never_asked_for_and_none_that_were(
    service_url: str, hook: str, name: str, card: Json
):
    header = {"alg": "RS256", "typ": "JWT", "kid": "a-thumbprint", "jku": "http://127.0.0.1:9/public_keys"}
    claims = {"iss": "http://127.0.0.1:9/fhir", "aud": "x", "iat": 1764043200, "exp": 1764129600, "jti": "~a.b~"}
    body = from_the_generator(name, mri_of(name), hook=hook)

    response = send(service_url, f"bme-{hook}", body, {"Authorization": bearer(header, claims)})

    assert seen(response) == (200, [card])
    assert check_response(response.json(), context=body["context"]) == []


def test_request_generator_has_one_hook_instance_for_all_its_calls(service_url: str):
    """The answer belongs to the patient and the orders of each call, not to the instance."""
    order = mri_of(STIR_ONLY)
    first, other = from_the_generator(STIR_ONLY, order), from_the_generator(SACROILIAC_MRI)
    other["context"]["draftOrders"] = drafts({**order, "subject": {"reference": "Patient/example-order-si"}})

    answers = [send(service_url, "bme-order-sign", body) for body in (first, other, first)]

    assert [seen(answer) for answer in answers] == [(200, [ADD_T1])] * 3
    first_card, other_card, again = [answer.json()["cards"][0]["uuid"] for answer in answers]
    assert first_card == again != other_card


def kind_asked(target: str) -> str:
    return target.split("/")[2].partition("?")[0]


@pytest.mark.parametrize("token", [{"access_token": ""}, {}], ids=["empty", "left out"])
def test_request_generator_has_no_token_for_an_open_server(run_service: Run, token: Json):
    sent = story(CHART)["prefetch"]
    patient = sent["patient"]["id"]
    authorization = {**token, "token_type": "Bearer", "expires_in": 300, "scope": NARROW_SCOPE, "subject": "cds"}
    with FhirServer() as server, run_service(fhir_servers=[server.base]) as url:
        server.on(f"DiagnosticReport?patient={patient}&_sort=-date&_count=100", ok(sent["reports"]))
        body = from_the_generator(CHART, fhirServer=server.base, fhirAuthorization=authorization)
        response = send(url, "bme-order-sign", body)
        asked = {(kind_asked(one.target), one.headers.get("authorization")) for one in server.asked}

    assert ("DiagnosticReport", None) in asked
    assert {sent_with for _, sent_with in asked} == {None}
    assert seen(response) == (200, [ARTHRITIS])


def test_request_generator_has_a_scope_narrower_than_the_service_needs(run_service: Run):
    authorization = {"access_token": "example-token", "token_type": "Bearer", "expires_in": 300, "scope": NARROW_SCOPE}
    order = mri_of(STIR_ONLY)
    with FhirServer() as server, run_service(fhir_servers=[server.base]) as url:
        body = from_the_generator(STIR_ONLY, order, fhirServer=server.base, fhirAuthorization=authorization)
        response = send(url, "bme-order-sign", body)
        asked = {(kind_asked(one.target), one.headers.get("authorization")) for one in server.asked}

    assert asked == {("Observation", "Bearer example-token")}
    assert seen(response) == (200, [ADD_T1])
    (card,) = response.json()["cards"]
    assert "reports (not permitted), observations (not found)" in card["detail"].replace("\\", "")


def test_request_generator_has_patients_without_a_name(service_url: str):
    body = story(CHART)
    del body["prefetch"]["patient"]["name"]

    assert seen(send(service_url, "bme-patient-view", body)) == (200, [ARTHRITIS])


OFFERED = [
    pytest.param(name, label, id=f"{name}: {label}")
    for name, each in STORIES.items()
    for card in each.expected["cards"]
    for label in card["suggestions"]
    if label.startswith("Refer to ")
]


def stored(action: Json, ident: str) -> Json:
    """Return what a FHIR server makes of a resource that is posted to it."""
    meta = {"versionId": "1", "lastUpdated": "2026-11-25T10:00:00.000+00:00"}
    return {**action["resource"], "id": ident, "meta": meta}


@pytest.mark.parametrize(("name", "label"), OFFERED)
def test_request_generator_posts_a_suggestion_and_signs_it_and_is_not_given_it_again(
    service_url: str, name: str, label: str
):
    """It fires order-sign with whatever it has just created: to answer with the same suggestion would never end."""
    first = told(service_url, name)
    (action,) = next(each["actions"] for each in suggestions(first.cards) if each["label"] == label)
    record = {key: value for key, value in first.request["prefetch"].items() if key not in ("report", "study")}
    again = from_the_generator(name, stored(action, "4711"), prefetch=record)

    response = send(service_url, "bme-order-sign", again)

    others = [each["label"] for each in suggestions(first.cards) if each["label"] != label]
    assert [label for _, _, labels in seen(response)[1] for label in labels if label.startswith("Refer")] == [
        each for each in others if each.startswith("Refer")
    ]


def test_request_generator_changes_an_order_and_signs_it_and_is_not_told_to_change_it_again(service_url: str):
    first = told(service_url, STIR_ONLY)
    ((action,),) = [each["actions"] for each in suggestions(first.cards)]
    changed = stored(action, action["resource"]["id"])

    response = send(
        service_url, "bme-order-sign", from_the_generator(STIR_ONLY, changed, prefetch=first.request["prefetch"])
    )

    assert action["type"] == "update"
    assert (response.status_code, response.json()) == (200, {"cards": []})


def test_request_generator_comes_to_an_end_when_every_suggestion_is_taken(service_url: str):
    """Provided that all drafts are sent: one that only lies on the server as a draft has been placed by nobody."""
    first = told(service_url, TWO_REFERRALS)
    record = {key: value for key, value in first.request["prefetch"].items() if key not in ("report", "study")}
    orders: list[Json] = []
    offered = suggestions(first.cards)

    while offered and len(orders) < 5:
        orders.append(stored(offered[0]["actions"][0], f"4711-{len(orders)}"))
        response = send(service_url, "bme-order-sign", from_the_generator(TWO_REFERRALS, *orders, prefetch=record))
        offered = suggestions(response.json()["cards"])

    assert (len(orders), offered) == (2, [])


# ------------------------------------------------------------------------------------------------------ Epic

EPIC = "https://epic.example.org/interconnect/api/FHIR/R4"
EPIC_LONG = "eAB3mDIBBcyUKviyzrxsnAw" * 3
EPIC_SCOPE = "Patient.Read (R4) DiagnosticReport.Search (Results) (R4) ImagingStudy.Search [Radiology] (R4)"
EPIC_NOTHING = {
    "resourceType": "Bundle",
    "type": "searchset",
    "total": 0,
    "link": [{"relation": "self", "url": f"{EPIC}/Observation?patient={EPIC_LONG}"}],
    "entry": [
        {
            "fullUrl": "urn:uuid:4f5a7f0a-0001-4ce0-8f0e-5f5f5f5f5f5f",
            "resource": {
                "resourceType": "OperationOutcome",
                "issue": [
                    {
                        "severity": "warning",
                        "code": "processing",
                        "details": {"text": "Resource request returns no results."},
                    }
                ],
            },
            "search": {"mode": "outcome"},
        }
    ],
}


def from_epic(name: str, hook: str) -> Json:
    """Return a scenario as Epic sends it: long ids, absolute references, and its own way to say "nothing found"."""
    sent = story(name)
    sent = with_text(sent, "example-", f"{EPIC_LONG}-")
    sent = json.loads(re.sub(r'"reference": "(?=[A-Z])', f'"reference": "{EPIC}/', json.dumps(sent)))
    found = {
        key: value if isinstance(value, dict) and value.get("total") != 0 else EPIC_NOTHING
        for key, value in sent["prefetch"].items()
        if key not in ("report", "study")
    }
    return {
        "hook": hook,
        "hookInstance": "8a1b9d3c-5d42-11f0-9a3e-0050568b1c2d",
        "fhirServer": EPIC,
        "fhirAuthorization": {
            "access_token": "example-token",
            "token_type": "bearer",
            "expires_in": 300,
            "scope": EPIC_SCOPE,
            "subject": "example-client",
        },
        "context": {field: value for field, value in sent["context"].items() if field not in ("reportId", "studyId")},
        "prefetch": {**found, "-user": {"resourceType": "Practitioner", "id": "example"}},
        "extension": {
            "com.epic.cdshooks.request.bpa-trigger-action": "60",
            "com.epic.cdshooks.request.cds-hooks-su-version": "2.0",
            "com.epic.cdshooks.request.fhir-version": "R4",
            "com.epic.cdshooks.request.criteria-id": "example",
        },
    }


def rests_on(answer: Json) -> list[Json]:
    """Return what the suggested orders give as their reasons, in the record."""
    return [action["resource"].get("reasonReference") for action in actions(answer)]


@pytest.mark.parametrize(
    ("name", "hook"),
    [
        pytest.param(name, hook, id=f"{name} on {hook}")
        for name, hook in {
            CHART: "patient-view",
            TWO_REFERRALS: "patient-view",
            SACROILIAC_MRI: "order-select",
            RIM_SIGN: "order-sign",
            STIR_ONLY: "order-sign",
        }.items()
    ],
)
def test_epic_sends_long_ids_absolute_references_and_outcomes_for_nothing(service_url: str, name: str, hook: str):
    """Whatever happens in the chart, patient-view is fired: a result under review as well."""
    body = from_epic(name, hook)

    response = send(service_url, f"bme-{hook}", body)

    expected = [(card["topic"], card["indicator"], card["suggestions"]) for card in STORIES[name].expected["cards"]]
    assert seen(response) == (200, expected)
    assert check_response(response.json(), context=body["context"]) == []
    # Every reference into the record is there, whatever its length.
    assert [with_text(each, f"{EPIC_LONG}-", "example-") for each in rests_on(response.json())] == rests_on(
        told(service_url, name).response.json()
    )


def test_epic_answers_every_search_with_an_outcome_and_there_is_nothing_to_say(service_url: str):
    body = from_epic(CHART, "patient-view")
    body["prefetch"] = {"patient": body["prefetch"]["patient"]} | dict.fromkeys(
        ("studies", "reports", "observations", "labs", "conditions", "medications", "orders"), EPIC_NOTHING
    )

    response = send(service_url, "bme-patient-view", body)

    assert (response.status_code, response.json()) == (200, {"cards": []})


def test_epic_drafts_a_medication_beside_its_order(service_url: str):
    """Since February 2024 the draft orders hold Medication resources, and the category is an object as in STU3."""
    body = from_epic(RIM_SIGN, "order-sign")
    (order,) = [entry["resource"] for entry in body["context"]["draftOrders"]["entry"]]
    medication = {"resourceType": "Medication", "id": "m" * 80, "code": order.pop("medicationCodeableConcept")}
    order |= {
        "medicationReference": {"reference": f"Medication/{medication['id']}"},
        "category": {"coding": [{"code": "inpatient"}]},
    }
    body["context"]["draftOrders"] = drafts(order, medication)

    response = send(service_url, "bme-order-sign", body)

    topics = [topic for topic, _, _ in seen(response)[1]]
    assert topics == [card["topic"] for card in STORIES[RIM_SIGN].expected["cards"]]


def test_epic_has_scopes_of_its_own_so_everything_is_asked(run_service: Run):
    body = from_epic(CHART, "patient-view")
    sent = body.pop("prefetch")
    with FhirServer() as server, run_service(fhir_servers=[server.base]) as url:
        patient = body["context"]["patientId"]
        server.on(f"DiagnosticReport?patient={patient}&_sort=-date&_count=100", ok(sent["reports"]))
        response = send(url, "bme-patient-view", {**body, "fhirServer": f"{server.base}/"})
        asked = {(kind_asked(one.target), one.headers["authorization"]) for one in server.asked}

    kinds = ["Patient", "ImagingStudy", "DiagnosticReport", "Observation"]
    kinds += ["Condition", "MedicationRequest", "ServiceRequest"]
    assert asked == {(kind, "Bearer example-token") for kind in kinds}
    assert seen(response) == (200, [ARTHRITIS])


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(
            {"overrideReasons": {"reason": {"code": "record-misread"}, "userComment": "see note"}},
            id="plural, an object",
        ),
        pytest.param(
            {
                "extension": {
                    "com.epic.cdshooks.feedback.overrideReason.id": "12",
                    "com.epic.cdshooks.feedback.overrideReason.title": "Not applicable",
                }
            },
            id="a reason in an extension only",
        ),
        pytest.param({"overrideReason": {}, "extension": {}}, id="nothing but empty objects"),
    ],
)
def test_epic_spells_the_reason_of_an_override_its_own_way(service_url: str, item: Json):
    (card,) = told(service_url, CHART).cards
    overridden = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-25T10:00:00Z", **item}
    batch = {"feedback": [overridden, {**overridden, "card": "00000000-0000-4000-8000-000000000000"}]}

    response = send(service_url, "bme-patient-view/feedback", batch)

    assert (response.status_code, response.content) == (200, b"{}")


# ---------------------------------------------------------------------------------------------- Oracle, HealthChain


def test_oracle_sends_hooks_of_the_first_version(service_url: str):
    """The draft of its documentation knows patient-view 1.0 alone: no version, no extension, its own issuer."""
    body = {key: value for key, value in story(CHART).items() if key not in ("fhirServer", "extension")}
    header = {"alg": "ES256", "typ": "JWT", "kid": "example"}
    claims = {"iss": "https://cds-hooks.cerner.com", "aud": "x", "iat": 1764043200, "exp": 1764043500, "jti": UUID4}

    response = send(service_url, "bme-patient-view", body, {"Authorization": bearer(header, claims)})

    assert seen(response) == (200, [ARTHRITIS])


HEALTHCHAIN = {"Accept": "*/*", "User-Agent": "python-httpx/0.28.1", "Accept-Encoding": "gzip, deflate"}


def from_healthchain(hook: str, prefetch: Json) -> Json:
    context = {
        "userId": "RelatedPerson/example",
        "patientId": story(CHART)["context"]["patientId"],
        "encounterId": None,
    }
    return {"hook": hook, "hookInstance": UUID4, "fhirServer": None, "context": context, "prefetch": prefetch}


def test_healthchain_fills_the_prefetch_under_keys_of_its_own(service_url: str):
    """A relative looks on, no server is named: the card comes, and no relative requests a referral."""
    sent = story(CHART)["prefetch"]
    prefetch = {"patient": sent["patient"], "encounter": None, "condition": sent["conditions"], "doc": sent["reports"]}

    response = send(service_url, "bme-patient-view", from_healthchain("patient-view", prefetch), HEALTHCHAIN)

    assert seen(response) == (200, [ARTHRITIS])
    (suggestion,) = suggestions(response.json()["cards"])
    assert "requester" not in suggestion["actions"][0]["resource"]


def test_healthchain_sends_no_imaging_by_itself_and_is_told_what_to_send(service_url: str):
    sent = story(CHART)["prefetch"]
    prefetch = {"patient": sent["patient"], "encounter": {"resourceType": "Encounter"}, "condition": sent["conditions"]}

    response = send(service_url, "bme-patient-view", from_healthchain("patient-view", prefetch), HEALTHCHAIN)

    assert refused(response, "'reports'", "'observations'", "'studies'") == (412, [], [])


# ------------------------------------------------------------------------------------------- SMART launcher v2

SIMULATION = "v/r4/sim/WzAsImV4YW1wbGUiLCJwcmFjLTEiLCJOT05FIiwwLDAsMCwiIiwiIiwiIiwiIiwiIiwiIiwiIiwwLDBd/fhir"


@pytest.mark.parametrize(
    ("answers", "cards", "named"),
    [
        pytest.param(True, [ARTHRITIS], "medications (not found)", id="the token is taken"),
        pytest.param(False, None, "'reports' (not permitted)", id="a wrong token"),
    ],
)
def test_launcher_has_a_long_address_and_echoes_the_scope(run_service: Run, answers: bool, cards: Json, named: str):
    """The user of its token is relative, and its scope repeats whatever was asked for, launch words included."""
    sent = story(CHART)
    patient = sent["context"]["patientId"]
    authorization = {
        "access_token": "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "launch openid fhirUser offline_access patient/*.rs user/*.read",
        "patient": patient,
    }
    with FhirServer() as server, run_service(fhir_servers=[f"{server.origin}/{SIMULATION}"]) as url:
        reports = f"/{SIMULATION}/DiagnosticReport?patient={patient}&_sort=-date&_count=100"
        server.on(reports, ok(sent["prefetch"]["reports"]) if answers else status(401))
        body = {
            "hook": "patient-view",
            "hookInstance": UUID4,
            "fhirServer": f"{server.origin}/{SIMULATION}",
            "fhirAuthorization": authorization,
            "context": {"userId": "Practitioner/prac-1", "patientId": patient},
        }
        response = send(url, "bme-patient-view", body)

    if cards is None:
        assert refused(response, named) == (412, [], [])
    else:
        assert seen(response) == (200, cards)
        assert named in response.json()["cards"][0]["detail"].replace("\\", "")
