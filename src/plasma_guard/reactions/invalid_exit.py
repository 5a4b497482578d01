"""invalid_exit: an output that is already spent is being exited; show the spending transaction."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from plasma_guard.domain.actions import ChallengeStandardExit
from plasma_guard.domain.blocks import PlasmaBlock
from plasma_guard.domain.cases import Kind, TrackedExit
from plasma_guard.domain.decisions import Act, Close, Closure, Decision, Hold
from plasma_guard.domain.errors import EvidenceError, MalformedError, WatcherRefused
from plasma_guard.domain.evidence import StandardExitChallenge
from plasma_guard.domain.exits import ExitFinalized, ExitStarted, ExitStatus, StandardExit
from plasma_guard.domain.primitives import Address
from plasma_guard.domain.stakes import Asset
from plasma_guard.plasma.evidence import prove_spend
from plasma_guard.plasma.periods import standard_exit_exitable_at
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.reactions.base import Policy, Reaction, Scene, Subject, WatcherEvent
from plasma_guard.reactions.fields import Position
from plasma_guard.reactions.tracking import track

GAP_READ = 256
"""Root-chain blocks our own scan may be behind for their logs to be read on the spot."""
PAID = "the exit was processed and paid before anyone challenged it"


class InvalidExit(WatcherEvent):
    """The exit of `utxo_pos` is said to be invalid; `eth_height` is where it is said to have started."""

    names: ClassVar[tuple[str, ...]] = ("invalid_exit",)

    utxo_pos: Position
    eth_height: int | None = None

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

    `entry` is the contract's own; None with `subject`.

    `paid`: the root chain's logs say that this start was processed and paid, which an emptied entry does not;
    None while they have not been read that far.
    `challenged`: they say that an exit of this position was challenged, although its start cannot be placed:
    RootChain v0.2 logs no position, and the entry that has it may be gone before anybody looks.
    """

    subject: Subject | None
    entry: StandardExit | None
    claim: StandardExitChallenge | None
    refusal: str | None
    scan_covers_it: bool
    paid: bool | None
    rules: PlasmaRules
    verifying_contract: Address
    challenged: bool = False


async def gather(event: InvalidExit, scene: Scene) -> tuple[Facts]:
    """Find the exit first: about one that does not run, the Watcher need not be asked.

    One that ran when our scan last looked is asked about at once, beside the contract.
    """
    started = await _find_start(event, scene)
    entry, block, claim, refusal = None, None, None, None
    if started and started.running:
        (entry, block), (claim, refusal) = await asyncio.gather(_read(started, scene), _ask(event, scene))
    elif started:
        entry, block = await _read(started, scene)
        if entry.status is ExitStatus.RUNNING:
            claim, refusal = await _ask(event, scene)
    scanned_to = await scene.exits.scanned_to()
    return (
        Facts(
            subject=await _subject(started, entry, block, claim, scene) if started and entry else None,
            entry=entry,
            claim=claim,
            refusal=refusal,
            scan_covers_it=scanned_to >= min(event.eth_height or scene.at.number, scene.at.number),
            paid=await _paid(started, entry, scene) if started and entry else False,
            rules=scene.game.rules,
            verifying_contract=scene.game.contracts.entry,
            challenged=entry is None and await scene.exits.challenged(event.utxo_pos, event.eth_height or 0),
        ),
    )


async def _paid(started: TrackedExit, entry: StandardExit, scene: Scene) -> bool | None:
    """Tell whether the logs up to the block of this decision say that an exit without an entry was paid.

    The scan is often a little behind that block, and a payment it has not seen is a payment all the same.
    """
    if entry.status is not ExitStatus.ABSENT:
        return False
    scanned_to = await scene.exits.scanned_to()
    if await scene.exits.paid(started):
        return True
    behind = scene.at.number - scanned_to
    if behind <= 0:
        return False
    if behind > GAP_READ:
        return None
    events = await scene.game.root_chain_events(scanned_to + 1, scene.at.number)
    return any(isinstance(event, ExitFinalized) and event.exit_id == entry.exit_id for event in events)


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


async def _ask(event: InvalidExit, scene: Scene) -> tuple[StandardExitChallenge | None, str | None]:
    """Return the Watcher's challenge data, or why there is none."""
    try:
        return await scene.watcher.challenge_data(event.utxo_pos), None
    except WatcherRefused as error:
        return None, str(error)


async def _read(start: TrackedExit, scene: Scene) -> tuple[StandardExit, PlasmaBlock | None]:
    (entry,), block = await asyncio.gather(
        scene.game.standard_exits([start.exit_id], scene.at),
        scene.game.plasma_block(start.position.blknum, scene.at),
    )
    return entry, block


async def _subject(
    start: TrackedExit,
    entry: StandardExit,
    block: PlasmaBlock | None,
    claim: StandardExitChallenge | None,
    scene: Scene,
) -> Subject:
    token = entry.token or _claimed_token(scene.game.rules, claim)
    exitable_at = standard_exit_exitable_at(
        position=start.position,
        started_at=start.started_at,
        block_submitted_at=block.timestamp if block else start.started_at,
        min_exit_period=scene.game.contracts.min_exit_period,
    )
    return Subject(
        kind=Kind.STANDARD_EXIT,
        exit_id=start.exit_id,
        start=start.start,
        position=start.position,
        open=entry.status is ExitStatus.RUNNING,
        started_at=start.started_at,
        hard=exitable_at,
        bond=entry.bond or (await scene.game.bonds(scene.at)).standard_exit,
        tracked=start,
        owners=frozenset({start.owner}),
        tokens=frozenset() if token is None else frozenset({token}),
        assets=() if token is None else (Asset(token, entry.amount, entry.owner),),
    )


def _claimed_token(rules: PlasmaRules, claim: StandardExitChallenge | None) -> Address | None:
    """Return the token that ald's entry does not keep; an answer proves the transaction it is read from."""
    if claim is None or claim.exiting_tx is None:
        return None
    try:
        outputs = rules.decode(claim.exiting_tx).outputs
    except MalformedError:
        return None
    return outputs[claim.position.oindex].token if claim.position.oindex < len(outputs) else None


def decide(event: InvalidExit, facts: Facts, policy: Policy) -> Decision:
    """Challenge only on local proof; the owner is the one recorded on chain, never the event's."""
    subject, entry = facts.subject, facts.entry
    if subject is None or entry is None:
        return _without_exit(event, facts)
    match entry.status:
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
        spend = prove_spend(facts.rules, facts.verifying_contract, entry, facts.claim)
    except EvidenceError as error:
        return Hold(f"the challenge data proves nothing: {error}", suspicious=True)
    challenge = ChallengeStandardExit(
        exit_id=entry.exit_id,
        position=event.utxo_pos,
        challenge_tx=facts.claim.challenge_tx,
        input_index=facts.claim.input_index,
        signature=facts.claim.signature,
        exiting_tx=facts.claim.exiting_tx,
    )
    return Act(
        challenge,
        policy.window(subject.started_at, subject.hard),
        f"output {event.utxo_pos} of {entry.owner} was spent by transaction {spend.hash}"
        f" (input {facts.claim.input_index}), signed by its owner",
    )


def _without_exit(event: InvalidExit, facts: Facts) -> Hold:
    if not facts.scan_covers_it:
        return Hold("our own scan of the root chain has not reached this exit yet")
    if facts.challenged:
        return Hold(f"the exit of {event.utxo_pos} was challenged before it was first looked at")
    return Hold(f"no exit of position {event.utxo_pos} was ever started on the root chain", suspicious=True)


REACTION = Reaction(InvalidExit, gather, decide, answers=(ChallengeStandardExit.name,))
