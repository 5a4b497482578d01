"""What the signers may sign, kept in step with the bonds the contract asks for."""

from collections.abc import Collection, Mapping

from plasma_guard.domain.exits import Bonds
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.ports import Chain, ExitGame

Calls = dict[Address, Mapping[bytes, Collection[Wei]]]
"""Contract, selector, and the exact values in wei that may go with it."""


class Permits:
    """Owns the allowlist that the signers' policies look into; bonds can change over a contract's life."""

    def __init__(self, chain: Chain, game: ExitGame) -> None:
        self._chain = chain
        self._game = game
        self.calls: Calls = {}

    async def refresh(self) -> Bonds:
        """Read the bonds, allow exactly those, and return them; raises `RetryableError`, changing nothing."""
        bonds = await self._game.bonds(await self._chain.head())
        allowed = dict(self._game.sendable(bonds))
        self.calls.clear()
        self.calls.update(allowed)
        return bonds
