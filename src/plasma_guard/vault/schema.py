"""The tables of a vault; hashes and bytes are stored as they are, amounts as 32 bytes.

A transaction in no known block has block number and index 0. `claimed` are signatures that could not be
checked yet, and `said_*` is where somebody says it is: neither is ever given out as good.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

VERSION = 1
"""Of the tables; a file of another version is refused, and can be filled again by a refresh."""

metadata = MetaData()

binding = Table(
    "binding",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("chain_id", Integer, nullable=False),
    Column("contract", LargeBinary, nullable=False),
    Column("generation", Text, nullable=False),
    # One file belongs to one chain and contract: a second row would make both meaningless.
    CheckConstraint("id = 1"),
)

progress = Table(
    "progress",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)

plasma_blocks = Table(
    "plasma_blocks",
    metadata,
    Column("blknum", Integer, primary_key=True),
    Column("root", LargeBinary, nullable=False),
    Column("timestamp", Integer, nullable=False),
)

deposits = Table(
    "deposits",
    metadata,
    Column("blknum", Integer, primary_key=True),
    Column("owner", LargeBinary, nullable=False, index=True),
    Column("token", LargeBinary, nullable=False),
    Column("amount", LargeBinary, nullable=False),
    Column("root_block", Integer, nullable=False),
    Column("root_tx", LargeBinary, nullable=False),
)

transactions = Table(
    "transactions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("blknum", Integer, primary_key=True, autoincrement=False),
    Column("txindex", Integer, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
    Column("proof", LargeBinary, nullable=False),
    Column("signatures", LargeBinary, nullable=False),
    Column("claimed", LargeBinary, nullable=False),
    Column("said_blknum", Integer, nullable=False),
    Column("said_txindex", Integer, nullable=False),
    Column("source", Text, nullable=False),
    # A place without its proof is a claim, and claims have columns of their own.
    CheckConstraint("(blknum = 0) = (length(proof) = 0)"),
    CheckConstraint("length(signatures) % 65 = 0 AND length(claimed) % 65 = 0"),
)

outputs = Table(
    "outputs",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("blknum", Integer, primary_key=True, autoincrement=False),
    Column("txindex", Integer, primary_key=True, autoincrement=False),
    Column("oindex", Integer, primary_key=True, autoincrement=False),
    Column("owner", LargeBinary, nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column("amount", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("doubt", Text),
    Column("missing", Text, nullable=False),
    Column("missing_since", Integer),
    Column("stuck", Integer, nullable=False),
    Index("ix_outputs_state", "state"),
    CheckConstraint("state IN ('held', 'spent', 'exited')"),
    CheckConstraint("(missing = '[]') = (missing_since IS NULL)"),
)
