"""The sender on a real node: one mined transaction per intent, whatever happens on the way."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from eth_account import Account

from plasma_guard.domain.errors import ConfigurationError, JournalError, PolicyViolation
from plasma_guard.domain.primitives import Address, Timestamp, Wei
from plasma_guard.domain.transactions import (
    Attempt,
    AttemptStatus,
    Confirmed,
    Reverted,
    Unaffordable,
    WouldRevert,
)
from plasma_guard.journal import read_journal
from support.rpc_proxy import Fault, errors, results
from support.sending import BOND, COUNTER, ONCE, SELECTOR, Bench
from support.strict_pool import StrictPool

GWEI = 10**9


async def attempts(b: Bench, intent: str = "challenge") -> list[Attempt]:
    return await b.journal.attempts(intent=intent)


def status_for(*methods: str) -> Fault:
    """Answer these methods with a gateway's error."""

    async def fault(_: web.Request, payload: Any) -> web.StreamResponse | None:
        calls = payload if isinstance(payload, list) else [payload]
        return web.Response(status=502) if any(call["method"] in methods for call in calls) else None

    return fault


async def foreign(b: Bench, *, nonce: int) -> str:
    """Send a transaction of the same key behind the guard's back; return its hash."""
    fields = {
        "chainId": 31337,
        "nonce": nonce,
        "to": "0x" + "00" * 19 + "99",
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": 1000 * GWEI,
        "maxPriorityFeePerGas": 900 * GWEI,
    }
    raw = Account.sign_transaction(fields, b.evm.accounts[0].private_key).raw_transaction
    return str(await b.evm.rpc("eth_sendRawTransaction", "0x" + raw.hex()))


async def test_a_call_is_mined_and_settled_after_its_confirmations(b: Bench) -> None:
    """The block that mines it is the first of three; until the third nobody is told."""
    task = await b.submit(b.call())
    assert [len(await b.pool()), await b.mined_calls()] == [1, 0]
    await b.block()
    await b.block()
    assert not task.done()
    await b.block()
    outcome = await task
    assert isinstance(outcome, Confirmed)
    assert outcome.receipt.success
    assert await b.mined_calls() == 1
    assert await b.journal.outcome("challenge") == outcome
    (attempt,) = await attempts(b)
    assert (attempt.status, attempt.hash) == (AttemptStatus.MINED, outcome.receipt.tx_hash)
    assert not b.alerts.told


async def test_intent_and_signed_bytes_are_on_disk_when_the_bytes_leave(b: Bench) -> None:
    """What another reader of the file sees at the very moment of the broadcast."""
    seen: list[tuple[str, list[str]]] = []

    async def look(_: web.Request, payload: Any) -> web.StreamResponse | None:
        if isinstance(payload, dict) and payload["method"] == "eth_sendRawTransaction":
            async with read_journal(b.path / "journal.db") as reader:
                (record,) = await reader.intents()
                seen.append((payload["params"][0], ["0x" + each.raw.hex() for each in record.attempts]))
        return None

    b.proxy.fault = look
    await b.submit(b.call())
    ((sent, recorded),) = seen
    assert recorded == [sent]


async def test_a_mined_intent_is_never_sent_again(b: Bench) -> None:
    """Submitting it again returns the first outcome without a word to the node."""
    task = await b.submit(b.call())
    await b.block(3)
    outcome = await task
    asked = len(b.proxy.seen)
    assert await b.sender.submit(b.call(), await b.window()) == outcome
    assert len(b.proxy.seen) == asked


async def test_a_prepared_lane_asks_for_nothing_but_the_simulation(b: Bench) -> None:
    """Head, nonce, balance and prices were read at the head before; they are read again once they are old."""
    await b.sender.prepare(await b.chain.head())
    asked = len(b.proxy.seen)
    await b.submit(b.call("one"))
    counted = b.proxy.count("eth_getTransactionCount")
    assert len(b.proxy.seen) == asked + 2, "one simulation, one broadcast"
    await b.turn()
    assert b.proxy.count("eth_getTransactionCount") == counted + 1


async def test_a_lane_prepared_before_a_nonce_was_used_does_not_use_it_again(b: Bench) -> None:
    """What is on disk counts too, and what the chain has counted since stays counted."""
    await b.sender.prepare(await b.chain.head())
    task = await b.submit(b.call("one"))
    await b.submit(b.call("two"))
    await b.block(3)
    assert isinstance(await task, Confirmed)
    await b.submit(b.call("three"))
    assert [(await attempts(b, name))[0].nonce for name in ("one", "two", "three")] == [0, 1, 2]


async def test_nothing_is_signed_for_an_intent_that_cannot_be_recorded(
    b: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulation may have run already; who submitted hears why, and may submit again."""

    async def broken(*_: object) -> None:
        raise JournalError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(b.journal, "record_intent", broken)
        with pytest.raises(JournalError, match="disk is full"):
            await b.sender.submit(b.call(), await b.window())
    assert await attempts(b) == []
    assert b.proxy.count("eth_sendRawTransaction") == 0
    await b.submit(b.call())
    assert b.proxy.count("eth_sendRawTransaction") == 1


async def test_a_lane_that_dies_is_told_of_and_started_again(
    b: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop survives errors of its steps; one of its own would leave every call waiting for ever."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a metric that nobody declared")

    with monkeypatch.context() as patch:
        patch.setattr(b.metrics, "gauge", broken)
        await b.submit(b.call())
        assert b.told("/stopped")
    await b.turn()
    await b.block(3)
    assert await b.mined_calls() == 1
    assert isinstance(await b.journal.outcome("challenge"), Confirmed)


async def test_the_same_intent_twice_at_once_is_one_transaction(b: Bench) -> None:
    """The second caller joins the first."""
    first, second = await b.submit(b.call()), await b.submit(b.call())
    await b.block(3)
    assert await first == await second
    assert [await b.mined_calls(), await b.nonce()] == [1, 1]


async def test_the_same_bytes_are_offered_again_each_block(b: Bench) -> None:
    """Fault 17: a pool that dropped the transaction without a word has it back one block later."""
    await b.submit(b.call())
    (attempt,) = await attempts(b)
    await b.turn()
    assert b.proxy.count("eth_sendRawTransaction") == 1
    await b.evm.drop_transaction(str(attempt.hash))
    await b.block()
    assert [each["hash"] for each in await b.pool()] == [str(attempt.hash)]
    assert await attempts(b) == [replace(attempt, status=AttemptStatus.BROADCAST)]


@pytest.mark.parametrize("to", [COUNTER, ONCE])
async def test_the_price_rises_by_the_clock_and_one_attempt_is_mined(b: Bench, to: Address) -> None:
    """Both fields rise by an eighth at least, the pool takes it, and the loser is marked as replaced."""
    task = await b.submit(b.call(to=to))
    for _ in range(2):
        await b.turn(b.settings.bump_after)
    first, second, third = await attempts(b)
    for old, new in ((first, second), (second, third)):
        assert new.nonce == old.nonce
        assert new.fees.max_fee * 8 >= old.fees.max_fee * 9
        assert new.fees.max_priority_fee * 8 >= old.fees.max_priority_fee * 9
    assert [each["hash"] for each in await b.pool()] == [str(third.hash)]
    await b.block(3)
    outcome = await task
    assert isinstance(outcome, Confirmed)
    assert [each.status for each in await attempts(b)] == [
        AttemptStatus.REPLACED,
        AttemptStatus.REPLACED,
        AttemptStatus.MINED,
    ]
    assert await b.mined_calls(to) == 1
    assert b.metrics.values["tx_bumps_total"] == 2


async def test_an_older_attempt_that_is_mined_counts(b: Bench) -> None:
    """The replacement never reached the miner: the receipt of the first hash settles the intent."""
    task = await b.submit(b.call())
    refusal = {"code": -32000, "message": "replacement transaction underpriced"}
    b.proxy.fault = errors(eth_sendRawTransaction=refusal)
    await b.turn(b.settings.bump_after)
    b.proxy.fault = None
    first, second = await attempts(b)
    await b.block(3)
    outcome = await task
    assert isinstance(outcome, Confirmed)
    assert outcome.receipt.tx_hash == first.hash
    assert [each.status for each in await attempts(b)] == [AttemptStatus.MINED, AttemptStatus.REPLACED]
    assert second.hash != first.hash


async def test_at_the_limit_the_same_bytes_go_on_being_offered(b: Bench) -> None:
    """A budget without room for a replacement: one attempt, offered each block, and a person told."""
    gas, budget = 100_000, 100_000 * 3 * GWEI
    window = await b.window(budget=Wei(budget))
    await b.submit(b.call(), window)
    (attempt,) = await attempts(b)
    assert attempt.gas_limit * attempt.fees.max_fee <= budget
    assert attempt.gas_limit <= gas
    await b.evm.rpc("anvil_setNextBlockBaseFeePerGas", hex(500 * GWEI))
    for _ in range(4):
        await b.block(seconds=b.settings.bump_after)
    last = (await attempts(b))[-1]
    assert last.gas_limit * last.fees.max_fee <= budget
    offers = b.proxy.count("eth_sendRawTransaction")
    await b.block(seconds=b.settings.bump_after)
    assert (await attempts(b))[-1].hash == last.hash
    assert b.proxy.count("eth_sendRawTransaction") == offers + 1
    assert b.told("/at_limit")


async def test_a_call_that_would_revert_is_not_sent_while_there_is_time(b: Bench) -> None:
    """Nothing is signed; the same intent tries again when asked again, and then works."""
    await b.evm.rpc("anvil_setStorageAt", str(ONCE), "0x" + "00" * 32, "0x" + "00" * 31 + "01")
    task = await b.submit(b.call(to=ONCE))
    assert isinstance(await task, WouldRevert)
    assert await attempts(b) == []
    assert isinstance(await b.journal.outcome("challenge"), WouldRevert)
    await b.evm.rpc("anvil_setStorageAt", str(ONCE), "0x" + "00" * 32, "0x" + "00" * 32)
    task = await b.submit(b.call(to=ONCE))
    assert len(await attempts(b)) == 1
    await b.block(3)
    assert isinstance(await task, Confirmed)


async def test_past_the_soft_time_it_is_sent_although_the_simulation_fails(b: Bench) -> None:
    """One lying node has no veto: the measured gas limit is used, a person is told, the chain decides."""
    b.proxy.fault = errors(
        eth_estimateGas={"code": 3, "message": "execution reverted"},
        eth_call={"code": 3, "message": "execution reverted"},
    )
    task = await b.submit(b.call(), await b.window(soft=-1))
    (attempt,) = await attempts(b)
    assert attempt.gas_limit == 100_000
    assert b.told("/unsimulated")
    b.proxy.fault = None
    await b.block(3)
    assert isinstance(await task, Confirmed)


async def test_a_measured_gas_limit_is_proven_by_the_simulation_alone(b: Bench) -> None:
    """The call works within it, so nothing is estimated, and it is what is signed."""
    await b.submit(b.call())
    (attempt,) = await attempts(b)
    assert attempt.gas_limit == 100_000
    assert b.proxy.count("eth_estimateGas") == 0


@pytest.mark.parametrize("limit", [None, 20_000, 25_000])
async def test_a_gas_limit_that_is_missing_or_too_low_is_estimated(b: Bench, limit: int | None) -> None:
    """Below the intrinsic gas, or enough to start but not to finish: the estimate is signed, and mined."""
    task = await b.submit(b.call(gas_limit=limit))
    (attempt,) = await attempts(b)
    assert attempt.gas_limit > 40_000
    assert not b.alerts.told
    await b.block(3)
    assert isinstance(await task, Confirmed)


async def test_an_upper_bound_of_the_gas_that_cannot_be_paid_is_replaced_by_an_estimate(b: Bench) -> None:
    """What is reserved is limit times price: a tenth of the limit is paid where ten tenths are not."""
    await b.evm.set_balance(str(b.account), 10**16)
    await b.submit(b.call(gas_limit=10_000_000))
    (attempt,) = await attempts(b)
    assert attempt.gas_limit < 100_000
    assert not b.alerts.told


async def test_past_the_soft_time_nothing_is_sent_without_a_measured_gas_limit(b: Bench) -> None:
    """There is no number to sign."""
    b.proxy.fault = errors(eth_call={"code": 3, "message": "execution reverted"})
    task = await b.submit(b.call(gas_limit=None), await b.window(soft=-1))
    assert isinstance(await task, WouldRevert)


async def test_a_call_that_fails_on_chain_is_settled_as_reverted(b: Bench) -> None:
    """Fault 20: somebody else was first in the same block: it costs gas and is reported, not repeated."""
    task = await b.submit(b.call(to=ONCE))
    await b.evm.rpc("anvil_setStorageAt", str(ONCE), "0x" + "00" * 32, "0x" + "00" * 31 + "01")
    await b.block(3)
    outcome = await task
    assert isinstance(outcome, Reverted)
    assert not outcome.receipt.success
    assert isinstance(await b.sender.submit(b.call(to=ONCE), await b.window()), Reverted)
    assert await b.nonce() == 1


async def test_a_price_is_held_while_the_call_would_not_work(b: Bench) -> None:
    """Fault 19: nobody pays more for a transaction that lost the race; past the soft time it is paid."""
    window = await b.window()
    await b.submit(b.call(to=ONCE), window)
    await b.evm.rpc("anvil_setStorageAt", str(ONCE), "0x" + "00" * 32, "0x" + "00" * 31 + "01")
    await b.turn(b.settings.bump_after)
    assert len(await attempts(b)) == 1
    await b.submit(b.call(to=ONCE), replace(window, soft=Timestamp(0)))
    assert len(await attempts(b)) == 2


async def test_a_call_that_would_not_work_is_outbid_when_others_wait_behind_its_nonce(b: Bench) -> None:
    """Fault 19: a lost race must not hold up the account."""
    await b.submit(b.call("lost", to=ONCE))
    await b.evm.rpc("anvil_setStorageAt", str(ONCE), "0x" + "00" * 32, "0x" + "00" * 31 + "01")
    await b.submit(b.call("urgent"))
    await b.turn(b.settings.bump_after)
    assert [len(await attempts(b, name)) for name in ("lost", "urgent")] == [2, 2]


async def test_past_the_soft_time_an_unreachable_simulation_is_no_veto_either(b: Bench) -> None:
    """The measured gas limit stands in for the estimate."""
    b.proxy.fault = status_for("eth_call", "eth_estimateGas")
    await b.submit(b.call(), await b.window(soft=-1))
    assert len(await attempts(b)) == 1


async def test_an_unreachable_simulation_without_a_measured_gas_limit_is_tried_again(b: Bench) -> None:
    """There is no number to sign, and no reason to give up."""
    b.proxy.fault = status_for("eth_call", "eth_estimateGas")
    task = await b.submit(b.call(gas_limit=None), await b.window(soft=-1))
    assert b.proxy.count("eth_call")
    assert [task.done(), len(await attempts(b))] == [False, 0]


async def test_a_journal_that_fails_for_a_while_delays_and_is_told(
    b: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 29: nothing is sent that could not be recorded; the alert is cleared once it works again."""

    async def broken(*_: object, **__: object) -> None:
        raise JournalError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(b.journal, "record_attempt", broken)
        await b.submit(b.call("one"))
        assert b.told("one/journal")
    with monkeypatch.context() as patch:
        patch.setattr(b.lane, "_offer", broken)
        await b.turn()
        assert b.told(f"lane/{b.account}/journal")
    assert b.proxy.count("eth_sendRawTransaction") == 0
    await b.turn()
    assert b.proxy.count("eth_sendRawTransaction") == 1
    assert f"lane/{b.account}/journal" in b.alerts.cleared


async def test_an_account_that_cannot_pay_waits_and_says_what_is_missing(b: Bench) -> None:
    """The alert has the exact top-up; with exactly that the call goes out."""
    await b.evm.set_balance(str(b.account), 1000)
    task = await b.submit(b.call(value=BOND))
    assert await attempts(b) == []
    (message,) = b.told("/unaffordable")
    top_up = int(message.rsplit(" with ", 1)[1].split()[0])
    await b.turn()
    assert not task.done()
    await b.evm.set_balance(str(b.account), 1000 + top_up)
    await b.block()
    (attempt,) = await attempts(b)
    assert attempt.gas_limit * attempt.fees.max_fee + BOND <= 1000 + top_up
    await b.block(3)
    assert isinstance(await task, Confirmed)
    assert any(key.endswith("/unaffordable") for key in b.alerts.cleared)


async def test_an_account_that_cannot_pay_in_time_is_told_so(b: Bench) -> None:
    """After the deadline the intent ends with the sums that led to it."""
    await b.evm.set_balance(str(b.account), 10)
    task = await b.submit(b.call(value=BOND), await b.window(soft=10, hard=20))
    assert not task.done()
    await b.evm.increase_time(30)
    await b.block()
    outcome = await task
    assert isinstance(outcome, Unaffordable)
    assert str(b.account) in outcome.sums
    assert "10 wei" in outcome.sums


async def test_a_thin_balance_pays_what_it_can_while_that_is_mineable(b: Bench) -> None:
    """Twice the base fee is a comfort, not a need."""
    base_fee = (await b.chain.fee_facts()).base_fee
    assert base_fee is not None
    await b.evm.set_balance(str(b.account), 60_000 * base_fee * 13 // 10)
    task = await b.submit(b.call())
    (attempt,) = await attempts(b)
    assert base_fee <= attempt.fees.max_fee < 2 * base_fee
    await b.block(3)
    assert isinstance(await task, Confirmed)


async def test_calls_under_way_are_counted_before_the_next_is_signed(b: Bench) -> None:
    """The balance pays one bond, not two: the second call waits for its top-up."""
    await b.evm.set_balance(str(b.account), BOND + BOND // 2)
    # A node that simulates without regard to the pool leaves the sums to us.
    b.proxy.fault = results(eth_call="0x", eth_estimateGas=hex(60_000))
    await b.submit(b.call("one", value=BOND))
    await b.submit(b.call("two", value=BOND))
    assert [len(await attempts(b, name)) for name in ("one", "two")] == [1, 0]
    assert len(b.told("two/unaffordable")) == 1


async def test_a_foreign_transaction_on_our_nonce_moves_the_call_to_the_next(b: Bench) -> None:
    """Fault 12: seen for as many heads as a confirmation takes; the key is said to be shared."""
    task = await b.submit(b.call())
    (ours,) = await attempts(b)
    await b.evm.drop_transaction(str(ours.hash))
    await foreign(b, nonce=ours.nonce)
    await b.block()
    assert await b.nonce() == 1
    await b.block()
    assert len(await attempts(b)) == 1
    await b.block()
    dropped, second = await attempts(b)
    assert (dropped.status, second.nonce) == (AttemptStatus.DROPPED, 1)
    assert "is the key shared" in b.told("/key_shared")[0]
    await b.block(3)
    assert isinstance(await task, Confirmed)
    assert await b.mined_calls() == 1


async def test_our_own_mined_transaction_is_not_taken_for_a_foreign_one(b: Bench) -> None:
    """Fault 11: a node that knows the nonce before the receipt, and says "nonce too low", costs nothing."""
    task = await b.submit(b.call())
    b.proxy.fault = results(eth_getTransactionReceipt=None)
    await b.block()
    await b.block()
    b.proxy.fault = None
    await b.block()
    assert isinstance(await task, Confirmed)
    assert [len(await attempts(b)), await b.nonce()] == [1, 1]
    assert not b.told("/key_shared")


@pytest.mark.parametrize("depth", [1, 2])
async def test_a_reorg_takes_the_call_back_to_live_and_it_is_mined_again(b: Bench, depth: int) -> None:
    """Fault 18: the same bytes, offered again; not one more transaction than before."""
    task = await b.submit(b.call())
    await b.block(depth)
    assert await b.mined_calls() == 1
    await b.evm.reorg(depth)
    assert await b.mined_calls() == 0
    for pending in await b.pool():
        await b.evm.drop_transaction(pending["hash"])
    await b.turn()
    (attempt,) = await attempts(b)
    assert attempt.status is AttemptStatus.BROADCAST
    assert [each["hash"] for each in await b.pool()] == [str(attempt.hash)]
    await b.block(3)
    outcome = await task
    assert isinstance(outcome, Confirmed)
    assert outcome.receipt.tx_hash == attempt.hash
    assert [await b.mined_calls(), await b.nonce()] == [1, 1]
    assert b.metrics.values["tx_reorged_total"] == 1


async def test_a_restart_offers_the_same_bytes(b: Bench) -> None:
    """A pool that lost them gets the same hash from the next process; nothing new is signed."""
    await b.submit(b.call())
    (attempt,) = await attempts(b)
    await b.sender.close()
    await b.evm.drop_transaction(str(attempt.hash))
    b.sender = b.new_sender()
    task = await b.submit(b.call())
    assert [each["hash"] for each in await b.pool()] == [str(attempt.hash)]
    await b.block(3)
    outcome = await task
    assert isinstance(outcome, Confirmed)
    assert outcome.receipt.tx_hash == attempt.hash
    assert len(await attempts(b)) == 1


async def test_nonces_of_unfinished_calls_stay_taken_after_a_restart(b: Bench) -> None:
    """A new call comes after the signed bytes on disk, though nobody has resumed those yet."""
    await b.submit(b.call("old"))
    await b.sender.close()
    b.sender = b.new_sender()
    await b.submit(b.call("new"))
    assert [each.nonce for each in await b.journal.attempts()] == [0, 1]


async def test_no_more_than_the_limit_is_in_flight_and_the_nearest_deadline_goes_first(b: Bench) -> None:
    """Five calls, two places: the two with the nearest deadlines are signed, in that order."""
    b.sender = b.new_sender(max_in_flight=2)
    hard = {"a": 5000, "b": 1000, "c": 4000, "d": 2000, "e": 3000}
    for name, seconds in hard.items():
        window = await b.window(soft=500, hard=seconds)
        b.start(b.sender.submit(b.call(name), window))
    await b.settle()
    for _ in range(10):
        assert len(await b.pool()) <= 2
        await b.block()
    order = [each.intent for each in await b.journal.attempts()]
    assert sorted(order[:2]) != ["c", "e"]
    assert order[2:] == sorted(order[2:], key=hard.__getitem__)
    assert await b.mined_calls() == 5
    assert await b.nonce() == 5


async def test_more_calls_are_in_flight_while_the_node_takes_them(b: Bench) -> None:
    """Sixteen at first, and twice as many each time all are taken: forty fit into one block."""
    for number in range(40):
        b.start(b.sender.submit(b.call(f"call {number}"), await b.window()))
    await b.settle()
    await b.turn()
    assert len(await b.pool()) == 40
    await b.block(3)
    assert await b.mined_calls() == 40


async def test_a_full_pool_gets_no_more_than_it_keeps_for_sure(b: Bench) -> None:
    """A node with sixteen places refuses the next ones once, and is not pressed again."""
    strict = b.proxy.pool = StrictPool(b.evm)
    for number in range(40):
        b.start(b.sender.submit(b.call(f"call {number}"), await b.window()))
    await b.settle()
    await b.turn()
    assert len(await b.pool()) == 16
    for _ in range(12):
        await b.block()
        assert len(await b.pool()) <= 16
    assert await b.mined_calls() == 40
    assert set(strict.refused) == {"account limit exceeded"}


async def test_many_calls_at_once_take_nonces_without_a_gap(b: Bench) -> None:
    """Sixteen at once, all in the pool, all mined in the next block."""
    for number in range(16):
        b.start(b.sender.submit(b.call(f"call {number}"), await b.window()))
    await b.settle()
    await b.turn()
    assert [each.nonce for each in sorted(await b.journal.attempts(), key=lambda each: each.nonce)] == list(
        range(16)
    )
    await b.block(3)
    assert await b.mined_calls() == 16
    assert all([isinstance(await task, Confirmed) for task in b.tasks])


async def test_an_unreachable_node_only_delays(b: Bench) -> None:
    """Nothing is lost and nobody is told of an outcome that is not one."""
    b.proxy.fault = errors(eth_sendRawTransaction={"code": -32000, "message": "txpool is full"})
    task = await b.submit(b.call())
    assert (await attempts(b))[0].status is AttemptStatus.SIGNED
    assert b.told("/refused")
    b.proxy.fault = None
    await b.block()
    assert len(await b.pool()) == 1
    await b.block(3)
    assert isinstance(await task, Confirmed)
    assert any(key.endswith("/refused") for key in b.alerts.cleared)


async def test_bytes_the_node_has_already_count_as_offered(b: Bench) -> None:
    """Fault 11: a restart while they wait in the pool ends in "already known", and no alert."""
    await b.submit(b.call())
    await b.sender.close()
    b.sender = b.new_sender()
    await b.submit(b.call())
    assert b.proxy.count("eth_sendRawTransaction") == 2
    assert "tx_publish_errors_total" not in b.metrics.values
    assert not b.alerts.told


async def test_a_pool_that_holds_another_transaction_of_the_nonce_is_outbid(b: Bench) -> None:
    """Fault 14: the price rises until the pool takes it, a step per look, not by the clock."""
    price = (await b.chain.fee_facts()).tip
    fields = {
        "chainId": 31337,
        "nonce": 0,
        "to": COUNTER,
        "value": 0,
        "gas": 50_000,
        "maxFeePerGas": 4 * GWEI,
        "maxPriorityFeePerGas": 2 * max(price, GWEI),
    }
    raw = Account.sign_transaction(fields, b.evm.accounts[0].private_key).raw_transaction
    await b.evm.rpc("eth_sendRawTransaction", "0x" + raw.hex())
    await b.submit(b.call())
    for _ in range(12):
        await b.turn()
    (pending,) = await b.pool()
    assert pending["hash"] == str((await attempts(b))[-1].hash)


async def test_a_pool_that_asks_for_an_eighth_more_takes_every_replacement(b: Bench) -> None:
    """Fault 14: also while the base fee moves; anvil itself takes any rise at all."""
    pool = b.proxy.pool = StrictPool(b.evm)
    await b.submit(b.call(), await b.window(soft=-1))  # no spike is waited out any more
    for base_fee in (1, 50, 3, 7):
        await b.evm.rpc("anvil_setNextBlockBaseFeePerGas", hex(base_fee * GWEI))
        await b.turn(b.settings.bump_after)
    assert len(await attempts(b)) == 5
    assert pool.refused == []


async def test_past_the_soft_time_a_broken_journal_does_not_stop_the_call(
    b: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 29: the bytes are on the second path when they leave; once the journal works they are in it."""
    call, window = b.call(), await b.window(soft=-1)

    async def broken(_: object) -> None:
        raise JournalError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(b.journal._writer, "run", broken)
        task = await b.submit(call, window)
        (pending,) = await b.pool()
        assert [table for table, _ in b.journal._spare.rows()] == ["intents", "attempts"]
        assert await b.journal.attempts() == []
        assert b.told("/journal")
    await b.block(3)
    await b.turn()
    outcome = await asyncio.wait_for(task, 20)
    assert isinstance(outcome, Confirmed)
    assert [str(each.hash) for each in await attempts(b)] == [pending["hash"]]
    assert b.journal._spare.is_empty


async def test_a_call_the_policy_forbids_is_refused_and_stays_open(b: Bench) -> None:
    """The signer's word is final: nothing is signed, a person is told, the caller gets the error."""
    task = await b.submit(b.call(data=b"\xde\xad\xbe\xef"))
    with pytest.raises(PolicyViolation, match="0xdeadbeef"):
        await task
    assert b.told("/policy")
    assert len(await b.journal.open_intents()) == 1


async def test_an_account_without_a_key_is_named(b: Bench) -> None:
    """Watch-only accounts cannot send."""
    with pytest.raises(ConfigurationError, match="no key for it"):
        await b.sender.submit(b.call(account=Address(b"\x01" * 20)), await b.window())


async def test_the_data_and_value_on_chain_are_those_of_the_call(b: Bench) -> None:
    """What is mined is what was asked for."""
    task = await b.submit(b.call(data=SELECTOR + b"\x07" * 32, value=BOND))
    await b.block(3)
    outcome = await task
    assert isinstance(outcome, Confirmed)
    sent = await b.evm.rpc("eth_getTransactionByHash", str(outcome.receipt.tx_hash))
    assert sent["input"] == "0x" + (SELECTOR + b"\x07" * 32).hex()
    assert int(sent["value"], 16) == BOND
