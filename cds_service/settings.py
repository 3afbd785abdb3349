"""Configuration: from the environment (``BME_...``) or given by hand, validated as a whole.

Judgement where the source document is silent has its defaults and reasons in ``knowledge.settings``; a site overrides
them through ``judgement``.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cds_service.knowledge.actions import REFERRAL_ACTIONS
from cds_service.knowledge.codes.referrals import REFERRALS
from cds_service.knowledge.settings import INDICATOR_BY_TIER, REFERRAL_TARGETS, SETTINGS
from cds_service.model.condition import Setting


class ReferralCode(BaseModel):
    """The code a site orders a referral with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str
    code: str
    display: str


class Settings(BaseSettings):
    """All settings of the service. Raises pydantic's ValidationError naming every bad value at once."""

    model_config = SettingsConfigDict(env_prefix="BME_", env_nested_delimiter="__", extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8321, ge=0, le=65535, description="Port to listen on.")
    workers: int = Field(2, ge=1, le=64, description="Worker processes of gunicorn.")
    threads: int = Field(48, ge=1, le=512, description="Threads of each worker.")
    max_body_bytes: int = Field(10_000_000, ge=1_000, description="Largest request body accepted, in bytes.")
    card_key: SecretStr = Field(
        default_factory=lambda: SecretStr(secrets.token_hex(32)),
        description="Key from which card ids are made. Set it, so that ids stay the same across restarts and workers.",
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

    @property
    def aliases(self) -> dict[tuple[str, str], str]:
        """The site's own codes as (system, code) -> fact."""
        return {
            (system, code): fact
            for name, fact in self.code_aliases.items()
            for system, _, code in (name.rpartition("|"),)
        }


def _completed(setting: Setting, given: Any) -> Any:
    """Return a checked value; a mapping keeps its defaults for what the site leaves out.

    Raises:
        ValueError: naming what is wrong.
    """
    if isinstance(given, list):
        return tuple(given)
    if setting == INDICATOR_BY_TIER:
        unknown = set(given) - set(INDICATOR_BY_TIER.default)  # type: ignore[arg-type]  # its default is a mapping
        if unknown or not set(given.values()) <= {"info", "warning", "critical"}:
            raise ValueError("indicator_by_tier maps routine, soon, urgent, emergent to info, warning or critical")
        if "critical" in (given.get("routine"), given.get("soon")):
            raise ValueError("indicator_by_tier: 'critical' is only for urgent and emergent")
        return {**INDICATOR_BY_TIER.default, **given}  # type: ignore[dict-item]  # its default is a mapping
    if setting == REFERRAL_TARGETS:
        known = {action.id for action in REFERRAL_ACTIONS}
        if not set(given) <= known:
            raise ValueError(f"referral_targets: unknown action; known: {', '.join(sorted(known))}")
        if not set(given.values()) <= set(REFERRALS):
            raise ValueError(f"referral_targets: unknown target; known: {', '.join(sorted(REFERRALS))}")
    return given
