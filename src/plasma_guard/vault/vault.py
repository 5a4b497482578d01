"""The vault behind its port: one file, and those it is filled from."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Self

from plasma_guard.domain.blocks import BlockStamp, PlasmaBlock
from plasma_guard.domain.errors import EvidenceError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32
from plasma_guard.domain.vault import KeptTransaction, VaultContents
from plasma_guard.ports import Chain, ChildChain, Clock, ExitGame, Refreshed, Watcher
from plasma_guard.vault import bundle
from plasma_guard.vault.checking import problems
from plasma_guard.vault.draft import Draft
from plasma_guard.vault.files import RefreshLock
from plasma_guard.vault.records import Binding, State
from plasma_guard.vault.refreshing import Refresh, Settings
from plasma_guard.vault.sources import Blocks, Patience, Troubles, WatcherClaims
from plasma_guard.vault.store import Store
from plasma_guard.vault.tracking import Rules, decode_signed, track


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
        self._lock: RefreshLock | None = None
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
        if self._lock is not None:
            self._lock.release()

    async def contents(self) -> VaultContents:
        """Return everything kept, all of one moment."""
        return (await self._draft()).contents()

    async def waits(self) -> bool:
        """Tell whether a transaction is kept that is in no known block."""
        return await asyncio.to_thread(self._store.has_in_flight)

    async def refresh(self, at: BlockStamp) -> Refreshed:
        """Bring it up to date; raises `ChainUnavailable`, and keeps what was proven until then.

        Raises `VaultError` while another process is the one that refreshes this file.
        """
        async with self._turn:
            if self._lock is None:
                self._lock = RefreshLock(self._store.path)
            return await self._prepared(await self._draft(), at).run()

    async def track(self, content: bytes, at: BlockStamp | None = None) -> KeptTransaction:
        """Keep a transaction in flight, in signed form, whoever sends it on; on disk when this returns.

        With `at` the sources are asked first about its inputs, and whether it is in a block already. Raises
        `EvidenceError`, in one sentence, for one that is unsigned, foreign, for another chain, or included.
        """
        async with self._turn:
            signed = decode_signed(self._game.rules, content)
            draft = await self._draft()
            measure = Rules(self._game.rules, self._game.contracts.entry, self._settings.owners)
            if at is not None:
                await self._prepared(draft, at).look_up(signed.tx)
            record = track(draft, measure, signed)
            if at is not None:
                record = await self._prepared(draft, at).settle(record)
            await asyncio.to_thread(self._store.save, draft.take_changes())
            if record.kept.position is not None:
                raise EvidenceError(
                    f"already included: transaction {record.kept.hash} is at {record.kept.position};"
                    " its outputs are kept, nothing is to be tracked"
                )
            return record.kept

    async def said(self, tx_hash: Hash32, position: UtxoPosition) -> None:
        """Note where the operator says a tracked transaction will be; it is proven at a later refresh."""
        async with self._turn:
            draft = await self._draft()
            for record in draft.in_flight(tx_hash):
                draft.put(replace(record, said=position.tx_position))
            await asyncio.to_thread(self._store.save, draft.take_changes())

    async def check(self, at: BlockStamp | None) -> list[str]:
        """Prove everything again, against the roots on file or, at a block, those on the root chain."""
        stored = await asyncio.to_thread(self._store.load)
        wrong: list[str] = []
        blocks = dict(stored.blocks)
        if at is not None:
            for blknum, kept in stored.blocks.items():
                now = await self._game.plasma_block(blknum, at)
                if now is None or now.root != kept.root:
                    wrong.append(f"block {blknum}: its root on the root chain is not the one kept")
                    blocks.pop(blknum)
        rules, contract = self._game.rules, self._game.contracts.entry
        outputs = [own for own in stored.outputs.values() if own.state is State.HELD]
        found = problems(rules, contract, stored.records.values(), outputs, blocks)
        return wrong + await asyncio.to_thread(list, found)

    async def take_in(self, document: object, at: BlockStamp) -> int:
        """Take a bundle in, all of it or nothing; return how many outputs were not held before.

        Every proof must lead to the root in the contract at `at`. Raises `MalformedError` for a document of
        another shape or generation, `EvidenceError` for another chain's or one that proves less than it says.
        """
        async with self._turn:
            offered = bundle.read(document, self._game.rules)
            if offered.binding != self._store.bound:
                raise EvidenceError(
                    f"the bundle is of {offered.binding.contract} on chain {offered.binding.chain_id}, this"
                    f" vault of {self._store.bound.contract} on chain {self._store.bound.chain_id}"
                )
            blocks: dict[int, PlasmaBlock] = {}
            for blknum in {each.kept.position.blknum for each in offered.records if each.kept.position}:
                now = await self._game.plasma_block(blknum, at)
                if now is not None:
                    blocks[blknum] = now
            rules, contract = self._game.rules, self._game.contracts.entry
            draft = await self._draft()
            found = problems(rules, contract, offered.records, offered.outputs, blocks, known=draft.records())
            wrong = await asyncio.to_thread(list, found)
            if wrong:
                more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
                raise EvidenceError(f"{wrong[0]}{more}; nothing of the bundle was taken")
            before = len(draft.held())
            for block in blocks.values():
                draft.put_block(block)
            for record in offered.records:
                draft.put(record)
            for own in offered.outputs:
                if draft.owns(own.key) is None:
                    draft.put_output(own)
            await asyncio.to_thread(self._store.save, draft.take_changes())
            return len(draft.held()) - before

    def _prepared(self, draft: Draft, at: BlockStamp) -> Refresh:
        troubles = Troubles()
        return Refresh(
            settings=self._settings,
            draft=draft,
            at=at,
            game=self._game,
            chain=self._chain,
            store=self._store,
            watcher=WatcherClaims(self._watcher, self._patience, troubles),
            blocks=Blocks(self._child_chain, self._game.rules, self._patience, troubles),
            troubles=troubles,
            patience=self._patience,
        )

    async def _draft(self) -> Draft:
        return Draft(await asyncio.to_thread(self._store.load))


def open_store(path: Path, game: ExitGame, chain_id: int, *, writing: bool = True) -> Store:
    """Open the vault file of a contract; raises `VaultError`."""
    contracts = game.contracts
    bound = Binding(chain_id, contracts.entry, str(contracts.generation))
    return Store(path, bound, game.rules, writing=writing)
