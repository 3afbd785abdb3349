"""Configuration: what a site may set, and what it is told when a value cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cds_service.data import data_path
from cds_service.errors import ConfigurationError
from cds_service.knowledge.settings import INDICATOR_BY_TIER, SETTINGS
from cds_service.protocol.call import read_call
from cds_service.protocol.discovery import load_services
from cds_service.protocol.profiles import ProfileName
from cds_service.scenarios import load_scenarios
from cds_service.service import Answer, Ports, answer, real_ports
from cds_service.settings import Settings, normal_address
from cds_service.smart.launch import read_app_keys

SCENARIOS = {scenario.name: scenario for scenario in load_scenarios(data_path("scenarios"))}
SERVICES = load_services(data_path("hooks"))
NAMES = sorted(setting.name for setting in SETTINGS)


def refusals(**given: Any) -> list[tuple[str, str]]:
    """Return (setting, message) for everything that is refused; nothing when the settings can be used."""
    try:
        Settings(**given)
    except ValidationError as error:
        return [
            (".".join(map(str, one["loc"])), one["msg"].removeprefix("Value error, "))
            for one in error.errors(include_url=False)
        ]
    return []


def answered(name: str, **given: Any) -> Answer:
    """Answer one scenario under these settings."""
    scenario = SCENARIOS[name]
    settings = Settings(card_key="a key for the tests alone", **given)
    call = read_call(scenario.request, SERVICES[f"bme-{scenario.request['hook']}"])
    return answer(call, settings, Ports(real_ports(settings).rules, lambda: scenario.as_of))


def judged(setting: str, value: Any) -> list[str]:
    return [message for _, message in refusals(judgement={setting: value})]


# ------------------------------------------------------------------------------------------- of the service


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        pytest.param("port", 70000, "Input should be less than or equal to 65535", id="port too high"),
        pytest.param(
            "port", "http", "Input should be a valid integer, unable to parse string as an integer", id="port"
        ),
        pytest.param("workers", 0, "Input should be greater than or equal to 1", id="workers"),
        pytest.param("workers", 65, "Input should be less than or equal to 64", id="too many workers"),
        pytest.param("threads", 0, "Input should be greater than or equal to 1", id="threads"),
        pytest.param("threads", 513, "Input should be less than or equal to 512", id="too many threads"),
        pytest.param("max_body_bytes", 999, "Input should be greater than or equal to 1000", id="body"),
        pytest.param("referral_intent", "plan", "String should match pattern '^(proposal|order)$'", id="intent"),
        pytest.param("result_review_hook", "a b", "String should match pattern '^[A-Za-z0-9.-]+$'", id="hook name"),
        pytest.param(
            "store_url",
            "mysql://host/x",
            "write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE",
            id="another database",
        ),
        pytest.param(
            "store_url",
            "store.sqlite3",
            "write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE",
            id="a path for a database",
        ),
        pytest.param(
            "store_days",
            89,
            "store_days: write 0, or 90 or more: /quality tells of twelve weeks together",
            id="days that are too few",
        ),
        pytest.param("profile", "epik", "Input should be 'generic', 'sandbox', 'epic' or 'crd'", id="profile"),
        pytest.param(
            "discovery_version",
            "two",
            "String should match pattern '^(STU[1-9]|[0-9]+\\.[0-9]+(\\.[0-9]+)?)?$'",
            id="version of CDS Hooks",
        ),
        pytest.param("prot", 8321, "Extra inputs are not permitted", id="a name that does not exist"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: Any, message: str) -> None:
    assert refusals(**{name: value}) == [(name, message)]


def test_every_wrong_value_is_named_at_once() -> None:
    assert [name for name, _ in refusals(port=-1, workers=0, judgement={"nope": 1})] == ["port", "workers", "judgement"]


def test_settings_cannot_be_changed_later() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]  # that it is frozen is what is tested


def test_the_card_key_is_not_shown() -> None:
    settings = Settings(card_key="a key for the tests alone")

    assert "a key for the tests alone" not in f"{settings} {settings!r} {settings.model_dump_json()}"


def test_the_password_of_the_store_is_not_shown() -> None:
    settings = Settings(store_url="postgresql://bme:a-password@db.example/bme")

    assert "a-password" not in f"{settings} {settings!r} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        pytest.param({"STATE_DIRECTORY": "/var/lib/bme:/var/lib/more", "XDG_STATE_HOME": "/x"}, "/var/lib/bme",
                     id="systemd's folder"),
        pytest.param({"XDG_STATE_HOME": "/x"}, "/x/bme-cds-service", id="the user's folder for state"),
        pytest.param({"HOME": "/h"}, "/h/.local/state/bme-cds-service", id="the user's home"),
    ],
)  # fmt: skip
def test_what_is_remembered_lies_where_the_system_keeps_state(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], place: str
) -> None:
    for name in ("BME_STORE_URL", "STATE_DIRECTORY", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert Settings().store_url.get_secret_value() == f"sqlite:///{place}/store.sqlite3"


def test_without_a_card_key_each_service_makes_its_own() -> None:
    assert Settings().card_key.get_secret_value() != Settings().card_key.get_secret_value()


# ------------------------------------------------------------------------------------------------ judgement


def test_an_unknown_judgement_is_refused_with_the_known_names() -> None:
    message = f"unknown judgement setting 'middle_age'; known: {', '.join(NAMES)}"

    assert refusals(judgement={"middle_age": 50}) == [("judgement", message)]


WRONG_KIND = [
    pytest.param(setting.name, value, id=f"{setting.name}: {value!r}")
    for setting in SETTINGS
    for value in ("45", True, 4.5, None, ["x"], {"a": 1})
    if not isinstance(setting.default, tuple) and type(value) is not type(setting.default)
]


@pytest.mark.parametrize(("name", "value"), WRONG_KIND)
def test_a_judgement_of_the_wrong_kind_is_refused_with_its_default(name: str, value: Any) -> None:
    default = next(setting.default for setting in SETTINGS if setting.name == name)

    assert judged(name, value) == [f"judgement setting {name!r} must be of the kind of its default, {default!r}"]


@pytest.mark.parametrize("value", ["si_joint", 1, None, {"si_joint": True}], ids=repr)
def test_a_judgement_that_is_a_list_takes_only_a_list(value: Any) -> None:
    assert judged("depth_sites", value) == ["judgement setting 'depth_sites' must be a list"]


def test_a_list_of_judgement_is_kept_as_it_was_given() -> None:
    assert Settings(judgement={"depth_sites": ["si_joint", "vertebra"]}).judgement == {
        "depth_sites": ("si_joint", "vertebra")
    }


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_the_default_of_every_judgement_is_itself_accepted(setting: Any) -> None:
    given = list(setting.default) if isinstance(setting.default, tuple) else setting.default

    assert Settings(judgement={setting.name: given}).judgement == {setting.name: setting.default}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_judgement_says_why(setting: Any) -> None:
    assert setting.why.endswith(".")


# ------------------------------------------------------------------------------------------ shown urgency

TIERS = "indicator_by_tier: unknown tier; known: emergent, routine, soon, urgent"
INDICATORS = "indicator_by_tier: unknown indicator; known: critical, info, warning"
TEXTS = "indicator_by_tier: every value must be a text"
NEVER_LOUDER = "indicator_by_tier: 'critical' is only for urgent and emergent"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"soon": "critical"}, NEVER_LOUDER, id="critical when soon"),
        pytest.param({"routine": "critical"}, NEVER_LOUDER, id="critical when routine"),
        pytest.param({"urgent": "warning", "soon": "critical"}, NEVER_LOUDER, id="with urgent made quieter"),
        pytest.param({"later": "info"}, TIERS, id="no such tier"),
        pytest.param({"soon": "loud"}, INDICATORS, id="no such indicator"),
        pytest.param({"soon": ["critical"]}, TEXTS, id="a list"),
        pytest.param({"soon": None}, TEXTS, id="nothing"),
    ],
)
def test_a_card_below_urgent_can_never_be_made_critical(given: Any, message: str) -> None:
    assert judged("indicator_by_tier", given) == [message]


def test_what_a_site_leaves_out_is_shown_as_by_default() -> None:
    quieter = Settings(judgement={"indicator_by_tier": {"urgent": "warning"}}).judgement["indicator_by_tier"]

    assert quieter == {**INDICATOR_BY_TIER.default, "urgent": "warning"}


def test_a_quieter_indicator_reaches_the_cards() -> None:
    name = "hip-with-rim-and-effusion"
    loud, quiet = answered(name), answered(name, judgement={"indicator_by_tier": {"urgent": "warning"}})

    assert [card["indicator"] for card in loud.cards + quiet.cards] == ["critical", "warning"]


# ---------------------------------------------------------------------------------------------- referrals

TARGETS = "diabetic_foot_team, hematology, infectious_diseases, orthopedics, rheumatology"
ACTIONS = "REF_HEM, REF_ID, REF_MDFT, REF_ORTHO, REF_RHEUM"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"REF_NOBODY": "orthopedics"}, f"unknown action; known: {ACTIONS}", id="action"),
        pytest.param({"REF_HEM": "oncology"}, f"unknown target; known: {TARGETS}", id="target"),
        pytest.param({"REF_HEM": ["orthopedics"]}, "every value must be a text", id="a list"),
    ],
)
def test_a_referral_can_only_go_where_there_is_a_code_for_it(given: Any, message: str) -> None:
    assert judged("referral_targets", given) == [f"referral_targets: {message}"]


def test_a_site_can_send_a_referral_elsewhere() -> None:
    found = answered(
        "diffuse-marrow-change-found-by-chance", judgement={"referral_targets": {"REF_HEM": "rheumatology"}}
    )

    labels = [suggestion["label"] for card in found.cards for suggestion in card.get("suggestions", [])]
    assert labels == ["Refer to rheumatology (urgent)"]


OWN_CODE = {"system": "urn:example:orderables", "code": "REF-17", "display": "Orthopedic clinic"}


def test_a_sites_own_referral_code_stands_first_in_the_suggested_order() -> None:
    name = "hip-with-rim-and-effusion"
    ours, theirs = (
        found.cards[0]["suggestions"][0]["actions"][0]["resource"]["code"]["coding"]
        for found in (answered(name), answered(name, referral_codes={"orthopedics": OWN_CODE}))
    )

    assert theirs == [OWN_CODE, *ours]


def test_a_referral_code_of_another_target_is_not_used() -> None:
    name = "hip-with-rim-and-effusion"

    assert answered(name, referral_codes={"hematology": OWN_CODE}).cards == answered(name).cards


@pytest.mark.parametrize("lacking", ["system", "code", "display"])
def test_a_referral_code_is_given_in_full(lacking: str) -> None:
    given = {name: value for name, value in OWN_CODE.items() if name != lacking}

    assert refusals(referral_codes={"orthopedics": given}) == [
        (f"referral_codes.orthopedics.{lacking}", "Field required")
    ]


# ------------------------------------------------------------------------------------------------ aliases


def test_a_sites_own_code_is_split_at_the_last_bar() -> None:
    settings = Settings(code_aliases={"urn:own|X": "bme", "https://own.example/a|b|Y": "t1_signal=low"})

    assert settings.aliases == {("urn:own", "X"): "bme", ("https://own.example/a|b", "Y"): "t1_signal=low"}


# ------------------------------------------------------------------------- values that could never work


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        pytest.param({"judgement": {"middle_age_from": -45}}, "judgement", id="a negative age"),
        pytest.param({"judgement": {"fresh_days": -1}}, "judgement", id="a negative number of days"),
        pytest.param({"judgement": {"old_after_days": 36_501}}, "judgement", id="more days than a century has"),
        *(
            pytest.param({"fhir_servers": [address]}, "fhir_servers", id=address)
            for address in (
                "http://ehr.example/fhir",
                "ftp://ehr.example/fhir",
                "ehr.example/fhir",
                "https://",
                "https://user:word@ehr.example/fhir",
                "https://ehr.example/fhir?x=1",
                "https://ehr.example/fhir#x",
                "http://127.0.0.1.example/fhir",
                "http://10.0.0.1/fhir",
            )
        ),
        *(
            pytest.param({"public_url": address}, "public_url", id=f"public: {address}")
            for address in ("cds.example", "http://cds.example", "https://cds.example?x=1", "https://me@cds.example")
        ),
        *(
            pytest.param({"clients": {"https://ehr.example": client}}, f"clients.https://ehr.example{field}", id=name)
            for name, client, field in (
                ("a client without keys", {}, ""),
                ("a client with a word more", {"jku": "https://ehr.example/keys", "secret": "x"}, ".secret"),
                ("a key set over http", {"jku": "http://ehr.example/keys"}, ".jku"),
                ("a key set in a file", {"jku": "file:///etc/keys"}, ".jku"),
                (
                    "a client's FHIR server over http",
                    {"keys": {"keys": []}, "fhir_servers": ["http://x.example"]},
                    ".fhir_servers",
                ),
                ("tenants that are a text", {"keys": {"keys": []}, "tenants": "north"}, ".tenants"),
            )
        ),
        pytest.param({"auth": "on"}, "auth", id="a mode that does not exist"),
        pytest.param({"token_lifetime_s": 59}, "token_lifetime_s", id="tokens that end at once"),
        pytest.param({"judgement": {"depth_sites": ["sacrum"]}}, "judgement", id="a site that does not exist"),
        pytest.param(
            {"referral_codes": {"orthopaedics": OWN_CODE}}, "referral_codes", id="a target that does not exist"
        ),
        pytest.param({"code_aliases": {"X": "bme"}}, "code_aliases", id="an alias without a system"),
        pytest.param({"code_aliases": {"urn:own|X": "edema"}}, "code_aliases", id="an alias for no fact"),
        pytest.param({"code_aliases": {"urn:own|X": "t1_signal=dark"}}, "code_aliases", id="an alias for no value"),
    ],
)
def test_a_value_that_could_never_work_is_refused_rather_than_ignored(given: Any, setting: str) -> None:
    assert [name for name, _ in refusals(**given)] == [setting]


# -------------------------------------------------------------------------------------------- environment


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        pytest.param("BME_PORT", "9000", "port", 9000, id="a number"),
        pytest.param("BME_HOST", "0.0.0.0", "host", "0.0.0.0", id="a text"),  # noqa: S104  # read, not listened on
        pytest.param("BME_REFERRAL_INTENT", "order", "referral_intent", "order", id="a choice"),
        pytest.param("BME_PROFILE", "sandbox", "profile", ProfileName.SANDBOX, id="a profile"),
        pytest.param("BME_DISCOVERY_VERSION", "STU2", "discovery_version", "STU2", id="a version"),
        pytest.param(
            "BME_JUDGEMENT", '{"middle_age_from": 50}', "judgement", {"middle_age_from": 50}, id="judgement as JSON"
        ),
        pytest.param("BME_CODE_ALIASES", '{"urn:own|X": "bme"}', "code_aliases", {"urn:own|X": "bme"}, id="aliases"),
    ],
)
def test_a_setting_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, name: str, value: Any
) -> None:
    monkeypatch.setenv(variable, text)

    assert getattr(Settings(), name) == value


def test_referral_codes_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BME_REFERRAL_CODES", json.dumps({"orthopedics": OWN_CODE}))

    assert {target: code.model_dump() for target, code in Settings().referral_codes.items()} == {
        "orthopedics": OWN_CODE
    }


def test_a_wrong_judgement_in_the_environment_is_refused_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BME_JUDGEMENT", '{"indicator_by_tier": {"soon": "critical"}}')

    assert refusals() == [("judgement", NEVER_LOUDER)]


def test_what_is_given_by_hand_counts_more_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BME_PORT", "9000")

    assert Settings(port=9001).port == 9001


@pytest.mark.parametrize(
    "address", ["https://ehr.example/fhir/", "http://127.0.0.1:9/fhir", "http://[::1]/r4", "http://localhost/fhir"]
)
def test_a_server_to_read_is_kept_without_the_slash_behind_it(address: str) -> None:
    assert Settings(fhir_servers=[address]).fhir_servers == (address.rstrip("/"),)


# ------------------------------------------------------------------------------------------------- the SMART app

EHR = "https://ehr.example/fhir"
PUBLIC = {"client_id": "app", "auth": "none"}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://EHR.example:443/fhir/", EHR),
        ("HTTPS://ehr.example/Fhir", "https://ehr.example/Fhir"),
        ("http://127.0.0.1:80/fhir", "http://127.0.0.1/fhir"),
        ("https://ehr.example:8443", "https://ehr.example:8443"),
    ],
)
def test_a_record_of_the_app_is_kept_as_addresses_are_compared(written: str, kept: str) -> None:
    settings = Settings(smart_issuers={written: PUBLIC}, public_url="https://cds.example")

    assert list(settings.smart_issuers) == [kept]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "ftp://ehr.example",
        "https://",
        "https://me@ehr.example",
        "https://ehr.example/?x",
        "https://e:x/",
        "//e",
    ],
)
def test_what_is_no_address_is_equal_to_none(address: str) -> None:
    assert normal_address(address) == ""


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"smart_issuers": {"http://ehr.example/fhir": PUBLIC}}, "http is for this machine only"),
        ({"smart_issuers": {EHR: PUBLIC, f"{EHR}/": PUBLIC}}, "two entries are the same address"),
        ({"smart_issuers": {EHR: {**PUBLIC, "frames": ["https://ehr.example/chart"]}}}, "write each as scheme://host"),
        ({"smart_issuers": {EHR: {**PUBLIC, "origins": ["http://ehr.example"]}}}, "http is for this machine only"),
        (
            {"smart_issuers": {EHR: {**PUBLIC, "frames": ["http://ehr.example"]}}},
            "frames: write each as https://",
        ),
        ({"smart_issuers": {EHR: {"client_id": ""}}}, "at least 1 character"),
        ({"smart_issuers": {EHR: PUBLIC}, "public_url": ""}, "smart_issuers needs public_url"),
        ({"smart_issuers": {EHR: {"client_id": "app"}}}, "smart_issuers needs smart_keys"),
    ],
)
def test_what_the_app_cannot_be_served_with_is_refused(given: dict[str, Any], why: str) -> None:
    ((_, told),) = refusals(**{"public_url": "https://cds.example", **given})

    assert why in told


@pytest.mark.parametrize(
    "kept", [None, b"", b"no", b"[]", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "EC"}]}', b'{"alg": "ES384"}']
)
def test_a_file_without_keys_is_told_with_what_makes_one(kept: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    if kept is not None:
        file.write_bytes(kept)
    settings = Settings(smart_issuers={EHR: {"client_id": "app"}}, smart_keys=file, public_url="https://cds.example")

    with pytest.raises(ConfigurationError, match="make one with `cds-service jwt key`"):
        read_app_keys(settings)
