"""The process of `bench.mixed`: `python -m bench.mixing WATCHER NODE EVENTS`, one line of JSON as the result.

Everything between those two servers and a decision is the real thing, with as many turns at once as the
supervisor gives; what the scan has found is in the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import structlog

from bench import frauds
from bench.flooded import CHAIN_ID, built
from bench.kinds import BOB, Case
from plasma_guard.chain import RpcChain
from plasma_guard.clock import SystemClock
from plasma_guard.contracts.ald import AldExitGame
from plasma_guard.daemon.agenda import Agenda, Item
from plasma_guard.daemon.react import Turn
from plasma_guard.daemon.supervisor import TURNS_AT_ONCE
from plasma_guard.domain.cases import TrackedExit
from plasma_guard.domain.exits import ExitId, InFlightExitStarted, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32
from plasma_guard.journal import open_journal
from plasma_guard.ports import Journal


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

    async def withdrawn(self, exit_id: ExitId, since: int) -> frozenset[tuple[Side, int]]:
        return await self._journal.withdrawn_slots(exit_id, since)

    async def challenged(self, position: UtxoPosition, since: int) -> bool:
        return await self._journal.was_challenged(position, since)

    async def scanned_to(self) -> int:
        return frauds.HEAD.number


async def _main(watcher: str, node: str, events: int) -> dict[str, Any]:
    cases = [Case(number) for number in range(events)]
    clock = SystemClock()
    agenda, limit = Agenda(clock), asyncio.Semaphore(TURNS_AT_ONCE)
    exits = [frauds.tracked(case.deposit) for case in cases if case.kind.endswith("_exit")]
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plasma-guard-bench-")))
        journal = await stack.enter_async_context(
            open_journal(directory / "journal.sqlite3", CHAIN_ID, frauds.CONTRACTS.entry)
        )
        await journal.record_scan(0, frauds.HEAD, exits, [case.start for case in cases])
        chain = await stack.enter_async_context(RpcChain.connect([node], clock, chain_id=CHAIN_ID))
        await chain.chain_id()
        guard = await built(
            stack,
            watcher,
            journal,
            agenda,
            game=AldExitGame(chain, frauds.CONTRACTS),
            chain=chain,
            exits=_Exits(journal),
            own=frozenset({BOB}),
        )

        async def turn(item: Item) -> list[Turn]:
            async with limit:
                return await guard.react.turn(item.event, item.reaction, frauds.HEAD)

        gc.freeze()  # as `run` does before it begins
        started, cpu = time.perf_counter(), time.process_time()
        poll = await guard.watch.poll(frauds.HEAD)
        agenda.add(poll.sightings)
        noted = asyncio.create_task(guard.watch.note(poll, frauds.HEAD))
        turns = await asyncio.gather(*map(turn, agenda.take_due()))
        await noted
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    decided = Counter(type(turn.decision).__name__ for found in turns for turn in found)
    assert decided.keys() <= {"Act", "LeaveChain"}, f"something was not proven: {decided}"
    return {"seconds": seconds, "cpu": cpu, "decided": decided}


if __name__ == "__main__":
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger("critical"),
        cache_logger_on_first_use=True,
    )
    print(json.dumps(asyncio.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
