"""non_canonical_ife: an input of an in-flight exit is spent by a competitor; show the oldest one there is."""

from dataclasses import dataclass
from typing import ClassVar

from plasma_guard.domain.actions import ChallengeNotCanonical
from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import Act, Close, Closure, Decision, Hold
from plasma_guard.domain.errors import EvidenceError, WatcherRefused
from plasma_guard.domain.evidence import Competitor
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.plasma.in_flight_evidence import Roots, prove_competitor
from plasma_guard.plasma.transaction import PlasmaTransaction
from plasma_guard.reactions.base import Policy, Reaction, Scene, Subject
from plasma_guard.reactions.in_flight import OVER, InFlight, InFlightEvent, Missing, find, roots


class NonCanonicalIfe(InFlightEvent):
    """The in-flight exit of `txbytes` is said to have a competitor; both spellings of the name are in use."""

    names: ClassVar[tuple[str, ...]] = ("non_canonical_ife", "noncanonical_ife")

    @property
    def key(self) -> str:
        """The transaction: the Watcher says no more."""
        return f"non_canonical_ife:{self.tx_hash}"

    @property
    def topic(self) -> str:
        """The canonicity of this transaction's exit."""
        return self.key


@dataclass(frozen=True, slots=True)
class Facts:
    """The exit, and the competitor that the Watcher offers; `refusal` is why it offers none."""

    subject: Subject | None
    exit: InFlight | Missing
    claim: Competitor | None = None
    refusal: str | None = None
    roots: Roots | None = None


async def gather(event: NonCanonicalIfe, scene: Scene) -> tuple[Facts]:
    """Ask for the competitor only while the contract would still accept one."""
    found = await find(event.txbytes, scene)
    if isinstance(found, Missing):
        return (Facts(None, found),)
    subject = found.subject(Kind.CANONICITY, open_=found.in_first_phase, hard=Timestamp(found.phase_ends - 1))
    if not found.in_first_phase:
        return (Facts(subject, found),)
    try:
        claim = await scene.watcher.competitor(found.tx.raw)
    except WatcherRefused as error:
        return (Facts(subject, found, refusal=str(error)),)
    return (Facts(subject, found, claim, roots=await roots(scene, claim.position)),)


def decide(_event: NonCanonicalIfe, facts: Facts, policy: Policy) -> Decision:
    """Challenge with what the Watcher proves; the contract accepts it only if older than the recorded one."""
    exit_, subject = facts.exit, facts.subject
    if isinstance(exit_, Missing):
        return exit_.decision()
    assert subject is not None  # noqa: S101 (gather gives one with every exit)
    if not exit_.running:
        return OVER
    if not exit_.in_first_phase:
        if not exit_.exit.canonical:
            return Close(
                Closure.RESOLVED_BY_OTHERS, "the exit stands challenged, and the phase for it is over"
            )
        return Close(
            Closure.LOST, "the phase for challenging canonicity is over, and the exit stands canonical"
        )
    if facts.claim is None:
        if not exit_.exit.canonical:
            return Close(Closure.RESOLVED_BY_OTHERS, "the exit is already challenged")
        return Hold(f"the Watcher gives no competitor ({facts.refusal})")
    claim = facts.claim
    try:
        competing = _prove(exit_, claim, facts.roots or {})
    except EvidenceError as error:
        if not exit_.exit.canonical and _is_no_older(claim, exit_):
            return Close(
                Closure.RESOLVED_BY_OTHERS, "the exit is challenged with a competitor as old or older"
            )
        return Hold(f"the competitor proves nothing: {error}", suspicious=True)
    assert claim.signature is not None  # noqa: S101 (proven just above)
    action = ChallengeNotCanonical(
        exit_id=exit_.exit.exit_id,
        in_flight_tx=exit_.tx.raw,
        in_flight_input_index=claim.in_flight_input_index,
        competing_tx=claim.competing_tx,
        competing_input_index=claim.competing_input_index,
        position=claim.position,
        proof=claim.proof,
        signature=claim.signature,
        input_tx=claim.input_tx,
        input_position=claim.input_position,
    )
    place = f"included at {claim.position}" if claim.position else "in no block"
    return Act(
        action,
        policy.window(subject.started_at, subject.hard),
        f"input {claim.in_flight_input_index} of in-flight transaction {exit_.tx.hash} is also spent by"
        f" {competing.hash}, {place}",
    )


def _prove(exit_: InFlight, claim: Competitor, known: Roots) -> PlasmaTransaction:
    competing = prove_competitor(exit_.rules, exit_.verifying_contract, exit_.tx, exit_.exit, claim, known)
    if claim.position is None and exit_.is_copied_by(competing):
        raise EvidenceError("competitor: is the in-flight transaction itself in other bytes")
    return competing


def _is_no_older(claim: Competitor, exit_: InFlight) -> bool:
    known = exit_.exit.oldest_competitor
    return known is not None and (claim.position is None or claim.position.encode() >= known)


REACTION = Reaction(NonCanonicalIfe, gather, decide, answers=(ChallengeNotCanonical.name,))
