"""unchallenged_non_canonical_ife: nobody has shown the competitor of an in-flight exit for too long."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from plasma_guard.domain.decisions import Decision
from plasma_guard.reactions import non_canonical_ife
from plasma_guard.reactions.base import Policy, Reaction, Scene
from plasma_guard.reactions.leaving import because_of, subject_of


class UnchallengedNonCanonicalIfe(non_canonical_ife.NonCanonicalIfe):
    """Like `NonCanonicalIfe`, and late."""

    names: ClassVar[tuple[str, ...]] = ("unchallenged_non_canonical_ife",)

    @property
    def key(self) -> str:
        """The transaction."""
        return f"unchallenged_non_canonical_ife:{self.tx_hash}"


async def gather(event: UnchallengedNonCanonicalIfe, scene: Scene) -> Sequence[non_canonical_ife.Facts]:
    """Bring the same facts as for the plain event."""
    found = await non_canonical_ife.gather(event, scene)
    return [replace(facts, subject=subject_of(facts.subject)) for facts in found]


def decide(event: UnchallengedNonCanonicalIfe, facts: non_canonical_ife.Facts, policy: Policy) -> Decision:
    """Leave, confirmed if the competitor proves itself."""
    underlying = non_canonical_ife.decide(event, facts, policy)
    what = f"the non-canonical exit of {event.tx_hash}"
    return because_of(underlying, what, known=facts.subject is not None)


def plain(event: UnchallengedNonCanonicalIfe) -> non_canonical_ife.NonCanonicalIfe:
    """Return the event whose challenge is still made."""
    return non_canonical_ife.NonCanonicalIfe(txbytes=event.txbytes)


REACTION = Reaction(UnchallengedNonCanonicalIfe, gather, decide, answers=(), implies=plain)
