"""own_in_flight_exit: money of ours leaves by a transaction's in-flight exit, from its start to its payment.

The slots to join with were chosen by the planner, on both sides where it cannot be known which will be paid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from plasma_guard.domain.actions import (
    AddExitQueue,
    DeleteNonPiggybacked,
    Piggyback,
    ProcessExits,
    RespondToNonCanonicalChallenge,
    StartInFlightExit,
)
from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import Act, Close, Closure, Decision, Hold, Window
from plasma_guard.domain.exits import ExitStatus, InFlightExit, InFlightSlot, QueueHead, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Seconds, Timestamp, Wei
from plasma_guard.domain.stakes import Asset
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.periods import first_phase_ends, in_flight_exit_exitable_at
from plasma_guard.reactions.base import Policy, Reaction, Scene, Subject
from plasma_guard.reactions.fields import Position, TxBytes
from plasma_guard.reactions.own_exit import Owner, OwnExit, open_queue, process, slice_of, stepped


class OwnSlot(BaseModel):
    """One input or output to join with; its `owner` must send the piggyback."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    side: Side
    index: int
    owner: Owner
    token: Owner
    amount: int
    position: Position


class OwnInFlightExit(OwnExit):
    """The in-flight exit of `txbytes`, and our `slots` in it.

    Item i of the four lists is about input i; they are empty where somebody else has started the exit.
    `included` and `proof` say in which block the transaction is, where that is known.
    """

    names: ClassVar[tuple[str, ...]] = ("own_in_flight_exit",)

    slots: tuple[OwnSlot, ...]
    input_txs: tuple[TxBytes, ...] = ()
    input_positions: tuple[Position, ...] = ()
    proofs: tuple[TxBytes, ...] = ()
    signatures: tuple[TxBytes, ...] = ()
    included: Position | None = None
    proof: TxBytes = b""

    @property
    def key(self) -> str:
        """The transaction, and which of its exits."""
        return f"{self.topic}:{self.asked_at}"

    @property
    def topic(self) -> str:
        """Our exit by this transaction."""
        return f"own_in_flight_exit:{keccak(self.txbytes)}"


@dataclass(frozen=True, slots=True)
class Facts:
    """The exit and its queues at one block.

    `started` says that the exit was started since it was asked for, or runs. `paid` are the slots of ours
    that the logs say were paid, `is_scanned` that none of them is unread. `closed_queues` are tokens whose
    queue is missing; one call can process `slices` exits of a token's queue.
    """

    subject: Subject | None
    entry: InFlightExit
    started: bool
    phase_ends: Timestamp
    exitable_at: Timestamp
    paid: tuple[OwnSlot, ...]
    is_scanned: bool
    closed_queues: tuple[Address, ...]
    heads: Mapping[Address, QueueHead | None]
    slices: Mapping[Address, int]
    start_bond: Wei
    piggyback_bond: Wei
    is_deletable: bool
    now: Timestamp
    period: Seconds

    def slot(self, ours: OwnSlot) -> InFlightSlot | None:
        """Return what the contract says of one slot of ours."""
        return self.entry.slot(ours.side, ours.index)


async def gather(event: OwnInFlightExit, scene: Scene) -> Sequence[Facts]:
    """Read the exit, its slots and its queues; all from the root chain."""
    game, at = scene.game, scene.at
    (entry,) = await game.in_flight_exits([event.txbytes], at)
    tx = game.rules.decode(event.txbytes)
    start = await scene.exits.in_flight_start(tx.hash)
    began = None if start is None else await scene.chain.block(start.block_number)
    started = entry.status is not ExitStatus.ABSENT or (
        began is not None and began.timestamp >= event.asked_at
    )
    period = game.contracts.min_exit_period
    youngest = max(tx.inputs)
    block = await game.plasma_block(youngest.blknum, at)
    begun_at = entry.started_at or at.timestamp
    exitable_at = entry.exitable_at or in_flight_exit_exitable_at(
        begun_at, block.timestamp if block else at.timestamp, period
    )
    tokens = tuple(sorted({slot.token for slot in event.slots}))
    queues = {token: await game.queue_length(token, at) is not None for token in tokens}
    heads = {token: await game.queue_head(token, at) if there else None for token, there in queues.items()}
    bonds = await game.bonds(at)
    running = entry.status is ExitStatus.RUNNING
    over = started and not running
    since = 0 if start is None else start.block_number
    withdrawn = await scene.exits.withdrawn(entry.exit_id, since) if over else frozenset()
    phase_ends = first_phase_ends(begun_at, period)
    subject = Subject(
        kind=Kind.OWN_EXIT,
        exit_id=entry.exit_id,
        start=event.start,
        position=youngest,
        open=running or not started,
        started_at=Timestamp(event.asked_at),
        hard=exitable_at if running or event.hard is None else Timestamp(event.hard),
        owners=frozenset(slot.owner for slot in event.slots) | {event.account},
        tokens=frozenset(tokens),
        assets=tuple(Asset(slot.token, Wei(slot.amount), slot.owner) for slot in _dearest_side(event.slots)),
        ripe_at=exitable_at if running else None,
    )
    return (
        Facts(
            subject=subject,
            entry=entry,
            started=started,
            phase_ends=phase_ends,
            exitable_at=exitable_at,
            paid=tuple(slot for slot in event.slots if (slot.side, slot.index) in withdrawn),
            is_scanned=await scene.exits.scanned_to() >= at.number,
            closed_queues=tuple(token for token, there in queues.items() if not there),
            heads=heads,
            slices={
                token: await slice_of(event, token, head, exitable_at, scene) for token, head in heads.items()
            },
            start_bond=bonds.in_flight_exit,
            piggyback_bond=bonds.piggyback,
            is_deletable=game.contracts.generation.is_ald,
            now=at.timestamp,
            period=period,
        ),
    )


def _dearest_side(slots: Sequence[OwnSlot]) -> tuple[OwnSlot, ...]:
    """Only one side of an in-flight exit is ever paid."""
    sides = [tuple(slot for slot in slots if slot.side is side) for side in Side]
    return max(sides, key=lambda side: sum(slot.amount for slot in side))


def decide(event: OwnInFlightExit, facts: Facts, policy: Policy) -> Decision:
    """Open the queues, start, join, answer, wait, have it processed: whichever is next."""
    name = f"our in-flight exit {facts.entry.exit_id}"
    if facts.entry.status is not ExitStatus.RUNNING:
        if not facts.started:
            return _begin(event, facts, policy)
        return _end(facts, name)
    if (answer := _answer(event, facts, policy)) is not None:
        return answer
    if (joining := _join(event, facts, policy)) is not None:
        return joining
    waiting = [slot for slot in event.slots if (known := facts.slot(slot)) and known.piggybacked]
    if not waiting:
        return _delete(event, facts, policy, name)
    token = waiting[0].token
    return process(
        event,
        token,
        facts.heads[token],
        facts.slices[token],
        facts.exitable_at,
        facts.now,
        facts.period,
        policy,
    )


def _begin(event: OwnInFlightExit, facts: Facts, policy: Policy) -> Decision:
    window = event.window(policy, facts.now, facts.period)
    if facts.closed_queues:
        return open_queue(event, facts.closed_queues[0], window)
    if not event.input_txs:
        return Close(Closure.LOST, "the in-flight exit that we meant to join is over")
    start = StartInFlightExit(
        exit_id=facts.entry.exit_id,
        in_flight_tx=event.txbytes,
        input_txs=event.input_txs,
        input_positions=event.input_positions,
        proofs=event.proofs,
        signatures=event.signatures,
        bond=facts.start_bond,
    )
    return Act(start, window, f"the transaction's money leaves: {event.reason}", account=event.account)


def _end(facts: Facts, name: str) -> Decision:
    """It is over: the root chain says which slots were paid, and of one side only."""
    outputs = [slot for slot in facts.paid if slot.side is Side.OUTPUT]
    paid = outputs or list(facts.paid)
    if not paid and not facts.is_scanned:
        return Hold(f"{name} is over; our own scan of the root chain has not reached its end yet")
    if not paid:
        return Close(Closure.LOST, f"{name} is over, and nothing of ours was paid by it")
    told = "; ".join(f"{slot.side} {slot.index}: {slot.amount} to {slot.owner}" for slot in paid)
    return Close(Closure.WON_BY_US, f"{name} is paid: {told}")


def _answer(event: OwnInFlightExit, facts: Facts, policy: Policy) -> Decision | None:
    """Answer a challenge of canonicity with our own proof of inclusion, which needs no Watcher."""
    entry, included = facts.entry, event.included
    if entry.canonical or included is None or entry.oldest_competitor is None:
        return None
    ours = UtxoPosition(included.blknum, included.txindex, 0)
    if entry.oldest_competitor <= ours.encode():
        return None
    return Act(
        RespondToNonCanonicalChallenge(entry.exit_id, event.txbytes, ours, event.proof),
        policy.window(entry.started_at, facts.exitable_at),
        "our in-flight exit was challenged, and its transaction is in an older block",
        account=event.account,
    )


def _join(event: OwnInFlightExit, facts: Facts, policy: Policy) -> Decision | None:
    """Join with the next slot of ours; one that was challenged away is not tried again, for its bond."""
    if facts.now >= facts.phase_ends or facts.entry.input_finalized:
        return None
    for slot in event.slots:
        known = facts.slot(slot)
        if known is not None and (known.piggybacked or known.handled or known.blocked):
            continue
        window = event.window(policy, facts.now, facts.period, latest=Timestamp(facts.phase_ends - 1))
        if slot.token in facts.closed_queues:
            return open_queue(event, slot.token, window)
        return Act(
            Piggyback(facts.entry.exit_id, event.txbytes, slot.side, slot.index, facts.piggyback_bond),
            window,
            f"{slot.side} {slot.index} is ours, worth {slot.amount}, and is paid only if it joins",
            account=slot.owner,
        )
    return None


def _delete(event: OwnInFlightExit, facts: Facts, policy: Policy, name: str) -> Decision:
    """Nothing of ours is in it any more: the bond can still be had back, once nobody can join."""
    if facts.now < facts.phase_ends:
        return Hold(f"{name} has nothing of ours to pay; it can be deleted after {facts.phase_ends}")
    joined = any(slot.piggybacked for slot in facts.entry.slots)
    if not facts.is_deletable or joined or facts.entry.bond_owner != event.account:
        return Close(Closure.LOST, f"{name} has nothing of ours to pay")
    hard = stepped(facts.phase_ends, facts.now, facts.period)
    return Act(
        DeleteNonPiggybacked(facts.entry.exit_id),
        Window(hard, hard, policy.max_cost_per_case),
        f"nobody joined {name}: deleting it pays its bond back",
        account=event.account,
    )


REACTION = Reaction(
    OwnInFlightExit,
    gather,
    decide,
    answers=(
        AddExitQueue.name,
        StartInFlightExit.name,
        Piggyback.name,
        RespondToNonCanonicalChallenge.name,
        ProcessExits.name,
        DeleteNonPiggybacked.name,
    ),
    self_made=True,
)
