"""A journal of which only the costs are asked."""

from plasma_guard.domain.primitives import Timestamp, Wei
from plasma_guard.sender.purse import Spending


class Costs(Spending):
    """Gives what settled intents cost, and counts how often it is asked."""

    def __init__(self, known: dict[str, tuple[Timestamp, Wei]]) -> None:
        self._known = known
        self.asked = 0

    async def costs(self, since: Timestamp) -> dict[str, tuple[Timestamp, Wei]]:
        self.asked += 1
        return {intent: found for intent, found in self._known.items() if found[0] > since}
