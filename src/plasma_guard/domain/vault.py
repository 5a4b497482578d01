"""What the guard keeps of the user's own money, so that it can leave when nobody answers any more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei


class Source(StrEnum):
    """Who handed it over; nothing is kept that did not prove itself, whoever did."""

    DEPOSIT = "deposit"
    """Computed from the root chain's own logs."""
    WATCHER = "watcher"
    CHILD_CHAIN = "child chain"
    USER = "user"
    BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class KeptTransaction:
    """A verified transaction: unsigned bytes, signatures, and where it is.

    `signatures` has 65 bytes for each input, in input order; it is empty for a deposit and where nobody has
    told them yet. `position` has output index 0 and is None while in no known block; `proof` is then empty,
    else 512 bytes that lead to the root stored on the root chain. `sources` are the positions of its inputs.
    """

    hash: Hash32
    raw: bytes = field(repr=False)
    sources: tuple[UtxoPosition, ...]
    signatures: tuple[bytes, ...] = field(default=(), repr=False)
    position: UtxoPosition | None = None
    proof: bytes = field(default=b"", repr=False)
    source: Source = Source.WATCHER

    @property
    def is_signed(self) -> bool:
        """Whether every input's signature is known; true of a deposit, which has none."""
        return len(self.signatures) == len(self.sources)


@dataclass(frozen=True, slots=True)
class HeldOutput:
    """One output of ours: number `index` of transaction `tx_hash`; `amount` in wei or token units.

    `position` is None while its transaction is in no known block. `spent_by` is a known signed transaction
    of ours that spends it and is in no known block. `missing` says in words what a way out still lacks, and
    `missing_since` (root-chain seconds) since when.
    """

    tx_hash: Hash32
    index: int
    owner: Address
    token: Address
    amount: Wei
    position: UtxoPosition | None = None
    spent_by: Hash32 | None = None
    missing: tuple[str, ...] = ()
    missing_since: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class VaultContents:
    """Everything kept at one moment; `transactions` also holds what the in-flight exits go back to."""

    outputs: tuple[HeldOutput, ...]
    transactions: Mapping[Hash32, KeptTransaction]

    def creator_of(self, position: UtxoPosition) -> KeptTransaction | None:
        """Return the kept transaction that created the output at a position, or None."""
        return next(
            (
                tx
                for tx in self.transactions.values()
                if tx.position is not None
                and (tx.position.blknum, tx.position.txindex) == (position.blknum, position.txindex)
            ),
            None,
        )
