"""The life of in-flight exits on deployed contracts of every generation, seen through the ports."""

from dataclasses import dataclass
from typing import TypeVar

import pytest

from contracts.deployed import ALICE, ALICE_KEY, AMOUNT, GUARD, GUARD_KEY, PERIOD, World
from plasma_guard.contracts.ald import calls as ald_calls
from plasma_guard.contracts.ald.revisions import REVISIONS
from plasma_guard.contracts.rootchain import calls as rootchain_calls
from plasma_guard.devnet.deploy import DEV_KEYS
from plasma_guard.domain.actions import (
    Action,
    ChallengeInputSpent,
    ChallengeNotCanonical,
    ChallengeOutputSpent,
    Piggyback,
    RespondToNonCanonicalChallenge,
)
from plasma_guard.domain.errors import CallReverted
from plasma_guard.domain.exits import (
    NOT_INCLUDED,
    ExitStatus,
    InFlightExit,
    InFlightExitBlocked,
    InFlightExitChallenged,
    InFlightExitEnded,
    InFlightExitPiggybacked,
    InFlightExitResponded,
    InFlightExitStarted,
    InFlightExitWithdrawn,
    InFlightSlot,
    Side,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Wei
from plasma_guard.domain.refusals import Meaning
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.transaction import Output
from plasma_guard.ports import Call

OPERATOR_KEY = DEV_KEYS[2]
KEYS = {ALICE: ALICE_KEY, GUARD: GUARD_KEY}
_Event = TypeVar("_Event")


@dataclass
class Story:
    """Alice's deposit, spent by an in-flight transaction to guard and Alice, and what happens to its exit."""

    world: World
    deposit: UtxoPosition
    deposit_tx: bytes
    tx: bytes

    @classmethod
    async def begin(cls, world: World) -> "Story":
        deposit, deposit_tx = await world.deposit()
        outputs = [Output(GUARD, ETH, Wei(AMOUNT // 4)), Output(ALICE, ETH, Wei(AMOUNT // 4))]
        return cls(world, deposit, deposit_tx, world.game.rules.encode([deposit], outputs))

    def sign(self, tx: bytes, owner: Address) -> bytes:
        rules = self.world.game.rules
        key = bytes.fromhex(KEYS[owner][2:])
        return rules.sign(rules.decode(tx), self.world.game.contracts.entry, key)

    async def start(self) -> InFlightExit:
        """Start the exit as the guard, which owns an output only."""
        proof = self.world.game.rules.merkle_proof([self.deposit_tx], 0)
        signature = self.sign(self.tx, ALICE)
        bonds = await self.world.game.bonds(await self.world.chain.head())
        data = (
            ald_calls.start_in_flight_exit(self.tx, [self.deposit_tx], [self.deposit], [proof], [signature])
            if self.world.is_ald
            else rootchain_calls.start_in_flight_exit(
                self.tx, rootchain_calls.input_tx_list([self.deposit_tx]), proof, signature
            )
        )
        where = self.world.game.contracts.exit_game
        await self.world.send(GUARD_KEY, where, data, bonds.in_flight_exit)
        return await self.entry()

    async def entry(self) -> InFlightExit:
        (found,) = await self.world.game.in_flight_exits([self.tx], await self.world.chain.head())
        return found

    async def slot(self, side: Side, index: int) -> InFlightSlot:
        slot = (await self.entry()).slot(side, index)
        assert slot is not None
        return slot

    async def act(self, action: Action, account: Address = GUARD) -> None:
        """Do it with the candidate's call alone, within its gas limit."""
        made = self.world.game.candidate(action, intent="i", case_id=1, account=account)
        needed = await self.world.chain.estimate_gas(Call(made.to, made.data, account, made.value))
        assert made.gas_limit is not None
        assert needed < made.gas_limit
        bonds = await self.world.game.bonds(await self.world.chain.head())
        assert made.value in self.world.game.sendable(bonds)[made.to][made.data[:4]]
        await self.world.send(KEYS[account], made.to, made.data, made.value)

    async def refused(self, action: Action, account: Address = GUARD) -> Meaning:
        """Return what the refusal of the same call once more means."""
        made = self.world.game.candidate(action, intent="i", case_id=1, account=account)
        with pytest.raises(CallReverted) as error:
            await self.world.chain.call(Call(made.to, made.data, account, made.value))
        return self.world.game.refusal(action, error.value.reason)

    async def piggyback(self, side: Side, index: int, account: Address) -> Piggyback:
        bonds = await self.world.game.bonds(await self.world.chain.head())
        exit_id = self.world.game.rules.in_flight_exit_id(self.tx)
        action = Piggyback(exit_id, self.tx, side, index, bonds.piggyback)
        await self.act(action, account)
        return action

    async def include(self) -> UtxoPosition:
        """Let the operator put the transaction into a block of its own."""
        blknum, _ = await self.world.game.next_plasma_blocks(await self.world.chain.head())
        root = self.world.game.rules.merkle_root([self.tx])
        submit = ald_calls.submit_block if self.world.is_ald else rootchain_calls.submit_block
        await self.world.send(OPERATOR_KEY, self.world.game.contracts.entry, submit(root))
        return UtxoPosition(blknum, 0, 0)

    async def last(self, kind: type[_Event]) -> _Event:
        event = (await self.world.events(kind))[-1]
        assert isinstance(event, kind)
        return event

    async def pass_time(self, seconds: int) -> None:
        await self.world.evm.increase_time(seconds)
        await self.world.evm.mine()


async def test_a_started_exit_is_seen_with_its_slots(world: World) -> None:
    """Entry, log and what it was started with tell of the same exit; another transaction has none."""
    story = await Story.begin(world)
    before = await story.entry()
    assert before == InFlightExit(world.game.rules.in_flight_exit_id(story.tx), ExitStatus.ABSENT)
    entry = await story.start()
    head = await world.chain.head()
    assert (entry.status, entry.started_at, entry.canonical) == (ExitStatus.RUNNING, head.timestamp, True)
    assert (entry.oldest_competitor, entry.position, entry.bond_owner) == (None, story.deposit, GUARD)
    assert [(slot.side, slot.index, slot.piggybacked) for slot in entry.slots] == [
        (Side.INPUT, 0, False),
        (Side.OUTPUT, 0, False),
        (Side.OUTPUT, 1, False),
    ]
    spent = entry.slots[0]
    assert (spent.owner, spent.token, spent.amount) == (ALICE, ETH, AMOUNT)
    assert spent.output_id == world.game.rules.output_id(story.deposit_tx, story.deposit)
    assert [slot.owner for slot in entry.slots[1:]] == ([GUARD, ALICE] if world.is_ald else [None, None])
    block = await world.game.plasma_block(story.deposit.blknum, head)
    assert block is not None
    expected = max(block.timestamp + 2 * PERIOD, head.timestamp + PERIOD)
    assert entry.exitable_at == (None if world.is_ald else expected)
    started = await story.last(InFlightExitStarted)
    assert (started.initiator, started.plasma_tx_hash) == (GUARD, keccak(story.tx))
    data = await world.game.in_flight_start_data(started, head)
    assert data is not None
    assert (data.tx, data.input_txs, data.input_positions) == (
        story.tx,
        (story.deposit_tx,),
        (story.deposit,),
    )
    assert (data.signatures, data.input_owners) == ((story.sign(story.tx, ALICE),), (ALICE,))


async def test_every_move_of_the_game_is_taken_and_told(world: World) -> None:
    """Piggybacks, competitor, response, both spent challenges: one call each, seen in entry and log."""
    story = await Story.begin(world)
    exit_id = (await story.start()).exit_id
    await story.piggyback(Side.INPUT, 0, ALICE)
    piggyback = await story.piggyback(Side.OUTPUT, 0, GUARD)
    assert await story.refused(piggyback) is (Meaning.BENIGN if world.is_ald else Meaning.UNKNOWN)
    joined = await story.last(InFlightExitPiggybacked)
    assert (joined.owner, joined.side, joined.index) == (GUARD, Side.OUTPUT, 0)
    slot = await story.slot(Side.OUTPUT, 0)
    assert (slot.piggybacked, slot.owner, slot.amount) == (True, GUARD, AMOUNT // 4)

    other = world.game.rules.encode([story.deposit], [Output(ALICE, ETH, AMOUNT)])
    made_by = (story.deposit_tx, story.deposit) if world.is_ald else (None, None)
    competitor = ChallengeNotCanonical(
        exit_id, story.tx, 0, other, 0, None, b"", story.sign(other, ALICE), *made_by
    )
    await story.act(competitor)
    entry = await story.entry()
    assert (entry.canonical, entry.oldest_competitor) == (False, NOT_INCLUDED)
    challenged = await story.last(InFlightExitChallenged)
    assert (challenged.challenger, challenged.position) == (GUARD, NOT_INCLUDED)
    assert await story.refused(competitor) is (Meaning.BENIGN if world.is_ald else Meaning.UNKNOWN)

    position = await story.include()
    proof = world.game.rules.merkle_proof([story.tx], 0)
    await story.act(RespondToNonCanonicalChallenge(exit_id, story.tx, position, proof))
    entry = await story.entry()
    assert (entry.canonical, entry.oldest_competitor) == (True, position.encode())
    assert (await story.last(InFlightExitResponded)).position == position.encode()

    spent = ChallengeInputSpent(exit_id, story.tx, 0, other, 0, story.sign(other, ALICE), *made_by)
    await story.act(spent)
    assert not (await story.slot(Side.INPUT, 0)).piggybacked
    blocked = await story.last(InFlightExitBlocked)
    assert (blocked.side, blocked.index) == (Side.INPUT if world.is_ald else None, 0)
    assert await story.refused(spent) is (Meaning.BENIGN if world.is_ald else Meaning.UNKNOWN)

    spend = world.game.rules.encode([position], [Output(ALICE, ETH, Wei(AMOUNT // 4))])
    signature = story.sign(spend, GUARD)
    await story.act(ChallengeOutputSpent(exit_id, story.tx, position, proof, spend, 0, signature), ALICE)
    assert not (await story.slot(Side.OUTPUT, 0)).piggybacked
    blocked = await story.last(InFlightExitBlocked)
    assert (blocked.side, blocked.index) == (Side.OUTPUT if world.is_ald else None, 0)
    assert blocked.plasma_tx_hash == Hash32(keccak(story.tx))


async def test_the_first_phase_ends(world: World) -> None:
    """A piggyback comes too late, and ald lets anyone delete an exit that nobody joined."""
    story = await Story.begin(world)
    exit_id = (await story.start()).exit_id
    await story.pass_time(PERIOD // 2 + 1)
    bonds = await world.game.bonds(await world.chain.head())
    late = await story.refused(Piggyback(exit_id, story.tx, Side.OUTPUT, 0, bonds.piggyback))
    assert late is (Meaning.TOO_LATE if world.is_ald else Meaning.UNKNOWN)
    if not world.is_ald:
        return
    delete = ald_calls.delete_non_piggybacked(REVISIONS[world.game.contracts.generation], exit_id)
    await world.send(ALICE_KEY, world.game.contracts.exit_game, delete)
    ended = await story.last(InFlightExitEnded)
    assert (ended.exit_id, ended.deleted) == (exit_id, True)
    assert (await story.entry()).status is ExitStatus.ABSENT


async def test_a_processed_exit_pays_and_is_over(world: World) -> None:
    """The paid slot is told; rootchain keeps what it handled, ald forgets, and only revision 2 says so."""
    story = await Story.begin(world)
    exit_id = (await story.start()).exit_id
    await story.piggyback(Side.OUTPUT, 1, ALICE)
    await story.pass_time(2 * PERIOD + 10)
    await world.process()
    paid = await story.last(InFlightExitWithdrawn)
    assert (paid.exit_id, paid.side, paid.index) == (exit_id, Side.OUTPUT, 1)
    entry = await story.entry()
    ended = await world.events(InFlightExitEnded)
    if world.is_ald:
        assert entry == InFlightExit(exit_id, ExitStatus.ABSENT)
        assert len(ended) == (world.game.rules.max_inputs == 5)
        return
    assert (entry.status, ended) == (ExitStatus.FINALIZED, [])
    handled = {(slot.side, slot.index) for slot in entry.slots if slot.handled}
    assert handled == {(Side.OUTPUT, 1)}
    assert not any(slot.piggybacked for slot in entry.slots)
