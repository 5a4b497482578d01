"""invalid_exit: an output that is already spent is being exited; show the spending transaction."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from pydantic import field_validator

from plasma_guard.domain.actions import ChallengeStandardExit
from plasma_guard.domain.cases import Kind, TrackedExit
from plasma_guard.domain.decisions import Act, Close, Closure, Decision, Hold
from plasma_guard.domain.errors import EvidenceError, WatcherRefused
from plasma_guard.domain.evidence import StandardExitChallenge
from plasma_guard.domain.exits import ExitFinalized, ExitStarted, ExitStatus
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.plasma.evidence import prove_spend
from plasma_guard.plasma.periods import standard_exit_exitable_at
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.reactions.base import Policy, Reaction, Scene, Subject, WatcherEvent
from plasma_guard.reactions.tracking import track

GAP_READ = 256
"""Root-chain blocks our own scan may be behind for their logs to be read on the spot."""
PAID = "the exit was processed and paid before anyone challenged it"


class InvalidExit(WatcherEvent):
    """The exit of `utxo_pos` is said to be invalid; `eth_height` is where it is said to have started."""

    names: ClassVar[tuple[str, ...]] = ("invalid_exit",)

    utxo_pos: UtxoPosition
    eth_height: int | None = None

    @field_validator("utxo_pos", mode="before")
    @classmethod
    def _decode(cls, value: object) -> UtxoPosition:
        if isinstance(value, UtxoPosition):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return UtxoPosition.decode(value)
        raise ValueError(f"expected an integer utxo position, got {type(value).__name__}")

    @property
    def key(self) -> str:
        """The position, and where it started: exited again later, it is reported with another height."""
        return f"invalid_exit:{self.utxo_pos}:{self.eth_height}"

    @property
    def topic(self) -> str:
        """The exiting position: its newest exit is what there is to look at."""
        return f"invalid_exit:{self.utxo_pos}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the root chain and the Watcher say about the exit; `refusal` is why there is no `claim`.

    `paid`: the root chain's logs say that this start was processed and paid, which an emptied entry does not;
    None while they have not been read that far.
    `challenged`: they say that an exit of this position was challenged, although its start cannot be placed:
    RootChain v0.2 logs no position, and the entry that has it may be gone before anybody looks.
    """

    subject: Subject | None
    claim: StandardExitChallenge | None
    refusal: str | None
    scan_covers_it: bool
    paid: bool | None
    rules: PlasmaRules
    verifying_contract: Address
    challenged: bool = False


async def gather(event: InvalidExit, scene: Scene) -> Facts:
    """Find the exit on chain first: about an exit that does not run, the Watcher need not be asked."""
    started = await _find_start(event, scene)
    subject = await _subject(started, scene) if started else None
    claim, refusal = None, None
    if subject and subject.entry.status is ExitStatus.RUNNING:
        try:
            claim = await scene.watcher.challenge_data(event.utxo_pos)
        except WatcherRefused as error:
            refusal = str(error)
    contracts = scene.game.contracts
    scanned_to = await scene.exits.scanned_to()
    covered = scanned_to >= min(event.eth_height or scene.at.number, scene.at.number)
    paid = await _paid(subject, scene) if subject else False
    challenged = subject is None and await scene.exits.challenged(event.utxo_pos, event.eth_height or 0)
    return Facts(subject, claim, refusal, covered, paid, scene.game.rules, contracts.entry, challenged)


async def _find_start(event: InvalidExit, scene: Scene) -> TrackedExit | None:
    """Look into our own scan, and where that has not got there yet, at the height the event names."""
    known = await scene.exits.starts(event.utxo_pos)
    if known:
        return known[0]
    height = event.eth_height
    if height is None or not await scene.exits.scanned_to() < height <= scene.at.number:
        return None
    for found in reversed(await scene.game.root_chain_events(height, height)):
        if isinstance(found, ExitStarted) and found.position == event.utxo_pos:
            return await track(found, scene.chain)
    return None


async def _paid(subject: Subject, scene: Scene) -> bool | None:
    """Tell whether the logs up to the block of this decision say that the exit was paid.

    The scan is often a little behind that block, and a payment it has not seen is a payment all the same.
    """
    scanned_to = await scene.exits.scanned_to()
    if await scene.exits.paid(subject.start):
        return True
    behind = scene.at.number - scanned_to
    if behind <= 0 or subject.entry.status is not ExitStatus.ABSENT:
        return False
    if behind > GAP_READ:
        return None
    events = await scene.game.root_chain_events(scanned_to + 1, scene.at.number)
    exit_id = subject.entry.exit_id
    return any(isinstance(event, ExitFinalized) and event.exit_id == exit_id for event in events)


async def _subject(start: TrackedExit, scene: Scene) -> Subject:
    (entry,), block = await asyncio.gather(
        scene.game.standard_exits([start.exit_id], scene.at),
        scene.game.plasma_block(start.position.blknum, scene.at),
    )
    exitable_at = standard_exit_exitable_at(
        position=start.position,
        started_at=start.started_at,
        block_submitted_at=block.timestamp if block else start.started_at,
        min_exit_period=scene.game.contracts.min_exit_period,
    )
    return Subject(Kind.STANDARD_EXIT, start, entry, exitable_at)


def decide(event: InvalidExit, facts: Facts, policy: Policy) -> Decision:
    """Challenge only on local proof; the owner is the one recorded on chain, never the event's."""
    subject = facts.subject
    if subject is None:
        return _without_exit(event, facts)
    match subject.entry.status:
        case ExitStatus.FINALIZED:
            return Close(Closure.LOST, PAID)
        case ExitStatus.ABSENT if facts.paid:
            return Close(Closure.LOST, PAID)
        case ExitStatus.CHALLENGED:
            return Close(Closure.RESOLVED_BY_OTHERS, "the exit is already challenged")
        case ExitStatus.ABSENT if facts.paid is None:
            return Hold("the exit is gone; our own scan has not reached the log that says how it ended")
        case ExitStatus.ABSENT:
            return Close(Closure.RESOLVED_BY_OTHERS, "the exit does not run any more and was not paid")
        case ExitStatus.RUNNING:
            pass
    if facts.claim is None:
        return Hold(f"the Watcher gives no challenge data ({facts.refusal})")
    try:
        spend = prove_spend(facts.rules, facts.verifying_contract, subject.entry, facts.claim)
    except EvidenceError as error:
        return Hold(f"the challenge data proves nothing: {error}", suspicious=True)
    challenge = ChallengeStandardExit(
        exit_id=subject.entry.exit_id,
        position=event.utxo_pos,
        challenge_tx=facts.claim.challenge_tx,
        input_index=facts.claim.input_index,
        signature=facts.claim.signature,
        exiting_tx=facts.claim.exiting_tx,
    )
    return Act(
        challenge,
        policy.window(subject.start.started_at, subject.exitable_at),
        f"output {event.utxo_pos} of {subject.entry.owner} was spent by transaction {spend.hash}"
        f" (input {facts.claim.input_index}), signed by its owner",
    )


def _without_exit(event: InvalidExit, facts: Facts) -> Hold:
    if not facts.scan_covers_it:
        return Hold("our own scan of the root chain has not reached this exit yet")
    if facts.challenged:
        return Hold(f"the exit of {event.utxo_pos} was challenged before it was first looked at")
    return Hold(f"no exit of position {event.utxo_pos} was ever started on the root chain", suspicious=True)


def recall(position: UtxoPosition) -> InvalidExit:
    """Ask about an exit again without any Watcher having said so."""
    return InvalidExit(utxo_pos=position)


REACTION = Reaction(Kind.STANDARD_EXIT, InvalidExit, gather, decide, recall)
