"""What the documentation of the contracts says and the golden data has no case for."""

from __future__ import annotations

import random

import pytest
import rlp
from eth_utils.address import to_checksum_address

from conformance.contracts_ald.in_flight_stories import piggyback, start_included
from conformance.contracts_ald.world import ETH, START, Call, World
from plasma_guard.devnet import artifacts
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.jsonrpc import EvmRpcError
from plasma_guard.devnet.transactor import Transactor
from plasma_guard.plasma.keccak import keccak

pytestmark = pytest.mark.asyncio(loop_scope="session")

_TWO_DAYS = 172_800
# The deployer's sixth contract is the code of in-flight exits.
_IN_FLIGHT_GAME_NONCE = 5


async def test_priority_queue_gives_the_smallest_first(world: World) -> None:
    """Priorities come out in order, whatever the order they were put in, with more coming in between."""
    queue_code = artifacts.load("PriorityQueue")
    key = world.accounts["dave"]["private_key"]
    chain = Transactor(world.evm)
    queue = await chain.create(key, queue_code)
    shuffle = random.Random(7)  # noqa: S311 : an arbitrary but repeatable order
    waiting: list[int] = []
    for number in shuffle.sample(range(1, 200), 24):
        await chain.send(key, queue, queue_code, "insert", number)
        waiting.append(number)
        if len(waiting) % 5 == 0:
            assert await chain.call(queue, queue_code, "getMin") == min(waiting)
            await chain.send(key, queue, queue_code, "delMin")
            waiting.remove(min(waiting))
    while waiting:
        assert await chain.call(queue, queue_code, "getMin") == min(waiting)
        await chain.send(key, queue, queue_code, "delMin")
        waiting.remove(min(waiting))
    with pytest.raises(EvmRpcError, match="Queue is empty"):
        await chain.call(queue, queue_code, "getMin")


async def test_priority_queue_obeys_its_framework_only(world: World) -> None:
    """Nobody but the creator of a queue changes it."""
    queue_code = artifacts.load("PriorityQueue")
    chain = Transactor(world.evm)
    queue = await chain.create(world.accounts["dave"]["private_key"], queue_code)
    with pytest.raises(DevnetError, match="reverted"):
        await chain.send(world.accounts["eve"]["private_key"], queue, queue_code, "insert", 1)


async def test_a_bond_changes_exactly_two_days_after_its_update(world: World) -> None:
    """One second earlier the old bond is in force; a second update starts the waiting again."""
    doubled = (2 * world.bond,) if world.is_v1 else (2 * world.bond, 0)
    update = world.call("maintainer", "payment_exit_game", "updateStartStandardExitBondSize", *doubled)
    read = world.call("guard", "payment_exit_game", "startStandardExitBondSize")
    await world.send(update, START + 100)
    await world.send(update, START + 200)
    await world.pass_time(START + 200 + _TWO_DAYS - 1)
    assert int(await world.read(read), 16) == world.bond
    await world.pass_time(START + 200 + _TWO_DAYS)
    assert int(await world.read(read), 16) == 2 * world.bond


async def test_only_the_maintainer_changes_bonds(world: World) -> None:
    """Anybody else is refused by name."""
    doubled = (2 * world.bond,) if world.is_v1 else (2 * world.bond, 0)
    update = world.call("guard", "payment_exit_game", "updateStartStandardExitBondSize", *doubled)
    with pytest.raises(EvmRpcError, match="Caller address is unauthorized"):
        await world.read(update)


async def test_v1_takes_no_block_before_the_operator_activates_it(world: World) -> None:
    """Revision 1 has a switch the operator throws once; revision 2 takes blocks at once."""
    code = world.artifact("plasma_framework")
    authority, maintainer = world.address("authority"), world.address("maintainer")
    chain = Transactor(world.evm)
    framework = await chain.create(
        world.accounts["dave"]["private_key"], code, 600, 2, 2, authority, maintainer
    )
    submit = world.call("authority", "plasma_framework", "submitBlock", b"\x01" * 32)
    call = Call(submit.sender, framework, submit.data)
    if not world.is_v1:
        assert await world.read(call) == "0x"
        return
    with pytest.raises(EvmRpcError, match="has not been activated"):
        await world.read(call)


async def test_v2_exit_game_is_initialized_once(world: World) -> None:
    """A second init is refused, so that bonds are not reset under running exits."""
    if world.is_v1:
        pytest.skip("revision 1 has no init")
    with pytest.raises(EvmRpcError, match="Exit game was already initialized"):
        await world.read(world.call("maintainer", "payment_exit_game", "init"))


async def test_code_of_in_flight_exits_holds_no_exits_of_its_own(world: World) -> None:
    """The contract that the exit game borrows code from starts nothing when it is called directly."""
    start = start_included(world, "carol", "s0:0")
    deployer = bytes.fromhex(world.address("deployer")[2:])
    game = to_checksum_address(keccak(rlp.encode([deployer, _IN_FLIGHT_GAME_NONCE]))[12:])
    assert await world.evm.rpc("eth_getCode", game, "latest") != "0x"
    with pytest.raises(EvmRpcError, match="execution reverted"):
        await world.read(Call(start.sender, game, start.data, start.value))
    assert await world.read(start) == "0x"


async def test_a_starter_that_takes_no_ether_cannot_have_its_exit_deleted(world: World) -> None:
    """Deletion reverts, so the bond and the exit stay; processing goes on without returning the bond."""
    greedy = world.addresses["greedy"]
    begin = start_included(world, "carol", "s0:0")
    receipt = await world.send(Call(greedy, begin.to, begin.data, begin.value), START + 100)
    assert receipt["status"] == "0x1"
    transaction = bytes.fromhex(world.outputs["s0:0"]["raw_rlp"][2:])
    exit_id = world.rules.in_flight_exit_id(transaction)
    snapshot = await world.evm.snapshot()
    await world.pass_time(START + 400)
    delete = world.call("guard", "payment_exit_game", "deleteNonPiggybackedInFlightExit", exit_id)
    with pytest.raises(EvmRpcError, match="failed to transfer ETH"):
        await world.read(delete)
    await world.evm.revert(snapshot)

    await world.send(piggyback(world, "carol", "Output", transaction, 0), START + 101)
    before = await world.balance(world.addresses["payment_exit_game"])
    receipt = await world.send(world.process(1, ETH, 1), START + 2000)
    failed = "0x" + keccak(b"InFlightBondReturnFailed(address,uint256)").hex()
    amounts = [int(log["data"], 16) for log in receipt["logs"] if log["topics"][0] == failed]
    assert amounts == [world.start_bond]
    paid = before - await world.balance(world.addresses["payment_exit_game"])
    assert paid == world.piggyback_bond


async def test_a_changed_piggyback_bond_is_asked_and_returned(world: World) -> None:
    """After two days the old bond is refused; the new one comes back in full when the exit is processed."""
    doubled = (2 * world.piggyback_bond,) if world.is_v1 else (2 * world.piggyback_bond, 0)
    update = world.call("maintainer", "payment_exit_game", "updatePiggybackBondSize", *doubled)
    await world.send(update, START + 100)
    transaction = bytes.fromhex(world.outputs["s0:0"]["raw_rlp"][2:])
    await world.send(start_included(world, "carol", "s0:0"), START + 99 + _TWO_DAYS)
    old = piggyback(world, "carol", "Output", transaction, 0)
    await world.pass_time(START + 100 + _TWO_DAYS)
    with pytest.raises(EvmRpcError, match=r"Input value must match msg\.value"):
        await world.read(old)
    new = Call(old.sender, old.to, old.data, 2 * world.piggyback_bond)
    assert (await world.send(new, START + 101 + _TWO_DAYS))["status"] == "0x1"
    before = await world.balance(world.addresses["payment_exit_game"])
    await world.send(world.process(1, ETH, 1), START + 2000 + _TWO_DAYS)
    paid = before - await world.balance(world.addresses["payment_exit_game"])
    assert paid == world.start_bond + 2 * world.piggyback_bond
