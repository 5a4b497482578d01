"""What a day may cost, and who gets the money when there is not enough for all."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from plasma_guard.domain.primitives import Timestamp, Wei
from plasma_guard.sender.purse import DAY, Claim, Ledger, Purse
from support.books import Costs

NOW = Timestamp(1_700_000_000)


def claim(intent: str, *, held: int = 0, need: int = 10, stake: int = 100, hard: int = 0) -> Claim:
    return Claim(intent, held, need, stake, Timestamp(NOW + hard), urgent=False)


async def test_a_day_holds_what_was_settled_in_it_and_what_is_still_signed() -> None:
    """Also what was settled before this start; one's own signed bytes do not stand in one's own way."""
    purse = Purse(Costs({"old": (Timestamp(NOW - DAY + 1), Wei(30))}), Wei(100))
    await purse.open(NOW)
    purse.hold("one", 20)
    purse.hold("two", 5)
    assert purse.left_for("one", NOW) == 65
    assert purse.left_for("three", NOW) == 45
    purse.settle("one", Wei(12), NOW)
    assert [purse.spent(NOW), purse.left_for("three", NOW)] == [42, 53]
    purse.settle("two", None, NOW)
    assert purse.left_for("three", NOW) == 58


async def test_a_day_later_the_money_is_there_again() -> None:
    """The day goes with root-chain time and has no midnight."""
    purse = Purse(Costs({}), Wei(100))
    await purse.open(NOW)
    purse.settle("one", Wei(100), NOW)
    assert purse.left_for("two", Timestamp(NOW + DAY - 1)) == 0
    assert purse.left_for("two", Timestamp(NOW + DAY)) == 100


async def test_what_is_settled_while_the_journal_is_read_counts_once() -> None:
    """The journal is asked once; what it and the purse both know is one sum, and nothing is forgotten."""
    costs = Costs({"one": (NOW, Wei(7))})
    purse = Purse(costs, Wei(100))
    purse.settle("one", Wei(7), NOW)
    purse.settle("two", Wei(5), NOW)
    await purse.open(NOW)
    await purse.open(NOW)
    assert [purse.spent(NOW), costs.asked] == [12, 1]


async def test_without_a_cap_nothing_is_refused() -> None:
    """None is not zero."""
    purse = Purse(Costs({}), None)
    purse.settle("one", Wei(10**30), NOW)
    assert purse.left_for("two", NOW) is None


def test_enough_for_all_leaves_each_what_the_others_do_not_need() -> None:
    """Signed bytes count with their worst case, unsigned calls with what signing takes now."""
    ledger = Ledger(100, 0, [claim("a", held=20, need=10), claim("b"), claim("c")])
    assert [ledger.available(each) for each in "abc"] == [80, 70, 70]


def test_money_for_one_goes_to_the_one_with_most_at_stake() -> None:
    """Then to the nearest deadline; the others are told what is missing for all ahead of them too."""
    ledger = Ledger(15, 0, [claim("late", hard=9), claim("soon", hard=1), claim("big", stake=101, hard=99)])
    assert [ledger.available(each) for each in ("big", "soon", "late")] == [15, 5, -5]


def test_a_signed_call_may_not_bid_away_what_others_open_need() -> None:
    """Its rise stops where the money for those with more at stake begins."""
    ledger = Ledger(30, 0, [claim("small", held=15, need=15), claim("big", stake=101, need=15)])
    assert ledger.available("small") == 15
    assert ledger.available("big") == 15


def test_the_reserve_is_for_urgent_calls() -> None:
    """One with time leaves it alone."""
    calm, urgent = claim("calm"), replace(claim("urgent"), urgent=True)
    assert Ledger(50, 40, [calm]).available("calm") == 10
    assert Ledger(50, 40, [urgent]).available("urgent") == 50
    assert Ledger(30, 40, [calm]).available("calm") == -10


claims = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 50), st.integers(0, 5)), min_size=1, max_size=8
).map(
    lambda rows: [
        claim(str(at), held=held, need=need, stake=stake) for at, (held, need, stake) in enumerate(rows)
    ]
)


@given(claims, st.integers(0, 300), st.integers(0, 60))
def test_whoever_signs_within_what_is_available_the_balance_covers_it(
    open_calls: list[Claim], balance: int, reserve: int
) -> None:
    """Also one after the other in any order, each taking all it may."""
    ledger = Ledger(balance, reserve, open_calls)
    total = sum(each.held for each in open_calls)
    for each in open_calls:
        available = ledger.available(each.intent)
        if available >= max(each.need, each.held):
            total += available - each.held
            ledger.hold(each.intent, available)
            assert total <= max(balance, sum(other.held for other in open_calls))


@given(claims, st.integers(0, 300))
def test_the_first_in_rank_gets_all_that_is_not_signed_away(open_calls: list[Claim], balance: int) -> None:
    """No two calls can block each other by keeping money for the other."""
    first = min(open_calls, key=lambda each: each.rank)
    others = sum(each.held for each in open_calls if each is not first)
    needs = sum(each.wanted for each in open_calls if each is not first)
    available = Ledger(balance, 0, open_calls).available(first.intent)
    assert available >= min(max(first.need, first.held), balance - others)
    assert available >= balance - others - needs
