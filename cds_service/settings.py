"""Configuration: from the environment (``BME_...``) or given by hand, validated as a whole.

Judgement where the source document is silent has its defaults and reasons in ``knowledge.settings``; a site overrides
them through ``judgement``.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from cds_service.knowledge.actions import REFERRAL_ACTIONS
from cds_service.knowledge.codes.aliases import check_aliases
from cds_service.knowledge.codes.referrals import REFERRALS
from cds_service.knowledge.settings import DEPTH_SITES, INDICATOR_BY_TIER, REFERRAL_TARGETS, SETTINGS
from cds_service.knowledge.sites import SITES
from cds_service.model.condition import Setting, SettingValue
from cds_service.protocol.profiles import ProfileName

LONGEST_DAYS = 36_500
LEAST_STORE_DAYS = 90
SHORTEST_SECRET = 16


_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|http://\[[0-9a-f:]+\](:[0-9]{1,5})?")


def _own_store() -> SecretStr:
    """Return a file where the system keeps what a service remembers: systemd's StateDirectory=, or XDG_STATE_HOME."""
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    folder = Path(given) if given else Path(home) / "bme-cds-service"
    return SecretStr(f"sqlite:///{folder / 'store.sqlite3'}")


class ReferralCode(BaseModel):
    """The code a site orders a referral with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str
    code: str
    display: str


class ClientSettings(BaseModel):
    """A CDS client whose tokens are taken. One of ``jku`` and ``keys`` at least."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    jku: str = Field("", description="Address of its key set: https, or http on this machine.")
    keys: dict[str, Any] = Field(default_factory=dict, description="Its key set (JWKS), if not or not only fetched.")
    tenants: tuple[str, ...] = Field((), description="Tenants it may call for; every one if there are none.")
    fhir_servers: tuple[str, ...] = Field((), description="FHIR servers it may name besides those all may.")
    profile: ProfileName | None = Field(None, description="What kind of client it is, if not the one that all are.")

    @field_validator("jku")
    @classmethod
    def _usable_jku(cls, value: str) -> str:
        return value and _usable_address("jku", value)

    @field_validator("fhir_servers")
    @classmethod
    def _usable_servers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_usable_address("fhir_servers", address).rstrip("/") for address in value)

    @model_validator(mode="after")
    def _has_keys(self) -> ClientSettings:
        if not self.jku and not self.keys:
            raise ValueError("give 'jku', the address of its key set, or 'keys', the key set itself")
        return self


class AppIssuer(BaseModel):
    """A record whose users may open our SMART app, and how the app signs in there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str = Field(min_length=1, description="What the record's authorization server knows the app as.")
    auth: Literal["private_key_jwt", "none"] = Field(
        "private_key_jwt",
        description="How the app proves who it is: by a signature with smart_keys, or, as a public client, not at all.",
    )
    name: str = Field("", description="What clinicians call the record.")
    origins: tuple[str, ...] = Field(
        (), description="Origins of its authorization server and style, if they are not on the FHIR server's own."
    )
    frames: tuple[str, ...] = Field((), description="Origins of the pages that may show the app in a frame.")

    @field_validator("origins", "frames")
    @classmethod
    def _usable_origins(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for address in value:
            if not _ORIGIN.fullmatch(address):
                raise ValueError("write each as scheme://host or scheme://host:port, nothing else")
            _usable_address(info.field_name or "", address)
        return value


class _Environment(EnvSettingsSource):
    """The environment, in which a value that is not JSON is left to be refused along with all others."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class Settings(BaseSettings):
    """All settings of the service. Raises pydantic's ValidationError naming every bad value at once."""

    model_config = SettingsConfigDict(env_prefix="BME_", env_nested_delimiter="__", extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8321, ge=0, le=65535, description="Port to listen on.")
    workers: int = Field(2, ge=1, le=64, description="Worker processes of gunicorn.")
    threads: int = Field(48, ge=1, le=512, description="Threads of each worker.")
    calls_at_once: int = Field(
        0,
        ge=0,
        le=512,
        description="Calls that a worker answers at a time; more are refused with 503 at once. 0: as many as it has"
        " threads, but an eighth.",
    )
    admin_token: SecretStr = Field(
        SecretStr(""),
        description="Bearer token for /metrics and /quality, which are not there without one. In a browser it is the"
        " password.",
    )
    cors_origins: tuple[str, ...] = Field(
        (),
        description="Origins whose pages may call the services from a browser, such as https://sandbox.cds-hooks.org.",
    )
    profile: ProfileName = Field(ProfileName.GENERIC, description="What kind of client calls.")
    discovery_version: str = Field(
        "",
        pattern=r"^(STU[1-9]|[0-9]+\.[0-9]+(\.[0-9]+)?)?$",
        description="Version of CDS Hooks to be named in the list of services, such as 2.0.1, with those of the hooks."
        " CDS Hooks 2.0 does not know either.",
    )
    public_url: str = Field(
        "",
        description="Address under which clients reach the service, before '/cds-services'. Their tokens name it.",
    )
    auth: Literal["required", "optional", "off"] = Field(
        "off",
        description="Whether a call needs a token of a known client. 'optional' answers calls without one. 'off' looks"
        " at none, and listens on this machine only.",
    )
    auth_discovery: bool = Field(True, description="Whether the list of services needs a token, too, if calls do.")
    clients: dict[str, ClientSettings] = Field(
        default_factory=dict, description="The CDS clients whose tokens are taken, by issuer."
    )
    token_lifetime_s: int = Field(
        86_400,
        ge=60,
        le=7 * 86_400,
        description="Longest time a token may be valid. A day, because crd-request-generator signs for that long.",
    )
    fhir_servers: tuple[str, ...] = Field(
        (),
        description="Base addresses of the FHIR servers that may be read when a call names them: https, or http on this"
        " machine. None is read by default.",
    )
    fhir_deadline_s: float = Field(2.0, gt=0, le=30, description="Longest time one call waits for its FHIR server.")
    fhir_post_search: bool = Field(
        False, description="Search FHIR servers with POST, which keeps ids out of their logs."
    )
    fhir_ca_file: str = Field(
        "", description="Certificate authorities (PEM) of FHIR servers and key sets, if not the public ones."
    )
    smart_issuers: dict[str, AppIssuer] = Field(
        default_factory=dict,
        description="The records from which our SMART app may be opened, by FHIR base address. No app without one.",
    )
    smart_keys: Path | None = Field(
        None,
        description="File with the app's private keys: a JWK as `cds-service jwt key` makes it, or a set of them. The"
        " first that a record takes signs.",
    )
    max_body_bytes: int = Field(10_000_000, ge=1_000, description="Largest request body accepted, in bytes.")
    card_key: SecretStr = Field(
        default_factory=lambda: SecretStr(secrets.token_hex(32)),
        description="Secret from which card ids and the keys of the app are made. Set it, so that cards and open pages"
        " survive a restart.",
    )
    store_url: SecretStr = Field(
        default_factory=_own_store,
        description="Database of cards issued, feedback and seen tokens: sqlite:///PATH or postgresql://...",
    )
    store_required: bool = Field(
        False,
        description="Refuse calls with 503 while the store fails and a token that is sent twice could pass, instead of"
        " going on with what each process remembers.",
    )
    store_comments: bool = Field(
        False, description="Keep the comments of feedback. They are free text and may be about the patient."
    )
    store_days: int = Field(
        0,
        description="How many days cards and feedback are kept, 90 at least; 0: for ever. What is silent, and /quality,"
        " are worked out from them.",
    )
    hooks_folder: Path | None = Field(None, description="A site's own hook definitions, instead of the packaged ones.")
    result_review_hook: str = Field(
        "result-review",
        pattern=r"^[A-Za-z0-9.-]+$",
        description="Name of the result-review hook, where a site needs a reverse-domain name.",
    )
    referral_intent: str = Field("proposal", pattern="^(proposal|order)$", description="Intent of a drafted referral.")
    code_aliases: dict[str, str] = Field(
        default_factory=dict,
        description="A site's own finding codes: 'system|code' -> fact, or 'fact=value'.",
    )
    judgement: dict[str, Any] = Field(
        default_factory=dict, description="Overrides of the judgement settings, by name (see docs)."
    )

    referral_codes: dict[str, ReferralCode] = Field(
        default_factory=dict,
        description="A site's own code for a referral target, such as an orderable's: target -> system, code, display.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # ours takes its place
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # not used here
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # not used here
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is given by hand, then the environment."""
        return init_settings, _Environment(settings_cls)

    @field_validator("cors_origins")
    @classmethod
    def _usable_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_ORIGIN.fullmatch(address) for address in value):
            raise ValueError("cors_origins: write each as scheme://host or scheme://host:port, nothing else")
        return value

    @field_validator("fhir_servers")
    @classmethod
    def _usable_servers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_usable_address("fhir_servers", address).rstrip("/") for address in value)

    @field_validator("public_url")
    @classmethod
    def _usable_url(cls, value: str) -> str:
        return value and _usable_address("public_url", value).rstrip("/")

    @field_validator("smart_issuers")
    @classmethod
    def _usable_issuers(cls, value: dict[str, AppIssuer]) -> dict[str, AppIssuer]:
        found = {normal_address(_usable_address("smart_issuers", base)): issuer for base, issuer in value.items()}
        if len(found) < len(value):
            raise ValueError("smart_issuers: two entries are the same address")
        return found

    @model_validator(mode="after")
    def _app_can_be_opened(self) -> Settings:
        if self.smart_issuers and not self.public_url:
            raise ValueError("smart_issuers needs public_url: the app's addresses are below it")
        if any(one.auth == "private_key_jwt" for one in self.smart_issuers.values()) and self.smart_keys is None:
            raise ValueError(
                "smart_issuers needs smart_keys, unless each is public: make one with `cds-service jwt key`"
            )
        return self

    @field_validator("store_days")
    @classmethod
    def _kept_long_enough(cls, value: int) -> int:
        if value and value < LEAST_STORE_DAYS:
            raise ValueError(
                f"store_days: write 0, or {LEAST_STORE_DAYS} or more: /quality tells of twelve weeks together"
            )
        return value

    @field_validator("store_url")
    @classmethod
    def _usable_store(cls, value: SecretStr) -> SecretStr:
        scheme, separator, _ = value.get_secret_value().partition("://")
        if not separator or scheme not in ("sqlite", "postgresql"):
            raise ValueError("write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE")
        if scheme == "postgresql" and find_spec("psycopg") is None:
            raise ValueError("PostgreSQL needs a driver: pip install 'bme-cds-service[postgresql]'")
        return value

    @field_validator("admin_token")
    @classmethod
    def _long_token(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"admin_token: use at least {SHORTEST_SECRET} characters that nobody can guess")
        return value

    @field_validator("judgement")
    @classmethod
    def _known_judgement(cls, value: dict[str, Any]) -> dict[str, Any]:
        known = {setting.name: setting for setting in SETTINGS}
        for name, given in value.items():
            if name not in known:
                raise ValueError(f"unknown judgement setting {name!r}; known: {', '.join(sorted(known))}")
            default = known[name].default
            if isinstance(default, tuple):
                if not isinstance(given, list | tuple):
                    raise ValueError(f"judgement setting {name!r} must be a list")
            elif isinstance(given, bool) is not isinstance(default, bool) or not isinstance(given, type(default)):
                raise ValueError(f"judgement setting {name!r} must be of the kind of its default, {default!r}")
        return {name: _completed(known[name], given) for name, given in value.items()}

    @field_validator("referral_codes")
    @classmethod
    def _known_targets(cls, value: dict[str, ReferralCode]) -> dict[str, ReferralCode]:
        _known("referral_codes", "target", value, REFERRALS)
        return value

    @field_validator("code_aliases")
    @classmethod
    def _usable_aliases(cls, value: dict[str, str]) -> dict[str, str]:
        if not all("|" in name for name in value):
            raise ValueError("code_aliases: write each code as 'system|code'")
        check_aliases(_by_key(value))
        return value

    @property
    def secret(self) -> bytes:
        """The secret of the service (``card_key``), from which ids, hashes and keys are made."""
        return self.card_key.get_secret_value().encode()

    @property
    def profiles(self) -> set[ProfileName]:
        """The kinds of clients that may call."""
        return {self.profile, *(client.profile for client in self.clients.values() if client.profile)}

    @property
    def aliases(self) -> dict[tuple[str, str], str]:
        """The site's own codes as (system, code) -> fact."""
        return _by_key(self.code_aliases)


def normal_address(address: str) -> str:
    """Return an address as it is compared: scheme and host in small letters, no default port, no slash at the end.

    Empty for what cannot be one.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    if not host or usual is None or parts.username is not None or parts.query or parts.fragment:
        return ""
    return f"{parts.scheme}://{host}{'' if port in (None, usual) else f':{port}'}{parts.path.removesuffix('/')}"


def mistakes(error: ValidationError) -> Iterator[str]:
    """Yield every value that is refused by its variable, with what is expected. The values themselves stay out."""
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        name, *inside = [str(part) for part in one["loc"]] or [""]
        where = ".".join([_variable(name) if name else "the settings together", *inside])
        said = one["msg"].removeprefix("Value error, ").rstrip(".")
        if one["type"] in ("dict_type", "tuple_type", "model_type") and not inside:
            said = f"write it as JSON, {'[...]' if one['type'] == 'tuple_type' else '{...}'}"
        about = Settings.model_fields[name].description if name in Settings.model_fields else ""
        yield f"{where}: {said}{f'. {about}' if about else ''}"


def misspelt(environment: Iterable[str]) -> Iterator[str]:
    """Yield the variables that look like settings and are none, with the nearest that is one."""
    known = [_variable(name) for name in Settings.model_fields]
    for variable in sorted(environment):
        name = variable.upper().partition("__")[0]
        if name.startswith("BME_") and name not in known:
            near = get_close_matches(name, known, 1)
            yield f"{variable}: there is no such setting{f'; did you mean {near[0]}?' if near else ''}"


def shown(settings: Settings) -> dict[str, tuple[Any, bool]]:
    """Return each variable with its value and whether it was set. Secrets, keys and the database stay out."""
    found = settings.model_dump(mode="json")
    for client in found["clients"].values():
        client["keys"] = f"{len(client['keys'].get('keys', ()))} keys" if client["keys"] else ""
    found["store_url"] = f"{settings.store_url.get_secret_value().partition('://')[0]}://..."
    return {_variable(name): (value, name in settings.model_fields_set) for name, value in found.items()}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the settings, by variable; lists and objects are written as JSON there."""
    found = Settings.model_json_schema()
    found["properties"] = {_variable(name): form for name, form in found["properties"].items()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _variable(name: str) -> str:
    return f"BME_{name.upper()}"


def _usable_address(setting: str, address: str) -> str:
    """Return the address if it can be used. Raises ValueError."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError(f"{setting}: write each as https://...; http is for this machine only")
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError(f"{setting}: write each as scheme, host and path, nothing else")
    return address


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine, whatever its names are elsewhere."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _by_key(aliases: Mapping[str, str]) -> dict[tuple[str, str], str]:
    parts = ((name.rpartition("|"), fact) for name, fact in aliases.items())
    return {(system, code): fact for (system, _, code), fact in parts}


def _completed(setting: Setting, given: Any) -> Any:
    """Return a checked value; a mapping keeps its defaults for what the site leaves out.

    Raises:
        ValueError: naming what is wrong.
    """
    if isinstance(given, dict) and not all(isinstance(value, str) for value in given.values()):
        raise ValueError(f"{setting.name}: every value must be a text")
    if isinstance(given, int) and not isinstance(given, bool) and given < 0:
        raise ValueError(f"{setting.name} must not be negative")
    if setting.unit == "days" and given > LONGEST_DAYS:
        raise ValueError(f"{setting.name} must not be more than {LONGEST_DAYS} days")
    if setting == DEPTH_SITES:
        return tuple(_known("depth_sites", "site", given, SITES.group_of))
    if setting == INDICATOR_BY_TIER:
        default = dict(_mapping(INDICATOR_BY_TIER.default))
        _known("indicator_by_tier", "tier", given, default)
        _known("indicator_by_tier", "indicator", given.values(), ("info", "warning", "critical"))
        if "critical" in (given.get("routine"), given.get("soon")):
            raise ValueError("indicator_by_tier: 'critical' is only for urgent and emergent")
        return {**default, **given}
    if setting == REFERRAL_TARGETS:
        _known("referral_targets", "action", given, [action.id for action in REFERRAL_ACTIONS])
        _known("referral_targets", "target", given.values(), REFERRALS)
    return given


def _known(setting: str, kind: str, given: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return what is given, if all of it is known. Raises ValueError."""
    names, allowed = list(given), sorted(known)
    if not set(names) <= set(allowed):
        raise ValueError(f"{setting}: unknown {kind}; known: {', '.join(allowed)}")
    return names


def _mapping(value: SettingValue) -> Mapping[str, str]:
    return value if isinstance(value, Mapping) else {}
