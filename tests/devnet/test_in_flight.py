"""Scenarios of in-flight exits on a real devnet: contracts, operator, Watcher over HTTP, ordinary guard.

Each test is named after its row in the list of exit-game scenarios; the guard is the daemon as it is run.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from devnet.world import ETHER, LATE, Summoned, World, of, world_of
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.in_flight import StartedInFlightExit
from plasma_guard.devnet.people import Payment, Person
from plasma_guard.devnet.scenarios import LATE_AFTER, SCENARIOS, Purses, Scenario, judge, play
from plasma_guard.devnet.stage import Stage
from plasma_guard.devnet.stories.sayings import CANONICAL_AGAIN, JOINED, NOT_CANONICAL, REMOVED, STOPPED
from plasma_guard.domain.exits import NOT_INCLUDED, ExitStatus, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Wei

BOTH = ("rootchain", "ald")
ALL = (*BOTH, "ald-v2")
IE, NC, IC, IP, PA = (
    "invalid_exit",
    "non_canonical_ife",
    "invalid_ife_challenge",
    "invalid_piggyback",
    "piggyback_available",
)
UNC, UP = "unchallenged_non_canonical_ife", "unchallenged_piggyback"
IN, OUT = Side.INPUT, Side.OUTPUT

Make = Callable[..., AbstractAsyncContextManager[World]]
both = pytest.mark.parametrize("generation", BOTH)
every = pytest.mark.parametrize("generation", ALL)


def quiet(_who: str, _what: str) -> None:
    """Nobody listens to the people here."""


@pytest.fixture
def make(generation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a world of the generation under test."""
    # A real guard of this machine's user must not share locks with the guards here.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return lambda **options: world_of(generation, tmp_path, **options)


@pytest.fixture
async def world(make: Make) -> AsyncIterator[World]:
    """A world in which no exit is ever late."""
    async with make() as made:
        yield made


@pytest.fixture
async def late_world(make: Make) -> AsyncIterator[World]:
    """A world in which an exit is late once it has grown old."""
    async with make(sla=LATE) as made:
        yield made


Settle = Callable[..., Awaitable[None]]


@contextlib.asynccontextmanager
async def staged(world: World) -> AsyncIterator[tuple[Stage, Settle]]:
    """Yield a stage with books, and what processes every exit and compares the books with the chain."""
    stage = Stage(world.people, quiet, await world.people.bounties())
    purses = await Purses.open(world.people)

    async def settle(token: Address = ETH) -> None:
        await stage.process(token)
        verdict = await judge(stage, purses)
        assert verdict.ok, verdict.sentences

    yield stage, settle


async def exitable(world: World, owner: Person) -> set[UtxoPosition]:
    """Return which outputs the Watcher calls exitable for somebody."""
    return {each.position for each in await world.watcher.exitable_utxos(owner.address)}


async def available(world: World, tx: bytes) -> tuple[list[int], list[int]]:
    """Return the inputs and outputs that the Watcher offers for piggybacks."""
    for event in (await world.watcher.status()).events:
        if event.name == PA and event.details["txbytes"] == "0x" + tx.hex():
            inputs, outputs = event.details["available_inputs"], event.details["available_outputs"]
            assert isinstance(inputs, list)
            assert isinstance(outputs, list)
            return [each["index"] for each in inputs], [each["index"] for each in outputs]
    return [], []


@every
async def test_a4_everything_in_a_full_battle_is_challenged(late_world: World) -> None:
    """IP, NC, PA, late UNC and UP; one canonicity, two input, one output challenge; [] in the end."""
    world = late_world
    async with staged(world) as (stage, settle):
        alice, bob, guard, ife = stage.alice, stage.bob, stage.guard, stage.in_flight
        bobs, alices = await stage.deposits(bob), await stage.deposits(alice)
        tx1 = await stage.people.spend(
            [(bob, bobs), (alice, alices)], [stage.output(alice), stage.output(bob)]
        )
        spent = await stage.pays(bob, tx1.output(1), alice)
        first = await stage.exits(alice, tx1, bond_to=alice)
        for side, index in ((OUT, 1), (IN, 0)):
            stage.gains(guard, await stage.joins(bob, first, side, index), "a piggyback of Bob's")
        second = await stage.exits(bob, stage.signs(bob, bobs, bob), bond_to=guard)
        await world.reports([*of(IP, first), *of(NC, second), *of(PA, second)])
        assert await available(world, second.tx) == ([0], [0])
        stage.gains(guard, await stage.joins(bob, second, IN), "a piggyback of Bob's")
        stage.piggyback_ends(bob, await stage.joins(bob, second, OUT))
        wrong = [*of(IP, first, second), *of(NC, second)]
        await world.reports(wrong)
        await world.grow_old()
        # Watchers of v0.2 have no word for late in-flight exits.
        late = [*of(UNC, second), *of(UP, first, second)] if world.is_ald else []
        await world.reports([*wrong, *late])
        competitor = await world.watcher.competitor(second.tx)
        assert competitor.position == tx1.output()
        assert len(competitor.proof) == 512
        assert (await world.watcher.input_spend(first.tx, 0)).spending_tx == second.tx
        assert (await world.watcher.input_spend(second.tx, 0)).spending_tx == tx1.tx
        assert (await world.watcher.output_spend(first.tx, 1)).spending_tx == spent.tx
        async with world.guarded() as running:
            await running.until_said(NOT_CANONICAL)
            await running.until_said(REMOVED, times=3)
            if world.is_ald:
                await running.until_alerted("leave/unchallenged_non_canonical_ife")
                await running.until_alerted("leave/unchallenged_piggyback")
            await world.reports([])
            assert await world.guard_sent() == 4
            entry = await ife.entry(first)
            assert not any(slot.piggybacked for slot in entry.slots)
        await settle()


@both
async def test_a5_an_in_flight_spend_invalidates_a_standard_exit(world: World) -> None:
    """IE with the in-flight transaction as the challenge; the in-flight exit itself is paid."""
    async with staged(world) as (stage, settle):
        alice, bob, guard, people = stage.alice, stage.bob, stage.guard, stage.people
        deposit = await stage.deposits(alice)
        received = (await stage.pays(alice, deposit, bob)).output()
        unsent = stage.signs(bob, received, alice)
        exit_ = await stage.exits(bob, unsent, bond_to=bob)
        stage.piggyback_ends(alice, await stage.joins(alice, exit_, OUT), pays=ETHER)
        stage.piggyback_ends(bob, await stage.joins(bob, exit_, IN))
        async with world.guarded() as running:
            started = await people.start_exit(bob, received, ETHER)
            stage.loses(bob, started.bond, "the bond of a standard exit")
            stage.gains(guard, started.bond, "that bond")
            await running.until_said(STOPPED)
            await world.reports([])
            assert world.ever_reported >= {(IE, received)}
            data = await world.watcher.challenge_data(received)
            assert (data.challenge_tx, data.signature) == (unsent.tx, unsent.signatures[0])
            assert await world.guard_sent() == 1
        await settle()


@both
async def test_a6_the_input_of_an_in_flight_exit_is_not_offered_for_another(world: World) -> None:
    """Of a transaction never sent: a piggybacked output is not offered again, the input not exitable."""
    async with staged(world) as (stage, settle):
        deposit = await stage.deposits(stage.alice)
        exit_ = await stage.exits(stage.bob, stage.signs(stage.alice, deposit, stage.bob), bond_to=stage.bob)
        await world.reports(of(PA, exit_))
        stage.piggyback_ends(stage.bob, await stage.joins(stage.bob, exit_, OUT), pays=ETHER)
        await world.caught_up()
        assert await available(world, exit_.tx) == ([0], [])
        assert await exitable(world, stage.alice) == set()
        await settle()


@both
async def test_a7_a_piggybacked_output_of_an_included_transaction_raises_no_event(world: World) -> None:
    """No PA before or after the piggyback; once it is paid, the output is gone from the owner's."""
    async with staged(world) as (stage, settle):
        deposit = await stage.deposits(stage.alice)
        payment = await stage.pays(stage.alice, deposit, stage.bob)
        exit_ = await stage.exits(stage.bob, payment, bond_to=stage.bob)
        stage.piggyback_ends(stage.bob, await stage.joins(stage.bob, exit_, OUT), pays=ETHER)
        await world.caught_up()
        await settle()
        await world.caught_up()
        assert await exitable(world, stage.bob) == set()
        assert world.ever_reported == set()


@both
async def test_a8_a_started_exit_is_offered_for_piggybacks_and_nothing_else(world: World) -> None:
    """Exactly [PA], with the input's signer and the output's owner; the input is not exitable any more."""
    async with staged(world) as (stage, _):
        deposit = await stage.deposits(stage.alice)
        await world.caught_up()
        assert await exitable(world, stage.alice) == {deposit}
        exit_ = await stage.exits(stage.bob, stage.signs(stage.alice, deposit, stage.bob), bond_to=stage.bob)
        await world.reports(of(PA, exit_))
        assert await available(world, exit_.tx) == ([0], [0])
        assert await exitable(world, stage.alice) == set()


@both
async def test_a9_g9_an_exit_that_nobody_joins_is_deleted(world: World) -> None:
    """[PA], then []: after half the period ald deletes it and returns the bond; v0.2 has no such call."""
    async with staged(world) as (stage, _):
        deposit = await stage.deposits(stage.alice)
        exit_ = await stage.exits(stage.bob, stage.signs(stage.alice, deposit, stage.bob), bond_to=stage.bob)
        await world.reports(of(PA, exit_))
        before = await world.people.balance(stage.bob)
        await world.let_mature()
        if not world.is_ald:
            with pytest.raises(DevnetError, match="cannot delete"):
                await stage.in_flight.delete(stage.carol, exit_)
            assert (await stage.in_flight.entry(exit_)).status is ExitStatus.RUNNING
            return
        await stage.in_flight.delete(stage.carol, exit_)
        assert await world.people.balance(stage.bob) == before + exit_.bond
        assert (await stage.in_flight.entry(exit_)).status is ExitStatus.ABSENT
        await world.reports([])


async def two_exits(stage: Stage) -> tuple[Payment, list[StartedInFlightExit]]:
    """Exit an included payment of a deposit, and a spend of the same deposit that is in no block."""
    deposit = await stage.deposits(stage.alice)
    payment = await stage.pays(stage.alice, deposit, stage.bob)
    younger = stage.signs(stage.alice, deposit, stage.carol)
    exits = [
        await stage.exits(stage.bob, payment, bond_to=stage.guard),
        await stage.exits(stage.carol, younger, bond_to=stage.guard),
    ]
    return payment, exits


@both
async def test_b7_a_challenge_without_position_is_answered(world: World) -> None:
    """[NC(tx2), IC(tx1), PA(tx2)] in this order; after the response and the challenge, [PA]."""
    async with staged(world) as (stage, _):
        payment, (first, second) = await two_exits(stage)
        await stage.in_flight.challenge_not_canonical(stage.carol, first, second.payment)
        await world.reports([*of(NC, second), *of(IC, first), *of(PA, second)])
        names = [event.name for event in (await world.watcher.status()).events]
        assert names == [NC, IC, PA]
        inclusion = await world.watcher.inclusion(first.tx)
        assert (inclusion.position, len(inclusion.proof)) == (payment.output(), 512)
        async with world.guarded() as running:
            await running.until_said(CANONICAL_AGAIN)
            await running.until_said(NOT_CANONICAL)
            await world.reports(of(PA, second))
            assert await world.guard_sent() == 2
        assert (await stage.in_flight.entry(first)).canonical
        assert not (await stage.in_flight.entry(second)).canonical


@both
async def test_b8_an_included_competitor_is_shown_at_once(world: World) -> None:
    """[NC(tx2), PA(tx2)], both exits listed; the competitor has a position and a proof; then [PA]."""
    async with staged(world) as (stage, _):
        payment, (first, second) = await two_exits(stage)
        await world.reports([*of(NC, second), *of(PA, second)])
        listed = (await world.watcher.status()).in_flight_exits
        assert {each.tx for each in listed} == {first.tx, second.tx}
        competitor = await world.watcher.competitor(second.tx)
        assert (competitor.position, len(competitor.proof)) == (payment.output(), 512)
        async with world.guarded() as running:
            await running.until_said(NOT_CANONICAL)
            await world.reports(of(PA, second))
            assert await world.guard_sent() == 1
        entry = await stage.in_flight.entry(second)
        assert (entry.canonical, entry.oldest_competitor) == (False, payment.output().encode())


@both
async def test_b9_an_honest_exit_of_an_included_transaction_is_left_alone(world: World) -> None:
    """[] at all times; Bob is paid, and the exit leaves the Watcher's list."""
    async with world.guarded() as running, staged(world) as (stage, settle):
        deposit = await stage.deposits(stage.alice)
        payment = await stage.pays(stage.alice, deposit, stage.bob)
        exit_ = await stage.exits(stage.bob, payment, bond_to=stage.bob)
        stage.piggyback_ends(stage.bob, await stage.joins(stage.bob, exit_, OUT), pays=ETHER)
        await world.caught_up()
        assert [each.tx for each in (await world.watcher.status()).in_flight_exits] == [exit_.tx]
        await settle()
        await world.caught_up()
        assert (await world.watcher.status()).in_flight_exits == ()
        assert not running.alerts("case")
    assert world.ever_reported == set()
    assert await world.guard_sent() == 0


@both
async def test_b10_an_honest_exit_of_a_transaction_in_no_block_is_left_alone(world: World) -> None:
    """Nothing but PA; Bob is paid, and the exit is gone."""
    async with world.guarded() as running, staged(world) as (stage, settle):
        deposit = await stage.deposits(stage.alice)
        unsent = stage.signs(stage.alice, deposit, stage.bob)
        exit_ = await stage.exits(stage.bob, unsent, bond_to=stage.bob)
        stage.piggyback_ends(stage.bob, await stage.joins(stage.bob, exit_, OUT), pays=ETHER)
        await world.reports(of(PA, exit_))
        await settle()
        await world.reports([])
        assert (await world.watcher.status()).in_flight_exits == ()
        assert not running.alerts("case")
    assert world.ever_reported == set(of(PA, exit_))
    assert await world.guard_sent() == 0


@both
async def test_b11_a_wrong_payment_is_reported_for_ever_and_costs_nothing_more(late_world: World) -> None:
    """UP and IP stay after the spent output was paid; a guard that comes then sends nothing."""
    world = late_world
    async with staged(world) as (stage, settle):
        payment = await stage.pays(stage.alice, await stage.deposits(stage.alice), stage.bob)
        await stage.pays(stage.bob, payment.output(), stage.carol)
        exit_ = await stage.exits(stage.bob, payment, bond_to=stage.bob)
        stage.piggyback_ends(stage.bob, await stage.joins(stage.bob, exit_, OUT), pays=ETHER)
        await world.reports(of(IP, exit_))
        await world.grow_old()
        wrong = [*of(IP, exit_), *(of(UP, exit_) if world.is_ald else [])]
        await world.reports(wrong)
        await settle()
        await world.caught_up()
        await world.reports(wrong)
        async with world.guarded() as running:
            await running.until_said("nothing to do")
        assert await world.guard_sent() == 0


@both
async def test_g2_both_parties_of_a_token_payment_leave_with_what_is_theirs(world: World) -> None:
    """Input and output are piggybacked; the queue of the token pays the output, and both bonds come back."""
    people, token, units = world.people, world.token, Wei(5000)
    async with staged(world) as (stage, settle):
        await people.mint(stage.alice, token, units)
        deposit = await people.deposit(stage.alice, units, token)
        payment = await people.spend([(stage.alice, deposit)], [stage.output(stage.bob, units, token)])
        exit_ = await stage.exits(stage.bob, payment, bond_to=stage.bob)
        stage.piggyback_ends(stage.bob, await stage.joins(stage.bob, exit_, OUT))
        stage.piggyback_ends(stage.alice, await stage.joins(stage.alice, exit_, IN))
        await settle(token)
        assert await people.balance(stage.bob, token) == units
        assert await people.balance(stage.alice, token) == 0


@both
async def test_g4_a_competitor_in_no_block_can_be_shown_by_hand(world: World) -> None:
    """Built from the client's own data: it stops the exit, and no answer to it is asked for."""
    async with world.guarded(), staged(world) as (stage, settle):
        deposit = await stage.deposits(stage.alice)
        to_carol = stage.signs(stage.alice, deposit, stage.carol)
        to_bob = stage.signs(stage.alice, deposit, stage.bob)
        exit_ = await stage.exits(stage.bob, to_bob, bond_to=stage.carol)
        stage.piggyback_ends(stage.bob, await stage.joins(stage.bob, exit_, OUT))
        await stage.in_flight.challenge_not_canonical(stage.carol, exit_, to_carol)
        entry = await stage.in_flight.entry(exit_)
        assert (entry.canonical, entry.oldest_competitor) == (False, NOT_INCLUDED)
        await world.reports(of(PA, exit_))
        await settle()
    assert await world.guard_sent() == 0


@both
async def test_g5_a_transaction_included_after_a_challenge_is_canonical_again(world: World) -> None:
    """IC as soon as it is in a block; the guard responds, and Bob is paid."""
    async with world.guarded() as running, staged(world) as (stage, settle):
        deposit = await stage.deposits(stage.alice)
        to_bob = stage.signs(stage.alice, deposit, stage.bob)
        to_carol = stage.signs(stage.alice, deposit, stage.carol)
        exit_ = await stage.exits(stage.bob, to_bob, bond_to=stage.guard)
        stage.piggyback_ends(stage.bob, await stage.joins(stage.bob, exit_, OUT), pays=ETHER)
        await stage.in_flight.challenge_not_canonical(stage.carol, exit_, to_carol)
        await stage.people.submit(to_bob)
        await running.until_said(CANONICAL_AGAIN)
        await world.reports([])
        assert world.ever_reported >= set(of(IC, exit_))
        await settle()
    assert await world.guard_sent() == 1


@both
async def test_g6_a_spent_input_is_challenged_by_hand(world: World) -> None:
    """Alice joins with an input she signed away twice; canonicity and input are challenged from own data."""
    async with staged(world) as (stage, settle):
        deposit = await stage.deposits(stage.alice)
        to_bob = stage.signs(stage.alice, deposit, stage.bob)
        to_carol = stage.signs(stage.alice, deposit, stage.carol)
        exit_ = await stage.exits(stage.bob, to_bob, bond_to=stage.carol)
        bond = await stage.joins(stage.alice, exit_, IN)
        await stage.in_flight.challenge_not_canonical(stage.carol, exit_, to_carol)
        await stage.in_flight.challenge_input_spent(stage.carol, exit_, to_carol)
        stage.gains(stage.carol, bond, "the bond of Alice's piggyback")
        await settle()


@both
async def test_g7_an_output_spent_after_its_piggyback_is_challenged(world: World) -> None:
    """IP appears with the spend; the guard's challenge takes the piggyback's bond; then []."""
    async with world.guarded() as running, staged(world) as (stage, settle):
        payment = await stage.pays(stage.alice, await stage.deposits(stage.alice), stage.bob)
        exit_ = await stage.exits(stage.bob, payment, bond_to=stage.bob)
        bond = await stage.joins(stage.bob, exit_, OUT)
        await world.caught_up()
        spent = await stage.pays(stage.bob, payment.output(), stage.carol)
        stage.gains(stage.guard, bond, "the bond of Bob's piggyback")
        await running.until_said(REMOVED)
        await world.reports([])
        assert world.ever_reported == set(of(IP, exit_))
        assert spent.blknum > payment.blknum
        await settle()
    assert await world.guard_sent() == 1


@both
async def test_an_output_can_be_challenged_by_hand(world: World) -> None:
    """The position of the output, its proof and the spend are all it takes."""
    async with staged(world) as (stage, settle):
        payment = await stage.pays(stage.alice, await stage.deposits(stage.alice), stage.bob)
        spent = await stage.pays(stage.bob, payment.output(), stage.carol)
        exit_ = await stage.exits(stage.bob, payment, bond_to=stage.bob)
        bond = await stage.joins(stage.bob, exit_, OUT)
        await stage.in_flight.challenge_output_spent(stage.carol, exit_, payment.output(), spent)
        stage.gains(stage.carol, bond, "the bond of Bob's piggyback")
        await settle()


@both
async def test_the_guard_joins_with_its_output_of_an_included_transaction(world: World) -> None:
    """No Watcher mentions it: the guard finds its own output in the list of in-flight exits, and is paid."""
    async with world.guarded() as running, staged(world) as (stage, settle):
        payment = await stage.pays(stage.alice, await stage.deposits(stage.alice), stage.guard)
        exit_ = await stage.exits(stage.alice, payment, bond_to=stage.alice)
        bond = (await stage.people.game.bonds(await stage.people.chain.head())).piggyback
        await running.until_said(JOINED)
        stage.loses(stage.guard, bond, "the bond of its piggyback")
        stage.piggyback_ends(stage.guard, bond, pays=ETHER)
        slot = (await stage.in_flight.entry(exit_)).slot(OUT, 0)
        assert slot is not None
        assert slot.piggybacked
        await settle()
    assert world.ever_reported == set()


@pytest.mark.parametrize(
    ("generation", "name"),
    [(generation, name) for generation in BOTH for name in SCENARIOS] + [("ald-v2", "full-battle")],
)
async def test_every_story_of_the_demo_ends_as_its_books_say(make: Make, name: str) -> None:
    """Played with the guard in this process: who was paid what is as it must be, to the wei."""
    scenario: Scenario = SCENARIOS[name]
    late = {"sla": LATE_AFTER} if scenario.late else {}
    async with make(**late) as world, contextlib.AsyncExitStack() as stack:
        if scenario.settings:
            await world.leave_mining_to_the_node()
        verdict = await play(scenario, world.people, Summoned(world, stack, scenario.settings), quiet)
        assert verdict.ok, verdict.sentences
        assert verdict.facts["stolen_wei"] == "0"
