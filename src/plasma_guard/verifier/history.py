"""What the plasma chain has been: deposits, blocks and spends, of which nothing is ever dropped.

The exit of an output can be started however long ago it was spent, so every spend must stay findable, with
the transaction that proves it. It need not stay in memory: `DiskHistory` has all of it in a file.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import Output, SignedTransaction
from plasma_guard.verifier.fees import decode_fee_claim


@dataclass(frozen=True, slots=True)
class Spend:
    """Where an output was spent: input `input_index` of the transaction at (blknum, txindex)."""

    blknum: int
    txindex: int
    input_index: int


@dataclass(frozen=True, slots=True)
class LedgerBlock:
    """A block that was applied; `timestamp` is when it was submitted to the root chain, in seconds."""

    blknum: int
    root: Hash32
    timestamp: Timestamp
    transactions: tuple[SignedTransaction, ...]

    @property
    def leaves(self) -> list[bytes]:
        """The unsigned transactions, whose Merkle root is the block's."""
        return [each.tx.raw for each in self.transactions]

    def outputs(self) -> Iterator[tuple[UtxoPosition, Output]]:
        """Iterate over everything the block created, spent or not."""
        for txindex, signed in enumerate(self.transactions):
            for oindex, output in enumerate(signed.tx.outputs):
                yield UtxoPosition(self.blknum, txindex, oindex), output


class History(Protocol):
    """Grows at the end and forgets nothing."""

    def add_deposit(self, blknum: int, output: Output) -> bool:
        """Add a deposit; False when it is there already."""
        ...

    def append(self, block: LedgerBlock, spent: Mapping[UtxoPosition, Spend]) -> None:
        """Add the newest block and what it spends."""
        ...

    def deposit(self, blknum: int) -> Output | None:
        """Return the output of a deposit."""
        ...

    def spend(self, position: UtxoPosition) -> Spend | None:
        """Return where an output was spent."""
        ...

    def block(self, blknum: int) -> LedgerBlock | None:
        """Return a whole block."""
        ...

    def submitted_at(self, blknum: int) -> Timestamp | None:
        """Return when a block was submitted."""
        ...

    def transaction(self, blknum: int, txindex: int) -> SignedTransaction | None:
        """Return one transaction of a block."""
        ...

    def deposits(self) -> Iterator[tuple[int, Output]]:
        """Iterate over all deposits."""
        ...

    def blocks(self) -> Iterator[LedgerBlock]:
        """Iterate over all blocks, oldest first."""
        ...


class MemoryHistory:
    """Everything in memory, as it was decoded: fast, for short chains and tests."""

    def __init__(self) -> None:
        self._deposits: dict[int, Output] = {}
        self._blocks: dict[int, LedgerBlock] = {}
        self._spends: dict[UtxoPosition, Spend] = {}

    def add_deposit(self, blknum: int, output: Output) -> bool:
        """Add a deposit; False when it is there already."""
        return self._deposits.setdefault(blknum, output) is output

    def append(self, block: LedgerBlock, spent: Mapping[UtxoPosition, Spend]) -> None:
        """Add the newest block and what it spends."""
        self._blocks[block.blknum] = block
        self._spends |= spent

    def deposit(self, blknum: int) -> Output | None:
        """Return the output of a deposit."""
        return self._deposits.get(blknum)

    def spend(self, position: UtxoPosition) -> Spend | None:
        """Return where an output was spent."""
        return self._spends.get(position)

    def block(self, blknum: int) -> LedgerBlock | None:
        """Return a whole block."""
        return self._blocks.get(blknum)

    def submitted_at(self, blknum: int) -> Timestamp | None:
        """Return when a block was submitted."""
        block = self._blocks.get(blknum)
        return None if block is None else block.timestamp

    def transaction(self, blknum: int, txindex: int) -> SignedTransaction | None:
        """Return one transaction of a block."""
        block = self._blocks.get(blknum)
        if block is None or txindex >= len(block.transactions):
            return None
        return block.transactions[txindex]

    def deposits(self) -> Iterator[tuple[int, Output]]:
        """Iterate over all deposits."""
        return iter(self._deposits.items())

    def blocks(self) -> Iterator[LedgerBlock]:
        """Iterate over all blocks, oldest first."""
        return iter(self._blocks.values())


_SCHEMA = """
CREATE TABLE deposits (blknum INTEGER PRIMARY KEY, owner BLOB, token BLOB, amount BLOB);
CREATE TABLE blocks (blknum INTEGER PRIMARY KEY, root BLOB, submitted_at INTEGER);
CREATE TABLE transactions (blknum INTEGER, txindex INTEGER, signed BLOB,
                           PRIMARY KEY (blknum, txindex)) WITHOUT ROWID;
CREATE TABLE spends (spent_blknum INTEGER, spent_txindex INTEGER, spent_oindex INTEGER,
                     blknum INTEGER, txindex INTEGER, input_index INTEGER,
                     PRIMARY KEY (spent_blknum, spent_txindex, spent_oindex)) WITHOUT ROWID;
"""


class DiskHistory:
    """Everything in a private temporary file, which vanishes with the process; memory does not grow with it.

    Nothing here has to survive: a verifier that starts again reads the chain again and proves it anew. A
    payment of one input takes about 250 bytes of it, on rootchain v0.2 about 600; in memory it would be 1 kB
    and more. Close it, or use it as a context manager.
    """

    def __init__(self, rules: PlasmaRules) -> None:
        self._rules = rules
        # An empty name is SQLite's for a temporary file that nobody else can open.
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;" + _SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete the file."""
        self._file.close()

    def add_deposit(self, blknum: int, output: Output) -> bool:
        """Add a deposit; False when it is there already."""
        row = (blknum, bytes(output.owner), bytes(output.token), output.amount.to_bytes(32))
        cursor = self._file.execute("INSERT OR IGNORE INTO deposits VALUES (?, ?, ?, ?)", row)
        return cursor.rowcount == 1

    def append(self, block: LedgerBlock, spent: Mapping[UtxoPosition, Spend]) -> None:
        """Add the newest block and what it spends."""
        blknum = block.blknum
        signed = ((blknum, txindex, each.raw) for txindex, each in enumerate(block.transactions))
        spends = (
            (at.blknum, at.txindex, at.oindex, spend.blknum, spend.txindex, spend.input_index)
            for at, spend in spent.items()
        )
        self._file.execute("BEGIN")
        self._file.execute(
            "INSERT INTO blocks VALUES (?, ?, ?)", (blknum, bytes(block.root), block.timestamp)
        )
        self._file.executemany("INSERT INTO transactions VALUES (?, ?, ?)", signed)
        self._file.executemany("INSERT INTO spends VALUES (?, ?, ?, ?, ?, ?)", spends)
        self._file.execute("COMMIT")

    def deposit(self, blknum: int) -> Output | None:
        """Return the output of a deposit."""
        row = self._one("SELECT owner, token, amount FROM deposits WHERE blknum = ?", blknum)
        return None if row is None else _output(*row)

    def spend(self, position: UtxoPosition) -> Spend | None:
        """Return where an output was spent."""
        row = self._one(
            "SELECT blknum, txindex, input_index FROM spends"
            " WHERE (spent_blknum, spent_txindex, spent_oindex) = (?, ?, ?)",
            position.blknum,
            position.txindex,
            position.oindex,
        )
        return None if row is None else Spend(*row)

    def block(self, blknum: int) -> LedgerBlock | None:
        """Return a whole block, read and decoded again."""
        row = self._one("SELECT root, submitted_at FROM blocks WHERE blknum = ?", blknum)
        if row is None:
            return None
        query = "SELECT signed FROM transactions WHERE blknum = ? ORDER BY txindex"
        signed = [self._decoded(raw) for (raw,) in self._file.execute(query, (blknum,))]
        return LedgerBlock(blknum, Hash32(row[0]), Timestamp(row[1]), tuple(signed))

    def submitted_at(self, blknum: int) -> Timestamp | None:
        """Return when a block was submitted."""
        row = self._one("SELECT submitted_at FROM blocks WHERE blknum = ?", blknum)
        return None if row is None else Timestamp(row[0])

    def transaction(self, blknum: int, txindex: int) -> SignedTransaction | None:
        """Return one transaction of a block."""
        query = "SELECT signed FROM transactions WHERE blknum = ? AND txindex = ?"
        row = self._one(query, blknum, txindex)
        return None if row is None else self._decoded(row[0])

    def deposits(self) -> Iterator[tuple[int, Output]]:
        """Iterate over all deposits."""
        for blknum, *output in self._file.execute("SELECT * FROM deposits"):
            yield blknum, _output(*output)

    def blocks(self) -> Iterator[LedgerBlock]:
        """Iterate over all blocks, oldest first."""
        for (blknum,) in self._file.execute("SELECT blknum FROM blocks ORDER BY blknum"):
            if (block := self.block(blknum)) is not None:
                yield block

    def _one(self, query: str, *parameters: int) -> tuple[Any, ...] | None:
        try:
            row: tuple[Any, ...] | None = self._file.execute(query, parameters).fetchone()
        except OverflowError:
            # Positions of others' invention can exceed 64 bits; no block that was applied does.
            return None
        return row

    def _decoded(self, signed: bytes) -> SignedTransaction:
        claim = decode_fee_claim(signed) if self._rules.generation.is_ald else None
        return claim or self._rules.decode_signed(signed)


def _output(owner: bytes, token: bytes, amount: bytes) -> Output:
    return Output(Address(owner), Address(token), Wei(int.from_bytes(amount)))
