"""Which way out: each rule in words."""

from dataclasses import replace

import pytest

from planner.worlds import ALICE, ALSO_ALICE, BOB, BONDS, ETHER, PERIOD, TOKEN, World, only, pay, slots
from plasma_guard.domain.actions import StartInFlightExit, StartStandardExit
from plasma_guard.domain.exits import ExitStatus, Generation, Side
from plasma_guard.domain.plan import Timing, Way
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Timestamp, Wei
from plasma_guard.planner import PlanPolicy, plan
from plasma_guard.plasma.rules import rules_for

ALL = pytest.mark.parametrize("generation", list(Generation))
ALD = pytest.mark.parametrize("generation", [Generation.ALD_V1, Generation.ALD_V2])
V02 = Generation.ROOTCHAIN_V02


@ALL
def test_a_settled_output_leaves_by_its_standard_exit(generation: Generation) -> None:
    """It is dated by its block, started by its owner, for the standard bond."""
    world = World(generation)
    paid, _ = world.payment([world.deposit(blknum=1)], [pay(ALICE, 3), pay(BOB, 4)], blknum=1000, ago=100)
    exit_ = only(world.plan(policy=None, gas_price=Wei(0)))
    assert isinstance(exit_.start, StartStandardExit)
    assert (exit_.start.position, exit_.start.output_tx) == (paid.position, paid.tx.raw)
    assert (exit_.account, exit_.bonds, exit_.value) == (ALICE, BONDS.standard_exit, 3)
    assert exit_.exitable_at == world.now - 100 + 2 * PERIOD
    assert exit_.timing is Timing.UNBOUND


@ALL
def test_a_deposit_is_dated_by_nothing_but_its_start(generation: Generation) -> None:
    """It is ripe one period after the start, however young it is."""
    world = World(generation)
    world.deposit(blknum=1, ago=1)
    assert only(world.plan()).exitable_at == world.now + PERIOD


@ALL
def test_a_deposit_younger_than_the_bad_block_is_in_time_by_its_standard_exit(generation: Generation) -> None:
    """Nobody but the depositor makes a deposit, so the block's number does not matter."""
    world = World(generation)
    trouble = world.bad_block(1000, ago=100)
    world.deposit(blknum=1001, ago=5)
    exit_ = only(world.plan(trouble))
    assert (exit_.way, exit_.timing) == (Way.STANDARD, Timing.IN_TIME)
    assert exit_.window.hard == world.now - 100 + PERIOD


@ALL
def test_an_output_made_in_the_bad_block_leaves_by_the_in_flight_exit_of_its_creator(
    generation: Generation,
) -> None:
    """Its standard exit would queue behind the thief's; the older input dates the in-flight exit."""
    world = World(generation)
    spent = world.deposit(blknum=1, ago=5000)
    (paid,) = world.payment([spent], [pay(ALICE)], blknum=1000, ago=10)
    exit_ = only(world.plan(world.bad_block(1000)))
    assert isinstance(exit_.start, StartInFlightExit)
    assert exit_.start.in_flight_tx == paid.tx.raw
    assert exit_.start.input_txs == (spent.tx.raw,)
    assert exit_.start.input_positions == (spent.position,)
    assert slots(exit_) == {(Side.OUTPUT, 0)}
    assert (exit_.timing, exit_.exitable_at) == (Timing.IN_TIME, world.now + PERIOD)
    assert exit_.bonds == BONDS.in_flight_exit + BONDS.piggyback


@ALL
def test_an_output_spent_in_flight_leaves_by_the_in_flight_exit_of_the_spender(
    generation: Generation,
) -> None:
    """A standard exit would be challenged with the signed spend; the change is what comes out."""
    world = World(generation)
    world.payment([world.deposit(blknum=1)], [pay(BOB, 10), pay(ALICE, ETHER - 10)])
    exit_ = only(world.plan())
    assert slots(exit_) == {(Side.OUTPUT, 1)}
    assert {(output.amount, output.spent_by is None) for output in exit_.outputs} == {
        (ETHER, False),
        (ETHER - 10, True),
    }


@ALL
def test_our_inputs_join_where_another_owner_could_spend_theirs_twice(generation: Generation) -> None:
    """Then the exit may turn out not canonical, which pays inputs: both sides join, one is paid."""
    world = World(generation)
    ours, theirs = world.deposit(blknum=1), world.deposit(BOB, blknum=2)
    world.payment([theirs, ours], [pay(ALICE, 2 * ETHER)])
    exit_ = only(world.plan())
    assert slots(exit_) == {(Side.INPUT, 1), (Side.OUTPUT, 0)}
    assert exit_.value == 2 * ETHER
    assert exit_.bonds == BONDS.in_flight_exit + 2 * BONDS.piggyback


@ALL
def test_our_inputs_stay_out_where_all_inputs_are_ours(generation: Generation) -> None:
    """Nobody else can make the exit not canonical, so a bond on an input buys nothing."""
    world = World(generation)
    coins = [world.deposit(ALICE, 5, blknum=1), world.deposit(ALSO_ALICE, 6, blknum=2)]
    world.payment(coins, [pay(ALICE, 11)])
    exit_ = only(world.plan(gas_price=Wei(0)))
    assert slots(exit_) == {(Side.OUTPUT, 0)}


def test_an_input_signed_away_twice_never_joins_and_its_neighbour_does() -> None:
    """The other spend takes the bond of the one, and may make the exit pay the other."""
    world = World()
    twice, once = world.deposit(blknum=1), world.deposit(ALSO_ALICE, blknum=2)
    world.payment([twice], [pay(BOB)])
    (paid,) = world.payment([twice, once], [pay(ALICE, 2 * ETHER)])
    planned = world.plan()
    (exit_,) = planned.exits
    assert exit_.start is not None
    assert exit_.exit_id == rules_for(world.generation).in_flight_exit_id(paid.tx.raw)
    assert slots(exit_) == {(Side.OUTPUT, 0), (Side.INPUT, 1)}
    assert any("twice" in note for note in exit_.notes)


def test_two_exits_of_the_same_money_are_one() -> None:
    """Both transactions spend one deposit: the more valuable exit stays, the other output is left."""
    world = World()
    coin = world.deposit(blknum=1)
    world.payment([coin], [pay(ALICE, ETHER // 2), pay(BOB, ETHER // 2)])
    world.payment([coin], [pay(ALICE, ETHER)])
    planned = world.plan()
    (exit_,) = planned.exits
    assert exit_.value == ETHER
    assert [left.output.amount for left in planned.left] == [ETHER // 2]
    assert "the same money" in planned.left[0].reason


def test_money_paid_to_others_in_flight_is_theirs_to_exit() -> None:
    """Nothing of it comes back to us, whichever way canonicity falls."""
    world = World()
    world.payment([world.deposit(blknum=1)], [pay(BOB)])
    planned = world.plan()
    assert planned.exits == ()
    assert "pays it to others" in planned.left[0].reason


@ALL
def test_money_goes_back_to_the_first_ancestor_older_than_the_bad_block(generation: Generation) -> None:
    """It was received in the bad block and spent after it: only the first has inputs that are older."""
    world = World(generation)
    (received,) = world.payment([world.deposit(BOB, blknum=1)], [pay(ALICE)], blknum=2000, ago=10)
    world.payment([received], [pay(ALICE, 9 * ETHER // 10)], blknum=3000, ago=5)
    exit_ = only(world.plan(world.bad_block(2000)))
    assert isinstance(exit_.start, StartInFlightExit)
    assert exit_.start.in_flight_tx == received.tx.raw
    assert exit_.timing is Timing.IN_TIME
    assert exit_.value == ETHER
    assert [output.amount for output in exit_.outputs] == [9 * ETHER // 10]
    assert any("before it was spent" in note for note in exit_.notes)


@ALL
def test_money_that_came_together_goes_back_to_each_of_its_sources(generation: Generation) -> None:
    """One output, two exits, and the output is named by the more valuable one."""
    world = World(generation)
    first, second = (
        world.payment([deposit], [pay(ALICE, n * ETHER)], blknum=2000, ago=10, txindex=n)[0]
        for n in (1, 2)
        for deposit in [world.deposit(BOB, n * ETHER, blknum=n)]
    )
    world.payment([first, second], [pay(ALICE, 3 * ETHER)], blknum=3000, ago=5)
    planned = world.plan(world.bad_block(2000))
    assert [exit_.value for exit_ in planned.exits] == [2 * ETHER, ETHER]
    assert [len(exit_.outputs) for exit_ in planned.exits] == [1, 0]
    assert planned.left == ()


@ALL
def test_money_from_somebody_elses_bad_output_can_only_queue_behind(generation: Generation) -> None:
    """Its way back is not ours to go: the standard exit is late, and costs least."""
    world = World(generation)
    (theirs,) = world.payment([world.deposit(BOB, blknum=1)], [pay(BOB)], blknum=2000, ago=10)
    world.payment([theirs], [pay(ALICE)], blknum=3000, ago=10)
    exit_ = only(world.plan(world.bad_block(2000)))
    assert (exit_.way, exit_.timing) == (Way.STANDARD, Timing.LATE)


def test_a_chain_in_flight_leaves_by_its_first_link_in_trouble_and_waits_without() -> None:
    """Nobody can prove the middle output, so only the exit of what made it can start."""
    world = World()
    (middle,) = world.payment([world.deposit(blknum=1)], [pay(ALICE)])
    world.payment([middle], [pay(ALICE)])
    trouble = world.bad_block(1000)
    (exit_,) = world.plan(trouble).exits
    assert isinstance(exit_.start, StartInFlightExit)
    assert exit_.start.in_flight_tx == middle.tx.raw
    assert len(exit_.outputs) == 3
    calm = world.plan()
    assert calm.exits == ()
    assert sorted("spent again in flight" in left.reason for left in calm.left) == [False, False, True]


def test_rootchain_odd_outputs_leave_by_the_in_flight_exit_of_their_creator() -> None:
    """Their standard exit is never paid; the even one beside it leaves as always."""
    world = World(V02)
    world.payment([world.deposit(blknum=1)], [pay(ALICE, 5), pay(ALICE, 6)], blknum=1000)
    planned = world.plan(gas_price=Wei(0))
    by_index = {exit_.outputs[0].index: exit_ for exit_ in planned.exits}
    assert by_index[0].way is Way.STANDARD
    assert by_index[1].way is Way.IN_FLIGHT
    assert slots(by_index[1]) == {(Side.OUTPUT, 1)}


def test_rootchain_odd_outputs_without_signatures_are_left_loudly() -> None:
    """The reason names the contract's rule and what is missing."""
    world = World(V02)
    world.payment([world.deposit(blknum=1)], [pay(BOB), pay(ALICE)], blknum=1000, signed=False)
    planned = world.plan()
    assert planned.exits == ()
    assert "never pays" in planned.left[0].reason
    assert "signatures" in planned.left[0].reason


@ALD
def test_ald_odd_outputs_leave_by_standard_exit(generation: Generation) -> None:
    """Only RootChain v0.2 has that rule."""
    world = World(generation)
    world.payment([world.deposit(blknum=1)], [pay(BOB), pay(ALICE)], blknum=1000)
    assert only(world.plan()).way is Way.STANDARD


@ALL
def test_nothing_starts_twice(generation: Generation) -> None:
    """A running standard exit, and a piggybacked output, are under way."""
    world = World(generation)
    world.exits(world.deposit(blknum=1))
    (paid,) = world.payment([world.deposit(BOB, blknum=2)], [pay(ALICE)])
    world.starts(paid.tx, joined={(Side.OUTPUT, 0)})
    planned = world.plan()
    assert planned.exits == ()
    assert [each.way for each in planned.underway] == [Way.STANDARD, Way.IN_FLIGHT]


@ALL
def test_money_whose_change_is_under_way_is_under_way(generation: Generation) -> None:
    """The spent output's money comes out by the transaction's own exit, which already runs and is joined."""
    world = World(generation)
    (change,) = world.payment([world.deposit(blknum=1)], [pay(ALICE)])
    world.starts(change.tx, joined={(Side.OUTPUT, 0)})
    planned = world.plan()
    assert (planned.exits, planned.left) == ((), ())
    assert len(planned.underway) == 2


@ALL
def test_an_exit_that_somebody_started_is_joined_and_not_started(generation: Generation) -> None:
    """No start, no start bond; the piggyback is due before its first phase ends."""
    world = World(generation)
    (paid,) = world.payment([world.deposit(BOB, blknum=1)], [pay(ALICE)], signed=False)
    world.starts(paid.tx, ago=100)
    exit_ = only(world.plan(world.bad_block(1000, ago=10)))
    assert (exit_.start, exit_.way) == (None, Way.JOIN)
    assert exit_.bonds == BONDS.piggyback
    assert exit_.window.hard == world.now - 100 + PERIOD // 2


@ALL
def test_an_exit_whose_first_phase_is_over_cannot_be_joined(generation: Generation) -> None:
    """At start + P/2 it is too late; said with the time."""
    world = World(generation)
    (paid,) = world.payment([world.deposit(BOB, blknum=1)], [pay(ALICE)])
    world.starts(paid.tx, ago=PERIOD // 2)
    planned = world.plan()
    assert planned.exits == ()
    assert str(world.now) in planned.left[0].reason
    world.starts(paid.tx, ago=PERIOD // 2 - 1)
    assert only(world.plan()).way is Way.JOIN


@ALL
def test_an_included_output_whose_in_flight_exit_cannot_be_joined_leaves_by_itself(
    generation: Generation,
) -> None:
    """An exit in which our slot did not join pays us nothing and stands in nobody's way."""
    world = World(generation)
    (paid,) = world.payment([world.deposit(BOB, blknum=1)], [pay(ALICE)], blknum=1000)
    world.starts(paid.tx, ago=PERIOD)
    assert only(world.plan()).way is Way.STANDARD


@ALD
def test_inputs_join_where_another_exit_has_paid_one_of_them(generation: Generation) -> None:
    """Ald then pays the inputs that are left, and no output."""
    world = World(generation)
    gone, ours = world.deposit(BOB, blknum=1), world.deposit(blknum=2)
    world.payment([gone, ours], [pay(ALICE, 2 * ETHER)])
    world.finalized.add(gone.position)
    exit_ = only(world.plan())
    assert slots(exit_) == {(Side.INPUT, 1)}
    assert exit_.value == ETHER


def test_rootchain_in_flight_exits_with_an_input_paid_before_pay_nobody() -> None:
    """Bit 254 ends the first phase at once: nothing can join."""
    world = World(V02)
    gone, ours = world.deposit(BOB, blknum=1), world.deposit(blknum=2)
    world.payment([gone, ours], [pay(ALICE, 2 * ETHER)])
    world.exits(gone, ExitStatus.FINALIZED)
    planned = world.plan()
    assert planned.exits == ()
    assert all("pays nobody" in left.reason for left in planned.left)


def test_an_output_already_paid_or_challenged_away_is_left_with_the_reason() -> None:
    """Both are over; what can be done is said."""
    world = World()
    paid, challenged = world.deposit(blknum=1), world.deposit(amount=2 * ETHER, blknum=2)
    world.finalized.add(paid.position)
    world.exits(challenged, ExitStatus.CHALLENGED)
    reasons = [left.reason for left in world.plan().left]
    assert "paid" in reasons[0]
    assert "track" in reasons[1]


def test_the_change_of_what_leaves_by_a_standard_exit_is_left() -> None:
    """The deposit is on its way out: its in-flight spend must not pay the same money again."""
    world = World()
    coin = world.deposit(blknum=1)
    world.payment([coin], [pay(ALICE)])
    world.exits(coin)
    planned = world.plan()
    assert planned.exits == ()
    assert [each.output.position for each in planned.underway] == [coin.position]
    assert "takes out already" in planned.left[0].reason


def test_equal_deposits_leave_each_from_its_own_position() -> None:
    """Their bytes are equal, so only the position tells their exits apart."""
    world = World()
    world.deposit(blknum=1)
    world.deposit(blknum=2)
    starts = [exit_.start for exit_ in world.plan().exits]
    assert {start.position for start in starts if isinstance(start, StartStandardExit)} == {
        UtxoPosition(1, 0, 0),
        UtxoPosition(2, 0, 0),
    }


def test_outputs_without_a_key_a_proof_or_a_creator_are_left_with_the_reason() -> None:
    """Each names what is missing."""
    world = World()
    world.deposit(ALSO_ALICE, blknum=1)
    world.payment([world.deposit(BOB, blknum=2)], [pay(ALICE)], blknum=1000, proven=False, signed=False)
    (lost,) = world.payment([world.deposit(BOB, blknum=3)], [pay(ALICE)], blknum=2000)
    world.forgotten.add(lost.tx.hash)
    planned = world.plan(accounts=frozenset({ALICE}))
    reasons = [left.reason for left in planned.left]
    assert planned.exits == ()
    assert any("no key" in reason for reason in reasons)
    assert any("proof" in reason and "signatures" in reason for reason in reasons)
    assert any("not kept" in reason for reason in reasons)


def test_what_the_vault_says_is_missing_is_in_the_reason() -> None:
    """The owner reads one sentence, not two tools."""
    world = World()
    world.payment([world.deposit(BOB, blknum=1)], [pay(ALICE)], signed=False)
    contents = world.contents()
    (held,) = contents.outputs
    contents = replace(contents, outputs=(replace(held, missing=("the moon",)),))
    (left,) = plan(contents, world.facts(), None, PlanPolicy()).left
    assert "the vault lacks the moon" in left.reason


def test_tokens_of_both_sides_are_named_with_their_queues() -> None:
    """Each token's first piggyback puts the exit into its own queue, which must be there."""
    world = World()
    coins = [world.deposit(blknum=1), world.deposit(ALICE, 50, TOKEN, blknum=2)]
    world.payment(coins, [pay(ALICE), pay(ALICE, 50, TOKEN)])
    planned = world.plan(queues={})
    (exit_,) = planned.exits
    assert set(exit_.tokens) == set(planned.queues)
    assert len(planned.queues) == 2
    assert exit_.value is None
    assert exit_.window.hard == Timestamp(world.now + PERIOD)


@ALL
def test_an_included_output_that_joined_an_in_flight_exit_is_not_started_again(
    generation: Generation,
) -> None:
    """Its standard exit would be possible on ald, and pay the same money by another way."""
    world = World(generation)
    (paid,) = world.payment([world.deposit(BOB, blknum=1)], [pay(ALICE)], blknum=1000)
    world.starts(paid.tx, ago=PERIOD, joined={(Side.OUTPUT, 0)})
    planned = world.plan()
    assert planned.exits == ()
    assert [each.way for each in planned.underway] == [Way.IN_FLIGHT]


@ALL
def test_an_input_that_joined_is_under_way_and_the_output_beside_it_still_joins(
    generation: Generation,
) -> None:
    """Which side is paid is not known yet; what is joined once is not joined twice."""
    world = World(generation)
    ours, theirs = world.deposit(blknum=1), world.deposit(BOB, blknum=2)
    (paid,) = world.payment([ours, theirs], [pay(ALICE, 2 * ETHER)])
    world.starts(paid.tx, joined={(Side.INPUT, 0)})
    planned = world.plan()
    assert [each.output.position for each in planned.underway] == [ours.position]
    (exit_,) = planned.exits
    assert slots(exit_) == {(Side.OUTPUT, 0)}


def test_an_input_signed_away_twice_stays_out_beside_somebody_elses() -> None:
    """Even where the exit may pay inputs: the second spend of this one takes its bond."""
    world = World()
    twice = world.deposit(blknum=1)
    world.payment([twice], [pay(BOB)])
    world.payment([twice, world.deposit(BOB, blknum=2)], [pay(ALICE, 2 * ETHER)])
    (exit_,) = world.plan().exits
    assert slots(exit_) == {(Side.OUTPUT, 0)}


@ALL
def test_our_inputs_join_an_exit_that_was_challenged_although_all_are_ours(generation: Generation) -> None:
    """Somebody has shown a competitor: as it stands inputs are paid, after an answer outputs."""
    world = World(generation)
    coins = [world.deposit(blknum=1), world.deposit(ALSO_ALICE, blknum=2)]
    (paid,) = world.payment(coins, [pay(ALICE, 2 * ETHER)])
    world.starts(paid.tx, canonical=False)
    exit_ = only(world.plan())
    assert slots(exit_) == {(Side.INPUT, 0), (Side.INPUT, 1), (Side.OUTPUT, 0)}


def test_inputs_stay_out_of_the_exit_of_a_settled_transaction() -> None:
    """Its inclusion answers every challenge, so its outputs are certain."""
    world = World(V02)
    coins = [world.deposit(blknum=1), world.deposit(BOB, blknum=2)]
    world.payment(coins, [pay(BOB), pay(ALICE)], blknum=1000)
    exit_ = only(world.plan())
    assert slots(exit_) == {(Side.OUTPUT, 1)}


def test_rootchain_exits_flagged_by_a_finalized_input_cannot_be_joined() -> None:
    """The contract's own flag says so, whatever the vault knows of that input."""
    world = World(V02)
    (paid,) = world.payment([world.deposit(BOB, blknum=1)], [pay(ALICE)])
    world.starts(paid.tx, input_finalized=True)
    planned = world.plan()
    assert planned.exits == ()
    assert "could be joined only until" in planned.left[0].reason


def test_rootchain_outputs_already_handled_are_left() -> None:
    """The exit map stays for ever: such an output is refused by both ways."""
    world = World(V02)
    (paid,) = world.payment([world.deposit(BOB, blknum=1)], [pay(ALICE)], blknum=1000)
    world.starts(paid.tx, status=ExitStatus.FINALIZED, handled={(Side.OUTPUT, 0)})
    planned = world.plan()
    assert planned.exits == ()
    assert "paid or blocked" in planned.left[0].reason
