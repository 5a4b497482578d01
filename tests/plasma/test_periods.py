"""Exit times agree with those the contracts put into their queues."""

from typing import Any

import pytest

from plasma_guard.domain.exits import Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Seconds, Timestamp
from plasma_guard.plasma.periods import (
    first_phase_ends,
    in_flight_exit_exitable_at,
    is_first_phase,
    standard_exit_exitable_at,
)
from plasma_guard.plasma.rules import rules_for
from vectors_loader import load

P = Seconds(600)
DEPOSIT = UtxoPosition(1, 0, 0)
PAYMENT = UtxoPosition(1000, 0, 1)
SUBMITTED = {1000: Timestamp(1700000054), 2000: Timestamp(1700000056)}
"""When the blocks of the recorded exits were submitted, the same second in both revisions' recordings."""


def started_standard_exits() -> list[Any]:
    """Return the recorded ald starts of standard exits whose log shows the queue key."""
    return [
        pytest.param(case, id=f"{case['version']}-{case['index']}")
        for case in load("ald", "calldata")["cases"]
        if case["function"].startswith("startStandardExit(") and case["kind"] == "transaction"
    ]


@pytest.mark.parametrize("case", started_standard_exits())
def test_a_standard_exit_is_exitable_when_the_queue_says(case: dict[str, Any]) -> None:
    """The exitable time in the recorded queue key is the one computed from start and block."""
    rules = rules_for({"1.0.5": Generation.ALD_V1, "2.0.0": Generation.ALD_V2}[case["version"]])
    queued = next(log for log in case["logs"] if log["event"].startswith("ExitQueued"))
    exitable_at, tx_position, _ = rules.unpack_priority(int(queued["decoded"]["priority"]))
    position = UtxoPosition.decode(int(case["args"]["args"]["utxoPos"]))
    started_at = Timestamp(case["block_timestamp"])
    submitted_at = Timestamp(0) if position.is_deposit else SUBMITTED[position.blknum]
    assert tx_position == position.tx_position
    assert standard_exit_exitable_at(position, started_at, submitted_at, P) == exitable_at


def test_a_deposit_waits_one_period_from_its_start() -> None:
    """The age of a deposit does not matter."""
    assert standard_exit_exitable_at(DEPOSIT, Timestamp(1000), Timestamp(900), P) == 1600


def test_a_young_payment_waits_two_periods_from_its_block() -> None:
    """A payment younger than one period is exitable two periods after its block."""
    assert standard_exit_exitable_at(PAYMENT, Timestamp(1000), Timestamp(900), P) == 2100
    assert in_flight_exit_exitable_at(Timestamp(1000), Timestamp(900), P) == 2100


def test_an_old_payment_waits_one_period_from_its_start() -> None:
    """A payment older than one period is exitable one period after the start."""
    assert standard_exit_exitable_at(PAYMENT, Timestamp(1000), Timestamp(399), P) == 1600
    assert in_flight_exit_exitable_at(Timestamp(1000), Timestamp(399), P) == 1600
    assert standard_exit_exitable_at(PAYMENT, Timestamp(1000), Timestamp(401), P) == 1601


@pytest.mark.parametrize(
    ("period", "end"), [(Seconds(600), 1300), (Seconds(601), 1300), (Seconds(604800), 303400)]
)
def test_the_first_phase_ends_at_half_the_period_rounded_down(period: Seconds, end: int) -> None:
    """The last good second is one before the end, as both contracts divide integers."""
    start = Timestamp(1000)
    assert first_phase_ends(start, period) == end
    assert is_first_phase(start, start, period)
    assert is_first_phase(Timestamp(end - 1), start, period)
    assert not is_first_phase(Timestamp(end), start, period)
    assert not is_first_phase(Timestamp(start - 1), start, period)
