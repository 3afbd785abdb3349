"""The kind of client, and what was kept back; cards from before have no profile, and were all sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("issued_cards", sa.Column("profile", sa.String(16)))
    op.add_column("issued_cards", sa.Column("kept_back", sa.String(8)))
