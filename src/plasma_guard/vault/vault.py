"""The vault behind its port: one file, and those it is filled from."""

import asyncio
from pathlib import Path
from typing import Self

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.vault import VaultContents
from plasma_guard.ports import Chain, ChildChain, Clock, ExitGame, Refreshed, Watcher
from plasma_guard.vault.draft import Draft
from plasma_guard.vault.files import RefreshLock
from plasma_guard.vault.records import Binding
from plasma_guard.vault.refreshing import Refresh, Settings
from plasma_guard.vault.sources import Blocks, Patience, Troubles, WatcherClaims
from plasma_guard.vault.store import Store


class SqlVault:
    """Implements the Vault port; close it, or use it as an asynchronous context manager."""

    def __init__(
        self,
        *,
        store: Store,
        settings: Settings,
        game: ExitGame,
        chain: Chain,
        watcher: Watcher,
        child_chain: ChildChain | None,
        clock: Clock,
    ) -> None:
        """Take the lock of whoever refreshes; raises `VaultError` when another process has it."""
        self._lock = RefreshLock(store.path)
        self._store = store
        self._settings = settings
        self._game = game
        self._chain = chain
        self._watcher = watcher
        self._child_chain = child_chain
        self._patience = Patience(clock)
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Return the open vault."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()
        self._lock.release()

    async def contents(self) -> VaultContents:
        """Return everything kept, all of one moment."""
        return (await self._draft()).contents()

    async def refresh(self, at: BlockStamp) -> Refreshed:
        """Bring it up to date; raises `ChainUnavailable`, and keeps what was proven until then."""
        async with self._turn:
            troubles = Troubles()
            return await Refresh(
                settings=self._settings,
                draft=await self._draft(),
                at=at,
                game=self._game,
                chain=self._chain,
                store=self._store,
                watcher=WatcherClaims(self._watcher, self._patience, troubles),
                blocks=Blocks(self._child_chain, self._game.rules, self._patience, troubles),
                troubles=troubles,
                patience=self._patience,
            ).run()

    async def _draft(self) -> Draft:
        return Draft(await asyncio.to_thread(self._store.load))


def open_store(path: Path, game: ExitGame, chain_id: int, *, writing: bool = True) -> Store:
    """Open the vault file of a contract; raises `VaultError`."""
    contracts = game.contracts
    bound = Binding(chain_id, contracts.entry, str(contracts.generation))
    return Store(path, bound, game.rules, writing=writing)
