"""What a site is told about its settings: every mistake at once with what to do, and what is set, without secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from cds_service.settings import Settings, misspelt, mistakes, schema, shown

SECRETS = {
    "BME_CARD_KEY": "canary-card-key",
    "BME_ADMIN_TOKEN": "canary-admin-token",
    "BME_STORE_URL": "postgresql://canary-user:canary-password@canary-host/canary-database",
    "BME_CLIENTS": json.dumps({"https://ehr.example": {"keys": {"keys": [{"kty": "EC", "d": "canary-private"}]}}}),
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    def give(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return give


def told() -> list[str]:
    with pytest.raises(ValidationError) as refused:
        Settings()
    return list(mistakes(refused.value))


def test_every_mistake_is_told_at_once_with_what_to_write(environment: Any):
    environment(
        BME_PORT="99999",
        BME_WORKERS="many",
        BME_CLIENTS="{no JSON",
        BME_CORS_ORIGINS="https://sandbox.cds-hooks.org",
        BME_FHIR_SERVERS='["http://ehr.example/fhir"]',
        BME_STORE_URL="mysql://canary-password@host/database",
        BME_ADMIN_TOKEN="canary",
    )

    found = told()

    assert [line.partition(". ")[0] for line in found] == [
        "BME_PORT: Input should be less than or equal to 65535",
        "BME_WORKERS: Input should be a valid integer, unable to parse string as an integer",
        "BME_ADMIN_TOKEN: admin_token: use at least 16 characters that nobody can guess",
        "BME_CORS_ORIGINS: write it as JSON, [...]",
        "BME_CLIENTS: write it as JSON, {...}",
        "BME_FHIR_SERVERS: fhir_servers: write each as https://...; http is for this machine only",
        "BME_STORE_URL: write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE",
    ]
    assert [line for line in found if "canary" in line] == []


def test_a_mistake_inside_an_object_says_where(environment: Any):
    environment(BME_CLIENTS='{"https://ehr.example": {"jku": "http://ehr.example/keys"}}')

    (line,) = told()

    assert line.startswith("BME_CLIENTS.https://ehr.example.jku: jku: write each as https://...; http is for this")


def test_a_misspelt_setting_is_told_with_the_one_that_is_meant():
    given = ["BME_AUHT", "bme_port", "BME_JUDGEMENT__FRESH_DAYS", "BME_STORE_URL", "BME_WEATHER_TODAY_IS", "PATH"]

    assert list(misspelt(given)) == [
        "BME_AUHT: there is no such setting; did you mean BME_AUTH?",
        "BME_WEATHER_TODAY_IS: there is no such setting",
    ]


def test_what_is_set_is_shown_without_secrets_keys_or_database(environment: Any):
    environment(**SECRETS, BME_PORT="8400")

    found = shown(Settings())

    assert list(found) == [f"BME_{name.upper()}" for name in Settings.model_fields]
    assert (found["BME_PORT"], found["BME_HOST"]) == ((8400, True), ("127.0.0.1", False))
    assert found["BME_ADMIN_TOKEN"] == ("**********", True)
    assert found["BME_STORE_URL"] == ("postgresql://...", True)
    assert found["BME_CLIENTS"][0]["https://ehr.example"]["keys"] == "1 keys"
    assert "canary" not in json.dumps(found)


def test_a_secret_that_is_not_set_is_told_from_one_that_is():
    assert shown(Settings())["BME_ADMIN_TOKEN"] == ("", False)


def test_the_schema_takes_the_defaults_and_names_every_setting():
    found = schema()

    Draft202012Validator.check_schema(found)
    assert list(found["properties"]) == [f"BME_{name.upper()}" for name in Settings.model_fields]
    assert list(Draft202012Validator(found).iter_errors({})) == []
    wrong = {"BME_PORT": 99999, "BME_AUTH": "maybe", "BME_AUHT": "off"}
    assert len(list(Draft202012Validator(found).iter_errors(wrong))) == 3
    assert [name for name, form in found["properties"].items() if not form.get("description")] == []
