"""Challenges priced through storms of the fee market: what lands, and what it costs beside other ways to bid.

The guard's side is the production code: `sender.curve.Curve` and its rule of when to raise. The rest is
the market: a transaction enters a block when its cap covers the base fee and what is left for the miner, at
most its tip, covers the least tip that the block takes. It then pays base fee plus that tip.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median_low
from typing import Final

from bench.report import Row, row
from bench.storms import BLOCK_TIME, DAY, GWEI, HOUR, STORMS, Weather, weather
from plasma_guard.domain.primitives import Timestamp, Wei
from plasma_guard.domain.transactions import FeeFacts, Fees
from plasma_guard.sender import fees
from plasma_guard.sender.curve import Curve

SEED: Final = 1559
BLOCKS: Final = 40_000
"""Of each storm: five and a half days."""
TARGET: Final = 1.5
BUMP_AFTER: Final = 24.0
TIP_BLOCKS: Final = 20
MULTIPLIER: Final = 1.25
"""What the fixed-multiplier policy puts on top of both prices at every bump."""
SHORTEST: Final = 10
LONGEST: Final = HOUR
"""Blocks to the deadline: beyond an hour, no bidder can know the hindsight optimum."""
_POOREST, _RICHEST = 8 * GWEI, 1000 * GWEI


@dataclass(frozen=True, slots=True)
class Case:
    """A call that may be signed after block `first` and must be in block `last`; `limit` is wei per gas."""

    first: int
    last: int
    limit: Wei


Policy = Callable[[Case, Weather, Sequence[FeeFacts]], int | None]
"""Returns what a gas unit cost in the end, in wei, or None when the call was never mined."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one policy made of the cases that could be mined."""

    landed: int
    possible: int
    overpayment: float
    """Mean of what was paid over the least that any block of the window took."""

    @property
    def share(self) -> float:
        """Percent of the possible ones that landed."""
        return 100 * self.landed / self.possible


async def measure(cases: int, tell: Callable[[str], None]) -> list[Row]:
    """Return what lands in each storm and at which price, for the guard and two simpler policies."""
    rows = []
    share = -(-cases // len(STORMS))
    for name in STORMS:
        storm = weather(name, SEED, BLOCKS)
        scores = replay(storm, list(draw(storm, SEED, share)))
        patient = replay(storm, list(draw(storm, SEED, share // 10, DAY)))
        for who, score in scores.items():
            tell(f"{name}: {who}: {score.landed} of {score.possible} at {score.overpayment:.2f} x")
        rows += _rows(name, scores, patient)
    return rows


def _rows(name: str, scores: Mapping[str, Score], patient: Mapping[str, Score]) -> list[Row]:
    ours, fixed, most = (scores[each] for each in POLICIES)
    long, long_fixed, _ = (patient[each] for each in POLICIES)
    return [
        row(
            f"fees: {name}, landed of {ours.possible} possible",
            "%",
            [ours.share],
            [fixed.share],
            beside="multiplier",
            least=100,
        ),
        row(
            f"fees: {name}, paid over the hindsight optimum",
            "x",
            [ours.overpayment],
            [fixed.overpayment],
            beside="multiplier",
            target=TARGET,
            note=f"always the maximum lands {most.share:.1f} % at {most.overpayment:.2f} x; with up to a "
            f"day of time the guard lands {long.share:.1f} % at {long.overpayment:.2f} x, the multiplier "
            f"{long_fixed.share:.1f} % at {long_fixed.overpayment:.2f} x",
        ),
    ]


def draw(storm: Weather, seed: int, count: int, longest: int = LONGEST) -> Iterator[Case]:
    """Yield cases anywhere in a storm; deadlines and budgets (below calm to far above) are log-uniform."""
    dice = random.Random(f"cases {storm.name} {seed}")  # noqa: S311 (a benchmark must be repeatable)
    for _ in range(count):
        length = round(_between(dice, SHORTEST, longest))
        first = dice.randrange(HOUR, storm.blocks - length - 1)
        yield Case(first, first + length, Wei(round(_between(dice, _POOREST, _RICHEST))))


def replay(storm: Weather, cases: Sequence[Case]) -> dict[str, Score]:
    """Return the score of every policy over the same cases; only those are counted that could be mined."""
    known = market(storm)
    best = {case: optimum(case, storm) for case in cases}
    possible = {case: least for case, least in best.items() if least is not None}
    scores = {}
    for name, policy in POLICIES.items():
        paid = {case: policy(case, storm, known) for case in possible}
        ratios = [price / possible[case] for case, price in paid.items() if price is not None]
        scores[name] = Score(len(ratios), len(possible), fmean(ratios) if ratios else math.nan)
    return scores


def optimum(case: Case, storm: Weather) -> int | None:
    """Return the least that a block of the window took, in wei per gas; None when none fits the limit."""
    least = min(storm.base_fees[i] + storm.least_tips[i] for i in range(case.first + 1, case.last + 1))
    return least if least <= case.limit else None


def market(storm: Weather) -> list[FeeFacts]:
    """Return what the guard's node says after each block: the next base fee, usual tip and usual base fee."""
    known, hour = [], list[int]()
    for i in range(storm.blocks):
        insort(hour, storm.base_fees[i])
        if i >= HOUR:
            del hour[bisect_left(hour, storm.base_fees[i - HOUR])]
        following = storm.base_fees[min(i + 1, storm.blocks - 1)]
        tip = median_low(storm.tips[max(0, i - TIP_BLOCKS + 1) : i + 1])
        usual = hour[len(hour) // 4]
        known.append(FeeFacts(Wei(following), Wei(tip), _time(i), Wei(usual)))
    return known


def curve(case: Case, storm: Weather, known: Sequence[FeeFacts]) -> int | None:
    """Bid as the guard does: along the curve, raised each block when behind it, else by the clock."""
    hard = _time(case.last)
    soft = Timestamp((_time(case.first) + hard) // 2)
    plan = Curve(_time(case.first), soft, hard, BLOCK_TIME, case.limit, case.limit)
    offer: Fees | None = None
    signed_at = 0
    for i in range(case.first, case.last):
        facts, now = known[i], _time(i)
        if offer is None:
            if not fees.hopeless(facts, case.limit):
                offer, signed_at = plan.offer(facts, now), now
        elif plan.is_behind(offer, facts, now) or now - signed_at >= BUMP_AFTER:
            higher = plan.rise(offer, facts, now)
            offer, signed_at = (offer, signed_at) if higher is None else (higher, now)
        if offer is not None and (price := _mined(offer, storm, i + 1)) is not None:
            return price
    return None


def fixed_multiplier(case: Case, storm: Weather, known: Sequence[FeeFacts]) -> int | None:
    """Bid twice the base fee and the tip, and a quarter more of both by the same clock."""
    offer = fees.within(fees.quote(known[case.first]), case.limit)
    for i in range(case.first, case.last):
        if i > case.first and (i - case.first) * BLOCK_TIME % BUMP_AFTER == 0:
            offer = fees.within(
                Fees(Wei(int(offer.max_fee * MULTIPLIER)), Wei(int(offer.max_priority_fee * MULTIPLIER))),
                case.limit,
            )
        if (price := _mined(offer, storm, i + 1)) is not None:
            return price
    return None


def always_maximum(case: Case, storm: Weather, _: Sequence[FeeFacts]) -> int | None:
    """Bid everything at once, in both fields."""
    prices = (_mined(Fees(case.limit, case.limit), storm, i) for i in range(case.first + 1, case.last + 1))
    return next((price for price in prices if price is not None), None)


POLICIES: Final[dict[str, Policy]] = {
    "plasma-guard": curve,
    "multiplier": fixed_multiplier,
    "maximum": always_maximum,
}


def _mined(offer: Fees, storm: Weather, block: int) -> int | None:
    """Return what a gas unit costs in a block, or None when the block does not take the offer."""
    base_fee = storm.base_fees[block]
    tip = min(offer.max_priority_fee, offer.max_fee - base_fee)
    return base_fee + tip if tip >= storm.least_tips[block] else None


def _time(block: int) -> Timestamp:
    return Timestamp(1_700_000_000 + block * BLOCK_TIME)


def _between(dice: random.Random, low: float, high: float) -> float:
    """Return a number whose logarithm is even between those of the two."""
    return float(low * (high / low) ** dice.random())
