"""The tables. A change here needs a migration beside it (``migrations/``); a test compares the two."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, DateTime, MetaData, String, Table, Text

metadata = MetaData()

issued_cards = Table(
    "issued_cards",
    metadata,
    Column("card", String(36), primary_key=True),
    Column("service", String, nullable=False),
    Column("hook", String, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("rule_set", String(16), nullable=False),
    Column("tier", String(16), nullable=False),
    Column("indicator", String(16), nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False, index=True),
    Column("subject", String(64), index=True),
    Column("basis", String(64)),
    Column("profile", String(16)),
    Column("kept_back", String(8)),
)
"""One row a card. A card sent again has the same id and keeps its first row. Times are UTC. What was kept back
(``records.KeptBack``) has a row as well, without a subject; a card that was sent has none in ``kept_back``."""

feedback = Table(
    "feedback",
    metadata,
    # One digest instead of a constraint over seven columns, one of them a list and two of them optional.
    Column("digest", String(64), primary_key=True),
    Column("client", String, nullable=False),
    Column("card", String(36), nullable=False, index=True),
    Column("outcome", String(16), nullable=False),
    Column("suggestions", JSON, nullable=False),
    Column("reason_system", String, nullable=False),
    Column("reason_code", String, nullable=False),
    Column("comment", Text, nullable=False),
    Column("outcome_at", DateTime(timezone=True)),
    Column("received_at", DateTime(timezone=True), nullable=False, index=True),
)
"""Rows are only ever added. A card may have several; the last received counts. A row whose card is not among
``issued_cards`` is about a card that this store does not know."""

seen_tokens = Table(
    "seen_tokens",
    metadata,
    Column("issuer", String, primary_key=True),
    Column("token", String(64), primary_key=True),
    Column("expires", BigInteger, nullable=False, index=True),
)
"""The SHA-256 of each ``jti`` until it expires (seconds since 1970)."""

launches = Table(
    "launches",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("browser", String(64), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
)
"""The launches of the app: those that wait for the record's answer, and those that are open. ``name`` is the SHA-256 of
what only the browser and the record know, ``browser`` the keyed hash of its cookie; the rest is encrypted."""
