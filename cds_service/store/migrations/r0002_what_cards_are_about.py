"""What a card is about and what it rests on, as keyed hashes; cards from before have neither and are never silent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("issued_cards", sa.Column("subject", sa.String(64)))
    op.add_column("issued_cards", sa.Column("basis", sa.String(64)))
    op.create_index("ix_issued_cards_subject", "issued_cards", ["subject"])
