"""invalid_ife_challenge: an included in-flight transaction was challenged; prove where it is."""

from dataclasses import dataclass
from typing import ClassVar

from plasma_guard.domain.actions import RespondToNonCanonicalChallenge
from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import Act, Close, Closure, Decision, Hold
from plasma_guard.domain.errors import EvidenceError, WatcherRefused
from plasma_guard.domain.evidence import Inclusion
from plasma_guard.plasma.in_flight_evidence import Roots, prove_inclusion
from plasma_guard.reactions.base import Policy, Reaction, Scene, Subject
from plasma_guard.reactions.in_flight import OVER, InFlight, InFlightEvent, Missing, find, roots


class InvalidIfeChallenge(InFlightEvent):
    """The in-flight exit of `txbytes` is said to be challenged although the transaction is older."""

    names: ClassVar[tuple[str, ...]] = ("invalid_ife_challenge",)

    @property
    def key(self) -> str:
        """The transaction: the Watcher says no more."""
        return f"invalid_ife_challenge:{self.tx_hash}"

    @property
    def topic(self) -> str:
        """The inclusion of this transaction."""
        return self.key


@dataclass(frozen=True, slots=True)
class Facts:
    """The exit, and the inclusion that the Watcher offers; `refusal` is why it offers none."""

    subject: Subject | None
    exit: InFlight | Missing
    claim: Inclusion | None = None
    refusal: str | None = None
    roots: Roots | None = None


async def gather(event: InvalidIfeChallenge, scene: Scene) -> tuple[Facts]:
    """Ask for the inclusion only while the contract says that the exit stands challenged."""
    found = await find(event.txbytes, scene)
    if isinstance(found, Missing):
        return (Facts(None, found),)
    challenged = found.running and not found.exit.canonical
    subject = found.subject(Kind.INCLUSION, open_=challenged, hard=found.exitable_at)
    if not challenged:
        return (Facts(subject, found),)
    try:
        claim = await scene.watcher.inclusion(found.tx.raw)
    except WatcherRefused as error:
        return (Facts(subject, found, refusal=str(error)),)
    return (Facts(subject, found, claim, roots=await roots(scene, claim.position)),)


def decide(_event: InvalidIfeChallenge, facts: Facts, policy: Policy) -> Decision:
    """Respond with the proven position; it must be older than the competitor that was shown."""
    exit_, subject = facts.exit, facts.subject
    if isinstance(exit_, Missing):
        return exit_.decision()
    assert subject is not None  # noqa: S101 (gather gives one with every exit)
    if not exit_.running:
        return OVER
    if exit_.exit.canonical:
        return Close(Closure.RESOLVED_BY_OTHERS, "the exit is canonical again")
    if facts.claim is None:
        return Hold(f"the Watcher gives no inclusion ({facts.refusal})")
    try:
        position = prove_inclusion(exit_.rules, exit_.tx, exit_.exit, facts.claim, facts.roots or {})
    except EvidenceError as error:
        return Hold(f"the inclusion proves nothing: {error}", suspicious=True)
    return Act(
        RespondToNonCanonicalChallenge(
            exit_id=exit_.exit.exit_id,
            in_flight_tx=exit_.tx.raw,
            position=position,
            proof=facts.claim.proof,
        ),
        policy.window(subject.started_at, subject.hard),
        f"in-flight transaction {exit_.tx.hash} is included at {position}, before the competitor shown",
    )


REACTION = Reaction(InvalidIfeChallenge, gather, decide, answers=(RespondToNonCanonicalChallenge.name,))
