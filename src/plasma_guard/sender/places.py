"""How many transactions of one account wait to be mined at a time; no I/O."""

from collections.abc import Sequence

from plasma_guard.sender.attempt import SendState
from plasma_guard.sender.node_errors import NodeError

SURE = 16
"""What geth keeps of an account even when its pool is full (txpool.accountslots)."""


class Places:
    """Begins with what every node keeps, and doubles up to `most` while nodes take all that is offered.

    Once a pool calls itself full it goes back to `SURE` and stays there: what is refused is only one more
    thing to hand out again.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._is_refused = False
        self.limit = min(SURE, most)

    def grow(self, offered: Sequence[SendState]) -> bool:
        """Take in how the bytes under way were received; return whether there are more places now."""
        if any(state.refusal is NodeError.POOL_FULL for state in offered):
            self._is_refused = True
            self.limit = min(SURE, self._most)
        full = len(offered) >= self.limit
        if self._is_refused or not full or any(not state.is_taken for state in offered):
            return False
        grown = min(self.limit * 2, self._most)
        more, self.limit = grown > self.limit, grown
        return more
