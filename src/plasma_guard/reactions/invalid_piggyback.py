"""invalid_piggyback: a piggybacked input or output is spent elsewhere; one challenge for each."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from plasma_guard.domain.actions import ChallengeInputSpent, ChallengeOutputSpent
from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import Act, Close, Closure, Decision, Hold
from plasma_guard.domain.errors import EvidenceError, WatcherRefused
from plasma_guard.domain.evidence import InputSpend, OutputSpend
from plasma_guard.domain.exits import InFlightSlot, Side
from plasma_guard.domain.primitives import Wei
from plasma_guard.plasma.in_flight_evidence import Roots, prove_input_spend, prove_output_spend
from plasma_guard.plasma.transaction import PlasmaTransaction
from plasma_guard.reactions.base import Policy, Reaction, Scene, Subject
from plasma_guard.reactions.fields import Indices
from plasma_guard.reactions.in_flight import OVER, InFlight, InFlightEvent, Missing, find, roots


class InvalidPiggyback(InFlightEvent):
    """Some piggybacks of the in-flight exit of `txbytes` are said to be of spent inputs or outputs."""

    names: ClassVar[tuple[str, ...]] = ("invalid_piggyback",)

    inputs: Indices = ()
    outputs: Indices = ()

    @property
    def key(self) -> str:
        """The transaction and its bad slots: the lists grow as more is piggybacked."""
        slots = f"{sorted(set(self.inputs))}{sorted(set(self.outputs))}".replace(" ", "")
        return f"invalid_piggyback:{self.tx_hash}:{slots}"

    @property
    def topic(self) -> str:
        """The piggybacks of this transaction's exit."""
        return f"invalid_piggyback:{self.tx_hash}"

    @property
    def slots(self) -> list[tuple[Side, int]]:
        """The slots named, each once."""
        return [(Side.INPUT, index) for index in sorted(set(self.inputs))] + [
            (Side.OUTPUT, index) for index in sorted(set(self.outputs))
        ]


@dataclass(frozen=True, slots=True)
class Facts:
    """One slot of the exit, and the spend that the Watcher offers; `refusal` is why it offers none."""

    subject: Subject | None
    exit: InFlight | Missing
    side: Side
    index: int
    claim: InputSpend | OutputSpend | None = None
    refusal: str | None = None
    roots: Roots | None = None


async def gather(event: InvalidPiggyback, scene: Scene) -> Sequence[Facts]:
    """Ask about each slot that the contract says is piggybacked."""
    found = await find(event.txbytes, scene)
    if isinstance(found, Missing):
        return (Facts(None, found, Side.INPUT, 0),)
    if not event.slots:
        return (Facts(None, Missing("names neither input nor output", suspicious=True), Side.INPUT, 0),)
    bond = (await scene.game.bonds(scene.at)).piggyback
    return [await _slot(found, side, index, bond, scene) for side, index in event.slots]


async def _slot(found: InFlight, side: Side, index: int, bond: Wei, scene: Scene) -> Facts:
    slot = found.exit.slot(side, index)
    standing = found.running and slot is not None and slot.piggybacked
    subject = found.subject(
        Kind.PIGGYBACK_SPENT,
        open_=standing,
        hard=found.exitable_at,
        slot=f"/{side}/{index}",
        bond=bond,
        assets=found.asset(side, index),
    )
    if not standing:
        return Facts(subject, found, side, index)
    asked: Awaitable[InputSpend | OutputSpend] = (
        scene.watcher.input_spend(found.tx.raw, index)
        if side is Side.INPUT
        else scene.watcher.output_spend(found.tx.raw, index)
    )
    try:
        claim = await asked
    except WatcherRefused as error:
        return Facts(subject, found, side, index, refusal=str(error))
    position = claim.output_position if isinstance(claim, OutputSpend) else None
    return Facts(subject, found, side, index, claim, roots=await roots(scene, position))


def decide(_event: InvalidPiggyback, facts: Facts, policy: Policy) -> Decision:
    """Challenge each slot on its own proof."""
    exit_, subject = facts.exit, facts.subject
    if isinstance(exit_, Missing):
        return exit_.decision()
    assert subject is not None  # noqa: S101 (gather gives one with every exit)
    if not exit_.running:
        return OVER
    slot = exit_.exit.slot(facts.side, facts.index)
    if slot is None:
        return Hold(f"the transaction has no {facts.side} {facts.index}", suspicious=True)
    if not slot.piggybacked:
        return _not_standing(slot)
    if facts.claim is None:
        return Hold(f"the Watcher gives no spend of {facts.side} {facts.index} ({facts.refusal})")
    try:
        spending = _prove(exit_, facts)
    except EvidenceError as error:
        return Hold(f"the spend of {facts.side} {facts.index} proves nothing: {error}", suspicious=True)
    return Act(
        _action(exit_, facts.claim),
        policy.window(subject.started_at, subject.hard),
        f"piggybacked {facts.side} {facts.index} of in-flight transaction {exit_.tx.hash} is spent by"
        f" {spending.hash}",
    )


def _not_standing(slot: InFlightSlot) -> Decision:
    if slot.handled:
        return Close(Closure.LOST, f"{slot.side} {slot.index} was paid before anyone challenged it")
    return Close(Closure.RESOLVED_BY_OTHERS, f"{slot.side} {slot.index} is not piggybacked any more")


def _prove(exit_: InFlight, facts: Facts) -> PlasmaTransaction:
    claim = facts.claim
    if isinstance(claim, InputSpend):
        if claim.in_flight_input_index != facts.index:
            raise EvidenceError(f"the answer is about input {claim.in_flight_input_index}")
        spending = prove_input_spend(exit_.rules, exit_.verifying_contract, exit_.tx, exit_.exit, claim)
        if exit_.is_copied_by(spending):
            raise EvidenceError("the spending transaction is the in-flight one itself in other bytes")
        return spending
    if isinstance(claim, OutputSpend):
        if claim.output_position.oindex != facts.index:
            raise EvidenceError(f"the answer is about output {claim.output_position.oindex}")
        return prove_output_spend(exit_.rules, exit_.verifying_contract, exit_.tx, claim, facts.roots or {})
    raise EvidenceError("there is no answer")


def _action(exit_: InFlight, claim: InputSpend | OutputSpend) -> ChallengeInputSpent | ChallengeOutputSpent:
    assert claim.signature is not None  # noqa: S101 (proven before)
    if isinstance(claim, InputSpend):
        return ChallengeInputSpent(
            exit_id=exit_.exit.exit_id,
            in_flight_tx=exit_.tx.raw,
            in_flight_input_index=claim.in_flight_input_index,
            spending_tx=claim.spending_tx,
            spending_input_index=claim.spending_input_index,
            signature=claim.signature,
            input_tx=claim.input_tx,
            input_position=claim.input_position,
        )
    return ChallengeOutputSpent(
        exit_id=exit_.exit.exit_id,
        in_flight_tx=exit_.tx.raw,
        output_position=claim.output_position,
        proof=claim.proof,
        spending_tx=claim.spending_tx,
        spending_input_index=claim.spending_input_index,
        signature=claim.signature,
    )


REACTION = Reaction(
    InvalidPiggyback, gather, decide, answers=(ChallengeInputSpent.name, ChallengeOutputSpent.name)
)
