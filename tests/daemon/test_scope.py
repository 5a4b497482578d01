"""Whose fraud it is to the guard."""

from dataclasses import replace

import pytest

from plasma_guard.daemon.scope import REFRESH_EVERY, Interest
from plasma_guard.domain.cases import Kind
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.primitives import ETH, Address, Wei
from plasma_guard.domain.stakes import Scope
from support.builders import ALICE, BOB
from support.clock import FakeClock
from support.holdings import Holdings
from support.in_flight import battle

TOKEN = Address(b"\x09" * 20)
FOUND = battle(Generation.ALD_V1).found()
SUBJECT = replace(
    FOUND.subject(Kind.CANONICITY, open_=True, hard=FOUND.phase_ends),
    owners=frozenset({ALICE.address}),
    tokens=frozenset({ETH}),
)


def interest(scope: Scope, watcher: Holdings, clock: FakeClock | None = None) -> Interest:
    return Interest(scope, [BOB.address], watcher, clock or FakeClock())


@pytest.mark.parametrize("scope", [Scope.ALL, Scope.HUNT])
async def test_a_guard_of_the_chain_answers_everything(scope: Scope) -> None:
    """And asks nobody what it holds."""
    watcher = Holdings()
    assert await interest(scope, watcher).covers(SUBJECT)
    assert watcher.asked == 0


async def test_mine_is_what_names_my_account() -> None:
    """An output of ours in it is enough."""
    subject = replace(SUBJECT, owners=frozenset({ALICE.address, BOB.address}))
    assert await interest(Scope.MINE, Holdings()).covers(subject)


@pytest.mark.parametrize(("held", "covered"), [((ETH,), True), ((TOKEN,), False), ((), False)])
async def test_mine_is_also_a_fraud_in_what_i_hold(held: tuple[Address, ...], *, covered: bool) -> None:
    """A fraud in a token drains what everybody holds of it, and no other token."""
    assert await interest(Scope.MINE, Holdings(*held)).covers(SUBJECT) is covered


async def test_what_is_not_known_counts_as_mine() -> None:
    """A Watcher that does not answer, or an exit whose token is not told, leaves nobody unguarded."""
    watcher = Holdings()
    watcher.tokens = None
    assert await interest(Scope.MINE, watcher).covers(SUBJECT)
    assert await interest(Scope.MINE, Holdings()).covers(replace(SUBJECT, tokens=frozenset()))


async def test_holdings_are_asked_for_now_and_then() -> None:
    """A real Watcher scans its whole database to answer."""
    watcher, clock = Holdings(TOKEN), FakeClock()
    mine = interest(Scope.MINE, watcher, clock)
    assert not await mine.covers(SUBJECT)
    watcher.tokens = (ETH,)
    assert not await mine.covers(SUBJECT)
    assert watcher.asked == 1
    clock.advance(REFRESH_EVERY)
    assert await mine.covers(SUBJECT)


async def test_what_is_held_is_summed_by_token_and_not_asked_for_without_need() -> None:
    """Scope all never needs to know; what nobody can say is None, not nothing."""
    watcher = Holdings(TOKEN, ETH, TOKEN, amount=Wei(5))
    assert await interest(Scope.MINE, watcher).held() == {TOKEN: 10, ETH: 5}
    assert await interest(Scope.HUNT, watcher).held() == {TOKEN: 10, ETH: 5}
    assert watcher.asked == 2
    assert await interest(Scope.ALL, watcher).held() is None
    assert watcher.asked == 2
    watcher.tokens = None
    assert await interest(Scope.MINE, watcher).held() is None
