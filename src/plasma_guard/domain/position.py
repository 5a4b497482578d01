"""Where an output lies on the plasma chain."""

from dataclasses import dataclass
from typing import Self

from plasma_guard.domain.errors import MalformedError

BLOCK_OFFSET = 10**9
TX_OFFSET = 10**4
CHILD_BLOCK_INTERVAL = 1000
"""Operator blocks are the multiples of this; every number between two multiples is a deposit block."""
MAX_TXINDEX = 2**16 - 1
"""A plasma block is a Merkle tree of depth 16."""


@dataclass(frozen=True, slots=True, order=True)
class UtxoPosition:
    """An output's position: block number, transaction index in the block, output index in the transaction.

    Ordered by age: an older output compares smaller. Raises `MalformedError` for values no output can have.
    """

    blknum: int
    txindex: int
    oindex: int

    def __post_init__(self) -> None:
        if self.blknum < 1:
            raise MalformedError(f"utxo position: blknum must be at least 1, got {self.blknum}")
        if not 0 <= self.txindex <= MAX_TXINDEX:
            raise MalformedError(f"utxo position: txindex must be 0..{MAX_TXINDEX}, got {self.txindex}")
        if not 0 <= self.oindex < TX_OFFSET:
            raise MalformedError(f"utxo position: oindex must be 0..{TX_OFFSET - 1}, got {self.oindex}")

    @classmethod
    def decode(cls, encoded: int) -> Self:
        """Split ``blknum * 10^9 + txindex * 10^4 + oindex``."""
        if encoded < 0:
            raise MalformedError(f"utxo position: must not be negative, got {encoded}")
        blknum, rest = divmod(encoded, BLOCK_OFFSET)
        txindex, oindex = divmod(rest, TX_OFFSET)
        return cls(blknum, txindex, oindex)

    def encode(self) -> int:
        """Return ``blknum * 10^9 + txindex * 10^4 + oindex``, the form contracts and Watchers use."""
        return self.blknum * BLOCK_OFFSET + self.txindex * TX_OFFSET + self.oindex

    @property
    def is_deposit(self) -> bool:
        """Whether the output was created by a deposit, not by a block of the operator."""
        return self.blknum % CHILD_BLOCK_INTERVAL != 0

    @property
    def tx_position(self) -> "UtxoPosition":
        """The position of the creating transaction: the same with output index 0."""
        return UtxoPosition(self.blknum, self.txindex, 0)

    def __str__(self) -> str:
        return str(self.encode())
