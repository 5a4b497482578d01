"""100,000 exits compete for the queue: how long until ours is processed, by its place in it."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2
from pathlib import Path
from typing import Final

from bench import queue_gas
from bench.chart import Line, Panel, svg, terminal
from bench.queue_gas import Measured
from bench.report import Row

EXITS: Final = 100_000
REVISIONS: Final = ("rootchain", "ald-v1", "ald-v2")
DEPTHS: Final = (0, 1_000, EXITS)
"""How many exits wait behind those measured."""
SHARES: Final = (0.1, 0.25, 0.5)
BLOCK_GAS: Final = 30_000_000
BLOCK_SECONDS: Final = 12
PLACES: Final = (1_000, 10_000, 50_000, EXITS)
SLICE: Final = 50
"""Exits per call of processExits: the call itself costs little beside so many."""
DAY: Final = 86_400
WEEK: Final = 7 * DAY
STARTS: Final = 1_000
_POINTS: Final = 50


@dataclass(frozen=True, slots=True)
class Queue:
    """The gas of one generation, at the depths that were measured."""

    revision: str
    depths: Sequence[Measured]

    def gas(self, waiting: int) -> float:
        """Return what processing one exit takes while `waiting` others stay: straight between depths.

        The work grows with the levels of the heap, so the scale is logarithmic.
        """
        level = log2(waiting + 2)
        for below, above in pairwise(self.depths):
            low, high = log2(below.waiting + 2), log2(above.waiting + 2)
            if level <= high:
                return _each(below) + (_each(above) - _each(below)) * (level - low) / (high - low)
        return _each(self.depths[-1])

    def totals(self, exits: int) -> list[float]:
        """Return the gas used when the first, second, … exit of so many has been processed."""
        used, sums = 0.0, []
        for waiting in range(exits - 1, -1, -1):
            used += self.gas(waiting)
            sums.append(used)
        return sums


def _each(measured: Measured) -> float:
    return measured.each + (measured.first - measured.each) / SLICE


def seconds(gas: float, share: float) -> float:
    """Return how long so much gas takes when a share of every block is ours and everybody's exits'."""
    return gas / (share * BLOCK_GAS) * BLOCK_SECONDS


def share_for(gas: float, within: float) -> float:
    """Return which share of all blocks' gas so much gas is within so many seconds."""
    return gas / (BLOCK_GAS * within / BLOCK_SECONDS)


def place_after(totals: Sequence[float], share: float, within: float) -> int:
    """Return how many exits are processed within so many seconds."""
    return bisect_left(totals, share * BLOCK_GAS * within / BLOCK_SECONDS)


async def measure(exits: int, plot: Path | None, tell: Callable[[str], None]) -> list[Row]:
    """Measure gas on a local chain, reckon, and write the plot; one row for each generation and share."""
    queues = []
    for revision in REVISIONS:
        depths = [await queue_gas.measure(revision, depth, tell) for depth in DEPTHS]
        queues.append(Queue(revision, depths))
    rows = [row for queue in queues for row in _rows(queue, exits)]
    panels = [_panel(queue, exits) for queue in queues]
    for panel in panels:
        for line in terminal(panel):
            tell(line)
    if plot is not None:
        title = f"{exits:,} ripe exits, {BLOCK_GAS // 10**6}M gas per block of {BLOCK_SECONDS} s"
        drawn = svg(panels, title, "place in the queue", "days until processed")
        await asyncio.to_thread(plot.write_text, drawn, encoding="utf-8")
        tell(f"plot written to {plot}")
    return rows


def _rows(queue: Queue, exits: int) -> list[Row]:
    totals = queue.totals(exits)
    rows = []
    for share in SHARES:
        took = seconds(totals[-1], share)
        places = ", ".join(
            f"place {place:,} after {_time(seconds(totals[place - 1], share))}"
            for place in PLACES
            if place <= exits
        )
        note = f"{places}; {exits / took:.2f} exits a second"
        if took > WEEK:
            note += f"; {place_after(totals, share, WEEK):,} in a week"
        rows.append(
            Row(
                name=f"{queue.revision}: all {exits:,} processed with {share:.0%} of the gas",
                unit="days",
                ours=took / DAY,
                runs=1,
                other=WEEK / DAY * exits / EXITS,
                beside="100,000 a week",
                note=note,
            )
        )
    return [*rows, _starting(queue, exits, totals[-1])]


def _starting(queue: Queue, exits: int, processing: float) -> Row:
    """The other side: every exit has to be started as well, within one period of the bad block."""
    gas = queue.depths[-1].start
    per_block = BLOCK_GAS // gas
    blocks = -(-STARTS // per_block)
    note = (
        f"{per_block} starts of {gas:,} gas fill a block; to start {exits:,} within a week takes"
        f" {share_for(gas * exits, WEEK):.1%} of all gas, to process them {share_for(processing, WEEK):.1%};"
        f" one a second would take {share_for(gas, 1):.0%} and {share_for(processing / exits, 1):.0%}"
    )
    name = f"{queue.revision}: whole blocks for {STARTS:,} exit starts"
    return Row(name=name, unit="blocks", ours=blocks, runs=1, note=note)


def _panel(queue: Queue, exits: int) -> Panel:
    totals = queue.totals(exits)
    step = max(1, exits // _POINTS)
    lines = [
        Line(
            f"{share:.0%}",
            [(place, seconds(totals[place - 1], share) / DAY) for place in range(step, exits + 1, step)],
        )
        for share in SHARES
    ]
    return Panel(f"{queue.revision}: days by place in the queue", lines, WEEK / DAY, "a week")


def _time(taken: float) -> str:
    if taken < 2 * 3600:
        return f"{taken / 60:.0f} min"
    return f"{taken / 3600:.1f} h" if taken < 2 * DAY else f"{taken / DAY:.1f} d"
