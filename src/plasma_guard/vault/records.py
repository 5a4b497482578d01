"""What is kept, as the vault itself sees it: with what is still only claimed."""

from dataclasses import dataclass, field
from enum import StrEnum

from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.domain.vault import HeldOutput, KeptTransaction

TxKey = tuple[Hash32, UtxoPosition | None]
"""Equal deposits have one hash and several positions."""
OutputKey = tuple[Hash32, UtxoPosition | None, int]
"""Hash and position of the creating transaction, and the output's index."""


class State(StrEnum):
    """What became of an output of ours."""

    HELD = "held"
    SPENT = "spent"
    """Proven: a transaction that its owner signed spends it in a block."""
    EXITED = "exited"
    """Proven: the contract says that it was paid out."""


@dataclass(frozen=True, slots=True)
class Record:
    """A verified transaction, with claims about it: signatures not yet checkable, a place not yet proven."""

    kept: KeptTransaction
    claimed: tuple[bytes, ...] = field(default=(), repr=False)
    said: UtxoPosition | None = None

    @property
    def key(self) -> TxKey:
        """What identifies it."""
        return self.kept.hash, self.kept.position


@dataclass(frozen=True, slots=True)
class OwnOutput:
    """An output of ours, and what became of it."""

    output: HeldOutput
    state: State = State.HELD

    @property
    def key(self) -> OutputKey:
        """What identifies it."""
        output = self.output
        return output.tx_hash, output.position and output.position.tx_position, output.index


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit that the root chain's logs tell of; `root_block` and `root_tx` are where."""

    blknum: int
    owner: Address
    token: Address
    amount: Wei
    root_block: int
    root_tx: Hash32

    @property
    def position(self) -> UtxoPosition:
        """Where its only output is."""
        return UtxoPosition(self.blknum, 0, 0)


@dataclass(frozen=True, slots=True)
class Binding:
    """Which chain and contract a vault belongs to."""

    chain_id: int
    contract: Address
    generation: str


def since(words: tuple[str, ...], before: Timestamp | None, now: Timestamp) -> Timestamp | None:
    """Return since when something is missing: the first time anything was, for as long as anything is."""
    if not words:
        return None
    return now if before is None else before
