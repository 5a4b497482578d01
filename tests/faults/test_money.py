"""Gas that becomes dear, money that runs out, and bonds that change, in the middle of an incident."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from plasma_guard.daemon.funds import Funds
from plasma_guard.devnet import artifacts
from plasma_guard.devnet.evm import Evm
from plasma_guard.devnet.in_flight import InFlightExits
from plasma_guard.devnet.transactor import Transactor, encode_call
from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.exits import Side
from plasma_guard.domain.primitives import ETH, Timestamp, Wei
from plasma_guard.domain.transactions import Confirmed, Reverted
from plasma_guard.journal import read_journal
from plasma_guard.plasma.transaction import Output
from plasma_guard.sender import SenderSettings, fees
from support.arena import Arena, Guard, running
from support.recorders import RecordedHealth, RecordedMetrics
from support.sending import BOND, CHAIN_ID, Bench, bench
from support.until import until

GWEI = 10**9
BLOCK = 12
GAS = 100_000
"""The measured gas limit of the calls of these tests."""
TWO_DAYS = 172_800


@pytest.fixture
async def b(tmp_path: Path) -> AsyncIterator[Bench]:
    settings = SenderSettings(CHAIN_ID, confirmations=2, max_fee_per_gas=Wei(9 * GWEI), block_time=BLOCK)
    async with Evm() as evm, bench(tmp_path, settings, evm) as made:
        yield made


async def weather(b: Bench, base_fee: int, blocks: int = 1) -> None:
    """Let blocks pass whose base fee is so many wei, and the lane see each of them."""
    for _ in range(blocks):
        await b.evm.rpc("anvil_setNextBlockBaseFeePerGas", hex(base_fee))
        await b.evm.increase_time(BLOCK - 1)
        await b.block(seconds=BLOCK)


async def test_fault_15_a_spike_above_our_cap_is_sat_out_and_the_call_mined_after_it(b: Bench) -> None:
    """Fault 15: base fee x20 for 30 blocks, which is above our cap.

    The cap is reached, the same bytes go out each block, a person is paged; once it falls, the call is mined,
    once, within the cap and the budget.
    """
    await weather(b, GWEI, 4)
    window = await b.window(soft=10 * BLOCK, hard=7200, budget=Wei(10**16))
    await b.evm.rpc("anvil_setNextBlockBaseFeePerGas", hex(20 * GWEI))
    await b.evm.mine()
    task = await b.submit(b.call(), window)
    await weather(b, 20 * GWEI, 20)
    signed = await b.journal.attempts()
    assert signed[-1].fees.max_fee == 8 * GWEI  # all of the cap but the step that the last word needs
    paged = [severity for key, severity, _ in b.alerts.told if key.endswith("/at_limit")]
    assert set(paged) == {Severity.CRITICAL}
    offers = b.proxy.count("eth_sendRawTransaction")
    await weather(b, 20 * GWEI, 10)
    assert await b.journal.attempts() == signed
    assert b.proxy.count("eth_sendRawTransaction") == offers + 10
    assert not task.done()
    await weather(b, 7 * GWEI, 3)
    assert task.done()
    outcome = await task
    assert isinstance(outcome, Confirmed)
    assert outcome.receipt.gas_price <= 9 * GWEI
    assert outcome.receipt.cost <= window.budget
    assert await b.mined_calls() == 1
    assert any(key.endswith("/at_limit") for key in b.alerts.cleared)


async def test_fault_15_a_spike_below_our_cap_is_waited_out_while_there_is_time(b: Bench) -> None:
    """Fault 15: in the first half of the window the offer stays at what gas usually costs, which is told.

    The call is mined when the spike is over, at the price of after it.
    """
    b.sender = b.new_sender(max_fee_per_gas=Wei(500 * GWEI))
    await weather(b, GWEI, 12)
    await b.evm.rpc("anvil_setNextBlockBaseFeePerGas", hex(20 * GWEI))
    await b.evm.mine()
    task = await b.submit(b.call(), await b.window(soft=36_000, hard=72_000))
    await weather(b, 20 * GWEI, 12)
    (attempt,) = await b.journal.attempts()
    assert attempt.fees.max_fee < 20 * GWEI
    assert b.told("/priced_out")
    await weather(b, GWEI, 4)
    assert task.done()
    outcome = await task
    assert isinstance(outcome, Confirmed)
    assert outcome.receipt.gas_price < 5 * GWEI


async def test_fault_21_what_is_left_goes_to_the_most_at_stake_and_the_top_up_is_exact(b: Bench) -> None:
    """Fault 21: with money for one of two calls, the one with more at stake is sent, though due later.

    The page says what is missing to the wei, and with that both are mined.
    """
    await weather(b, GWEI, 2)
    await b.evm.set_balance(str(b.account), 1000)
    soon = await b.window(soft=6000, hard=12_000, budget=Wei(10**15))
    big = replace(soon, hard=Timestamp(soon.hard + 3600), budget=Wei(10**16))
    tasks = [
        b.start(b.sender.submit(b.call(name), window)) for name, window in (("soon", soon), ("big", big))
    ]
    await b.turn()
    assert await b.journal.attempts() == []
    need = GAS * fees.quote(await b.chain.fee_facts()).max_fee
    await b.evm.set_balance(str(b.account), need * 17 // 16)
    await b.turn()
    assert [each.intent for each in await b.journal.attempts()] == ["big"]
    top_up = int(b.told("soon/unaffordable")[-1].rsplit(" with ", 1)[1].split()[0])
    await b.evm.set_balance(str(b.account), need * 17 // 16 + top_up)
    await b.turn()
    assert [each.intent for each in await b.journal.attempts()] == ["big", "soon"]
    await b.block(2)
    assert all([isinstance(await task, Confirmed) for task in tasks])
    assert await b.mined_calls() == 2


async def test_fault_21_the_page_of_the_balance_names_the_sum_to_the_wei(b: Bench) -> None:
    """Fault 21: the balance drops while calls are open: first a warning, then a page.

    Each has the top-up for the worst case of all of them, bonds included; with exactly that the page is over.
    """
    metrics = RecordedMetrics()
    funds = Funds(
        chain=b.chain,
        journal=b.journal,
        health=RecordedHealth(),
        alerts=b.alerts,
        metrics=metrics,
        accounts=[b.account],
        max_cost_per_case=Wei(1),
    )
    for name in ("one", "two"):
        await b.submit(b.call(name, value=BOND), await b.window(budget=Wei(10**16)))
    worst = 2 * (10**16 + BOND)
    key = f"funds/{b.account}"
    for balance, ratio, told in ((2 * worst, 2.0, None), (worst, 1.0, "low"), (worst // 4, 0.25, "short")):
        b.alerts.told.clear()
        await b.evm.set_balance(str(b.account), balance)
        await funds.check()
        assert metrics.values["balance_cover_ratio"] == ratio
        assert [each for each, _, _ in b.alerts.told] == ([f"{key}/{told}"] if told else [])
    ((_, severity, message),) = b.alerts.told
    assert severity is Severity.CRITICAL
    assert f"with {worst - worst // 4} wei" in message
    await b.evm.set_balance(str(b.account), worst)
    await funds.check()
    assert f"{key}/short" in b.alerts.cleared
    assert f"with {worst} wei" in b.alerts.told[-1][2]


async def test_what_a_day_may_cost_is_not_exceeded_and_the_refusal_says_the_sum(b: Bench) -> None:
    """Costs of before a restart count; a day of root-chain time later the call goes out."""
    await weather(b, GWEI, 2)
    first = await b.submit(b.call("first"))
    await b.block(2)
    outcome = await first
    assert isinstance(outcome, Confirmed)
    await b.sender.close()
    need = GAS * fees.quote(await b.chain.fee_facts()).max_fee
    b.sender = b.new_sender(max_cost_per_day=Wei(outcome.receipt.cost + need // 8))
    second = await b.submit(b.call("second"), await b.window(soft=200_000, hard=400_000))
    assert await b.journal.attempts(intent="second") == []
    (message,) = b.told("second/day_spent")
    assert f"{need // 8} wei are left" in message
    await b.evm.increase_time(86_400)
    await b.block()
    await b.block(3)
    assert isinstance(await second, Confirmed)
    assert "send/second/day_spent" in b.alerts.cleared


async def test_a_call_not_worth_a_nonce_waits_without_one(b: Bench) -> None:
    """A budget far below the usual price would never be mined and hold up all that comes after it."""
    await weather(b, GWEI, 2)
    small = await b.submit(b.call("small"), await b.window(budget=Wei(GAS * GWEI // 10)))
    assert f"allows {GAS * GWEI // 10} wei" in b.told("small/over_budget")[0]
    large = await b.submit(b.call("large"))
    assert [each.intent for each in await b.journal.attempts()] == ["large"]
    await b.block(2)
    assert isinstance(await large, Confirmed)
    assert not small.done()


async def bond_changes(net: Arena, new: Wei) -> int:
    """Have the maintainer announce another piggyback bond; return when it comes into force."""
    framework, game = net.deployment.address, str(net.people.game.contracts.exit_game)
    maintainer = await Transactor(net.evm).call(
        framework, artifacts.load("PlasmaFrameworkV1"), "getMaintainer"
    )
    await net.evm.rpc("anvil_impersonateAccount", maintainer)
    await net.evm.set_balance(maintainer, 10**18)
    data = encode_call(artifacts.load("PaymentExitGameV1").abi, "updatePiggybackBondSize", [new])
    call = {"from": maintainer, "to": game, "data": "0x" + data.hex(), "gas": hex(200_000)}
    await net.evm.rpc("eth_sendTransaction", call)
    await net.evm.mine()
    return await net.evm.timestamp() + TWO_DAYS


async def reports(net: Arena, event: str) -> bool:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = (await http.post(net.connection.watcher_url + "/status.get", json={})).json()
    return any(each["event"] == event for each in answer["data"]["byzantine_events"])


async def test_fault_21_a_bond_that_changes_is_posted_as_it_is_now(net: Arena, tmp_path: Path) -> None:
    """Fault 21: a piggyback waits in the pool when another bond comes into force.

    It fails once, is planned again, and the new bond is posted to the wei; the signer knows it by then.
    """
    people = net.people
    old = (await people.game.bonds(await people.chain.head())).piggyback
    new = Wei(old * 3 // 2)
    deposit = await people.deposit(people["alice"], Wei(10**18))
    output = Output(people["guard"].address, ETH, Wei(10**18))
    payment = people.sign([(people["alice"], deposit)], [output])
    changes_at = await bond_changes(net, new)
    await net.evm.increase_time(changes_at - 600 - await net.evm.timestamp())
    exits = InFlightExits(people)
    exit_ = await exits.start(people["alice"], payment)
    await until(lambda: reports(net, "piggyback_available"), "the Watcher reports the exit")
    await net.hold()
    async with running(Guard(net.connection, tmp_path / "guard")) as guard:
        await guard.heard("signed")
        await net.evm.increase_time(600)
        await net.release()

        async def joined() -> bool:
            slot = (await exits.entry(exit_)).slot(Side.OUTPUT, 0)
            return slot is not None and slot.piggybacked

        await until(joined, "the guard's output is piggybacked")
        await guard.settled()
        async with read_journal(guard.journal) as journal:
            records = await journal.intents()
    assert [record.candidate.value for record in records] == [old, new]
    assert [type(record.outcome) for record in records] == [Reverted, Confirmed]
