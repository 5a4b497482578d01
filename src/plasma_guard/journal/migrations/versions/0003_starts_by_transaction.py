"""In-flight exits are found by their transaction without reading every event."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give the transaction's hash a column and an index of its own; so far it was in the JSON body alone."""
    op.add_column("root_events", sa.Column("plasma_tx_hash", sa.String(66)))
    op.execute("UPDATE root_events SET plasma_tx_hash = json_extract(body, '$.plasma_tx_hash')")
    op.create_index("ix_root_events_plasma_tx_hash", "root_events", ["plasma_tx_hash"])
