"""The process of `bench.mixed`: `python -m bench.mixing URL EVENTS`, one line of JSON as the result.

Client, journal, `Watch` and `React` are the real ones, and what the scan has found is in the journal. The
root chain is answered from memory and counted in RPC requests of the real one on ald-v1: one for each read.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import structlog

from bench import frauds
from bench.flooded import CHAIN_ID, built
from bench.kinds import BOB, Case
from plasma_guard.clock import SystemClock
from plasma_guard.daemon.agenda import Agenda
from plasma_guard.domain.blocks import BlockStamp, PlasmaBlock
from plasma_guard.domain.cases import TrackedExit
from plasma_guard.domain.exits import (
    Bonds,
    ContractSet,
    ExitId,
    InFlightExit,
    InFlightExitStarted,
    StandardExit,
)
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL, UtxoPosition
from plasma_guard.domain.primitives import Hash32, Timestamp, Wei
from plasma_guard.domain.transactions import FeeFacts
from plasma_guard.journal import open_journal
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.ports import Chain, ExitGame, Journal


class _RootChain:
    """What the contracts say about the cases, and what gas costs; `reads` counts the questions."""

    contracts: ContractSet = frauds.CONTRACTS
    rules: PlasmaRules = frauds.RULES

    def __init__(self, cases: Sequence[Case]) -> None:
        self._blocks = {case.blknum: case.block for case in cases}
        self._standard = {entry.exit_id: entry for entry in (frauds.entry(case.deposit) for case in cases)}
        self._in_flight = {case.tx.raw: case.entry for case in cases}
        self.reads: Counter[str] = Counter()

    async def standard_exits(self, exit_ids: Sequence[ExitId], at: BlockStamp) -> list[StandardExit]:
        del at
        self.reads["standard_exits"] += 1
        return [self._standard[exit_id] for exit_id in exit_ids]

    async def in_flight_exits(self, txs: Sequence[bytes], at: BlockStamp) -> list[InFlightExit]:
        del at
        self.reads["in_flight_exits"] += 1
        return [self._in_flight[tx] for tx in txs]

    async def plasma_block(self, blknum: int, at: BlockStamp) -> PlasmaBlock | None:
        del at
        self.reads["plasma_block"] += 1
        deposit = PlasmaBlock(blknum, Hash32(bytes(32)), Timestamp(frauds.NOW - 86_400))
        return self._blocks.get(blknum, deposit)

    async def next_plasma_blocks(self, at: BlockStamp) -> tuple[int, int]:
        del at
        self.reads["next_plasma_blocks"] += 1
        return frauds.VALIDATED + CHILD_BLOCK_INTERVAL, frauds.VALIDATED + 1

    async def bonds(self, at: BlockStamp) -> Bonds:
        del at
        self.reads["bonds"] += 1
        return Bonds(Wei(14 * 10**15), Wei(37 * 10**15), Wei(28 * 10**15))

    async def fee_facts(self) -> FeeFacts:
        self.reads["fee_facts"] += 2  # the newest block, and the fee history
        return FeeFacts(Wei(10**10), Wei(10**9), frauds.NOW)


class _Exits:
    """What the scan has found, read from the journal as the scan does."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def starts(self, position: UtxoPosition) -> list[TrackedExit]:
        return await self._journal.tracked_exits(position=position)

    async def in_flight_start(self, plasma_tx_hash: Hash32) -> InFlightExitStarted | None:
        found = await self._journal.in_flight_starts(plasma_tx_hash)
        return found[0] if found else None

    async def paid(self, exit_: TrackedExit) -> bool:
        return await self._journal.was_paid(exit_)

    async def challenged(self, position: UtxoPosition, since: int) -> bool:
        return await self._journal.was_challenged(position, since)

    async def scanned_to(self) -> int:
        return frauds.HEAD.number


async def _main(url: str, events: int) -> dict[str, Any]:
    cases = [Case(number) for number in range(events)]
    chain, agenda = _RootChain(cases), Agenda(SystemClock())
    exits = [frauds.tracked(case.deposit) for case in cases if case.kind.endswith("_exit")]
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plasma-guard-bench-")))
        journal = await stack.enter_async_context(
            open_journal(directory / "journal.sqlite3", CHAIN_ID, frauds.CONTRACTS.entry)
        )
        await journal.record_scan(0, frauds.HEAD, exits, [case.start for case in cases])
        guard = await built(
            stack,
            url,
            journal,
            agenda,
            game=cast("ExitGame", chain),
            chain=cast("Chain", chain),
            exits=_Exits(journal),
            own=frozenset({BOB}),
        )
        started, cpu = time.perf_counter(), time.process_time()
        poll = await guard.watch.poll(frauds.HEAD)
        agenda.add(poll.sightings)
        noted = asyncio.create_task(guard.watch.note(poll, frauds.HEAD))
        items = agenda.take_due()
        turns = await asyncio.gather(
            *(guard.react.turn(each.event, each.reaction, frauds.HEAD) for each in items)
        )
        await noted
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    decided = Counter(type(turn.decision).__name__ for found in turns for turn in found)
    assert decided.keys() <= {"Act", "LeaveChain"}, f"something was not proven: {decided}"
    return {"seconds": seconds, "cpu": cpu, "decided": decided, "reads": chain.reads}


if __name__ == "__main__":
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger("critical"),
        cache_logger_on_first_use=True,
    )
    print(json.dumps(asyncio.run(_main(sys.argv[1], int(sys.argv[2])))))
