"""What was settled is watched until no reorg can take it back: a confirmed call may have to be sent again."""

import asyncio

import structlog

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.primitives import Address
from plasma_guard.domain.transactions import AttemptStatus, SettledIntent
from plasma_guard.ports import Chain, Journal
from plasma_guard.sender.receipts import own_receipts

log = structlog.get_logger(__name__)

FINAL_DEPTH = 64
"""Blocks after which a block is taken as final where the chain does not say so: two epochs of mainnet."""


class Aftermath:
    """The settled calls of one account that are not final yet.

    They are few, and asked about only when the chain was reorganised since the last look.
    """

    def __init__(self, account: Address, chain: Chain, journal: Journal) -> None:
        self._account = account
        self._chain = chain
        self._journal = journal
        self._settled: dict[str, SettledIntent] | None = None
        self._seen: BlockStamp | None = None
        self._asking = asyncio.Lock()

    def add(self, settled: SettledIntent) -> None:
        """Watch a call that was settled just now."""
        if self._settled is not None:
            self._settled[settled.candidate.intent] = settled

    @property
    def nonces(self) -> set[int]:
        """The nonces at which these calls were mined."""
        return {
            attempt.nonce
            for settled in (self._settled or {}).values()
            for attempt in settled.attempts
            if attempt.hash == settled.outcome.receipt.tx_hash
        }

    async def taken_out(self, head: BlockStamp) -> list[SettledIntent]:
        """Return the calls whose transaction a reorg took out, and stop watching them.

        The journal has them as open again. Raises `ChainUnavailable`, `JournalError`: ask again then.
        """
        async with self._asking:
            return await self._taken_out(head)

    async def _taken_out(self, head: BlockStamp) -> list[SettledIntent]:
        settled = await self._open()
        if not settled:
            self._seen = head
            return []
        if self._seen is not None and await self._is_built_on(self._seen, head):
            await self._forget_final(settled)
            self._seen = head
            return []
        lost = []
        for intent, call in list(settled.items()):
            found = await own_receipts(self._chain, call.attempts)
            known = call.outcome.receipt
            now = found.get(known.tx_hash)
            if now is not None and now.success == known.success:
                continue
            log.warning("a reorg took a settled transaction out", intent=intent, tx=str(known.tx_hash))
            await self._journal.mark_attempt(known.tx_hash, AttemptStatus.BROADCAST, head.timestamp)
            await self._journal.reopen(intent)
            lost.append(settled.pop(intent))
        self._seen = head
        return lost

    async def _open(self) -> dict[str, SettledIntent]:
        """Read what an earlier run settled, once."""
        if self._settled is None:
            first = await self._chain.final_transaction_count(self._account, FINAL_DEPTH)
            found = await self._journal.settled(self._account, first)
            self._settled = {settled.candidate.intent: settled for settled in found}
        return self._settled

    async def _is_built_on(self, old: BlockStamp, new: BlockStamp) -> bool:
        if old.hash in {new.hash, new.parent}:
            return True
        found = await self._chain.block(old.number)
        return found is not None and found.hash == old.hash

    async def _forget_final(self, settled: dict[str, SettledIntent]) -> None:
        final = await self._chain.final_transaction_count(self._account, FINAL_DEPTH)
        for intent, call in list(settled.items()):
            if all(attempt.nonce < final for attempt in call.attempts):
                del settled[intent]
