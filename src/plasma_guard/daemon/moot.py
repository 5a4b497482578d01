"""Cases whose exit a reorg removed: most come back, and the others need no answer any more."""

import structlog

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Case
from plasma_guard.domain.decisions import Closure
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.primitives import Hash32
from plasma_guard.ports import Chain, Journal

log = structlog.get_logger(__name__)

MOOT_AFTER_BLOCKS = 12
"""For so many blocks after it was found gone, an exit is expected to come back."""


class Moot:
    """Closes the cases of exits that stay away; one whose transaction a node knows may come back."""

    def __init__(self, journal: Journal, chain: Chain) -> None:
        self._journal = journal
        self._chain = chain
        self._gone_since: dict[tuple[int, str], int] = {}
        self._highest = 0

    async def step(self, head: BlockStamp) -> list[Case]:
        """Return the cases closed at this head, whose answers are not needed any more."""
        # While a node reorganizes, its head can be far below what it was a moment ago.
        self._highest = max(self._highest, head.number)
        vanished = {(each.exit_id, each.start): each for each in await self._journal.vanished_exits()}
        self._gone_since = {key: since for key, since in self._gone_since.items() if key in vanished}
        if not vanished:
            return []
        closed = []
        for case in await self._journal.cases(open_only=True):
            key = (case.key.exit_id, case.key.start)
            if key not in vanished:
                continue
            since = self._gone_since.setdefault(key, self._highest)
            if head.number - since < MOOT_AFTER_BLOCKS or await self._may_come_back(case.key.start):
                continue
            await self._journal.close_case(case.id, Closure.MOOT, head.timestamp)
            log.info("moot: a reorg removed the exit", case=case.id, position=str(case.position))
            closed.append(case)
        return closed

    async def _may_come_back(self, start: str) -> bool:
        """Return whether the transaction that started an exit still waits in a pool."""
        try:
            transaction = Hash32.parse(start.partition("/")[0])
        except (MalformedError, ValueError):
            return False
        return await self._chain.is_held(transaction)
