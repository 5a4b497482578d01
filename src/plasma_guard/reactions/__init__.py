"""One file per byzantine event: what was said, what we must know, what we do about it.

`REACTIONS` is the only registration list: a new reaction is one file here, one line below and one table test.
"""

from typing import Any

from plasma_guard.reactions import invalid_exit
from plasma_guard.reactions.base import Reaction

REACTIONS: tuple[Reaction[Any, Any], ...] = (invalid_exit.REACTION,)


def by_name() -> dict[str, Reaction[Any, Any]]:
    """Return the reaction for every spelling of every event name; raises ValueError when two claim one."""
    table: dict[str, Reaction[Any, Any]] = {}
    for reaction in REACTIONS:
        for name in reaction.event.names:
            if name in table:
                raise ValueError(f"two reactions claim the event name {name!r}")
            table[name] = reaction
    return table
