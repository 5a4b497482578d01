"""unchallenged_exit: an invalid standard exit has stood for so long that the chain is not safe any more."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from plasma_guard.domain.decisions import Decision
from plasma_guard.reactions import invalid_exit
from plasma_guard.reactions.base import Policy, Reaction, Scene
from plasma_guard.reactions.leaving import because_of, subject_of


class UnchallengedExit(invalid_exit.InvalidExit):
    """Like `InvalidExit`, and late."""

    names: ClassVar[tuple[str, ...]] = ("unchallenged_exit",)

    @property
    def key(self) -> str:
        """The position and where the exit started."""
        return f"unchallenged_exit:{self.utxo_pos}:{self.eth_height}"

    @property
    def topic(self) -> str:
        """Leaving because of this exit."""
        return f"unchallenged_exit:{self.utxo_pos}"


async def gather(event: UnchallengedExit, scene: Scene) -> Sequence[invalid_exit.Facts]:
    """Bring the same facts as for the plain event."""
    found = await invalid_exit.gather(event, scene)
    return [replace(facts, subject=subject_of(facts.subject)) for facts in found]


def decide(event: UnchallengedExit, facts: invalid_exit.Facts, policy: Policy) -> Decision:
    """Leave, confirmed if the fraud proves itself."""
    underlying = invalid_exit.decide(event, facts, policy)
    return because_of(underlying, f"the invalid exit of {event.utxo_pos}", known=facts.subject is not None)


def plain(event: UnchallengedExit) -> invalid_exit.InvalidExit:
    """Return the event whose challenge is still made."""
    return invalid_exit.InvalidExit(utxo_pos=event.utxo_pos, eth_height=event.eth_height)


REACTION = Reaction(UnchallengedExit, gather, decide, answers=(), implies=plain)
