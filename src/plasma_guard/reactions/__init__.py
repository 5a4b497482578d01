"""One file per byzantine event: what was said, what we must know, what we do about it.

`REACTIONS` is the only registration list: a new reaction is one file here, one line below and one table test.
"""

from typing import Any

from plasma_guard.reactions import (
    block_withholding,
    invalid_block,
    invalid_exit,
    invalid_ife_challenge,
    invalid_piggyback,
    non_canonical_ife,
    own_in_flight_exit,
    own_standard_exit,
    piggyback_available,
    unchallenged_exit,
    unchallenged_non_canonical_ife,
    unchallenged_piggyback,
)
from plasma_guard.reactions.base import Reaction

REACTIONS: tuple[Reaction[Any, Any], ...] = (
    invalid_exit.REACTION,
    non_canonical_ife.REACTION,
    invalid_ife_challenge.REACTION,
    invalid_piggyback.REACTION,
    piggyback_available.REACTION,
    unchallenged_exit.REACTION,
    unchallenged_non_canonical_ife.REACTION,
    unchallenged_piggyback.REACTION,
    invalid_block.REACTION,
    block_withholding.REACTION,
    own_standard_exit.REACTION,
    own_in_flight_exit.REACTION,
)


def by_name() -> dict[str, Reaction[Any, Any]]:
    """Return the reaction for every spelling of every event name; raises ValueError when two claim one."""
    table: dict[str, Reaction[Any, Any]] = {}
    for reaction in REACTIONS:
        for name in reaction.event.names:
            if name in table:
                raise ValueError(f"two reactions claim the event name {name!r}")
            table[name] = reaction
    return table
