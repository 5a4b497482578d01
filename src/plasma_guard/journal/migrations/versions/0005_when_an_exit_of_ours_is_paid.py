"""Cases of our own exits remember from when on they can be paid."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a running guard fills it in at the next look at the exit."""
    op.add_column("cases", sa.Column("ripe_at", sa.Integer))
