"""How long the planner takes over a vault of many outputs, and how tightly its exits fill blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final

from bench.report import Row, row
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.exits import Bonds, ContractSet, Generation
from plasma_guard.domain.plan import BadBlock, ExitPlan
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL, UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Seconds, Timestamp, Wei
from plasma_guard.domain.vault import HeldOutput, KeptTransaction, VaultContents
from plasma_guard.planner import ChainFacts, PlanPolicy, QueueFacts, plan
from plasma_guard.plasma.rules import rules_for
from plasma_guard.plasma.transaction import Output

BLOCK_GAS: Final = 30_000_000
_PERIOD: Final = Seconds(604_800)
_NOW: Final = Timestamp(1_700_000_000)
_OURS, _THEIRS = Address(bytes([1]) * 20), Address(bytes([2]) * 20)
_MILLIETHER: Final = 10**15
_BAD: Final = CHILD_BLOCK_INTERVAL * 10_000
_TARGET_MS: Final = 2000.0


async def measure(outputs: int, runs: int, tell: Callable[[str], None]) -> list[Row]:
    """Plan a vault of so many outputs, a bad block in the middle, for each generation."""
    rows = []
    for generation in Generation:
        contents, facts = vault(generation, outputs)
        trouble = BadBlock(_BAD, Timestamp(_NOW - 3600))
        samples, planned = [], None
        for _ in range(runs):
            began = perf_counter()
            planned = plan(contents, facts, trouble, PlanPolicy())
            samples.append((perf_counter() - began) * 1000)
        assert planned is not None
        assert sum(len(each.outputs) for each in planned.exits) == len(contents.outputs)
        tell(f"{generation}: {len(planned.exits)} exits of {len(contents.outputs)} outputs")
        blocks, bound = filled([each.gas for each in planned.exits], BLOCK_GAS)
        note = (
            f"{_ways(planned)}; in the plan's order they fill {blocks} blocks of {BLOCK_GAS:,} gas, the bound"
            f" is {bound} (ratio {blocks / bound:.3f})"
        )
        name = f"plan of {outputs:,} outputs, {generation}"
        rows.append(row(name, "ms", samples, target=_TARGET_MS, note=note))
    return rows


def vault(generation: Generation, outputs: int) -> tuple[VaultContents, ChainFacts]:
    """Return a vault: of every four outputs a deposit, a settled, a doubtful and an in-flight payment."""
    rules = rules_for(generation)
    transactions: dict[Hash32, KeptTransaction] = {}
    held: list[HeldOutput] = []
    times: dict[int, Timestamp] = {_BAD: Timestamp(_NOW - 3600)}

    def keep(raw: bytes, sources: Sequence[UtxoPosition], at: UtxoPosition | None) -> KeptTransaction:
        tx = KeptTransaction(
            hash=rules.decode(raw).hash,
            raw=raw,
            sources=tuple(sources),
            signatures=(bytes(65),) * len(sources),
            position=at,
            proof=b"" if at is None else bytes(512),
        )
        transactions[tx.hash] = tx
        return tx

    for number in range(outputs):
        amount = Wei((100 + number % 97) * _MILLIETHER + number)
        deposit = UtxoPosition((number + 1) * CHILD_BLOCK_INTERVAL // 2 * 2 + 1, 0, 0)
        times[deposit.blknum] = Timestamp(_NOW - 30 * 86_400)
        kind = number % 4
        owner = _OURS if kind == 0 else _THEIRS
        made = keep(rules.deposit(owner, ETH, amount), (), deposit)
        if kind:
            at = None
            if kind != 3:
                blknum = _BAD + CHILD_BLOCK_INTERVAL if kind == 2 else CHILD_BLOCK_INTERVAL * 9_000
                at = UtxoPosition(blknum, number % 65_536, 0)
                times[blknum] = Timestamp(_NOW - (3000 if kind == 2 else 20 * 86_400))
            pays = [Output(_OURS, ETH, Wei(amount // 2)), Output(_THEIRS, ETH, Wei(amount - amount // 2))]
            made = keep(rules.encode([deposit], pays), [deposit], at)
        amount = rules.decode(made.raw).outputs[0].amount
        held.append(HeldOutput(made.hash, 0, _OURS, ETH, amount, position=made.position))
    facts = ChainFacts(
        at=BlockStamp(1, Hash32(bytes(32)), _NOW, Hash32(bytes(32))),
        contracts=ContractSet(generation, _OURS, _OURS, _PERIOD),
        bonds=Bonds(Wei(14 * _MILLIETHER), Wei(37 * _MILLIETHER), Wei(28 * _MILLIETHER)),
        gas_price=Wei(10**9),
        accounts=frozenset({_OURS}),
        balances={_OURS: Wei(10**24)},
        block_times=times,
        queues={ETH: QueueFacts(exists=True)},
    )
    return VaultContents(tuple(held), transactions), facts


def filled(gas: Sequence[int], limit: int) -> tuple[int, int]:
    """Return how many blocks calls take one after the other, and how many they could not do without."""
    blocks, room = 0, 0
    for each in gas:
        if each > room:
            blocks, room = blocks + 1, limit
        room -= each
    return blocks, -(-sum(gas) // limit)


def _ways(planned: ExitPlan) -> str:
    ways = [str(each.way) for each in planned.exits]
    return ", ".join(f"{ways.count(way)} by {way}" for way in sorted(set(ways)))
