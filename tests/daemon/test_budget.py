"""A decision to act carries the budget of what is at stake, and says the sum."""

from dataclasses import replace
from typing import Any, cast

import pytest

from plasma_guard.daemon.react import React
from plasma_guard.daemon.scope import Interest
from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import Act, Window
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.primitives import ETH, Hash32, Timestamp, Wei
from plasma_guard.domain.stakes import Asset, Scope, Stakes
from plasma_guard.domain.transactions import Outcome, Receipt, Reverted, WouldRevert
from plasma_guard.reactions.base import Policy
from plasma_guard.reactions.invalid_exit import InvalidExit, decide
from support.builders import BOB, spent_deposit
from support.clock import FakeClock
from support.holdings import Holdings
from support.in_flight import AMOUNT, battle
from support.recorders import RecordedAlerts, RecordedMetrics

CAP = Wei(10**18)


def react(scope: Scope, watcher: Holdings) -> React:
    own = frozenset({BOB.address})
    nothing = cast("Any", None)
    return React(
        watcher=watcher,
        chain=nothing,
        game=nothing,
        exits=nothing,
        journal=nothing,
        policies={},
        interest=Interest(scope, own, watcher, FakeClock()),
        alerts=RecordedAlerts(),
        metrics=RecordedMetrics(),
        chain_id=1,
        stakes=Stakes(scope, own),
    )


@pytest.mark.parametrize("generation", Generation)
async def test_a_challenge_may_cost_what_we_hold_of_that_token(generation: Generation) -> None:
    """The amount is the contract's; the decision's reason says what it led to."""
    fraud = spent_deposit(generation)
    facts = fraud.facts()
    act = decide(InvalidExit(utxo_pos=fraud.position), facts, Policy(CAP))
    assert isinstance(act, Act)
    assert facts.subject is not None
    subject = replace(facts.subject, assets=(Asset(ETH, fraud.entry.amount, fraud.entry.owner),))
    valued = await react(Scope.MINE, Holdings(ETH, amount=Wei(12345)))._valued(act, subject, [])
    assert valued.window == replace(act.window, budget=Wei(12345))
    assert valued.reason.startswith(act.reason)
    assert "12345 wei are at stake" in valued.reason


async def test_what_earlier_transactions_of_the_case_cost_is_taken_off() -> None:
    """A case has one budget for all its transactions."""
    subject = battle(Generation.ALD_V1).found().subject(Kind.CANONICITY, open_=True, hard=Timestamp(9))
    receipt = Receipt(Hash32(bytes(32)), 1, Hash32(bytes(32)), success=False, gas_used=1000, gas_price=Wei(7))
    before: list[Outcome] = [Reverted(receipt), WouldRevert("no")]
    act = Act(cast("Any", None), Window(Timestamp(1), Timestamp(9), CAP), "because")
    valued = await react(Scope.ALL, Holdings(ETH))._valued(act, subject, before)
    assert valued.window.budget == CAP - 7000


async def test_our_own_output_may_cost_all_it_is_worth() -> None:
    """To take it out; the holdings need not be known for that."""
    found = battle(Generation.ALD_V1).found()
    subject = found.subject(Kind.OWN_PIGGYBACK, open_=True, hard=Timestamp(9))
    act = Act(cast("Any", None), Window(Timestamp(1), Timestamp(9), Wei(10 * AMOUNT)), "because")
    valued = await react(Scope.ALL, Holdings())._valued(act, subject, [])
    assert valued.window.budget == AMOUNT
