"""The life of standard exits on deployed contracts of every generation, seen through the ports."""

import pytest

from contracts.deployed import ALICE, AMOUNT, GUARD, GUARD_KEY, PERIOD, World
from plasma_guard.domain.errors import CallReverted
from plasma_guard.domain.exits import (
    Bounties,
    DepositCreated,
    ExitChallenged,
    ExitFinalized,
    ExitStarted,
    ExitStatus,
    Generation,
)
from plasma_guard.domain.primitives import ETH, Address
from plasma_guard.ports import Call


async def test_a_started_exit_is_seen_running(world: World) -> None:
    """Log, entry and queue tell of the same exit: id, position, owner, amount and time."""
    position, tx = await world.deposit()
    entry = await world.start_exit(position, tx)
    assert (entry.status, entry.position, entry.owner, entry.amount) == (
        ExitStatus.RUNNING,
        position,
        ALICE,
        AMOUNT,
    )
    assert entry.output_id == world.game.rules.output_id(tx, position)
    assert entry.token == (None if world.is_ald else ETH)
    (deposit,) = await world.events(DepositCreated)
    assert isinstance(deposit, DepositCreated)
    assert (deposit.depositor, deposit.blknum, deposit.token, deposit.amount) == (
        ALICE,
        position.blknum,
        ETH,
        AMOUNT,
    )
    (started,) = await world.events(ExitStarted)
    assert isinstance(started, ExitStarted)
    assert (started.exit_id, started.owner, started.position) == (entry.exit_id, ALICE, position)
    head = await world.chain.head()
    queue = await world.game.queue_head(ETH, head)
    assert queue is not None
    assert (queue.exit_id, queue.exitable_at) == (entry.exit_id, head.timestamp + PERIOD)
    block = await world.game.plasma_block(position.blknum, head)
    assert block is not None
    assert block.root == world.game.rules.merkle_root([tx])


async def test_the_candidate_challenges_the_exit(world: World) -> None:
    """Its call is accepted within its gas limit, pays the bond, and the entry and the log say so."""
    position, tx = await world.deposit()
    entry = await world.start_exit(position, tx)
    bond = entry.bond or (await world.game.bonds(await world.chain.head())).standard_exit
    candidate = world.game.candidate(
        world.challenge(position, tx), intent="challenge", case_id=1, account=GUARD
    )
    call = Call(candidate.to, candidate.data, GUARD, candidate.value)
    needed = await world.chain.estimate_gas(call)
    assert candidate.gas_limit is not None
    assert needed < candidate.gas_limit
    before = await world.chain.balance(GUARD)
    used = await world.send(GUARD_KEY, candidate.to, candidate.data)
    gained = await world.chain.balance(GUARD) - before
    assert gained == bond - used * 3 * 10**9
    after = await world.read(entry.exit_id)
    assert after.status is (ExitStatus.CHALLENGED if world.is_ald else ExitStatus.ABSENT)
    (challenged,) = await world.events(ExitChallenged)
    assert isinstance(challenged, ExitChallenged)
    assert challenged.position == position
    with pytest.raises(CallReverted) as refused:
        await world.chain.call(call)
    assert refused.value.reason == ("The exit does not exist" if world.is_ald else None)


async def test_a_copied_candidate_is_worth_nothing_to_others_on_ald(world: World) -> None:
    """SenderData binds calldata to one account; rootchain has no such protection."""
    position, tx = await world.deposit()
    await world.start_exit(position, tx)
    candidate = world.game.candidate(
        world.challenge(position, tx), intent="challenge", case_id=1, account=GUARD
    )
    copied = Call(candidate.to, candidate.data, ALICE)
    if world.is_ald:
        with pytest.raises(CallReverted, match="Incorrect senderData"):
            await world.chain.call(copied)
    else:
        await world.chain.call(copied)


async def test_a_paid_exit_is_told_apart_from_one_never_started(world: World) -> None:
    """Rootchain keeps the amount; ald deletes the entry but records the output."""
    position, tx = await world.deposit()
    entry = await world.start_exit(position, tx)
    output_id = entry.output_id or (await world.chain.head()).hash
    if world.is_ald:
        assert await world.game.output_finalized(output_id, await world.chain.head()) is False
    await world.evm.increase_time(PERIOD + 10)
    await world.evm.mine()
    await world.process()
    after = await world.read(entry.exit_id)
    head = await world.chain.head()
    if world.is_ald:
        assert after.status is ExitStatus.ABSENT
        assert await world.game.output_finalized(output_id, head) is True
    else:
        assert after.status is ExitStatus.FINALIZED
        assert after.position == position
        assert await world.game.output_finalized(output_id, head) is None
    (finalized,) = await world.events(ExitFinalized)
    assert isinstance(finalized, ExitFinalized)
    assert finalized.exit_id == entry.exit_id
    assert await world.game.queue_head(ETH, head) is None


async def test_an_exit_started_again_is_a_new_start(world: World) -> None:
    """After a challenge, and on ald after the queue dropped it, the same id starts anew."""
    position, tx = await world.deposit()
    entry = await world.start_exit(position, tx)
    candidate = world.game.candidate(world.challenge(position, tx), intent="c", case_id=1, account=GUARD)
    await world.send(GUARD_KEY, candidate.to, candidate.data)
    await world.evm.increase_time(PERIOD + 10)
    await world.evm.mine()
    await world.process()
    again = await world.start_exit(position, tx)
    assert (again.exit_id, again.status) == (entry.exit_id, ExitStatus.RUNNING)
    starts = [event for event in await world.events(ExitStarted) if isinstance(event, ExitStarted)]
    assert [start.exit_id for start in starts] == [entry.exit_id] * 2
    assert [start.position for start in starts] == [position] * 2
    assert starts[0].identity != starts[1].identity


async def test_only_the_newest_revision_pays_for_processing(world: World) -> None:
    """What processing earns is a part of the bond on ald v2, and nothing before."""
    head = await world.chain.head()
    bounties, bonds = await world.game.bounties(head), await world.game.bonds(head)
    if world.game.contracts.generation is Generation.ALD_V2:
        assert 0 < bounties.standard_exit < bonds.standard_exit
        assert 0 < bounties.piggyback < bonds.piggyback
    else:
        assert bounties == Bounties()


async def test_a_queue_is_missing_empty_or_of_some_length(world: World) -> None:
    """Told apart, as only a missing one must be opened."""
    strange = Address(bytes([9]) * 20)
    assert await world.game.queue_length(strange, await world.chain.head()) is None
    assert await world.game.queue_length(ETH, await world.chain.head()) == 0
    for length in (1, 2):
        await world.start_exit(*await world.deposit())
        assert await world.game.queue_length(ETH, await world.chain.head()) == length
