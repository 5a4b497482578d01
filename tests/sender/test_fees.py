"""Prices stay within their limits, and replacements are ones that pools take."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from plasma_guard.domain.primitives import Timestamp, Wei
from plasma_guard.domain.transactions import FeeFacts, Fees
from plasma_guard.sender import fees

wei = st.integers(0, 10**15).map(Wei)
facts = st.builds(FeeFacts, base_fee=st.none() | wei, tip=wei, at=st.just(Timestamp(0)))
offers = st.tuples(wei, wei).map(lambda pair: Fees(max(pair), min(pair)))


def geth_takes(old: Fees, new: Fees, percent: int = 10) -> bool:
    """Say what a pool says that wants `percent` more: both fields higher, and both by so much."""
    return all(
        after > before and after >= before * (100 + percent) // 100
        for before, after in (
            (old.max_fee, new.max_fee),
            (old.max_priority_fee, new.max_priority_fee),
        )
    )


def test_the_offer_is_twice_the_base_fee_and_the_tip() -> None:
    """And the gas price in both fields where there is no base fee."""
    assert fees.quote(FeeFacts(Wei(100), Wei(7), Timestamp(0))) == Fees(Wei(207), Wei(7))
    assert fees.quote(FeeFacts(None, Wei(7), Timestamp(0))) == Fees(Wei(7), Wei(7))


def test_an_eighth_is_rounded_up() -> None:
    """A price that rises by less than a pool wants is refused, however small the difference."""
    prices = (0, 1, 7, 8, 9, 16, 10**9)
    assert [fees.raised(Wei(price)) for price in prices] == [
        1,
        2,
        8,
        9,
        11,
        18,
        1_125_000_000,
    ]


@given(wei)
def test_a_raised_price_is_an_eighth_more_and_barely_so(price: Wei) -> None:
    """At least 12.5 %, at most one wei above that, and always more."""
    least = max(Fraction(price + 1), Fraction(price) * 9 / 8)
    assert least <= fees.raised(price) < least + 1


@given(offers, facts, wei)
def test_a_replacement_is_taken_by_pools_and_keeps_within_the_limit(
    old: Fees, now: FeeFacts, limit: Wei
) -> None:
    """Whatever the prices of today are."""
    new = fees.replacement(old, fees.quote(now), limit)
    if new is None:
        assert max(fees.raised(old.max_fee), fees.raised(old.max_priority_fee)) > limit
    else:
        assert geth_takes(old, new)
        assert geth_takes(old, new, percent=12)
        assert new.max_priority_fee <= new.max_fee <= limit


@given(offers, facts)
def test_a_replacement_follows_the_market_upwards(old: Fees, now: FeeFacts) -> None:
    """When today's price is far above the old offer, one step reaches it."""
    today = fees.quote(now)
    new = fees.replacement(old, today, Wei(10**30))
    assert new is not None
    assert new.max_fee == max(fees.raised(old.max_fee), today.max_fee)


@given(facts, wei)
def test_an_offer_is_cut_to_its_limit(now: FeeFacts, limit: Wei) -> None:
    """The tip never exceeds the cap: nodes refuse that."""
    offer = fees.within(fees.quote(now), limit)
    assert offer.max_priority_fee <= offer.max_fee <= limit


@given(wei, st.integers(0, 10**24).map(Wei), st.integers(21_000, 30_000_000))
def test_the_ceiling_never_exceeds_setting_or_budget(setting: Wei, budget: Wei, gas_limit: int) -> None:
    """The worst case of the gas is within the budget."""
    ceiling = fees.ceiling(setting, budget, gas_limit)
    assert ceiling <= setting
    assert ceiling * gas_limit <= budget


@given(offers, facts, st.integers(1, 10**12).map(Wei))
def test_bumping_ends_at_the_limit(start: Fees, now: FeeFacts, limit: Wei) -> None:
    """However long it waits, the price stops: at most as many steps as eighths fit in between."""
    current, steps = fees.within(start, limit), 0
    while (raised := fees.replacement(current, fees.quote(now), limit)) is not None:
        current, steps = raised, steps + 1
    assert steps <= 300
    assert current.max_fee <= limit
