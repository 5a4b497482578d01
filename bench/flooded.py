"""The process that `bench.flood` floods: `python -m bench.flooded URL`, one line of JSON as the result.

Client, journal, and the daemon's `Watch`, `Agenda` and `React` are the real ones; only the root chain, whose
time is not the guard's own, is answered from memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import structlog

from bench import frauds
from plasma_guard.clock import SystemClock
from plasma_guard.daemon.agenda import Agenda
from plasma_guard.daemon.freshness import Freshness, FreshnessLimits
from plasma_guard.daemon.react import React
from plasma_guard.daemon.scope import Interest
from plasma_guard.daemon.troubles import Troubles
from plasma_guard.daemon.watch import Poll, Watch
from plasma_guard.domain.blocks import BlockStamp, PlasmaBlock
from plasma_guard.domain.cases import TrackedExit
from plasma_guard.domain.decisions import Act, Close, Closure
from plasma_guard.domain.exits import ContractSet, ExitId, InFlightExitStarted, Side, StandardExit
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL, UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.domain.stakes import Scope
from plasma_guard.journal import open_journal
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.ports import Chain, ExitGame, Journal
from plasma_guard.reactions import by_name
from plasma_guard.reactions.base import ExitStarts, Policy
from plasma_guard.telemetry.alerts import AlertDesk
from plasma_guard.telemetry.health import Health
from plasma_guard.telemetry.metrics import PrometheusMetrics
from plasma_guard.watcher import HttpWatcher

CHAIN_ID = 1
BUDGET = Wei(10**17)
SETTLED = Close(Closure.RESOLVED_BY_OTHERS, "settled before the flood")


class _Game:
    """The reads that one decision makes, answered at once."""

    contracts: ContractSet = frauds.CONTRACTS
    rules: PlasmaRules = frauds.RULES

    def __init__(self) -> None:
        self._entries = {entry.exit_id: entry for entry in map(frauds.entry, range(1, 11))}

    async def standard_exits(self, exit_ids: Sequence[ExitId], at: BlockStamp) -> list[StandardExit]:
        del at
        return [self._entries[exit_id] for exit_id in exit_ids]

    async def plasma_block(self, blknum: int, at: BlockStamp) -> PlasmaBlock | None:
        del at
        return PlasmaBlock(blknum, Hash32(bytes(32)), Timestamp(frauds.NOW - 86_400))

    async def next_plasma_blocks(self, at: BlockStamp) -> tuple[int, int]:
        del at
        return frauds.VALIDATED + CHILD_BLOCK_INTERVAL, frauds.VALIDATED + 1


class _Exits:
    """What the own scan has found: every exit there is."""

    def __init__(self) -> None:
        self._exits = {exit_.position: exit_ for exit_ in map(frauds.tracked, range(1, 11))}

    async def starts(self, position: UtxoPosition) -> list[TrackedExit]:
        return [self._exits[position]]

    async def in_flight_start(self, plasma_tx_hash: Hash32) -> InFlightExitStarted | None:
        del plasma_tx_hash
        return None

    async def paid(self, exit_: TrackedExit) -> bool:
        return exit_.position not in self._exits

    async def withdrawn(self, exit_id: ExitId, since: int) -> frozenset[tuple[Side, int]]:
        del exit_id, since
        return frozenset()

    async def challenged(self, position: UtxoPosition, since: int) -> bool:
        del since
        return position not in self._exits

    async def scanned_to(self) -> int:
        return frauds.HEAD.number


@dataclass(slots=True)
class _Guard:
    """The parts of the daemon a status answer goes through."""

    watch: Watch
    react: React
    agenda: Agenda
    health: Health


async def built(
    stack: contextlib.AsyncExitStack,
    url: str,
    journal: Journal,
    agenda: Agenda,
    *,
    game: ExitGame,
    chain: Chain,
    exits: ExitStarts,
    own: frozenset[Address] = frozenset(),
) -> _Guard:
    """Put the parts together over a Watcher at `url`; `own` are the accounts whose outputs may join exits."""
    clock, metrics = SystemClock(), PrometheusMetrics()
    health = Health(["watcher"], clock)
    alerts = await stack.enter_async_context(AlertDesk(clock=clock, metrics=metrics, repeat_after=3600))
    watcher = await stack.enter_async_context(HttpWatcher(url))
    watch = Watch(
        watcher=watcher,
        game=game,
        journal=journal,
        reactions=by_name(),
        off=frozenset(),
        freshness=Freshness(frauds.CONTRACTS, FreshnessLimits(10, 600)),
        troubles=Troubles("watcher", clock, health, alerts),
        alerts=alerts,
        metrics=metrics,
    )
    react = React(
        watcher=watcher,
        chain=chain,
        game=game,
        exits=exits,
        journal=journal,
        policies=dict.fromkeys(by_name(), Policy(BUDGET)),
        interest=Interest(Scope.ALL, [], watcher, clock),
        alerts=alerts,
        metrics=metrics,
        chain_id=CHAIN_ID,
        own=own,
    )
    return _Guard(watch, react, agenda, health)


async def _built(stack: contextlib.AsyncExitStack, url: str, journal: Journal, agenda: Agenda) -> _Guard:
    game, chain = cast("ExitGame", _Game()), cast("Chain", None)
    return await built(stack, url, journal, agenda, game=game, chain=chain, exits=_Exits())


async def _settle_known(guard: _Guard) -> None:
    """Poll once, and leave everything reported behind: from now on it is known."""
    poll = await guard.watch.poll(frauds.HEAD)
    await guard.watch.note(poll, frauds.HEAD)
    guard.agenda.add(poll.sightings)
    for item in guard.agenda.take_due():
        guard.agenda.done(item, [SETTLED])


async def _take(guard: _Guard) -> Poll:
    """Poll and decide, as the supervisor does."""
    at = frauds.next_head()
    poll = await guard.watch.poll(at)
    guard.agenda.add(poll.sightings)
    items = guard.agenda.take_due()
    noted = asyncio.create_task(guard.watch.note(poll, at))
    turns = await asyncio.gather(*(guard.react.turn(each.event, each.reaction, at) for each in items))
    new = await noted
    guard.agenda.keep_only({event.topic for event, _ in poll.sightings})
    assert len(turns) == new, "a known event was decided again, or a new one was not"
    assert all(isinstance(turn.decision, Act) for (turn,) in turns), "a fraud was not proven"
    return poll


async def _main(base: str) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plasma-guard-bench-")))
        journal = await stack.enter_async_context(
            open_journal(directory / "journal.sqlite3", CHAIN_ID, frauds.CONTRACTS.entry)
        )
        agenda = Agenda(SystemClock())
        await _settle_known(await _built(stack, f"{base}/known", journal, agenda))
        guard = await _built(stack, f"{base}/all", journal, agenda)
        started, cpu = time.perf_counter(), time.process_time()
        poll = await _take(guard)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        refused = await _refused(await _built(stack, f"{base}/large", journal, Agenda(SystemClock())))
    size = len(json.dumps(frauds.event(1))) * len(poll.sightings) / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"seconds": seconds, "cpu": cpu, "peak": peak, "megabytes": size, **refused}


async def _refused(guard: _Guard) -> dict[str, Any]:
    """Poll a Watcher whose answer is too large; three such polls end readiness."""
    started = time.perf_counter()
    poll = await guard.watch.poll(frauds.HEAD)
    seconds = time.perf_counter() - started
    assert poll.status is None, "an answer above the limit was taken"
    assert not poll.sightings
    for _ in range(2):
        await guard.watch.poll(frauds.HEAD)
    return {"refused_seconds": seconds, "refusal": guard.health.reasons["watcher"]}


if __name__ == "__main__":
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr), cache_logger_on_first_use=True
    )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    print(json.dumps(asyncio.run(_main(sys.argv[1]))))
