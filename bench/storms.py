"""Generated weather of the fee market: base fees and least tips, block by block, from a seed.

The base fee follows EIP-1559: a block between empty and twice its target moves it by up to an eighth. How
full blocks are follows from what users are ready to pay, which each storm describes in its own way.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

BLOCK_TIME: Final = 12
GWEI: Final = 10**9
CALM: Final = 15 * GWEI
_CHANGE: Final = 8
"""EIP-1559's denominator: a full block raises the base fee by an eighth."""
_NOISE: Final = 0.35
HOUR: Final = 300
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Weather:
    """One storm, all in wei per gas: `base_fees[i]` and `least_tips[i]` are what block i takes.

    `tips[i]` is the median tip paid in block i.
    """

    name: str
    base_fees: Sequence[int]
    least_tips: Sequence[int]
    tips: Sequence[int]

    @property
    def blocks(self) -> int:
        """How many there are."""
        return len(self.base_fees)


Demand = Callable[[random.Random, int], list[float]]
"""What users are ready to pay, as a multiple of the calm base fee, block by block."""


def mints(dice: random.Random, blocks: int) -> list[float]:
    """Return calm with sudden spikes of 5 to 40 times for 30 blocks, that end as suddenly."""
    wanted = [1.0] * blocks
    at = dice.randrange(100, 400)
    while at < blocks:
        height = 5 * 8 ** dice.random()
        for block in range(at, min(blocks, at + 30)):
            wanted[block] = height
        at += dice.randrange(150, 900)
    return wanted


def congestion(dice: random.Random, blocks: int) -> list[float]:
    """Return days: a slow tide between a half and thrice the calm, with one rush of hours on top of each."""
    wanted = []
    for first in range(0, blocks, DAY):
        rush, length = first + dice.randrange(DAY // 4, 3 * DAY // 4), dice.randrange(HOUR, 4 * HOUR)
        height = 4 + 6 * dice.random()
        for block in range(first, min(blocks, first + DAY)):
            tide = 3 ** math.sin(2 * math.pi * block / DAY) * 0.8 + 0.2
            wanted.append(tide * (height if rush <= block < rush + length else 1.0))
    return wanted


def panic(dice: random.Random, blocks: int) -> list[float]:
    """Return a market that falls: demand wanders, jumps up to thirty times, and comes down over hours."""
    wanted, level, shock = [], 0.0, 0.0
    for _ in range(blocks):
        level = 0.995 * level + dice.gauss(0, 0.05)
        shock *= 0.996
        if dice.random() < 1 / 1500:
            shock = math.log(3) + dice.random() * math.log(10)
        wanted.append(math.exp(level + shock))
    return wanted


STORMS: Final[dict[str, Demand]] = {"mints": mints, "congestion": congestion, "panic": panic}


def weather(name: str, seed: int, blocks: int) -> Weather:
    """Return a storm; the same seed gives the same one everywhere."""
    dice = random.Random(f"{name} {seed}")  # noqa: S311 (a benchmark must be repeatable)
    wanted = STORMS[name](dice, blocks)
    base_fees, least, tips = [CALM], [], []
    for demand in wanted:
        base = base_fees[-1]
        # Blocks are as full as there is demand above the price: empty at a half of it, full at twice.
        excess = math.log(demand * CALM / base) + dice.gauss(0, _NOISE)
        fullness = min(1.0, max(-1.0, excess))
        base_fees.append(max(7, base + int(base * fullness / _CHANGE)))
        # When blocks are full, the tip decides who gets in.
        tip = GWEI * (1 + 4 * max(0.0, fullness)) * (0.8 + 0.4 * dice.random())
        least.append(int(tip))
        tips.append(int(tip * 1.3))
    return Weather(name, base_fees[:-1], least, tips)
