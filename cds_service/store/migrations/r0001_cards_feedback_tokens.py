"""Cards issued, feedback, seen tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "issued_cards",
        sa.Column("card", sa.String(36), primary_key=True),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("hook", sa.String, nullable=False),
        sa.Column("rules", sa.JSON, nullable=False),
        sa.Column("rule_set", sa.String(16), nullable=False),
        sa.Column("tier", sa.String(16), nullable=False),
        sa.Column("indicator", sa.String(16), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_issued_cards_issued_at", "issued_cards", ["issued_at"])
    op.create_table(
        "feedback",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("client", sa.String, nullable=False),
        sa.Column("card", sa.String(36), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("suggestions", sa.JSON, nullable=False),
        sa.Column("reason_system", sa.String, nullable=False),
        sa.Column("reason_code", sa.String, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("outcome_at", sa.DateTime(timezone=True)),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_feedback_card", "feedback", ["card"])
    op.create_index("ix_feedback_received_at", "feedback", ["received_at"])
    op.create_table(
        "seen_tokens",
        sa.Column("issuer", sa.String, primary_key=True),
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_seen_tokens_expires", "seen_tokens", ["expires"])
