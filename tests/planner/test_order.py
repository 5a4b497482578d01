"""When, in which order and for what money: each rule in words."""

from dataclasses import replace

import pytest

from planner.worlds import ALICE, ALSO_ALICE, BOB, BONDS, ETHER, GWEI, PERIOD, TOKEN, World, only, pay
from plasma_guard.domain.exits import Bounties, ExitStatus, Generation
from plasma_guard.domain.plan import BadBlock, BadExit, Timing, Way
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Seconds, Timestamp, Wei
from plasma_guard.domain.stakes import Price
from plasma_guard.planner import PlanPolicy, QueueFacts
from plasma_guard.planner.gas import GAS

FREE = Wei(0)


def test_the_deadline_of_a_bad_block_is_one_period_after_it() -> None:
    """In time until the second before; at that second a tie would decide, so it counts as late."""
    world = World()
    world.payment([world.deposit(BOB, blknum=1)], [pay(ALICE)], blknum=1000, ago=3000)
    last = only(world.plan(BadBlock(2000, Timestamp(world.now - PERIOD + 1))))
    assert (last.timing, last.window.hard) == (Timing.IN_TIME, world.now + 1)
    late = only(world.plan(BadBlock(2000, Timestamp(world.now - PERIOD))))
    assert (late.timing, late.way) == (Timing.LATE, Way.STANDARD)


def test_the_lead_comes_off_the_deadline() -> None:
    """From `soft` on nobody is asked any more; inside the lead that is now."""
    world = World()
    world.deposit(blknum=1)
    window = only(world.plan(BadBlock(2000, Timestamp(world.now - 10)))).window
    assert (window.soft, window.hard) == (window.hard - 100, world.now - 10 + PERIOD)
    window = only(world.plan(BadBlock(2000, Timestamp(world.now - PERIOD + 50)))).window
    assert (window.soft, window.hard) == (world.now, world.now + 50)


def test_against_an_unchallenged_exit_only_the_old_are_ahead() -> None:
    """max(t_block + 2P, now + P) must not be after the fraud; what is younger is behind it, and says so."""
    world = World()
    world.payment([world.deposit(BOB, blknum=1, ago=1500)], [pay(ALICE)], blknum=1000, ago=1500)
    world.payment([world.deposit(BOB, 9, blknum=2, ago=300)], [pay(ALICE, 9)], blknum=2000, ago=300)
    fraud = BadExit(UtxoPosition(5, 0, 0), Timestamp(world.now + PERIOD + 200), frozenset({ETH}))
    ahead, behind = world.plan(fraud, gas_price=FREE).exits
    assert (ahead.timing, ahead.window.hard) == (Timing.IN_TIME, world.now + 200)
    assert (behind.timing, behind.exitable_at) == (Timing.LATE, world.now - 300 + 2 * PERIOD)
    assert behind.outputs[0].position == UtxoPosition(2000, 0, 0)


def test_a_tie_with_the_fraud_is_won_by_the_older_position() -> None:
    """The queue compares positions where times are equal."""
    world = World()
    world.payment([world.deposit(BOB, blknum=1, ago=700)], [pay(ALICE)], blknum=1000, ago=700, signed=False)
    at = Timestamp(world.now - 700 + 2 * PERIOD)
    assert only(world.plan(BadExit(UtxoPosition(1001, 0, 0), at))).timing is Timing.IN_TIME
    assert only(world.plan(BadExit(UtxoPosition(999, 0, 0), at))).timing is Timing.LATE


def test_an_in_flight_exit_goes_ahead_of_a_fraud_that_the_standard_exit_cannot() -> None:
    """It is dated by its youngest input, which is older than the output."""
    world = World()
    world.payment([world.deposit(BOB, blknum=1, ago=5000)], [pay(ALICE)], blknum=1000, ago=300)
    fraud = BadExit(UtxoPosition(5, 0, 0), Timestamp(world.now + PERIOD + 200))
    exit_ = only(world.plan(fraud))
    assert (exit_.way, exit_.timing) == (Way.IN_FLIGHT, Timing.IN_TIME)


def test_a_fraud_in_one_token_binds_only_that_token() -> None:
    """Each token has its own queue and its own vault."""
    world = World()
    world.deposit(blknum=1)
    fraud = BadExit(UtxoPosition(5, 0, 0), Timestamp(world.now + 2 * PERIOD), frozenset({TOKEN}))
    assert only(world.plan(fraud)).timing is Timing.UNBOUND


def test_a_joined_exit_keeps_the_time_its_contract_has_settled() -> None:
    """RootChain v0.2 fixes the priority at the start, whoever starts: joining late loses no place."""
    world = World(Generation.ROOTCHAIN_V02)
    (paid,) = world.payment([world.deposit(BOB, blknum=1)], [pay(ALICE)])
    world.starts(paid.tx, ago=100, exitable_at=Timestamp(world.now - 100 + PERIOD))
    exit_ = only(world.plan(BadBlock(1000, Timestamp(world.now - PERIOD - 5))))
    assert (exit_.timing, exit_.exitable_at) == (Timing.IN_TIME, world.now - 100 + PERIOD)


def test_the_most_valuable_per_gas_goes_first_among_equal_deadlines() -> None:
    """Gas is what both money and block space are spent on."""
    world = World()
    for number, amount in enumerate((3, 1, 2), 1):
        world.deposit(ALICE, amount * ETHER, blknum=number)
    planned = world.plan(world.bad_block(1000))
    assert [exit_.value for exit_ in planned.exits] == [3 * ETHER, 2 * ETHER, ETHER]


def test_what_is_in_time_goes_before_what_is_late_whatever_its_value() -> None:
    """The late one queues behind the fraud anyway; the other would lose its place."""
    world = World()
    world.deposit(ALICE, ETHER, blknum=1)
    (theirs,) = world.payment(
        [world.deposit(BOB, 9 * ETHER, blknum=2)], [pay(BOB, 9 * ETHER)], blknum=1000, ago=10
    )
    world.payment([theirs], [pay(ALICE, 9 * ETHER)], blknum=2000, ago=5)
    planned = world.plan(world.bad_block(1000))
    assert [exit_.timing for exit_ in planned.exits] == [Timing.IN_TIME, Timing.LATE]


def test_blocks_without_room_drop_what_is_worth_least_per_gas() -> None:
    """Two fit before the deadline; the third is told as late, with the reason."""
    world = World()
    for number, amount in enumerate((3, 1, 2), 1):
        world.deposit(ALICE, amount * ETHER, blknum=number)
    gas = GAS[world.generation].standard_exit + GAS[world.generation].process_standard
    policy = PlanPolicy(gas_per_block=2 * gas, block_seconds=Seconds(10))
    planned = world.plan(BadBlock(1000, Timestamp(world.now - PERIOD + 19)), policy)
    assert [(exit_.value, exit_.timing) for exit_ in planned.exits] == [
        (3 * ETHER, Timing.IN_TIME),
        (2 * ETHER, Timing.IN_TIME),
        (ETHER, Timing.LATE),
    ]
    assert "no room" in planned.exits[-1].notes[-1]


def test_too_little_ether_pays_for_the_most_valuable_first_and_says_what_is_missing() -> None:
    """Exactly: with that much more everything is paid for, with one wei less it is not."""
    world = World()
    for number, amount in enumerate((1, 3, 2), 1):
        world.deposit(ALICE, amount * ETHER, blknum=number)
    rich = world.plan()
    one = rich.exits[0].bonds + rich.exits[0].gas * 10 * GWEI
    short = world.plan(balances={ALICE: Wei(one + 5)})
    assert [(exit_.value, exit_.funded) for exit_ in short.exits] == [
        (3 * ETHER, True),
        (2 * ETHER, False),
        (ETHER, False),
    ]
    assert (short.needed, short.missing) == (3 * one, 2 * one - 5)
    assert short.shortfalls == {ALICE: short.missing}
    enough = world.plan(balances={ALICE: Wei(one + 5 + short.missing)})
    assert all(exit_.funded for exit_ in enough.exits)
    assert enough.missing == 0
    almost = world.plan(balances={ALICE: Wei(one + 4 + short.missing)})
    assert (almost.missing, almost.exits[-1].funded) == (1, False)


def test_each_account_pays_for_its_own() -> None:
    """One account's ether posts no other's bond: owners send their own exits and piggybacks."""
    world = World()
    world.deposit(ALICE, blknum=1)
    world.deposit(ALSO_ALICE, 2 * ETHER, blknum=2)
    planned = world.plan(balances={ALICE: Wei(10 * ETHER)})
    assert [(exit_.account, exit_.funded) for exit_ in planned.exits] == [(ALICE, True), (ALSO_ALICE, False)]
    assert list(planned.shortfalls) == [ALSO_ALICE]


def test_a_joint_exit_asks_each_owner_for_its_own_piggyback() -> None:
    """The start and the gas are asked of the one with most to gain."""
    world = World()
    coins = [world.deposit(BOB, 3 * ETHER, blknum=1)]
    world.payment(coins, [pay(ALICE, ETHER), pay(ALSO_ALICE, 2 * ETHER)])
    planned = world.plan(balances={}, gas_price=FREE)
    assert planned.exits[0].account == ALSO_ALICE
    assert planned.shortfalls == {
        ALICE: BONDS.piggyback,
        ALSO_ALICE: BONDS.piggyback + BONDS.in_flight_exit,
    }


def test_what_costs_more_than_it_is_worth_stays() -> None:
    """The reason has both sums."""
    world = World()
    world.deposit(ALICE, 10**15, blknum=1)
    (left,) = world.plan().left
    assert str(10**15) in left.reason
    assert str((406_000 + 161_000) * 10 * GWEI) in left.reason


def test_what_the_operator_does_not_care_for_stays() -> None:
    """`least_value` is a floor in wei."""
    world = World()
    world.deposit(blknum=1)
    (left,) = world.plan(policy=PlanPolicy(least_value=Wei(2 * ETHER))).left
    assert "least value" in left.reason


def test_an_unpriced_token_is_never_worth_nothing() -> None:
    """It leaves whatever the least value is, and counts for the most that may be spent on it."""
    world = World()
    world.deposit(ALICE, 1, TOKEN, blknum=1)
    world.deposit(ALICE, 2 * ETHER, blknum=2)
    world.deposit(ALICE, ETHER, blknum=3)
    policy = PlanPolicy(least_value=Wei(ETHER), max_cost=Wei(3 * ETHER // 2))
    planned = world.plan(policy=policy)
    assert [exit_.value for exit_ in planned.exits] == [2 * ETHER, None, ETHER]
    assert planned.value == 3 * ETHER


def test_a_priced_token_is_worth_its_price() -> None:
    """In wei, like everything else."""
    world = World()
    world.deposit(ALICE, 5, TOKEN, blknum=1)
    policy = PlanPolicy(prices={TOKEN: Price(ETHER, 0)})
    assert only(world.plan(policy=policy)).value == 5 * ETHER


def test_what_processing_earns_others_is_a_cost() -> None:
    """Ald v2 pays it out of the bonds."""
    world = World(Generation.ALD_V2)
    world.deposit(blknum=1)
    world.payment([world.deposit(BOB, blknum=2)], [pay(ALICE)])
    bounties = Bounties(Wei(11), Wei(13))
    exits = world.plan(gas_price=FREE, bounties=bounties).exits
    assert {exit_.way: exit_.cost for exit_ in exits} == {Way.STANDARD: 11, Way.IN_FLIGHT: 13}


def test_a_doubtful_output_is_not_worth_a_bond_larger_than_itself() -> None:
    """If it is spent already, the bond is lost: only what is worth more than that takes the risk."""
    world = World()
    small, large = world.deposit(ALICE, BONDS.standard_exit, blknum=1), world.deposit(blknum=2)
    world.doubts = {small.tx.hash: "the Watcher no longer lists it", large.tx.hash: "the same"}
    planned = world.plan(gas_price=FREE)
    assert [exit_.value for exit_ in planned.exits] == [ETHER]
    assert "no longer" not in planned.left[0].reason
    assert "may be spent already" in planned.exits[0].notes[0]


def test_a_missing_queue_is_opened_once_and_paid_for() -> None:
    """By who has most to leave by it."""
    world = World()
    world.deposit(ALICE, blknum=1)
    world.deposit(ALSO_ALICE, 2 * ETHER, blknum=2)
    there = world.plan()
    absent = world.plan(queues={ETH: QueueFacts(exists=False)})
    assert absent.queues == (ETH,)
    assert absent.needed - there.needed == GAS[world.generation].add_queue * 10 * GWEI


def test_no_gas_is_reckoned_above_the_most_that_is_paid() -> None:
    """The cap is what would be sent with."""
    world = World()
    world.deposit(blknum=1)
    assert world.plan(policy=PlanPolicy(max_fee=GWEI)).gas_price == GWEI


def test_the_budget_is_what_is_at_stake_and_never_above_the_cap() -> None:
    """An unpriced token may cost the cap."""
    world = World()
    world.deposit(ALICE, 7 * 10**16, blknum=1)
    world.deposit(ALICE, 9 * ETHER, blknum=2)
    world.deposit(ALICE, 1, TOKEN, blknum=3)
    budgets = sorted(exit_.window.budget for exit_ in world.plan().exits)
    assert budgets == [7 * 10**16, 10**17, 10**17]


def test_nothing_held_is_an_empty_plan() -> None:
    """And costs nothing."""
    planned = World().plan()
    assert (planned.exits, planned.left, planned.needed, planned.deadline) == ((), (), 0, None)


@pytest.mark.parametrize("generation", list(Generation))
def test_totals_are_sums_over_the_exits(generation: Generation) -> None:
    """Value, cost, bonds, and until when they are tied up."""
    world = World(generation)
    world.deposit(blknum=1)
    world.payment([world.deposit(BOB, blknum=2, ago=10)], [pay(ALICE)])
    planned = world.plan()
    assert planned.value == 2 * ETHER
    assert planned.bonds == BONDS.standard_exit + BONDS.in_flight_exit + BONDS.piggyback
    assert planned.tied_until == world.now - 10 + 2 * PERIOD
    assert planned.needed == planned.bonds + planned.cost


def test_entries_that_are_absent_stop_nothing() -> None:
    """A contract answers for every id; only what it says to exist counts."""
    world = World()
    coin = world.deposit(blknum=1)
    (paid,) = world.payment([world.deposit(BOB, blknum=2)], [pay(ALICE)])
    world.exits(coin, ExitStatus.ABSENT)
    world.starts(paid.tx, status=ExitStatus.ABSENT)
    world.in_flight[paid.tx.hash] = replace(world.in_flight[paid.tx.hash], slots=())
    assert [exit_.way for exit_ in world.plan().exits] == [Way.STANDARD, Way.IN_FLIGHT]


def test_what_cannot_be_paid_for_takes_nothing_from_what_can() -> None:
    """The most valuable one is out of reach with its two bonds; the next one is not held up by it."""
    world = World()
    world.payment([world.deposit(BOB, 5 * ETHER, blknum=1)], [pay(ALICE, 5 * ETHER)])
    world.deposit(ALICE, ETHER, blknum=2)
    planned = world.plan(balances={ALICE: BONDS.standard_exit}, gas_price=FREE)
    assert [(exit_.value, exit_.funded) for exit_ in planned.exits] == [(ETHER, True), (5 * ETHER, False)]
    assert planned.missing == BONDS.in_flight_exit + BONDS.piggyback
