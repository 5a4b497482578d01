"""own_standard_exit: one of our settled outputs leaves, from the opening of its queue to its payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from plasma_guard.domain.actions import AddExitQueue, ProcessExits, StartStandardExit
from plasma_guard.domain.cases import Kind, TrackedExit
from plasma_guard.domain.decisions import Act, Close, Closure, Decision, Hold
from plasma_guard.domain.exits import ExitStatus, QueueHead, StandardExit
from plasma_guard.domain.primitives import ETH, Address, Seconds, Timestamp, Wei
from plasma_guard.domain.stakes import Asset
from plasma_guard.plasma.periods import standard_exit_exitable_at
from plasma_guard.reactions.base import Policy, Reaction, Scene, Subject
from plasma_guard.reactions.fields import Position, TxBytes
from plasma_guard.reactions.own_exit import OwnExit, open_queue, process, slice_of


class OwnStandardExit(OwnExit):
    """The exit of the output at `utxo_pos`, which `txbytes` created; `proof` is its inclusion, 512 bytes."""

    names: ClassVar[tuple[str, ...]] = ("own_standard_exit",)

    utxo_pos: Position
    proof: TxBytes

    @property
    def key(self) -> str:
        """The output, and which of its exits."""
        return f"{self.topic}:{self.asked_at}"

    @property
    def topic(self) -> str:
        """Our exit of this output."""
        return f"own_standard_exit:{self.utxo_pos}"


@dataclass(frozen=True, slots=True)
class Facts:
    """The exit and its queue at one block.

    `started` is its newest start since it was asked for, `challenged` says that this start was challenged,
    `finalized` (ald) that the output was paid. One call can process `slice` exits of the queue. `amount` is
    in wei or token units.
    """

    subject: Subject | None
    entry: StandardExit
    started: TrackedExit | None
    challenged: bool
    finalized: bool
    has_queue: bool
    head: QueueHead | None
    slice: int
    exitable_at: Timestamp
    bond: Wei
    token: Address
    amount: Wei
    now: Timestamp
    period: Seconds


async def gather(event: OwnStandardExit, scene: Scene) -> Sequence[Facts]:
    """Read the exit, its output and its queue; all from the root chain."""
    game, at, position = scene.game, scene.at, event.utxo_pos
    exit_id = game.rules.standard_exit_id(event.txbytes, position)
    (entry,) = await game.standard_exits([exit_id], at)
    starts = await scene.exits.starts(position)
    started = next((each for each in starts if each.started_at >= event.asked_at), None)
    challenged = started is not None and await scene.exits.challenged(position, started.started_block)
    output_id = game.rules.output_id(event.txbytes, position)
    finalized = entry.status is ExitStatus.FINALIZED
    if output_id is not None:
        finalized = bool(await game.output_finalized(output_id, at))
    output = game.rules.decode(event.txbytes).outputs[position.oindex]
    has_queue = await game.queue_length(output.token, at) is not None
    block = await game.plasma_block(position.blknum, at)
    period = game.contracts.min_exit_period
    started_at = started.started_at if started else at.timestamp
    submitted_at = block.timestamp if block else at.timestamp
    exitable_at = standard_exit_exitable_at(position, started_at, submitted_at, period)
    head = await game.queue_head(output.token, at) if has_queue else None
    over = finalized or entry.status is ExitStatus.CHALLENGED
    subject = Subject(
        kind=Kind.OWN_EXIT,
        exit_id=exit_id,
        start=event.start,
        position=position,
        open=not over,
        started_at=Timestamp(event.asked_at),
        hard=exitable_at if started or event.hard is None else Timestamp(event.hard),
        owners=frozenset({event.account}),
        tokens=frozenset({output.token}),
        assets=(Asset(output.token, output.amount, output.owner),),
        ripe_at=exitable_at if started else None,
    )
    return (
        Facts(
            subject=subject,
            entry=entry,
            started=started,
            challenged=challenged,
            finalized=finalized,
            has_queue=has_queue,
            head=head,
            slice=await slice_of(event, output.token, head, exitable_at, scene),
            exitable_at=exitable_at,
            bond=(await game.bonds(at)).standard_exit,
            token=output.token,
            amount=output.amount,
            now=at.timestamp,
            period=period,
        ),
    )


def decide(event: OwnStandardExit, facts: Facts, policy: Policy) -> Decision:
    """Open the queue, start, wait, have it processed: whichever the root chain says is next."""
    name = f"our exit of output {event.utxo_pos}"
    unit = "wei" if facts.token == ETH else f"units of {facts.token}"
    if facts.finalized:
        return Close(Closure.WON_BY_US, f"{name} is paid: {facts.amount} {unit} to {event.account}")
    match facts.entry.status:
        case ExitStatus.CHALLENGED:
            return Close(Closure.LOST, f"{name} was challenged with a transaction that spends the output")
        case ExitStatus.RUNNING:
            if facts.started is None:
                return Hold(f"{name} runs; our own scan of the root chain has not reached its start yet")
            return process(
                event,
                facts.token,
                facts.head,
                facts.slice,
                facts.exitable_at,
                facts.now,
                facts.period,
                policy,
            )
        case _:
            return _begin(event, facts, policy, name)


def _begin(event: OwnStandardExit, facts: Facts, policy: Policy, name: str) -> Decision:
    """There is no exit: start one, unless it was started before and is gone without being paid."""
    if facts.challenged:
        return Close(Closure.LOST, f"{name} was challenged with a transaction that spends the output")
    if facts.started is not None:
        return Close(Closure.LOST, f"{name} was processed without being paid: another exit took the money")
    window = event.window(policy, facts.now, facts.period)
    if not facts.has_queue:
        return open_queue(event, facts.token, window)
    start = StartStandardExit(
        exit_id=facts.entry.exit_id,
        position=event.utxo_pos,
        output_tx=event.txbytes,
        proof=event.proof,
        bond=facts.bond,
    )
    return Act(start, window, f"output {event.utxo_pos} leaves: {event.reason}", account=event.account)


REACTION = Reaction(
    OwnStandardExit,
    gather,
    decide,
    answers=(AddExitQueue.name, StartStandardExit.name, ProcessExits.name),
    self_made=True,
)
