"""What is asked after every fault finds what it is there to find: each of I1 to I5 is broken here once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from plasma_guard.devnet.evm import Evm
from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.primitives import Wei
from plasma_guard.domain.transactions import Confirmed
from plasma_guard.sender import SenderSettings
from support import invariants
from support.sending import CHAIN_ID, Bench, bench


@pytest.fixture
async def b(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Evm() as evm, bench(tmp_path, SenderSettings(CHAIN_ID, confirmations=1), evm) as made:
        yield made


async def test_a_late_call_that_no_node_holds_breaks_i1(b: Bench) -> None:
    """Its bytes are signed and on disk, and dropped; one block later they are back, and all is well."""
    await b.submit(b.call(), await b.window(soft=-1))
    await b.hold()
    await b.evm.drop_transaction((await b.pool())[0]["hash"])
    with pytest.raises(AssertionError, match="I1: challenge is open past its soft time"):
        await b.hold()
    b.alerts.alert("send/challenge/unaffordable", Severity.CRITICAL, "no money")
    await b.hold()
    b.alerts.clear("send/challenge/unaffordable")
    with pytest.raises(AssertionError, match="I1"):
        await b.hold()
    await b.block()


async def test_two_mined_transactions_of_a_call_break_i2(b: Bench) -> None:
    """Two calls are mined; told that both were for the same one, it objects."""
    for name in ("one", "two"):
        await b.submit(b.call(name))
    await b.block()
    one, two = await b.journal.intents()
    seen = await invariants._seen(b.evm, [one, two])
    assert invariants.broken([one, two], seen) == []
    (double,) = invariants.broken([replace(one, signed=(*one.signed, *two.signed))], seen)
    assert double == "I2: one was mined 2 times"


async def test_costs_above_a_budget_or_a_day_break_i3(b: Bench) -> None:
    """The cost is what the receipt says; at exactly the cap it is within it."""
    task = await b.submit(b.call())
    await b.block()
    outcome = await task
    assert isinstance(outcome, Confirmed)
    cost = outcome.receipt.cost
    (record,) = await b.journal.intents()
    seen = await invariants._seen(b.evm, [record])
    assert invariants.broken([record], seen, day_cap=cost) == []
    (day,) = invariants.broken([record], seen, day_cap=cost - 1)
    assert day == f"I3: a day cost {cost} wei, and its cap is {cost - 1}"
    poor = replace(record, window=replace(record.window, budget=Wei(cost - 1)))
    (budget,) = invariants.broken([poor], seen)
    assert budget == f"I3: challenge cost {cost} wei of a budget of {cost - 1}"


@pytest.mark.parametrize("form", ["{0:064x}", "0x{0:064X}", "{0}"])
async def test_a_key_in_a_file_or_a_log_line_breaks_i4(b: Bench, form: str) -> None:
    """Wherever in the guard's folder, and in whatever spelling."""
    key = b.evm.accounts[0].private_key
    text = "x" + form.format(int(key, 16)) + "y"
    leak = b.path / "notes" / "leak.txt"
    leak.parent.mkdir()
    leak.write_text(text)
    with pytest.raises(AssertionError, match=r"I4: a key is in .*leak\.txt"):
        await b.hold()
    leak.unlink()
    with pytest.raises(AssertionError, match="I4"):
        invariants.no_key_said([key], [{"event": text}])


def test_another_end_breaks_i5() -> None:
    """What differs is named, also where one side lacks it."""
    invariants.same_end({"mined": 1}, {"mined": 1})
    with pytest.raises(AssertionError, match=r"I5: \{'mined': \(1, None\)\}"):
        invariants.same_end({"mined": 1}, {})


async def test_the_bench_asks_by_itself(b: Bench) -> None:
    """After every block without a fault, and at the end."""
    await b.submit(b.call())
    await b.block(1)
    assert b.checked == 1
