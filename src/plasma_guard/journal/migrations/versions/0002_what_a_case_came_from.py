"""Cases remember the report they came from, so that any kind of case can be taken up again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the event's name and its details; until now there was one kind of case, known by its position."""
    op.add_column("cases", sa.Column("event", sa.Text, nullable=False, server_default="invalid_exit"))
    op.add_column("cases", sa.Column("details", sa.Text, nullable=False, server_default="{}"))
    # Positions are kept as fixed-width hex, JSON wants them as numbers of any size: Python converts.
    connection = op.get_bind()
    for case_id, position in connection.execute(sa.text("SELECT id, position FROM cases")).all():
        details = f'{{"utxo_pos": {int(position, 16)}}}'
        connection.execute(
            sa.text("UPDATE cases SET details = :details WHERE id = :id"),
            {"details": details, "id": case_id},
        )
