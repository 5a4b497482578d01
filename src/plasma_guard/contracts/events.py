"""Root-chain logs become events of the domain, whichever generation wrote them."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from plasma_guard.contracts.abis import Event
from plasma_guard.contracts.positions import position_or_none
from plasma_guard.domain.blocks import BlockStamp, Log
from plasma_guard.domain.errors import ChainUnavailable
from plasma_guard.domain.exits import (
    BlockSubmitted,
    DepositCreated,
    ExitChallenged,
    ExitFinalized,
    ExitId,
    ExitStarted,
    InFlightExitBlocked,
    InFlightExitChallenged,
    InFlightExitEnded,
    InFlightExitPiggybacked,
    InFlightExitResponded,
    InFlightExitStarted,
    InFlightExitWithdrawn,
    RootChainEvent,
    Side,
    StandardExit,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Wei
from plasma_guard.ports import Chain

RECENT_BLOCKS = 64
"""How far below the head every node still serves contract state."""

Build = Callable[[Log, Mapping[str, Any]], RootChainEvent]
Readers = Mapping[tuple[Address, Hash32], tuple[Event, Build]]
"""Per emitting contract and first topic: how to read the log, and what it means."""
ReadExits = Callable[[Sequence[ExitId], BlockStamp], Awaitable[list[StandardExit]]]


async def fetch(
    chain: Chain, readers: Readers, read_exits: ReadExits, first: int, last: int
) -> list[RootChainEvent]:
    """Return the events of blocks first..last in chain order, starts completed with their positions."""
    addresses = sorted({address for address, _ in readers})
    topics = sorted({topic for _, topic in readers})
    events = decode(await chain.logs(addresses, topics, first, last), readers)
    unplaced = [event for event in events if isinstance(event, ExitStarted) and event.position is None]
    if not unplaced:
        return events
    head = await chain.head()
    found = await _positions(unplaced, read_exits, await _readable_block(chain, last, head))
    # An exit that ended since has no entry any more; in the block it started in, it still has one.
    for number in sorted({e.block_number for e in unplaced if found[e.exit_id] is None}):
        if number < last and head.number - number <= RECENT_BLOCKS:
            ended = [e for e in unplaced if e.block_number == number and found[e.exit_id] is None]
            found |= await _positions(ended, read_exits, await _readable_block(chain, number, head))
    return [
        replace(event, position=found[event.exit_id])
        if isinstance(event, ExitStarted) and event.position is None
        else event
        for event in events
    ]


async def _positions(
    starts: Sequence[ExitStarted], read_exits: ReadExits, at: BlockStamp
) -> dict[ExitId, UtxoPosition | None]:
    exit_ids = sorted({start.exit_id for start in starts})
    return {entry.exit_id: entry.position for entry in await read_exits(exit_ids, at)}


def decode(logs: Sequence[Log], readers: Readers) -> list[RootChainEvent]:
    """Turn logs into events; raises `ContractError` for one that breaks its event's layout.

    A topic that two contracts share is read only from the contract it belongs to.
    """
    starts: Counter[tuple[Hash32, ExitId]] = Counter()
    events: list[RootChainEvent] = []
    for log in logs:
        reader = readers.get((log.address, log.topics[0])) if log.topics else None
        if reader is None:
            continue
        layout, build = reader
        event = build(log, layout.decode(log))
        if isinstance(event, ExitStarted):
            same = (event.tx_hash, event.exit_id)
            event = replace(event, ordinal=starts[same])
            starts[same] += 1
        events.append(event)
    return events


async def _readable_block(chain: Chain, number: int, head: BlockStamp) -> BlockStamp:
    """Return the block itself while nodes keep its state, else the head: an exit's position never changes."""
    if head.number - number > RECENT_BLOCKS:
        return head
    stamp = await chain.block(number)
    if stamp is None:
        raise ChainUnavailable(f"block {number} of the scan is gone: a reorg shortened the chain")
    return stamp


def exit_started(log: Log, fields: Mapping[str, Any]) -> ExitStarted:
    """Build from owner and exitId, and from utxoPos and outputTx where the revision logs them."""
    position = fields.get("utxoPos")
    return ExitStarted(
        exit_id=ExitId(fields["exitId"]),
        owner=fields["owner"],
        position=None if position is None else position_or_none(position),
        exiting_tx=fields.get("outputTx"),
        **_place(log),
    )


def exit_challenged(log: Log, fields: Mapping[str, Any]) -> ExitChallenged:
    """Build from the position."""
    return ExitChallenged(position=UtxoPosition.decode(fields["utxoPos"]), **_place(log))


def exit_finalized(log: Log, fields: Mapping[str, Any]) -> ExitFinalized:
    """Build from the exit id."""
    return ExitFinalized(exit_id=ExitId(fields["exitId"]), **_place(log))


def in_flight_exit_started(log: Log, fields: Mapping[str, Any]) -> InFlightExitStarted:
    """Build from initiator and plasma transaction hash."""
    return InFlightExitStarted(initiator=fields["initiator"], plasma_tx_hash=fields["txHash"], **_place(log))


def piggybacked(
    log: Log, *, owner: Address, plasma_tx_hash: Hash32, side: Side, index: int
) -> InFlightExitPiggybacked:
    """Build from a piggyback on either side."""
    return InFlightExitPiggybacked(
        owner=owner, plasma_tx_hash=plasma_tx_hash, side=side, index=index, **_place(log)
    )


def in_flight_exit_challenged(log: Log, fields: Mapping[str, Any]) -> InFlightExitChallenged:
    """Build from challenger, plasma transaction hash and raw position; what else a revision logs is left."""
    return InFlightExitChallenged(
        challenger=fields["challenger"],
        plasma_tx_hash=fields["txHash"],
        position=fields["challengeTxPosition"],
        **_place(log),
    )


def in_flight_exit_responded(log: Log, fields: Mapping[str, Any]) -> InFlightExitResponded:
    """Build from responder, plasma transaction hash and raw position."""
    return InFlightExitResponded(
        challenger=fields["challenger"],
        plasma_tx_hash=fields["txHash"],
        position=fields["challengeTxPosition"],
        **_place(log),
    )


def in_flight_exit_blocked(
    log: Log, fields: Mapping[str, Any], *, side: Side | None, index: int
) -> InFlightExitBlocked:
    """Build from challenger and plasma transaction hash; `side` is None where the log does not tell it."""
    return InFlightExitBlocked(
        challenger=fields["challenger"],
        plasma_tx_hash=fields["txHash"],
        side=side,
        index=index,
        **_place(log),
    )


def in_flight_exit_withdrawn(log: Log, *, exit_id: int, side: Side, index: int) -> InFlightExitWithdrawn:
    """Build from a paid slot on either side."""
    return InFlightExitWithdrawn(exit_id=ExitId(exit_id), side=side, index=index, **_place(log))


def in_flight_exit_ended(log: Log, fields: Mapping[str, Any], *, deleted: bool) -> InFlightExitEnded:
    """Build from the exit id."""
    return InFlightExitEnded(exit_id=ExitId(fields["exitId"]), deleted=deleted, **_place(log))


def block_submitted(log: Log, fields: Mapping[str, Any]) -> BlockSubmitted:
    """Build from the block number, the only field."""
    (blknum,) = fields.values()
    return BlockSubmitted(blknum=blknum, **_place(log))


def deposit_created(log: Log, fields: Mapping[str, Any]) -> DepositCreated:
    """Build from depositor, block number, token and amount."""
    return DepositCreated(
        depositor=fields["depositor"],
        blknum=fields["blknum"],
        token=fields["token"],
        amount=Wei(fields["amount"]),
        **_place(log),
    )


def _place(log: Log) -> dict[str, Any]:
    return {
        "block_number": log.block_number,
        "block_hash": log.block_hash,
        "tx_hash": log.tx_hash,
        "log_index": log.log_index,
    }
