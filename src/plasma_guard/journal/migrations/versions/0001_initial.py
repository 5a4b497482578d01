"""The first journal: observations, scan, cases, decisions, intents and attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_WORD = sa.String(64)
_ADDRESS = sa.String(42)
_HASH = sa.String(66)


def upgrade() -> None:
    """Create every table."""
    _create_scan()
    _create_cases()
    _create_sending()


def _create_scan() -> None:
    op.create_table(
        "binding",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("chain_id", sa.Integer, nullable=False),
        sa.Column("contract", _ADDRESS, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_binding_single"),
    )
    op.create_table(
        "observations",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("first_at", sa.Integer, nullable=False),
        sa.Column("last_at", sa.Integer, nullable=False),
        sa.CheckConstraint("last_at >= first_at", name="ck_observations_order"),
    )
    op.create_table(
        "checkpoint",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("hash", _HASH, nullable=False),
        sa.Column("timestamp", sa.Integer, nullable=False),
        sa.Column("parent", _HASH, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_checkpoint_single"),
    )
    op.create_table(
        "root_events",
        sa.Column("block_number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("log_index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("block_hash", _HASH, nullable=False),
        sa.Column("tx_hash", _HASH, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("exit_id", _WORD),
        sa.Column("position", _WORD),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("ix_root_events_exit_id", "root_events", ["exit_id"])
    op.create_index("ix_root_events_position", "root_events", ["position"])
    op.create_table(
        "tracked_exits",
        sa.Column("exit_id", _WORD, primary_key=True),
        sa.Column("start", sa.Text, primary_key=True),
        sa.Column("position", _WORD, nullable=False),
        sa.Column("owner", _ADDRESS, nullable=False),
        sa.Column("started_block", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Integer, nullable=False),
        sa.Column("judgement", sa.Text, nullable=False),
        sa.Column("judged_at", sa.Integer),
        sa.Column("running", sa.Boolean, nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.CheckConstraint(
            "judgement IN ('unverified', 'valid', 'invalid')", name="ck_tracked_exits_judgement"
        ),
        sa.CheckConstraint("NOT (gone AND running)", name="ck_tracked_exits_gone_is_over"),
    )
    op.create_index("ix_tracked_exits_position", "tracked_exits", ["position"])
    op.create_index("ix_tracked_exits_started_block", "tracked_exits", ["started_block"])


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("chain_id", sa.Integer, nullable=False),
        sa.Column("contract", _ADDRESS, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("exit_id", _WORD, nullable=False),
        sa.Column("start", sa.Text, nullable=False),
        sa.Column("position", _WORD, nullable=False),
        sa.Column("opened_at", sa.Integer, nullable=False),
        sa.Column("closure", sa.Text),
        sa.Column("closed_at", sa.Integer),
        sa.UniqueConstraint("chain_id", "contract", "kind", "exit_id", "start", name="uq_cases_key"),
        sa.CheckConstraint(
            "closure IS NULL OR closure IN ('won by us', 'resolved by others', 'lost', 'moot')",
            name="ck_cases_closure",
        ),
        sa.CheckConstraint("(closure IS NULL) = (closed_at IS NULL)", name="ck_cases_closed_whole"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "case_id", sa.Integer, sa.ForeignKey("cases.id", name="fk_decisions_case_id"), nullable=False
        ),
        sa.Column("block_number", sa.Integer, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("action", sa.Text),
    )
    op.create_index("ix_decisions_case_id", "decisions", ["case_id"])


def _create_sending() -> None:
    op.create_table(
        "intents",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("intent", sa.Text, nullable=False),
        sa.Column(
            "case_id", sa.Integer, sa.ForeignKey("cases.id", name="fk_intents_case_id"), nullable=False
        ),
        sa.Column("account", _ADDRESS, nullable=False),
        sa.Column("to", _ADDRESS, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("value", _WORD, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("gas_limit", sa.Integer),
        sa.Column("soft", sa.Integer, nullable=False),
        sa.Column("hard", sa.Integer, nullable=False),
        sa.Column("budget", _WORD, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("outcome_body", sa.Text),
        sa.Column("outcome_at", sa.Integer),
        sa.UniqueConstraint("intent", name="uq_intents_intent"),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('confirmed', 'reverted', 'would_revert', 'unaffordable')",
            name="ck_intents_outcome",
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (outcome_body IS NULL) AND (outcome IS NULL) = (outcome_at IS NULL)",
            name="ck_intents_outcome_whole",
        ),
    )
    op.create_index("ix_intents_case_id", "intents", ["case_id"])
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("hash", _HASH, nullable=False),
        sa.Column(
            "intent", sa.Text, sa.ForeignKey("intents.intent", name="fk_attempts_intent"), nullable=False
        ),
        sa.Column("account", _ADDRESS, nullable=False),
        sa.Column("nonce", sa.Integer, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("gas_limit", sa.Integer, nullable=False),
        sa.Column("max_fee", _WORD, nullable=False),
        sa.Column("max_priority_fee", _WORD, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("marked_at", sa.Integer),
        sa.UniqueConstraint("hash", name="uq_attempts_hash"),
        sa.CheckConstraint(
            "status IN ('signed', 'broadcast', 'mined', 'replaced', 'dropped')", name="ck_attempts_status"
        ),
        sa.CheckConstraint("nonce >= 0", name="ck_attempts_nonce"),
        sa.CheckConstraint("length(raw) > 0", name="ck_attempts_raw"),
        sa.CheckConstraint("max_priority_fee <= max_fee", name="ck_attempts_fees"),
    )
    op.create_index("ix_attempts_intent", "attempts", ["intent"])
    op.create_index("ix_attempts_account", "attempts", ["account", "nonce"])
