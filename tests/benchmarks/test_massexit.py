"""The mass exit's arithmetic, its plot, and the gas it is made of."""

from xml.etree import ElementTree as ET

import pytest
from bench.chart import Line, Panel, svg, terminal
from bench.massexit import BLOCK_GAS, BLOCK_SECONDS, Queue, place_after, seconds, share_for
from bench.plan import filled, measure, vault
from bench.queue_gas import Measured
from bench.queue_gas import measure as measure_gas

from plasma_guard.domain.exits import Generation

FLAT = Queue("flat", [Measured("flat", depth, 100, 100, 400) for depth in (0, 1_000)])
DEEP = Queue("deep", [Measured("deep", 0, 100, 100, 400), Measured("deep", 1_000, 200, 200, 400)])


def test_gas_grows_with_the_levels_of_the_queue() -> None:
    """What is measured is met, what lies between is between, and what is deeper is not guessed at."""
    assert (DEEP.gas(0), DEEP.gas(1_000), DEEP.gas(10**6)) == (100, 200, 200)
    assert 100 < DEEP.gas(10) < DEEP.gas(100) < 200
    assert FLAT.gas(500) == 100


def test_totals_add_up_from_the_deepest_queue_to_the_empty_one() -> None:
    """The first processed has all others behind it."""
    assert FLAT.totals(3) == [100, 200, 300]
    totals = DEEP.totals(100)
    assert totals[0] == DEEP.gas(99)
    assert totals[-1] == pytest.approx(sum(DEEP.gas(waiting) for waiting in range(100)))


def test_time_and_share_are_each_others_inverse() -> None:
    """A block's gas takes one block at a share of all, ten at a tenth."""
    assert seconds(BLOCK_GAS, 1) == BLOCK_SECONDS
    assert seconds(BLOCK_GAS, 0.1) == pytest.approx(10 * BLOCK_SECONDS)
    assert share_for(BLOCK_GAS, seconds(BLOCK_GAS, 0.25)) == pytest.approx(0.25)
    assert place_after([BLOCK_GAS, 2 * BLOCK_GAS], 1, BLOCK_SECONDS) == 0
    assert place_after([BLOCK_GAS, 2 * BLOCK_GAS], 1, BLOCK_SECONDS + 1) == 1


def test_the_plot_is_a_picture_with_every_line_inside() -> None:
    """It parses, and no point lies outside of the frame."""
    panel = Panel("days", [Line("10%", [(1, 1), (2, 4)]), Line("50%", [(1, 0.5), (2, 2)])], 3, "a week")
    picture = ET.fromstring(svg([panel, panel], "title", "place", "days"))  # noqa: S314 (our own picture)
    width, height = float(picture.attrib["width"]), float(picture.attrib["height"])
    lines = [each for each in picture.iter() if each.tag.endswith("polyline")]
    assert len(lines) == 4
    for line in lines:
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height
    drawn = "\n".join(terminal(panel))
    assert "1: 10%, 2: 50%; ---: a week" in drawn


@pytest.mark.parametrize("revision", ["rootchain", "ald-v1", "ald-v2"])
async def test_a_deeper_queue_costs_more_on_the_contracts(revision: str) -> None:
    """The exits are processed although others lie behind them, and each takes more gas for it."""
    shallow = await measure_gas(revision, 0, print)
    deep = await measure_gas(revision, 500, print)
    assert 0 < shallow.each < deep.each
    assert shallow.start < deep.start


def test_blocks_are_filled_in_order_and_bounded_by_the_sum() -> None:
    """A call that does not fit waits for the next block."""
    assert filled([6, 6, 6], 10) == (3, 2)
    assert filled([5, 5, 5], 10) == (2, 2)


async def test_the_planners_bench_takes_everything_out() -> None:
    """All of its outputs leave, some by each way: what is timed is the whole work."""
    contents, facts = vault(Generation.ALD_V1, 8)
    assert len(contents.outputs) == 8
    assert len(facts.block_times) > 8
    rows = await measure(8, 1, print)
    assert len(rows) == len(Generation)
    assert all("by in-flight exit" in row.note and "by standard exit" in row.note for row in rows)
