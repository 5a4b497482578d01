"""unchallenged_piggyback: a spent input or output has been piggybacked for too long."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from plasma_guard.domain.decisions import Decision
from plasma_guard.reactions import invalid_piggyback
from plasma_guard.reactions.base import Policy, Reaction, Scene
from plasma_guard.reactions.leaving import because_of, subject_of


class UnchallengedPiggyback(invalid_piggyback.InvalidPiggyback):
    """Like `InvalidPiggyback`, and late."""

    names: ClassVar[tuple[str, ...]] = ("unchallenged_piggyback",)

    @property
    def key(self) -> str:
        """The transaction and its bad slots."""
        return plain(self).key.replace("invalid", "unchallenged", 1)

    @property
    def topic(self) -> str:
        """Leaving because of this transaction's piggybacks."""
        return f"unchallenged_piggyback:{self.tx_hash}"


async def gather(event: UnchallengedPiggyback, scene: Scene) -> Sequence[invalid_piggyback.Facts]:
    """Bring the same facts as for the plain event."""
    found = await invalid_piggyback.gather(event, scene)
    return [replace(facts, subject=subject_of(facts.subject)) for facts in found]


def decide(event: UnchallengedPiggyback, facts: invalid_piggyback.Facts, policy: Policy) -> Decision:
    """Leave, confirmed if the spend proves itself."""
    underlying = invalid_piggyback.decide(event, facts, policy)
    what = f"the piggyback of {facts.side} {facts.index} of {event.tx_hash}"
    return because_of(underlying, what, known=facts.subject is not None)


def plain(event: UnchallengedPiggyback) -> invalid_piggyback.InvalidPiggyback:
    """Return the event whose challenges are still made."""
    return invalid_piggyback.InvalidPiggyback(
        txbytes=event.txbytes, inputs=event.inputs, outputs=event.outputs
    )


REACTION = Reaction(UnchallengedPiggyback, gather, decide, answers=(), implies=plain)
