"""Cases remember their deadline and their bond, decisions when they were first made: for incident reports."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of older cases neither deadline nor bond is known."""
    op.add_column("cases", sa.Column("deadline", sa.Integer))
    op.add_column("cases", sa.Column("bond", sa.String(64)))
    op.add_column("decisions", sa.Column("first_at", sa.Integer, nullable=False, server_default="0"))
    op.execute(sa.text("UPDATE decisions SET first_at = at"))
