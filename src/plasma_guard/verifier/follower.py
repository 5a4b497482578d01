"""Keeps a verifier fed: root-chain events by their margins, plasma blocks in order, one step at a time."""

import asyncio
from collections import deque

import structlog

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.errors import ChainUnavailable, RetryableError
from plasma_guard.domain.exits import (
    BlockSubmitted,
    DepositCreated,
    ExitFinalized,
    ExitStatus,
    InFlightExitEnded,
    InFlightExitWithdrawn,
    RootChainEvent,
)
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.ports import Chain, Clock, ExitGame
from plasma_guard.verifier.child_chain import BlockSource, BlockUnavailableError
from plasma_guard.verifier.core import Progress, Verifier
from plasma_guard.verifier.dialect import Alarm
from plasma_guard.verifier.recognition import Recognizer

WITHHOLDING_SECONDS = 15 * 3600
"""How long a submitted block may be missing before that is called withholding."""
_CHUNK = 2000
_EXIT_SERVICES = (
    "challenges_responds_processor",
    "competitor_processor",
    "exit_challenger",
    "exit_processor",
    "in_flight_exit_deleted_processor",
    "in_flight_exit_processor",
    "piggyback_challenges_processor",
    "piggyback_processor",
)
_FINALIZING_SERVICES = ("exit_finalizer", "ife_exit_finalizer")

_log = structlog.get_logger(__name__)


class Follower:
    """Reads the root chain from block `first` on and feeds what it finds to `verifier`.

    Deposits and submitted blocks count once buried by `margins.deposit_finality` root-chain blocks, exits by
    `margins.exit_finality`; a reorganization deeper than that is not undone. What was paid out waits until
    every block submitted before it has been validated, as only then it is known whether it was valid: while
    a block is missing, or after a halt, it waits. `step` raises `ChainUnavailable` and `ContractError`, keeps
    what it had read, and can simply be called again.
    """

    def __init__(
        self,
        verifier: Verifier,
        game: ExitGame,
        chain: Chain,
        blocks: BlockSource,
        clock: Clock,
        *,
        first: int = 0,
        withholding_seconds: float = WITHHOLDING_SECONDS,
    ) -> None:
        self._verifier = verifier
        self._game = game
        self._chain = chain
        self._blocks = blocks
        self._clock = clock
        self._withholding_seconds = withholding_seconds
        self._next = first
        self._submitted: deque[BlockSubmitted] = deque()
        self._exits: deque[RootChainEvent] = deque()
        self._finalized: deque[RootChainEvent] = deque()
        self._recognizer = Recognizer(game, chain, verifier.in_flight_exits)
        self._missing_since: float | None = None
        self._exits_read = first - 1
        self._connected = True

    @property
    def alarms(self) -> list[Alarm]:
        """What keeps the verifier from being whole: the root chain, while it cannot be read.

        And each in-flight exit it cannot judge, as nothing tells its transaction; the hash is `reporter`.
        """
        alarms = [
            Alarm("in_flight_exit_unreadable", node="verifier", reporter=str(tx_hash))
            for tx_hash in self._verifier.in_flight_exits.unread
        ]
        if not self._connected:
            alarms.append(Alarm("ethereum_connection_error", node="verifier", reporter="follower"))
        return alarms

    async def run(self, *, interval: float = 1) -> None:
        """Step every `interval` seconds until cancelled, through every loss of the root chain."""
        while True:
            try:
                await self.step()
                self._connected = True
            except RetryableError as error:
                self._connected = False
                _log.warning("the root chain cannot be read", reason=str(error))
            await self._clock.sleep(interval)

    async def step(self) -> None:
        """Take everything that the root chain and the block source have by now."""
        head = await self._chain.head()
        margins = self._verifier.margins
        await self._read(head.number - margins.deposit_finality)
        await self._judge_exits(head, head.number - margins.exit_finality)
        await self._advance(head)
        await self._take_blocks(head)
        self._finalize()
        await self._end_overdue(head.number - margins.exit_finality)
        await self._advance(head)

    async def _read(self, last: int) -> None:
        while self._next <= last:
            until = min(last, self._next + _CHUNK - 1)
            for event in await self._game.root_chain_events(self._next, until):
                if isinstance(event, DepositCreated):
                    self._verifier.apply_event(event)
                elif isinstance(event, BlockSubmitted):
                    self._submitted.append(event)
                else:
                    self._exits.append(event)
            self._next = until + 1

    async def _judge_exits(self, head: BlockStamp, last: int) -> None:
        while self._exits and self._exits[0].block_number <= last:
            event = self._exits[0]
            if _depends_on_blocks(event):
                self._finalized.append(event)
            else:
                self._verifier.apply_event(event, await self._recognizer.facts(event, head))
            self._exits.popleft()
        self._exits_read = max(self._exits_read, last)

    async def _take_blocks(self, head: BlockStamp) -> None:
        while self._submitted and not self._verifier.halted:
            blknum = self._submitted[0].blknum
            if blknum < self._verifier.ledger.next_blknum:
                self._submitted.popleft()
                continue
            submitted = await self._game.plasma_block(blknum, head)
            if submitted is None:
                raise ChainUnavailable(
                    f"plasma block {blknum} was submitted, yet the contract has no such block"
                )
            try:
                block = await self._blocks.block(submitted.root)
            except BlockUnavailableError as error:
                self._missing(blknum, str(error))
                if self._is_withheld():
                    self._verifier.withhold(blknum, submitted.root)
                return
            self._missing_since = None
            # A full block takes seconds, in which everything else in this process must go on.
            examined = await asyncio.to_thread(self._verifier.examine, blknum, submitted.root, block)
            if not self._verifier.take_block(blknum, submitted.root, submitted.timestamp, examined):
                _log.error("plasma block is invalid: no further block is taken", blknum=blknum)
                return
            self._submitted.popleft()

    def _missing(self, blknum: int, reason: str) -> None:
        if self._missing_since is None:
            self._missing_since = self._clock.monotonic()
        _log.warning("plasma block is not available", blknum=blknum, reason=reason)

    def _is_withheld(self) -> bool:
        since = self._missing_since
        return since is not None and self._clock.monotonic() - since >= self._withholding_seconds

    def _finalize(self) -> None:
        while self._finalized:
            event = self._finalized[0]
            if self._submitted and self._submitted[0].block_number <= event.block_number:
                return
            self._verifier.apply_event(event)
            self._finalized.popleft()

    async def _end_overdue(self, last: int) -> None:
        """End the in-flight exits that were processed without paying anybody, which has no log everywhere."""
        at = None if self._finalized or last < 0 else await self._chain.block(last)
        if at is None:
            return
        exits = self._verifier.in_flight_exits
        overdue = exits.overdue(Timestamp(at.timestamp - self._verifier.contracts.min_exit_period))
        if overdue:
            entries = await self._game.in_flight_exits([each.tx.raw for each in overdue], at)
            for each, entry in zip(overdue, entries, strict=True):
                if entry.status is not ExitStatus.RUNNING:
                    exits.end(each)

    async def _advance(self, head: BlockStamp) -> None:
        next_blknum, _ = await self._game.next_plasma_blocks(head)
        mined = next_blknum - CHILD_BLOCK_INTERVAL
        newest = await self._game.plasma_block(mined, head) if mined else None
        # What has been read, less what is still waiting: that is how far each kind of event is done.
        read = self._next - 1
        validated = self._submitted[0].block_number - 1 if self._submitted else read
        waiting = self._finalized[0].block_number - 1 if self._finalized else self._exits_read
        self._verifier.advance(
            Progress(
                tip=head,
                last_mined_blknum=mined,
                last_mined_at=Timestamp(0) if newest is None else newest.timestamp,
                services={
                    "block_getter": max(0, validated),
                    "depositor": max(0, read),
                    "root_chain_height": head.number,
                }
                | dict.fromkeys(_EXIT_SERVICES, max(0, self._exits_read))
                | dict.fromkeys(_FINALIZING_SERVICES, max(0, waiting)),
            )
        )


def _depends_on_blocks(event: RootChainEvent) -> bool:
    """Tell whether only the ledger can say if an event was right: something was taken out."""
    if isinstance(event, InFlightExitEnded):
        # Ends that are no deletion come after the payments they conclude.
        return not event.deleted
    return isinstance(event, ExitFinalized | InFlightExitWithdrawn)
