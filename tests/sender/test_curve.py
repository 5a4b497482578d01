"""Prices climb with root-chain time, reach the budget before the deadline, and let nothing that fits slip."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from plasma_guard.domain.primitives import Timestamp, Wei
from plasma_guard.domain.transactions import FeeFacts, Fees
from plasma_guard.sender import fees
from plasma_guard.sender.curve import LAST_BLOCKS, LEAD_BLOCKS, Curve

GWEI = 10**9
BLOCK = 12
START, SOFT, HARD = Timestamp(10_000), Timestamp(13_600), Timestamp(17_200)
CALM = FeeFacts(Wei(20 * GWEI), Wei(2 * GWEI), START, Wei(20 * GWEI))
SPIKE = FeeFacts(Wei(200 * GWEI), Wei(2 * GWEI), START, Wei(20 * GWEI))
PLAN = Curve(START, SOFT, HARD, BLOCK, Wei(1000 * GWEI), Wei(1000 * GWEI))

prices = st.integers(0, 10**13).map(Wei)
tips = st.integers(0, 10**12).map(Wei)
market = st.builds(
    FeeFacts, base_fee=st.none() | prices, tip=tips, at=st.just(START), usual=st.none() | prices
)
offers = st.tuples(prices, prices).map(lambda pair: Fees(max(pair), min(pair)))
times = st.integers(START - 100, HARD + 100).map(Timestamp)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    start = Timestamp(draw(st.integers(0, 10**6)))
    hard = Timestamp(start + draw(st.integers(-50, 10**6)))
    soft = Timestamp(draw(st.integers(start - 10**5, hard)) if hard >= start else hard)
    limit = Wei(draw(prices))
    return Curve(start, soft, hard, draw(st.integers(1, 15)), limit, limit)


@given(curves(), market, st.integers(0, 10**6), st.integers(0, 10**6))
def test_an_offer_never_falls_while_the_market_stands_still(
    plan: Curve, now: FeeFacts, first: int, wait: int
) -> None:
    """Later means as much or more, in both fields."""
    earlier, later = (plan.offer(now, Timestamp(plan.start + passed)) for passed in (first, first + wait))
    assert later.max_fee >= earlier.max_fee
    assert later.max_priority_fee >= earlier.max_priority_fee


@given(curves(), market, st.integers(0, LAST_BLOCKS))
def test_all_of_the_budget_is_offered_before_the_deadline(plan: Curve, now: FeeFacts, blocks: int) -> None:
    """In the block that is one lead block ahead of it, and in the one before, whatever the market says."""
    assert LEAD_BLOCKS < LAST_BLOCKS
    offer = plan.offer(now, Timestamp(plan.hard - blocks * plan.block_time))
    assert offer == Fees(plan.limit, plan.limit)


@given(curves(), offers, market, st.integers(0, 10**6))
def test_a_rise_is_one_that_pools_take_and_never_above_the_limit(
    plan: Curve, current: Fees, now: FeeFacts, passed: int
) -> None:
    """Both fields an eighth higher, rounded up."""
    moment = Timestamp(plan.start + passed)
    higher = plan.rise(current, now, moment)
    assume(higher is not None)
    assert higher is not None
    assert higher.max_fee >= fees.raised(current.max_fee)
    assert higher.max_priority_fee >= fees.raised(current.max_priority_fee)
    assert higher.max_priority_fee <= higher.max_fee <= plan.limit_at(moment)


@given(curves(), market, st.integers(0, 10**6))
def test_what_fits_the_limit_and_may_soon_not_is_bid_for_with_all_there_is(
    plan: Curve, now: FeeFacts, passed: int
) -> None:
    """Two blocks of growth by an eighth, and a price that fitted is gone: patience ends before."""
    moment = Timestamp(plan.start + passed)
    limit = plan.limit_at(moment)
    assume(now.base_fee is not None and now.base_fee <= limit)
    grown = (now.base_fee or 0) * 81 // 64 + now.tip
    if grown > limit:
        assert plan.offer(now, moment) == Fees(limit, limit)
    assert not (grown > limit and plan.is_patient(now, moment))


@given(curves(), market, st.integers(0, 10**6), st.data())
def test_the_last_word_is_always_possible(
    plan: Curve, now: FeeFacts, passed: int, data: st.DataObject
) -> None:
    """However an offer was raised, it is the whole budget or can be raised to that in one step."""
    moment = Timestamp(plan.start + passed)
    offer = plan.offer(now, moment)
    for _ in range(data.draw(st.integers(0, 5))):
        offer = plan.rise(offer, data.draw(market), moment) or offer
    last = Timestamp(plan.hard - LEAD_BLOCKS * plan.block_time)
    if offer.max_fee < plan.limit:
        assert plan.rise(offer, now, last) == Fees(plan.limit, plan.limit)


def test_calm_weather_is_bid_for_at_once() -> None:
    """Twice the base fee and the tip, as everybody offers, from the first block on."""
    assert PLAN.offer(CALM, START) == fees.quote(CALM)


def test_a_spike_is_waited_out_at_the_usual_price_and_met_from_the_soft_time_on() -> None:
    """The first offer is what an ordinary hour takes; half-way to the deadline it is today's price."""
    first = PLAN.offer(SPIKE, START)
    assert first == Fees(Wei(42 * GWEI), Wei(2 * GWEI))
    assert PLAN.is_patient(SPIKE, START)
    assert not PLAN.is_behind(first, SPIKE, START)
    high = replace(SPIKE, base_fee=Wei(430 * GWEI))
    assert PLAN.offer(high, Timestamp(SOFT - 1)).max_fee < fees.quote(high).max_fee
    assert PLAN.offer(high, SOFT).max_fee == fees.quote(high).max_fee
    assert PLAN.is_behind(first, high, SOFT)


def test_the_straight_line_meets_a_spike_when_it_gets_there() -> None:
    """Behind means that the next offer can be mined and the present one cannot."""
    first = PLAN.offer(SPIKE, START)
    behind = [t for t in range(START, SOFT, BLOCK) if PLAN.is_behind(first, SPIKE, Timestamp(t))]
    assert behind
    met = PLAN.rise(first, SPIKE, Timestamp(behind[0]))
    assert met is not None
    assert met.max_fee >= fees.attractive(SPIKE)
    assert PLAN.rise(first, SPIKE, Timestamp(behind[0] - BLOCK)) is None


def test_nobody_waits_where_the_usual_price_is_not_known() -> None:
    """Without a fee history, today's price is all there is to go by."""
    unknown = replace(SPIKE, usual=None)
    assert PLAN.offer(unknown, START) == fees.quote(unknown)


def test_before_eip_1559_there_is_one_price_and_no_waiting() -> None:
    """A gas price is paid in full, so it follows today's and the line, and both fields are equal."""
    legacy = FeeFacts(None, Wei(5 * GWEI), START)
    assert PLAN.offer(legacy, START) == Fees(Wei(5 * GWEI), Wei(5 * GWEI))
    dearer = replace(legacy, tip=Wei(9 * GWEI))
    assert PLAN.is_behind(Fees(Wei(5 * GWEI), Wei(5 * GWEI)), dearer, START)


def test_a_soft_cap_ends_where_the_soft_time_begins() -> None:
    """Before it the setting holds; after it the budget alone."""
    plan = replace(PLAN, limit=Wei(100 * GWEI))
    assert plan.offer(SPIKE, Timestamp(SOFT - 1)).max_fee <= 100 * GWEI
    assert plan.offer(SPIKE, SOFT).max_fee > fees.attractive(SPIKE)
    assert plan.offer(SPIKE, HARD) == Fees(Wei(1000 * GWEI), Wei(1000 * GWEI))


def test_a_hopeless_limit_is_not_worth_a_nonce() -> None:
    """One that an ordinary hour takes is, also in a spike."""
    assert fees.hopeless(SPIKE, Wei(9 * GWEI))
    assert not fees.hopeless(SPIKE, Wei(15 * GWEI))
    assert fees.hopeless(CALM, Wei(0))


def test_a_lower_price_is_one_that_is_lower_by_more_than_a_step() -> None:
    """For a nonce nobody holds: a spike's price is not paid after it, and small change is not worth bytes."""
    high, low = fees.quote(SPIKE), fees.quote(CALM)
    assert fees.lowered(high, low) == low
    assert fees.lowered(low, high) is None
    assert fees.lowered(low, Fees(Wei(low.max_fee - 1), low.max_priority_fee)) is None
