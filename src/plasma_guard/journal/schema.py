"""The tables as they are now; `migrations` is how a file gets there, and a test proves the two equal.

Amounts, exit ids and positions are uint256 on chain and do not fit an SQL integer: they are stored as 64 hex
digits, so that text order is number order. Times are root-chain seconds unless a name says otherwise.
"""

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

from plasma_guard.domain.cases import Judgement
from plasma_guard.domain.decisions import Closure
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.domain.transactions import AttemptStatus

_WORD_DIGITS = 64


class Uint256(TypeDecorator[int]):
    """An integer of 0..2^256 - 1 as 64 hex digits."""

    impl = String(_WORD_DIGITS)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:  # noqa: ARG002 : fixed by the base
        """Write fixed-width digits."""
        return None if value is None else value.to_bytes(32, "big").hex()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:  # noqa: ARG002 : fixed by the base
        """Read them back."""
        return None if value is None else int(value, 16)


class HexAddress(TypeDecorator[Address]):
    """An address as 0x and 40 lower-case digits."""

    impl = String(42)
    cache_ok = True

    def process_bind_param(self, value: Address | None, dialect: Dialect) -> str | None:  # noqa: ARG002 : fixed by the base
        """Write its digits."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Address | None:  # noqa: ARG002 : fixed by the base
        """Read them back."""
        return None if value is None else Address.parse(value)


class HexHash(TypeDecorator[Hash32]):
    """A 32-byte hash as 0x and 64 lower-case digits."""

    impl = String(66)
    cache_ok = True

    def process_bind_param(self, value: Hash32 | None, dialect: Dialect) -> str | None:  # noqa: ARG002 : fixed by the base
        """Write its digits."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Hash32 | None:  # noqa: ARG002 : fixed by the base
        """Read them back."""
        return None if value is None else Hash32.parse(value)


def _one_of(column: str, values: type[Closure | AttemptStatus | Judgement]) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(column_0_label)s",
    }
)

binding = Table(
    "binding",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("chain_id", Integer, nullable=False),
    Column("contract", HexAddress, nullable=False),
    # One file belongs to one chain and contract: a second row would make both meaningless.
    CheckConstraint("id = 1", name="single"),
)

observations = Table(
    "observations",
    metadata,
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("first_at", Integer, nullable=False),
    Column("last_at", Integer, nullable=False),
    # Reports come again and again, never from before they were first made.
    CheckConstraint("last_at >= first_at", name="order"),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("hash", HexHash, nullable=False),
    Column("timestamp", Integer, nullable=False),
    Column("parent", HexHash, nullable=False),
    # There is one scan.
    CheckConstraint("id = 1", name="single"),
)

root_events = Table(
    "root_events",
    metadata,
    Column("block_number", Integer, primary_key=True, autoincrement=False),
    Column("log_index", Integer, primary_key=True, autoincrement=False),
    Column("block_hash", HexHash, nullable=False),
    Column("tx_hash", HexHash, nullable=False),
    Column("kind", Text, nullable=False),
    Column("exit_id", Uint256),
    Column("position", Uint256),
    Column("body", Text, nullable=False),
    Column("plasma_tx_hash", HexHash),
    Index(None, "exit_id"),
    Index(None, "position"),
    Index(None, "plasma_tx_hash"),
)

tracked_exits = Table(
    "tracked_exits",
    metadata,
    Column("exit_id", Uint256, primary_key=True),
    Column("start", Text, primary_key=True),
    Column("position", Uint256, nullable=False, index=True),
    Column("owner", HexAddress, nullable=False),
    Column("started_block", Integer, nullable=False, index=True),
    Column("started_at", Integer, nullable=False),
    Column("judgement", Text, nullable=False),
    Column("judged_at", Integer),
    Column("running", Boolean(name="running"), nullable=False),
    Column("gone", Boolean(name="gone"), nullable=False),
    CheckConstraint(_one_of("judgement", Judgement), name="judgement"),
    # A start that a reorg removed never happened: nothing of it can be running.
    CheckConstraint("NOT (gone AND running)", name="gone_is_over"),
)

cases = Table(
    "cases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("chain_id", Integer, nullable=False),
    Column("contract", HexAddress, nullable=False),
    Column("kind", Text, nullable=False),
    Column("exit_id", Uint256, nullable=False),
    Column("start", Text, nullable=False),
    Column("position", Uint256, nullable=False),
    Column("event", Text, nullable=False, server_default="invalid_exit"),
    Column("details", Text, nullable=False, server_default="{}"),
    Column("opened_at", Integer, nullable=False),
    Column("closure", Text),
    Column("closed_at", Integer),
    Column("deadline", Integer),
    Column("bond", Uint256),
    Column("ripe_at", Integer),
    # The same trouble reported twice must not be paid for twice.
    UniqueConstraint("chain_id", "contract", "kind", "exit_id", "start", name="uq_cases_key"),
    CheckConstraint(f"closure IS NULL OR {_one_of('closure', Closure)}", name="closure"),
    # A case is closed with a reason and a time, or it is open.
    CheckConstraint("(closure IS NULL) = (closed_at IS NULL)", name="closed_whole"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("cases.id"), nullable=False, index=True),
    Column("block_number", Integer, nullable=False),
    Column("at", Integer, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("action", Text),
    Column("first_at", Integer, nullable=False, server_default="0"),
)

intents = Table(
    "intents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("intent", Text, nullable=False, unique=True),
    Column("case_id", ForeignKey("cases.id"), nullable=False, index=True),
    Column("account", HexAddress, nullable=False),
    Column("to", HexAddress, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("value", Uint256, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("gas_limit", Integer),
    Column("soft", Integer, nullable=False),
    Column("hard", Integer, nullable=False),
    Column("budget", Uint256, nullable=False),
    Column("at", Integer, nullable=False),
    Column("outcome", Text),
    Column("outcome_body", Text),
    Column("outcome_at", Integer),
    CheckConstraint(
        "outcome IS NULL OR outcome IN ('confirmed', 'reverted', 'would_revert', 'unaffordable')",
        name="outcome",
    ),
    # An outcome is recorded whole or not at all.
    CheckConstraint(
        "(outcome IS NULL) = (outcome_body IS NULL) AND (outcome IS NULL) = (outcome_at IS NULL)",
        name="outcome_whole",
    ),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", HexHash, nullable=False, unique=True),
    Column("intent", ForeignKey("intents.intent"), nullable=False, index=True),
    Column("account", HexAddress, nullable=False),
    Column("nonce", Integer, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("gas_limit", Integer, nullable=False),
    Column("max_fee", Uint256, nullable=False),
    Column("max_priority_fee", Uint256, nullable=False),
    Column("status", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("marked_at", Integer),
    Index(None, "account", "nonce"),
    CheckConstraint(_one_of("status", AttemptStatus), name="status"),
    CheckConstraint("nonce >= 0", name="nonce"),
    # Bytes that cannot be broadcast again are worth nothing after a crash.
    CheckConstraint("length(raw) > 0", name="raw"),
    # EIP-1559 refuses a tip above the cap.
    CheckConstraint("max_priority_fee <= max_fee", name="fees"),
)
