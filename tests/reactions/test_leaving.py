"""When the user's funds must leave the chain, and when that is only said."""

from dataclasses import replace
from typing import Any

import pytest

from plasma_guard.domain.blocks import PlasmaBlock
from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import Close, Closure, Decision, Hold, LeaveChain
from plasma_guard.domain.exits import ExitId, ExitStatus, Generation, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32, Timestamp, Wei
from plasma_guard.reactions import (
    block_withholding,
    invalid_block,
    invalid_exit,
    invalid_piggyback,
    non_canonical_ife,
    unchallenged_exit,
    unchallenged_non_canonical_ife,
    unchallenged_piggyback,
)
from plasma_guard.reactions.bad_block import Facts
from plasma_guard.reactions.base import Policy, Subject
from plasma_guard.reactions.leaving import because_of, subject_of
from support.builders import START, spent_deposit
from support.in_flight import battle

POLICY = Policy(max_cost_per_case=Wei(10**17))
EVERY = pytest.mark.parametrize("generation", list(Generation))
ROOT = Hash32(b"\x05" * 32)
BLOCK = PlasmaBlock(5000, ROOT, Timestamp(START))
SUBJECT = Subject(
    kind=Kind.LEAVE_CHAIN,
    exit_id=ExitId(0),
    start=f"block/5000/{ROOT}",
    position=UtxoPosition(5000, 0, 0),
    open=True,
    started_at=START,
    hard=Timestamp(START + 600),
)


def late_exit(generation: Generation, **changes: Any) -> Decision:
    fraud = spent_deposit(generation)
    event = unchallenged_exit.UnchallengedExit(utxo_pos=fraud.position)
    return unchallenged_exit.decide(event, fraud.facts(**changes), POLICY)


@EVERY
def test_a_late_fraud_that_proves_itself_confirms_leaving(generation: Generation) -> None:
    """The guard saw the spend and the running exit itself: more than a Watcher's word."""
    decision = late_exit(generation)
    assert isinstance(decision, LeaveChain)
    assert decision.confirmed


@EVERY
def test_a_late_fraud_without_proof_is_told_and_not_confirmed(generation: Generation) -> None:
    """A single Watcher's word is not enough to spend bonds on."""
    decision = late_exit(generation, claim=None, refusal="challenge:utxo_not_spent")
    assert isinstance(decision, LeaveChain)
    assert not decision.confirmed


@EVERY
def test_27_a_late_fraud_that_is_already_challenged_calls_for_nothing(generation: Generation) -> None:
    """The Watcher keeps listing it for minutes: nobody leaves a chain over that."""
    fraud = spent_deposit(generation)
    decision = late_exit(generation, entry=replace(fraud.entry, status=ExitStatus.ABSENT), claim=None)
    assert isinstance(decision, Close)


def test_an_invented_late_fraud_is_a_lie() -> None:
    """No exit on the root chain, no reason to leave."""
    decision = late_exit(Generation.ALD_V1, subject=None, claim=None)
    assert isinstance(decision, Hold)
    assert decision.suspicious


@EVERY
def test_a_late_competitor_and_a_late_piggyback_confirm_leaving(generation: Generation) -> None:
    """The same proofs as for the plain events."""
    fight = battle(generation)
    found = fight.found(slots=fight.piggybacked(Side.INPUT, 0))
    subject = found.subject(Kind.CANONICITY, open_=True, hard=found.phase_ends)
    competitor = unchallenged_non_canonical_ife.decide(
        unchallenged_non_canonical_ife.UnchallengedNonCanonicalIfe(txbytes=fight.tx.raw),
        non_canonical_ife.Facts(subject, found, fight.competitor, roots=fight.roots),
        POLICY,
    )
    spent = unchallenged_piggyback.decide(
        unchallenged_piggyback.UnchallengedPiggyback(txbytes=fight.tx.raw, inputs=(0,)),
        invalid_piggyback.Facts(subject, found, Side.INPUT, 0, fight.input_spend, roots=fight.roots),
        POLICY,
    )
    for decision in (competitor, spent):
        assert isinstance(decision, LeaveChain)
        assert decision.confirmed


def test_the_plain_challenge_is_still_made() -> None:
    """Each late event implies its plain one, also when a Watcher leaves that out."""
    fight = battle(Generation.ALD_V1)
    late = unchallenged_piggyback.UnchallengedPiggyback(txbytes=fight.tx.raw, inputs=(0,), outputs=(1,))
    assert unchallenged_piggyback.plain(late) == invalid_piggyback.InvalidPiggyback(
        txbytes=fight.tx.raw, inputs=(0,), outputs=(1,)
    )
    position = UtxoPosition(1, 0, 0)
    assert unchallenged_exit.plain(
        unchallenged_exit.UnchallengedExit(utxo_pos=position, eth_height=7)
    ) == invalid_exit.InvalidExit(utxo_pos=position, eth_height=7)
    assert late.topic != unchallenged_piggyback.plain(late).topic


def test_leaving_is_a_case_of_its_own() -> None:
    """It shares exit and start with the fraud, and not its fate."""
    assert subject_of(SUBJECT) == SUBJECT
    assert subject_of(replace(SUBJECT, kind=Kind.STANDARD_EXIT)) == SUBJECT
    assert subject_of(None) is None


@pytest.mark.parametrize(
    ("module", "event"),
    [
        (invalid_block, invalid_block.InvalidBlock(blknum=5000, hash=ROOT, error_type="tx_execution")),
        (block_withholding, block_withholding.BlockWithholding(blknum=5000, hash=ROOT)),
    ],
)
def test_a_bad_block_is_a_reason_on_a_watchers_word(module: Any, event: Any) -> None:
    """Told with the time by which honest exits keep their place; a block that is not there is a lie."""
    decision = module.decide(event, Facts(SUBJECT, BLOCK), POLICY)
    assert isinstance(decision, LeaveChain)
    assert not decision.confirmed
    assert decision.first_bad_blknum == 5000
    assert str(START + 600) in decision.reason
    for lie in (Facts(None, None), Facts(None, replace(BLOCK, root=Hash32(bytes(32))))):
        held = module.decide(event, lie, POLICY)
        assert isinstance(held, Hold)
        assert held.suspicious


def test_block_events_read_what_watchers_write() -> None:
    """Hash as 0x hex, number as a number; unknown fields are ignored."""
    event = invalid_block.InvalidBlock.model_validate(
        {"blknum": 5000, "hash": str(ROOT), "error_type": "incorrect_hash", "name": "invalid_block"}
    )
    assert (event.blknum, event.hash) == (5000, ROOT)
    for bad in (
        {"blknum": "5000", "hash": str(ROOT)},
        {"blknum": 5000, "hash": "0x05"},
        {"blknum": 0, "hash": str(ROOT)},
    ):
        with pytest.raises(ValueError, match="validation error"):
            block_withholding.BlockWithholding.model_validate(bad)


def test_a_fraud_that_was_paid_still_calls_for_leaving() -> None:
    """Stopped by anybody it calls for nothing; paid, the chain holds less than it owes."""
    stopped = Close(Closure.RESOLVED_BY_OTHERS, "the exit is challenged")
    assert because_of(stopped, "the exit", known=True) is stopped
    paid = because_of(Close(Closure.LOST, "it was paid"), "the exit", known=True)
    assert isinstance(paid, LeaveChain)
    assert "it was paid" in paid.reason
    assert not paid.confirmed


def test_an_exit_that_our_scan_has_not_reached_alarms_nobody_yet() -> None:
    """A block later it is known, or known to be a lie; known and unproven, its owner is told."""
    behind = Hold("our own scan of the root chain has not reached this exit yet")
    assert because_of(behind, "the exit", known=False) is behind
    told = because_of(Hold("the Watcher gives no competitor"), "the exit", known=True)
    assert isinstance(told, LeaveChain)
    assert not told.confirmed
