"""Whose fraud it is to the guard: everybody's, or only what touches the accounts' own funds."""

from collections import Counter
from collections.abc import Collection, Mapping

import structlog

from plasma_guard.domain.errors import WatcherError
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.domain.stakes import Scope
from plasma_guard.ports import Clock, Watcher
from plasma_guard.reactions.base import Subject

log = structlog.get_logger(__name__)

REFRESH_EVERY = 600.0
"""Seconds; a real Watcher scans its whole database to answer."""


class Interest:
    """Knows what the own accounts hold, and so whether a case is within the scope; in doubt it is."""

    def __init__(self, scope: Scope, own: Collection[Address], watcher: Watcher, clock: Clock) -> None:
        self._scope = scope
        self._own = frozenset(own)
        self._watcher = watcher
        self._clock = clock
        self._held: dict[Address, Wei] | None = None
        self._read_at = float("-inf")

    async def covers(self, subject: Subject) -> bool:
        """Return whether the case is about our accounts, or about a token in which they hold outputs.

        A fraud in a token drains what everybody holds of it. A token that is not known counts as held.
        """
        if self._scope is not Scope.MINE or subject.owners & self._own:
            return True
        await self._refresh()
        if self._held is None or not subject.tokens:
            return True
        return not subject.tokens.isdisjoint(self._held)

    async def held(self) -> Mapping[Address, Wei] | None:
        """Return what the own accounts hold on the plasma chain, by token; None while nobody can say.

        Scope all does not need to know, and then nobody is asked.
        """
        if self._scope is Scope.ALL:
            return None
        await self._refresh()
        return self._held

    async def _refresh(self) -> None:
        if self._clock.monotonic() - self._read_at < REFRESH_EVERY:
            return
        try:
            found = [
                utxo for account in sorted(self._own) for utxo in await self._watcher.exitable_utxos(account)
            ]
        except WatcherError as error:
            log.warning("which tokens we hold is not known: every fraud counts as ours", error=str(error))
            self._held = None
        else:
            held: Counter[Address] = Counter()
            for utxo in found:
                held[utxo.token] += utxo.amount
            self._held = {token: Wei(amount) for token, amount in held.items()}
        self._read_at = self._clock.monotonic()
