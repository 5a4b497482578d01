"""Faults 18 and 19 as the whole daemon meets them: the fraud goes away, or somebody else answers it."""

from pathlib import Path

from plasma_guard.devnet.attacker import Fraud
from plasma_guard.domain.decisions import Closure
from plasma_guard.journal import read_journal
from plasma_guard.journal.history import IntentRecord
from support.arena import Arena, Guard, running
from support.rpc_proxy import RpcProxy, errors
from support.until import until

POOL_FULL: dict[str, object] = {"code": -32000, "message": "txpool is full"}
MOOT_AFTER = 12
"""Blocks after which an exit that a reorg removed is taken not to come back."""


async def taken_out(net: Arena, fraud: Fraud) -> str:
    """Have a reorg remove the transaction that started the exit; return its bytes."""
    raw = str(await net.evm.rpc("eth_getRawTransactionByHash", fraud.exit.tx_hash))
    receipt = await net.evm.rpc("eth_getTransactionReceipt", fraud.exit.tx_hash)
    head = int(await net.evm.rpc("eth_blockNumber"), 16)
    await net.evm.reorg(head - int(receipt["blockNumber"], 16) + 1)
    assert await net.evm.rpc("eth_getTransactionReceipt", fraud.exit.tx_hash) is None
    return raw


async def intents(guard: Guard) -> list[IntentRecord]:
    async with read_journal(guard.journal) as reader:
        return await reader.intents()


async def all_over(guard: Guard) -> None:
    """Wait until every call has an outcome."""

    async def over() -> bool:
        return all(each.outcome is not None for each in await intents(guard))

    await until(over, "every intent is over")


async def test_fault_18_a_fraud_that_a_reorg_removes_for_good_is_moot(net: Arena, tmp_path: Path) -> None:
    """Fault 18: nothing of the answer was broadcast when its exit went away: it costs nothing at all."""
    fraud = await net.fraud()
    await net.reported(fraud)
    guard = Guard(net.connection, tmp_path / "guard")
    before = (await net.spent()).balance
    await net.evm.set_balance(str(net.people["guard"].address), 0)
    async with running(guard, ready=False):
        await guard.alerted("send/")
        await net.hold()
        await taken_out(net, fraud)
        await net.release()
        await guard.heard("moot: a reorg removed the exit")
        await net.evm.set_balance(str(net.people["guard"].address), before)
        await guard.settled()
        assert await guard.closures() == [Closure.MOOT.value]
        await guard.heard("not answered, as nothing asked for it")
    assert (await net.spent()).transactions == 0
    assert not await net.challenges()


async def test_fault_18_an_answer_under_way_to_a_removed_fraud_costs_one_transaction_at_most(
    net: Arena, tmp_path: Path
) -> None:
    """Fault 18: the challenge waits in the pool when the exit goes away: one accounted revert or cancel."""
    fraud = await net.fraud()
    await net.reported(fraud)
    await net.hold()
    guard = Guard(net.connection, tmp_path / "guard")
    async with running(guard, ready=False):
        await guard.heard("signed")
        await taken_out(net, fraud)
        await net.release()
        await guard.heard("moot: a reorg removed the exit")
        await all_over(guard)
        assert await guard.closures() == [Closure.MOOT.value]
        costs = [each.cost for each in await intents(guard)]
        assert len([cost for cost in costs if cost]) <= 1
        assert not [line for line in guard.alerts() if str(line["alert"]).startswith("case/")]
    assert (await net.spent()).transactions == 1
    assert not await net.challenges()


async def test_fault_18_a_fraud_that_comes_back_is_challenged_as_if_it_had_never_been_away(
    net: Arena, rpc: RpcProxy, tmp_path: Path
) -> None:
    """Fault 18: seen to be gone, mined again within twelve blocks: the answer stops it.

    A look between the reorg and the scan that finds it may take the answer for one that is not needed: that
    costs one transfer of nothing, and no more.
    """
    fraud = await net.fraud()
    await net.reported(fraud)
    rpc.fault = errors(eth_sendRawTransaction=POOL_FULL)
    guard = Guard(net.through(rpc=rpc.url), tmp_path / "guard")
    async with running(guard, ready=False):
        await guard.heard("no node took the transaction")
        await net.hold()
        raw = await taken_out(net, fraud)
        await net.evm.mine()

        async def noticed() -> bool:
            async with read_journal(guard.journal) as reader:
                return bool(await reader.vanished_exits())

        await until(noticed, "the guard notices that the exit is gone")
        await net.evm.mine(MOOT_AFTER // 3)
        await guard.heard("watching", times=len(guard.said("watching")) + 2)
        assert await guard.closures() == ["open"]
        await net.evm.rpc("eth_sendRawTransaction", raw)
        await net.evm.mine()
        rpc.fault = None
        await net.release()
        await guard.won()
        assert not guard.said("moot")
        assert not [line for line in guard.alerts() if line["severity"] == "critical"]
    (challenge,) = await net.challenges()
    assert challenge.position == fraud.exit.position
    answers = [each for each in await intents(guard) if not each.candidate.is_fill]
    assert len(answers) == 1
    assert (await net.spent()).transactions == len([each for each in await intents(guard) if each.cost]) <= 2


async def test_fault_19_a_challenge_of_somebody_else_ends_ours_without_an_alarm(
    net: Arena, rpc: RpcProxy, tmp_path: Path
) -> None:
    """Fault 19: theirs is mined while no node takes ours: ours dies of it, at its first price."""
    fraud = await net.fraud()
    await net.reported(fraud)
    rpc.fault = errors(eth_sendRawTransaction=POOL_FULL)
    guard = Guard(net.through(rpc=rpc.url), tmp_path / "guard")
    async with running(guard, ready=False):
        await guard.heard("no node took the transaction")
        other = Guard(net.connection, tmp_path / "other", env={"PRIVATE_KEY": net.connection.keys["bob"]})
        async with running(other):
            await other.won()
        assert (await net.spent()).transactions == 0
        rpc.fault = None
        await guard.settled()
        await all_over(guard)
        assert await guard.closures() == [Closure.RESOLVED_BY_OTHERS.value]
        assert not [line for line in guard.alerts() if line["severity"] == "critical"]
        assert len({each.nonce for intent in await intents(guard) for each in intent.attempts}) == 1
    assert (await net.spent()).transactions <= 1
    assert len(await net.challenges()) == 1
