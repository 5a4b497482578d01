"""Our own view of the root chain: every exit that was ever started, whatever a Watcher says."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import structlog

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import TrackedExit
from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.errors import ChainUnavailable
from plasma_guard.domain.exits import (
    ExitChallenged,
    ExitFinalized,
    ExitId,
    ExitStarted,
    ExitStatus,
    InFlightExitStarted,
    RootChainEvent,
    Side,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32
from plasma_guard.ports import Alerts, Chain, Clock, ExitGame, Health, Journal, Metrics
from plasma_guard.reactions.tracking import track

log = structlog.get_logger(__name__)

REREAD_BLOCKS = 64
"""Two epochs: blocks this young may still change, or may have been answered from a stale node."""
CHUNK_BLOCKS = 10_000
"""One journal commit per this many blocks while catching up."""
REFRESH_EVERY = 300.0
"""Seconds between re-reading every running exit: some ends leave no log (popped off a queue unpaid)."""
READ_BATCH = 200


class Scan:
    """Follows the exit logs from a checkpoint kept in the journal; the window is never clamped."""

    def __init__(
        self,
        *,
        chain: Chain,
        game: ExitGame,
        journal: Journal,
        clock: Clock,
        health: Health,
        alerts: Alerts,
        metrics: Metrics,
        first_block: int,
        heed: Callable[[Sequence[RootChainEvent]], None] = lambda _: None,
    ) -> None:
        self._chain = chain
        self._game = game
        self._journal = journal
        self._clock = clock
        self._health = health
        self._alerts = alerts
        self._metrics = metrics
        self._first_block = first_block
        self._heed = heed
        self._refreshed_at = float("-inf")
        self._covered = 0
        health.set("scan", ok=False, reason="the root chain has not been scanned yet")

    async def starts(self, position: UtxoPosition) -> list[TrackedExit]:
        """Return the exits started at a position, newest start first."""
        return await self._journal.tracked_exits(position=position)

    async def in_flight_start(self, plasma_tx_hash: Hash32) -> InFlightExitStarted | None:
        """Return the newest start of the in-flight exit of a transaction."""
        found = await self._journal.in_flight_starts(plasma_tx_hash)
        return found[0] if found else None

    async def paid(self, exit_: TrackedExit) -> bool:
        """Return whether the logs say that this start was processed and paid."""
        return await self._journal.was_paid(exit_)

    async def withdrawn(self, exit_id: ExitId, since: int) -> frozenset[tuple[Side, int]]:
        """Return the slots of an in-flight exit that the logs of block `since` and later call paid."""
        return await self._journal.withdrawn_slots(exit_id, since)

    async def challenged(self, position: UtxoPosition, since: int) -> bool:
        """Return whether the logs say that an exit of this position was challenged in `since` or later."""
        return await self._journal.was_challenged(position, since)

    async def scanned_to(self) -> int:
        """Return the last root-chain block the scan covers, 0 before the first."""
        return self._covered

    async def step(self, head: BlockStamp) -> list[TrackedExit]:
        """Read everything up to `head`; return the exits seen for the first time."""
        checkpoint = await self._journal.checkpoint()
        first = self._first_block
        if checkpoint is not None:
            self._covered = min(checkpoint.number, head.number)
            first = max(first, self._covered - REREAD_BLOCKS + 1)
        found: list[TrackedExit] = []
        started = self._clock.monotonic()
        while first <= head.number:
            last = min(first + CHUNK_BLOCKS - 1, head.number)
            found += await self._read(first, last, head)
            self._health.pulse()
            if last < head.number:
                self._health.set(
                    "scan", ok=False, reason=f"catching up with the root chain: block {last} of {head.number}"
                )
                log.info(
                    "scanning the root chain for exits",
                    block=last,
                    of=head.number,
                    seconds=round(self._clock.monotonic() - started),
                )
            first = last + 1
        if self._clock.monotonic() - self._refreshed_at >= REFRESH_EVERY:
            await self._refresh(await self._journal.tracked_exits(running=True), head)
            self._refreshed_at = self._clock.monotonic()
        self._health.set("scan", ok=True)
        self._metrics.gauge("scan_checkpoint_block", self._covered)
        self._metrics.gauge("scan_lag_blocks", head.number - self._covered)
        return found

    async def _read(self, first: int, last: int, head: BlockStamp) -> list[TrackedExit]:
        stamp = head if last == head.number else await self._chain.block(last)
        if stamp is None:
            raise ChainUnavailable(f"block {last} below the head {head.number} is not served")
        events = await self._placed(await self._game.root_chain_events(first, last))
        starts = [event for event in events if isinstance(event, ExitStarted)]
        await self._tell_impossible([event for event in starts if self._is_impossible(event)], head)
        tracked = await self._track(starts)
        new = [each for each in tracked if not await self._knows(each)]
        await self._journal.record_scan(first, stamp, tracked, events)
        self._heed([event for event in events if event.block_number > self._covered])
        self._covered = last
        await self._refresh(await self._ended(events), head)
        return new

    async def _placed(self, events: Sequence[RootChainEvent]) -> list[RootChainEvent]:
        """Give starts whose entry is gone by now the position that was noted while it stood.

        RootChain v0.2 logs no position and deletes a challenged entry: read again, such a start must not look
        as if a reorg had removed it.
        """
        if all(event.position for event in events if isinstance(event, ExitStarted)):
            return list(events)
        noted = {(each.exit_id, each.start): each.position for each in await self._journal.tracked_exits()}
        return [
            replace(event, position=noted.get((event.exit_id, event.identity)))
            if isinstance(event, ExitStarted) and event.position is None
            else event
            for event in events
        ]

    def _is_impossible(self, started: ExitStarted) -> bool:
        position = started.position
        return position is None or position.oindex >= self._game.rules.max_outputs

    async def _tell_impossible(self, starts: Sequence[ExitStarted], head: BlockStamp) -> None:
        """Tell of running exits at positions no output can have.

        RootChain v0.2 cuts output and transaction index when it checks an exit but stores the position whole,
        so that one output can be exited under several positions, none of which any spend names.
        """
        entries = await self._game.standard_exits([each.exit_id for each in starts], head) if starts else []
        for started, entry in zip(starts, entries, strict=True):
            if entry.status is ExitStatus.RUNNING and not entry.fee:
                self._alerts.alert(
                    f"exits/impossible/{started.exit_id:x}/{started.identity}",
                    Severity.CRITICAL,
                    "an exit of a position that no output can have is running: it is a theft that nobody can"
                    " challenge; get your funds out of this chain",
                    exit_id=f"0x{started.exit_id:x}",
                    owner=started.owner,
                    block=started.block_number,
                )

    async def _knows(self, found: TrackedExit) -> bool:
        known = await self._journal.tracked_exits(position=found.position)
        return any((each.exit_id, each.start) == (found.exit_id, found.start) for each in known)

    async def _track(self, starts: Iterable[ExitStarted]) -> list[TrackedExit]:
        tracked = await asyncio.gather(*(track(started, self._chain) for started in starts))
        return [each for each in tracked if each is not None]

    async def _ended(self, events: Sequence[RootChainEvent]) -> list[TrackedExit]:
        """Return the running exits that these logs say something ended for."""
        challenged = {event.position for event in events if isinstance(event, ExitChallenged)}
        finalized = {event.exit_id for event in events if isinstance(event, ExitFinalized)}
        if not challenged and not finalized:
            return []
        running = await self._journal.tracked_exits(running=True)
        return [each for each in running if each.position in challenged or each.exit_id in finalized]

    async def _refresh(self, exits: Sequence[TrackedExit], at: BlockStamp) -> None:
        """Ask the contract which of these exits still run; only its state says so."""
        for start in range(0, len(exits), READ_BATCH):
            batch = exits[start : start + READ_BATCH]
            entries = await self._game.standard_exits([each.exit_id for each in batch], at)
            for each, entry in zip(batch, entries, strict=True):
                runs = entry.status is ExitStatus.RUNNING and entry.position == each.position
                if runs != each.running:
                    await self._journal.judge(
                        [(each.exit_id, each.start)], each.judgement, at.timestamp, running=runs
                    )
