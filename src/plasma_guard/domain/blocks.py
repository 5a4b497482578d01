"""Blocks of both chains."""

from dataclasses import dataclass

from plasma_guard.domain.primitives import Address, Hash32, Timestamp


@dataclass(frozen=True, slots=True)
class BlockStamp:
    """The root-chain block at which a set of facts is true; reads of one decision share one stamp."""

    number: int
    hash: Hash32
    timestamp: Timestamp
    parent: Hash32


@dataclass(frozen=True, slots=True)
class PlasmaBlock:
    """What the root chain stores of a plasma block: its Merkle root and when it was submitted."""

    blknum: int
    root: Hash32
    timestamp: Timestamp


@dataclass(frozen=True, slots=True)
class ChildBlock:
    """A block as the child chain serves it: claims until checked. `transactions` are in signed form."""

    blknum: int
    hash: Hash32
    transactions: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Log:
    """One root-chain log as `eth_getLogs` gives it, not yet decoded."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int
