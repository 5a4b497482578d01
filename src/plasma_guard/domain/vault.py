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
    `missing_since` (root-chain seconds) since when; `stuck` says that no way out at all is left.
    `doubt` says in words why it may be spent already, None where the last source asked called it unspent.
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
    stuck: bool = False
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class VaultContents:
    """Everything kept at one moment; `transactions` also holds what the in-flight exits go back to.

    Equal deposits of one owner have equal bytes, and so one hash: `transactions` has the oldest of them, the
    others are in `twins`, each at its own position. Ask `creating` or `creator_of` for the right one.
    """

    outputs: tuple[HeldOutput, ...]
    transactions: Mapping[Hash32, KeptTransaction]
    twins: tuple[KeptTransaction, ...] = ()
    _placed: Mapping[UtxoPosition, KeptTransaction] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        placed = {tx.position: tx for tx in (*self.twins, *self.transactions.values()) if tx.position}
        object.__setattr__(self, "_placed", placed)

    def creator_of(self, position: UtxoPosition) -> KeptTransaction | None:
        """Return the kept transaction that created the output at a position, or None."""
        return self._placed.get(position.tx_position)

    def creating(self, output: HeldOutput) -> KeptTransaction | None:
        """Return the kept transaction that created a held output, by its position where it has one."""
        if output.position is not None:
            return self.creator_of(output.position)
        return self.transactions.get(output.tx_hash)

    def spenders(self, position: UtxoPosition) -> list[KeptTransaction]:
        """Return the kept transactions that spend the output at a position."""
        return [tx for tx in self.transactions.values() if position in tx.sources]
