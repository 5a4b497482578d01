"""Faults of pools, nonces and blocks, on a real node: each call is mined once and ends as without the fault.

The proxy in front of the node keeps geth's stricter rules: sixteen transactions an account, and an eighth
more in both prices for a replacement. I1 to I4 are asked after every block; `ENDS` is what I5 compares with.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from eth_account import Account

from plasma_guard.daemon.act import _roomier
from plasma_guard.devnet.evm import Evm
from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.primitives import Wei
from plasma_guard.domain.transactions import AttemptStatus, Confirmed, Outcome, Reverted, WouldRevert
from plasma_guard.sender import SenderSettings
from support.invariants import same_end
from support.rpc_proxy import Fault, results
from support.sending import CHAIN_ID, COUNTER, COUNTER_CODE, ONCE, Bench, bench
from support.strict_pool import StrictPool

GWEI = 10**9
GAS = 100_000
"""The measured gas limit of the calls of these tests."""
HUNGRY_CODE = "0x" + "".join(f"600160{slot:02x}55" for slot in range(1, 7)) + COUNTER_CODE[2:]
"""The counter after a change that makes it need 150,000 gas."""
ENDS: dict[str, Any] = {"outcomes": {"challenge": "Confirmed"}, "mined": 1, "open": 0, "signed for": [0]}
"""How an undisturbed run of one call ends; the first test proves it."""


@pytest.fixture
async def b(tmp_path: Path) -> AsyncIterator[Bench]:
    settings = SenderSettings(CHAIN_ID, confirmations=3)
    async with Evm() as evm, bench(tmp_path, settings, evm) as made:
        made.proxy.pool = StrictPool(evm)
        yield made


async def end_of(b: Bench) -> dict[str, Any]:
    """Return what must not depend on the fault."""
    records = [each for each in await b.journal.intents() if not each.candidate.is_fill]
    return {
        "outcomes": {each.candidate.intent: type(each.outcome).__name__ for each in records},
        "mined": await b.mined_calls(),
        "open": len(await b.journal.open_intents()),
        "signed for": sorted({attempt.nonce for each in records for attempt in each.attempts}),
    }


def over(task: asyncio.Task[Outcome]) -> Outcome:
    """Return an outcome that must be known by now."""
    assert task.done(), "it is still under way"
    return task.result()


async def stranger(b: Bench, *, nonce: int, max_fee: int = 1000 * GWEI, tip: int = 900 * GWEI) -> str:
    """Send a transaction of the same key past the proxy; return its hash."""
    fields = {
        "chainId": CHAIN_ID,
        "nonce": nonce,
        "to": "0x" + "00" * 19 + "99",
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": max_fee,
        "maxPriorityFeePerGas": tip,
    }
    raw = Account.sign_transaction(fields, b.evm.accounts[0].private_key).raw_transaction
    return str(await b.evm.rpc("eth_sendRawTransaction", "0x" + raw.hex()))


async def spike(b: Bench, base_fee: int) -> None:
    """Have the next block ask for so many wei per gas."""
    await b.evm.rpc("anvil_setNextBlockBaseFeePerGas", hex(base_fee))


async def test_an_undisturbed_run_ends_so(b: Bench) -> None:
    """The twin of the runs below."""
    await b.submit(b.call(), await b.window(soft=-1))
    await b.block(3)
    same_end(await end_of(b), ENDS)


def hung_up(b: Bench) -> Fault:
    """Give a sent transaction to the node, and close the connection instead of saying so."""

    async def fault(request: web.Request, payload: Any) -> web.StreamResponse | None:
        if not isinstance(payload, dict) or payload["method"] != "eth_sendRawTransaction":
            return None
        await b.evm.rpc("eth_sendRawTransaction", *payload["params"])
        if request.transport is not None:
            request.transport.close()
        return web.Response(status=503)

    return fault


def gateway_timed_out(b: Bench) -> Fault:
    """Give a sent transaction to the node, and answer like a gateway that waited too long for it."""

    async def fault(_: web.Request, payload: Any) -> web.StreamResponse | None:
        if not isinstance(payload, dict) or payload["method"] != "eth_sendRawTransaction":
            return None
        await b.evm.rpc("eth_sendRawTransaction", *payload["params"])
        return web.Response(status=504, text="<html>Gateway Time-out</html>", content_type="text/html")

    return fault


@pytest.mark.parametrize("how", [hung_up, gateway_timed_out])
async def test_fault_11_a_send_that_times_out_was_accepted_and_is_not_doubled(
    b: Bench, how: Callable[[Bench], Fault]
) -> None:
    """Fault 11: the answer is lost, the transaction is not: the same bytes again, and no other ones."""
    b.proxy.fault = how(b)
    task = await b.submit(b.call(), await b.window(soft=-1))
    assert not task.done()
    (attempt,) = await b.journal.attempts()
    assert attempt.status is AttemptStatus.SIGNED
    assert [each["hash"] for each in await b.pool()] == [str(attempt.hash)]
    b.proxy.fault = None
    await b.turn()
    (attempt,) = await b.journal.attempts()
    assert attempt.status is AttemptStatus.BROADCAST, '"already known" is as good as taken'
    await b.block(3)
    assert isinstance(over(task), Confirmed)
    same_end(await end_of(b), ENDS)
    assert not b.alerts.told


async def test_fault_11_nonce_too_low_by_our_own_mined_transaction_is_success(b: Bench) -> None:
    """Fault 11: the answer is lost and the block came; what the node says to the same bytes is no failure."""
    b.proxy.fault = hung_up(b)
    task = await b.submit(b.call(), await b.window(soft=-1))
    # What is asked for comes from a node that is behind, what is sent goes to one that is not.
    b.proxy.fault = results(eth_getTransactionReceipt=None, eth_getTransactionCount="0x0")
    with structlog.testing.capture_logs() as logs:
        await b.block()
    assert [line["error"] for line in logs if "no node took" in line["event"]] == ["nonce_too_low"]
    b.proxy.fault = results(eth_getTransactionReceipt=None)
    await b.block(2)
    b.proxy.fault = None
    await b.block()
    assert isinstance(over(task), Confirmed)
    same_end(await end_of(b), ENDS)
    assert not b.alerts.told


async def test_fault_13_a_dropped_transaction_is_sent_again_before_the_one_behind_it(b: Bench) -> None:
    """Fault 13: n dropped, n+1 queued: one block later both are there, the same bytes, and both are mined."""
    first = await b.submit(b.call("first"), await b.window(soft=-1))
    second = await b.submit(b.call("second"), await b.window(soft=-1))
    before = [str(each.hash) for each in await b.journal.attempts()]
    await b.evm.drop_transaction(before[0])
    await b.block()
    assert [each["hash"] for each in await b.pool()] == before
    await b.block(3)
    assert [type(over(task)) for task in (first, second)] == [Confirmed, Confirmed]
    assert [str(each.hash) for each in await b.journal.attempts()] == before
    assert await b.mined_calls() == 2


async def test_fault_13_a_gap_that_nothing_of_ours_fits_is_filled_with_a_transfer_of_nothing(
    b: Bench,
) -> None:
    """Fault 13: a stranger had nonce 0, so the call is at 1; a reorg takes the stranger out, for good."""
    task = await b.submit(b.call(), await b.window(soft=-1))
    (ours,) = await b.journal.attempts()
    await b.evm.drop_transaction(str(ours.hash))
    theirs = await stranger(b, nonce=0)
    for _ in range(3):
        await b.block()
    assert [each.nonce for each in await b.journal.attempts()] == [0, 1]
    await b.evm.reorg(3)
    for pending in await b.pool():
        if pending["hash"] == theirs:
            await b.evm.drop_transaction(theirs)
    await b.turn()
    await b.block()
    for _ in range(4):
        await b.block()
    assert isinstance(over(task), Confirmed)
    _, fill = await b.journal.intents()
    assert fill.candidate.is_fill
    assert isinstance(fill.outcome, Confirmed)
    assert [each.nonce for each in fill.attempts] == [0]
    assert [await b.mined_calls(), await b.nonce()] == [1, 2]
    same_end(await end_of(b), {**ENDS, "signed for": [0, 1]})


@pytest.mark.parametrize(("max_fee", "tip"), [(4 * GWEI, GWEI), (3 * GWEI, 3 * GWEI)], ids=["cap", "tip"])
async def test_fault_14_a_refused_replacement_is_not_counted_and_the_next_price_passes(
    b: Bench, max_fee: int, tip: int
) -> None:
    """Fault 14: the pool holds other bytes, dear in one price only; both of ours rise until it takes them.

    Each rise is an eighth and more; what was refused is never marked as broadcast.
    """
    await stranger(b, nonce=0, max_fee=max_fee, tip=tip)
    task = await b.submit(b.call(), await b.window(soft=-1))
    pool = b.proxy.pool
    assert isinstance(pool, StrictPool)
    assert pool.refused == ["replacement transaction underpriced"]
    (refused,) = await b.journal.attempts()
    assert refused.status is AttemptStatus.SIGNED
    for _ in range(16):
        if (await b.journal.attempts())[-1].status is AttemptStatus.BROADCAST:
            break
        await b.turn()
    signed = await b.journal.attempts()
    for old, new in itertools.pairwise(signed):
        assert new.fees.max_fee * 8 >= old.fees.max_fee * 9
        assert new.fees.max_priority_fee * 8 >= old.fees.max_priority_fee * 9
    assert [each.status for each in signed] == [AttemptStatus.SIGNED] * (len(signed) - 1) + [
        AttemptStatus.BROADCAST
    ]
    assert [each["hash"] for each in await b.pool()] == [str(signed[-1].hash)]
    await b.block(3)
    assert isinstance(over(task), Confirmed)
    same_end(await end_of(b), ENDS)


async def test_fault_16_an_urgent_call_takes_the_nonce_of_a_cheap_one(b: Bench) -> None:
    """Fault 16: a spike leaves the cheap one at the head of the line; the urgent one is mined at once.

    The cheap one gets another nonce and is mined when prices fall.
    """
    small = await b.window(soft=7200, hard=14_400, budget=Wei(GAS * 4 * GWEI))
    cheap = await b.submit(b.call("cheap"), small)
    await spike(b, 100 * GWEI)
    await b.block()
    urgent = await b.submit(b.call("urgent"), await b.window(soft=-1, hard=120))
    assert [each["hash"] for each in await b.pool()] == [
        str(each.hash) for each in (await b.journal.attempts(intent="urgent"))[-1:]
    ]
    await b.block(3)
    assert isinstance(over(urgent), Confirmed)
    assert not cheap.done()
    for _ in range(30):
        await b.block()
    assert isinstance(over(cheap), Confirmed)
    assert await b.mined_calls() == 2


async def test_fault_16_a_cheap_call_ahead_of_an_urgent_one_makes_way(b: Bench) -> None:
    """Fault 16: both are signed when the spike comes: a transfer of nothing takes the cheap one's nonce."""
    small = await b.window(soft=7200, hard=14_400, budget=Wei(GAS * 4 * GWEI))
    cheap = await b.submit(b.call("cheap"), small)
    urgent = await b.submit(b.call("urgent"), await b.window(soft=-1, hard=120))
    assert [each.intent for each in await b.journal.attempts()] == ["cheap", "urgent"]
    await spike(b, 100 * GWEI)
    await b.evm.mine()
    for _ in range(3):
        await b.turn(b.settings.bump_after)
        await spike(b, 100 * GWEI)
        await b.evm.mine()
    await b.turn()
    assert await b.nonce() == 2, "both nonces are used within three blocks of the spike"
    assert [each.nonce for each in await b.journal.attempts() if each.intent.startswith("fill/")] == [0]
    await b.block(3)
    assert isinstance(over(urgent), Confirmed)
    for _ in range(30):
        await b.block()
    assert isinstance(over(cheap), Confirmed)
    assert await b.mined_calls() == 2


@pytest.mark.parametrize("depth", [1, 3, 12])
async def test_fault_18_a_reorg_takes_the_call_out_and_it_is_mined_again(b: Bench, depth: int) -> None:
    """Fault 18: before and after it was settled: open again, the same bytes first, and settled once more."""
    window = await b.window(soft=-1)
    task = await b.submit(b.call(), window)
    await b.block(depth)
    assert task.done() == (depth >= b.settings.confirmations)
    await b.sender.prepare(await b.chain.head())
    await b.evm.reorg(depth)
    for pending in await b.pool():
        await b.evm.drop_transaction(pending["hash"])
    assert await b.mined_calls() == 0
    await b.sender.prepare(await b.chain.head())
    again = await b.submit(b.call(), window)  # joins what goes on by itself
    await b.turn()
    (attempt,) = await b.journal.attempts()
    assert attempt.status is AttemptStatus.BROADCAST
    assert [each["hash"] for each in await b.pool()] == [str(attempt.hash)]
    await b.block(3)
    outcome = over(again)
    assert isinstance(outcome, Confirmed)
    assert outcome.receipt == await b.chain.receipt(attempt.hash)
    same_end(await end_of(b), ENDS)
    assert await b.nonce() == 1
    assert b.metrics.values["tx_reorged_total"] == 1


async def test_fault_19_a_race_that_somebody_else_won_is_let_die_and_cancelled_without_alarm(
    b: Bench,
) -> None:
    """Fault 19: theirs is seen pending, then mined, while ours is priced out: ours is not raised any more.

    Once it is said to be moot, a transfer of nothing takes its nonce: that is all it costs.
    """
    for _ in range(8):
        await b.block()
    await spike(b, 50 * GWEI)
    await b.evm.mine()
    task = await b.submit(b.call(to=ONCE), await b.window(soft=36_000, hard=72_000))
    signed = await b.journal.attempts()
    bob = b.evm.accounts[1]
    fields = {
        "from": bob.address,
        "to": str(ONCE),
        "data": "0x01020304",
        "gas": hex(60_000),
        "maxFeePerGas": hex(500 * GWEI),
        "maxPriorityFeePerGas": hex(2 * GWEI),
    }
    await b.evm.rpc("eth_sendTransaction", fields)
    await b.turn(b.settings.bump_after)
    await b.block(seconds=b.settings.bump_after)
    assert await b.mined_calls(ONCE) == 1
    assert not task.done()
    await b.block(seconds=b.settings.bump_after)
    assert await b.journal.attempts(intent="challenge") == signed
    await b.sender.withdraw("challenge", "somebody else was first")
    for _ in range(60):
        if task.done():
            break
        await b.block()
    assert over(task) == WouldRevert("somebody else was first")
    cost = sum([record.cost for record in await b.journal.intents()])
    assert 0 < cost < 21_000 * 60 * GWEI
    assert not [key for key, severity, _ in b.alerts.told if severity is Severity.CRITICAL]
    assert await b.mined_calls(ONCE) == 1


async def test_fault_20_a_call_that_ran_out_of_gas_is_planned_again_with_twice_as_much(b: Bench) -> None:
    """Fault 20: between simulation and mining it came to need more; the cause is told, the next one works."""
    task = await b.submit(b.call(), await b.window(soft=-1))
    await b.evm.rpc("anvil_setCode", str(COUNTER), HUNGRY_CODE)
    await b.block(3)
    outcome = over(task)
    assert isinstance(outcome, Reverted)
    assert outcome.out_of_gas
    assert await b.mined_calls() == 0
    first = await b.sender.submit(b.call(), await b.window())
    assert first == outcome, "the very same call is never repeated"
    again = _roomier(b.call("challenge#1"), [outcome])
    assert again.gas_limit == 2 * GAS
    second = await b.submit(again, await b.window(soft=-1))
    await b.block(3)
    assert isinstance(over(second), Confirmed)
    assert await b.mined_calls() == 1


async def test_fault_20_a_revert_for_another_cause_gets_no_more_gas(b: Bench) -> None:
    """Fault 20: the state changed after a good simulation: the reason is kept, nothing is repeated."""
    task = await b.submit(b.call(to=ONCE), await b.window(soft=-1))
    await b.evm.rpc("anvil_setStorageAt", str(ONCE), "0x" + "00" * 32, "0x" + "00" * 31 + "01")
    await b.block(3)
    outcome = over(task)
    assert isinstance(outcome, Reverted)
    assert outcome.reason
    assert not outcome.out_of_gas
    assert _roomier(b.call(to=ONCE), [outcome]).gas_limit == GAS
    again = await b.submit(b.call("challenge#1", to=ONCE), await b.window())
    assert isinstance(over(again), WouldRevert), "the simulation says so, for nothing"
    assert await b.nonce() == 1
