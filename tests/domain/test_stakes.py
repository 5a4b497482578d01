"""What an answer may cost follows from what is at stake, and never exceeds the cap."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_guard.domain.primitives import ETH, Address, Wei
from plasma_guard.domain.stakes import Asset, Budget, Price, Scope, Stakes

ME, THIEF = Address(b"\x0e" * 20), Address(b"\x0f" * 20)
USDT, UNKNOWN = Address(b"\x01" * 20), Address(b"\x02" * 20)
PRICES = {USDT: Price(Wei(5 * 10**14), 6)}
CAP = Wei(10**17)
BOND = Wei(3 * 10**14)
STOLEN = Asset(ETH, Wei(10**15), THIEF)


def budget(scope: Scope, *assets: Asset, **changes: Any) -> Wei:
    fields: dict[str, Any] = {"bond": BOND, "ours": False, "held": {}, "cap": CAP}
    return Stakes(scope, frozenset({ME}), PRICES).budget(assets, **(fields | changes)).wei


def test_the_whole_chain_is_guarded_up_to_the_cap() -> None:
    """With scope all, what others lose counts, and nobody knows what that is worth to us."""
    assert budget(Scope.ALL, STOLEN) == CAP


@pytest.mark.parametrize(("held", "expected"), [(10**14, 10**14), (10**16, 10**15), (0, 0)])
def test_anothers_fraud_costs_us_what_it_takes_or_what_we_hold(held: int, expected: int) -> None:
    """Whichever is less."""
    assert budget(Scope.MINE, STOLEN, held={ETH: Wei(held)}) == expected


def test_who_hunts_adds_the_bond() -> None:
    """It is paid to whoever challenges."""
    assert budget(Scope.HUNT, STOLEN) == BOND
    assert budget(Scope.HUNT, STOLEN, held={ETH: Wei(1)}) == BOND + 1
    assert budget(Scope.MINE, STOLEN) == 0


def test_our_own_money_is_worth_all_of_itself() -> None:
    """In every scope, whatever else we hold, and without the bond, which we pay ourselves."""
    for scope in Scope:
        assert budget(scope, Asset(ETH, Wei(10**15), ME), ours=True) == 10**15


def test_our_share_in_the_exit_itself_counts_as_held() -> None:
    """An output of ours in a fraudulent in-flight exit is in no list of unspent outputs."""
    share = Asset(ETH, Wei(10**14), ME)
    assert budget(Scope.MINE, STOLEN, share) == 10**14


def test_tokens_count_by_their_price_and_several_add_up() -> None:
    """Two whole tokens of 0.0005 ETH, with six decimals, and the ETH beside them."""
    tokens = Asset(USDT, Wei(2 * 10**6), THIEF)
    held = {USDT: Wei(10**9), ETH: Wei(10**18)}
    assert budget(Scope.MINE, tokens, held=held) == 10**15
    assert budget(Scope.MINE, tokens, STOLEN, held=held) == 2 * 10**15


def test_a_fraction_of_a_wei_is_not_nothing() -> None:
    """Prices are rounded up."""
    assert Price(Wei(1), 6).value(Wei(1)) == 1
    assert Price(Wei(1), 6).value(Wei(0)) == 0


@pytest.mark.parametrize(
    "changes",
    [{"held": None}, {"held": {UNKNOWN: Wei(1)}, "assets": [Asset(UNKNOWN, Wei(1), THIEF)]}, {"assets": []}],
)
def test_what_cannot_be_valued_is_worth_the_cap(changes: dict[str, Any]) -> None:
    """Unknown holdings, an unpriced token that we hold, an exit whose money is not known: never zero."""
    assets = changes.pop("assets", [STOLEN])
    assert budget(Scope.MINE, *assets, **changes) == CAP
    assert budget(Scope.HUNT, *assets, **changes) == CAP


def test_an_unpriced_token_of_ours_is_worth_the_cap() -> None:
    """Also when it is ours to take out."""
    assert budget(Scope.MINE, Asset(UNKNOWN, Wei(1), ME), ours=True) == CAP


def test_what_the_case_has_cost_is_taken_off() -> None:
    """All transactions of a case share one budget; it is never below nothing."""
    assert budget(Scope.ALL, STOLEN, spent=Wei(10**16)) == 9 * 10**16
    assert budget(Scope.MINE, STOLEN, held={ETH: CAP}, spent=Wei(10**14)) == 9 * 10**14
    assert budget(Scope.MINE, STOLEN, held={ETH: CAP}, spent=Wei(10**16)) == 0


def test_the_sum_is_said() -> None:
    """What is at stake, the cap, and what is gone already."""
    stakes = Stakes(Scope.MINE)
    told = stakes.budget([STOLEN], bond=BOND, ours=False, held={ETH: Wei(7)}, cap=CAP, spent=Wei(2))
    assert told == Budget(
        Wei(5), f"7 wei are at stake, its gas may cost that much less 2 spent already (cap {CAP})"
    )


assets = st.lists(
    st.builds(
        Asset,
        token=st.sampled_from([ETH, USDT, UNKNOWN]),
        amount=st.integers(0, 10**20).map(Wei),
        owner=st.sampled_from([ME, THIEF, None]),
    ),
    max_size=4,
)
holdings = st.none() | st.dictionaries(st.sampled_from([ETH, USDT, UNKNOWN]), st.integers(0, 10**20).map(Wei))


@given(st.sampled_from(Scope), assets, st.booleans(), holdings, st.integers(0, 2 * CAP))
def test_never_more_than_the_cap_and_never_less_than_nothing(
    scope: Scope,
    exiting: list[Asset],
    ours: bool,  # noqa: FBT001 (drawn by the test)
    held: dict[Address, Wei] | None,
    spent: int,
) -> None:
    """With what was spent, the whole case stays within it."""
    found = budget(scope, *exiting, ours=ours, held=held, spent=Wei(spent))
    assert found >= 0
    assert found + spent <= max(CAP, spent)


@given(assets, holdings, st.integers(1, 10**19))
def test_holding_more_never_lowers_a_budget(
    exiting: list[Asset], held: dict[Address, Wei] | None, more: int
) -> None:
    """Nor does knowing nothing."""
    known = held or {}
    richer = known | {ETH: Wei(known.get(ETH, 0) + more)}
    assert budget(Scope.MINE, *exiting, held=richer) >= budget(Scope.MINE, *exiting, held=known)
    assert budget(Scope.MINE, *exiting, held=None) >= budget(Scope.MINE, *exiting, held=known)
