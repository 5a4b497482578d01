"""TxSender gets calls mined: the one way out of the guard to the root chain."""

import asyncio
from collections.abc import Sequence
from typing import Self

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.crashpoints import crash_point
from plasma_guard.domain.decisions import Window
from plasma_guard.domain.errors import ConfigurationError, RetryableError
from plasma_guard.domain.primitives import Address, Timestamp
from plasma_guard.domain.transactions import Outcome, TxCandidate
from plasma_guard.ports import Alerts, Chain, Clock, Journal, Metrics, Signer
from plasma_guard.sender.courier import Courier
from plasma_guard.sender.lane import Lane
from plasma_guard.sender.purse import Purse
from plasma_guard.sender.settings import SenderSettings


class TxSender:
    """Implements the Sender port: one lane per account, alive from the first `submit` to `close`."""

    def __init__(
        self,
        *,
        chain: Chain,
        journal: Journal,
        signers: Sequence[Signer],
        clock: Clock,
        alerts: Alerts,
        metrics: Metrics,
        settings: SenderSettings,
    ) -> None:
        self._chain = chain
        self._journal = journal
        self._clock = clock
        self._lanes: dict[Address, Lane] = {}
        purse = Purse(journal, settings.max_cost_per_day)
        for signer in signers:
            courier = Courier(signer, chain, journal, clock, metrics, settings, purse)
            self._lanes[signer.address] = Lane(courier, alerts)

    async def submit(self, candidate: TxCandidate, window: Window) -> Outcome:
        """Return when the outcome is settled by chain facts; safe to repeat, also after a restart.

        An intent that was mined, successfully or not, is never sent again. `WouldRevert` and `Unaffordable`
        mean that nothing was signed: submitting such an intent again tries again. A call the account cannot
        pay for stays open, with an alert that says what is missing, until `window.hard` has passed.
        Raises `ConfigurationError` for an account without a signer, `PolicyViolation` when that refuses.
        """
        lane = self._lanes.get(candidate.account)
        if lane is None:
            raise ConfigurationError(
                f"account {candidate.account}: no key for it, so it cannot send {candidate.purpose}"
            )
        # The lane may look and simulate meanwhile; it signs once the intent is on disk.
        recorded = asyncio.create_task(self._record(candidate, window, lane), name="record intent")
        outcome, _ = await asyncio.gather(lane.run(candidate, window, recorded), recorded)
        return outcome

    async def withdraw(self, intent: str, reason: str) -> None:
        """Say that a call submitted before is not needed any more; one that is mined stays what it is.

        Its `submit` returns `WouldRevert` with this reason once no bytes of it can be mined any more: at once
        where nothing was signed, else after a transfer of nothing to ourselves has used its nonce.
        """
        for lane in self._lanes.values():
            lane.withdraw(intent, reason)

    async def prepare(self, head: BlockStamp) -> None:
        """Take in what holds for every account at a new head, so that no call has to wait for that."""
        await asyncio.gather(*(lane.prepare(head) for lane in self._lanes.values()))

    async def _record(self, candidate: TxCandidate, window: Window, lane: Lane) -> None:
        await self._journal.record_intent(candidate, window, await self._root_chain_time(lane))
        crash_point("intent.recorded")

    async def _root_chain_time(self, lane: Lane) -> Timestamp:
        """Return the newest block's time; the machine's own while no endpoint answers, rather than wait."""
        if (prepared := lane.prepared()) is not None:
            return prepared.head.timestamp
        try:
            return (await self._chain.head()).timestamp
        except RetryableError:
            return Timestamp(int(self._clock.now()))

    async def close(self) -> None:
        """Stop all lanes; what is signed stays on disk and goes on being valid."""
        for lane in self._lanes.values():
            await lane.close()

    async def __aenter__(self) -> Self:
        """Return the sender."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()
