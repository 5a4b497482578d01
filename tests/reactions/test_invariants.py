"""Each rule forbids what it says, whoever proposes it."""

from dataclasses import replace
from typing import Any

import pytest

from plasma_guard.domain.actions import (
    ChallengeInputSpent,
    ChallengeNotCanonical,
    ChallengeOutputSpent,
    ChallengeStandardExit,
    Piggyback,
    RespondToNonCanonicalChallenge,
)
from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import Act, Window
from plasma_guard.domain.exits import ExitId, Generation, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32, Timestamp, Wei
from plasma_guard.domain.transactions import Confirmed, Receipt, Reverted
from plasma_guard.reactions.base import Policy, Subject
from plasma_guard.reactions.invalid_exit import InvalidExit, decide
from plasma_guard.reactions.invariants import Proposal, violations
from support.builders import START, spent_deposit, stamp
from support.in_flight import battle

FIGHT = battle(Generation.ALD_V1)
WINDOW = Window(Timestamp(START + 100), Timestamp(START + 200), Wei(10**17))
RECEIPT = Receipt(Hash32(bytes(32)), 1, Hash32(bytes(32)), success=False, gas_used=1, gas_price=Wei(1))
COMPETITOR, SPEND, OUTPUT, PLACE = FIGHT.competitor, FIGHT.input_spend, FIGHT.output_spend, FIGHT.inclusion
NOT_CANONICAL = ChallengeNotCanonical(
    exit_id=FIGHT.entry.exit_id,
    in_flight_tx=FIGHT.tx.raw,
    in_flight_input_index=0,
    competing_tx=FIGHT.competing.raw,
    competing_input_index=0,
    position=COMPETITOR.position,
    proof=COMPETITOR.proof,
    signature=COMPETITOR.signature or b"",
)
INPUT_SPENT = ChallengeInputSpent(
    exit_id=FIGHT.entry.exit_id,
    in_flight_tx=FIGHT.tx.raw,
    in_flight_input_index=0,
    spending_tx=FIGHT.competing.raw,
    spending_input_index=0,
    signature=SPEND.signature or b"",
)
OUTPUT_SPENT = ChallengeOutputSpent(
    exit_id=FIGHT.entry.exit_id,
    in_flight_tx=FIGHT.tx.raw,
    output_position=OUTPUT.output_position,
    proof=OUTPUT.proof,
    spending_tx=FIGHT.spending.raw,
    spending_input_index=0,
    signature=OUTPUT.signature or b"",
)
RESPOND = RespondToNonCanonicalChallenge(
    exit_id=FIGHT.entry.exit_id, in_flight_tx=FIGHT.tx.raw, position=PLACE.position, proof=PLACE.proof
)
JOIN = Piggyback(
    exit_id=FIGHT.entry.exit_id, in_flight_tx=FIGHT.tx.raw, side=Side.OUTPUT, index=0, bond=Wei(1)
)


def proposal(action: Any, **changes: Any) -> Proposal:
    found = FIGHT.found()
    subject = found.subject(Kind.CANONICITY, open_=True, hard=WINDOW.hard)
    made = Proposal(Act(action, WINDOW, "because"), subject, stamp(timestamp=START + 10), FIGHT.rules, ())
    return replace(made, **changes)


@pytest.mark.parametrize("action", [NOT_CANONICAL, INPUT_SPENT, OUTPUT_SPENT, RESPOND, JOIN])
def test_an_honest_action_breaks_nothing(action: Any) -> None:
    """The rules must not stand in the way of what is right."""
    assert violations(proposal(action)) == []


@pytest.mark.parametrize("generation", list(Generation))
def test_an_honest_challenge_of_a_standard_exit_breaks_nothing(generation: Generation) -> None:
    """And an input index out of range, which would burn the whole gas limit, does."""
    fraud = spent_deposit(generation)
    facts = fraud.facts()
    act = decide(InvalidExit(utxo_pos=fraud.position), facts, Policy(Wei(10**17)))
    assert isinstance(act, Act)
    assert facts.subject is not None
    made = Proposal(act, facts.subject, stamp(), fraud.rules, ())
    assert violations(made) == []
    assert isinstance(act.action, ChallengeStandardExit)
    wrong = replace(act, action=replace(act.action, input_index=3))
    assert violations(replace(made, act=wrong)) == [
        "the evidence cannot be used: input index 3 is out of range of 1 inputs"
    ]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (replace(NOT_CANONICAL, exit_id=ExitId(1)), "another exit"),
        (replace(NOT_CANONICAL, competing_input_index=1), "out of range"),
        (replace(NOT_CANONICAL, in_flight_input_index=-1), "out of range"),
        (replace(NOT_CANONICAL, competing_tx=FIGHT.spending.raw), "it spends"),
        (replace(NOT_CANONICAL, competing_tx=FIGHT.tx.raw), "against itself"),
        (replace(NOT_CANONICAL, competing_tx=b"\x00"), "cannot be used"),
        (replace(NOT_CANONICAL, position=UtxoPosition(1000, 0, 1)), "output index"),
        (replace(INPUT_SPENT, spending_tx=FIGHT.tx.raw), "against itself"),
        (replace(INPUT_SPENT, spending_input_index=2), "out of range"),
        (replace(OUTPUT_SPENT, output_position=UtxoPosition(2000, 0, 1)), "it spends"),
        (replace(RESPOND, position=UtxoPosition(2000, 0, 2)), "output index"),
        (replace(JOIN, index=1), "no output 1"),
        (replace(JOIN, side=Side.INPUT, index=1), "no input 1"),
    ],
)
def test_a_mistaken_action_is_stopped(action: Any, words: str) -> None:
    """Each mistake alone is told in words."""
    (complaint, *_) = violations(proposal(action))
    assert words in complaint


def _subject(**changes: Any) -> Subject:
    return replace(proposal(RESPOND).subject, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subject": _subject(open=False)}, "nothing to answer"),
        ({"outcomes": [Reverted(RECEIPT), Reverted(RECEIPT)]}, "failed 2 times"),
        ({"act": Act(RESPOND, replace(WINDOW, budget=Wei(0)), "")}, "nothing to spend"),
        ({"act": Act(RESPOND, replace(WINDOW, soft=Timestamp(START + 201)), "")}, "soft time"),
    ],
)
def test_circumstances_stop_an_action(changes: dict[str, Any], words: str) -> None:
    """The contract's state, what failed before, and a window nobody can act in."""
    (complaint,) = violations(proposal(RESPOND, **changes))
    assert words in complaint


@pytest.mark.parametrize("action", [NOT_CANONICAL, JOIN])
def test_the_first_phase_is_over_for_those_it_binds(action: Any) -> None:
    """One second after the last good one the contract refuses, for gas."""
    late = stamp(timestamp=WINDOW.hard + 1)
    (complaint,) = violations(proposal(action, at=late))
    assert "phase" in complaint
    assert violations(proposal(RESPOND, at=late)) == []


def test_one_failure_or_a_success_before_stops_nothing() -> None:
    """A reorg can undo a success, and one failure is planned again by its cause."""
    done = Confirmed(replace(RECEIPT, success=True))
    assert violations(proposal(RESPOND, outcomes=[done, Reverted(RECEIPT)])) == []
