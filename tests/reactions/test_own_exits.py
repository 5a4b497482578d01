"""What is next for an exit of our own, from what the root chain says of it and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from plasma_guard.domain.actions import (
    Action,
    AddExitQueue,
    DeleteNonPiggybacked,
    Piggyback,
    ProcessExits,
    RespondToNonCanonicalChallenge,
    StartInFlightExit,
    StartStandardExit,
)
from plasma_guard.domain.cases import Judgement, TrackedExit
from plasma_guard.domain.decisions import Act, Alert, Close, Closure, Decision, Hold
from plasma_guard.domain.exits import (
    NOT_INCLUDED,
    ExitId,
    ExitStatus,
    InFlightExit,
    InFlightSlot,
    QueueHead,
    Side,
    StandardExit,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Seconds, Timestamp, Wei
from plasma_guard.reactions import own_in_flight_exit as in_flight
from plasma_guard.reactions import own_standard_exit as standard
from plasma_guard.reactions.base import Policy
from plasma_guard.reactions.own_exit import stepped

POLICY = Policy(max_cost_per_case=Wei(10**17))
ME, FRIEND, TOKEN = (Address(bytes([byte]) * 20) for byte in (1, 2, 3))
PERIOD, ASKED, DEADLINE = Seconds(1000), 10_000, 10_600
POSITION = UtxoPosition(2000, 0, 0)
RIPE = Timestamp(13_000)
HEAD = QueueHead(ExitId(5), RIPE)

LEAVING = standard.OwnStandardExit(
    txbytes=b"tx", account=ME, asked_at=ASKED, hard=DEADLINE, utxo_pos=POSITION, proof=b"proof"
)
STARTED = TrackedExit(
    ExitId(9), "0xstart", POSITION, ME, 7, Timestamp(ASKED + 12), Judgement.VALID, running=True
)
SETTLED = standard.Facts(
    subject=None,
    entry=StandardExit(ExitId(9), ExitStatus.ABSENT),
    started=None,
    challenged=False,
    finalized=False,
    has_queue=True,
    head=HEAD,
    exitable_at=RIPE,
    bond=Wei(31),
    slice=10,
    token=ETH,
    amount=Wei(70),
    now=Timestamp(ASKED + 24),
    period=PERIOD,
)
RUNNING = {"entry": StandardExit(ExitId(9), ExitStatus.RUNNING), "started": STARTED}


def settled(**changes: Any) -> Decision:
    return standard.decide(LEAVING, replace(SETTLED, **changes), POLICY)


def action(decision: Decision) -> Action:
    assert isinstance(decision, Act), decision
    return decision.action


def test_a_settled_output_is_started_by_its_owner_with_the_bond_of_now() -> None:
    """Its queue is opened first where there is none; both must be mined before the deadline."""
    decision = settled()
    assert action(decision) == StartStandardExit(ExitId(9), POSITION, b"tx", b"proof", Wei(31))
    assert isinstance(decision, Act)
    assert (decision.account, decision.window.hard) == (ME, DEADLINE)
    opening = settled(has_queue=False)
    assert action(opening) == AddExitQueue(ETH)
    assert isinstance(opening, Act)
    assert opening.window.hard == DEADLINE


def test_after_its_deadline_an_exit_is_still_started_and_its_window_is_not_over() -> None:
    """Late is behind the thief, which may still be paid; a window in the past would never be sent."""
    decision = settled(now=Timestamp(DEADLINE + 1))
    assert isinstance(decision, Act)
    assert decision.window.hard == ASKED + PERIOD > DEADLINE + 1


def test_windows_step_and_do_not_slide() -> None:
    """Two blocks of one period give one window: a call is not priced anew at every block."""
    since = Timestamp(100)
    assert [stepped(since, Timestamp(now), Seconds(10)) for now in (90, 100, 109, 110)] == [
        110,
        110,
        110,
        120,
    ]


def test_a_running_exit_is_processed_strictly_after_it_is_ripe() -> None:
    """At the very second of maturity the contract still refuses."""
    assert isinstance(settled(**RUNNING, now=RIPE), Hold)
    assert action(settled(**RUNNING, now=Timestamp(RIPE + 1))) == ProcessExits(ETH, 10, ExitId(0))


def test_no_more_exits_are_processed_at_once_than_the_contract_can_pay() -> None:
    """On RootChain one that it cannot pay undoes the whole call; if that is the next, a person is told."""
    ripe = {**RUNNING, "now": Timestamp(RIPE + 1)}
    assert action(settled(**ripe, slice=2)) == ProcessExits(ETH, 2, ExitId(0))
    stuck = settled(**ripe, slice=0)
    assert isinstance(stuck, Alert)
    assert "cannot be paid" in stuck.reason
    joined = {**entry(slots=(JOINABLE[0], JOINED[1])), "now": Timestamp(RIPE + 1)}
    assert action(flight(**joined, slices={ETH: 1})) == ProcessExits(ETH, 1, ExitId(0))
    assert isinstance(flight(**joined, slices={ETH: 0}), Alert)


@pytest.mark.parametrize("head", [None, QueueHead(ExitId(5), Timestamp(RIPE + 1))])
def test_an_unripe_or_missing_head_is_waited_for(head: QueueHead | None) -> None:
    """Processing would pay nothing, and cost gas."""
    assert isinstance(settled(**RUNNING, now=Timestamp(RIPE + 1), head=head), Hold)


def test_an_exit_that_our_scan_has_not_seen_is_not_started_again() -> None:
    """The contract says that it runs: a second start would fail."""
    assert isinstance(settled(entry=StandardExit(ExitId(9), ExitStatus.RUNNING)), Hold)


@pytest.mark.parametrize(
    ("changes", "closure", "word"),
    [
        ({"finalized": True}, Closure.WON_BY_US, "70 wei"),
        ({"finalized": True, "token": TOKEN}, Closure.WON_BY_US, f"70 units of {TOKEN}"),
        ({"entry": StandardExit(ExitId(9), ExitStatus.CHALLENGED)}, Closure.LOST, "challenged"),
        ({"started": STARTED, "challenged": True}, Closure.LOST, "challenged"),
        ({"started": STARTED}, Closure.LOST, "without being paid"),
    ],
)
def test_an_exit_that_is_over_is_never_started_again(
    changes: dict[str, Any], closure: Closure, word: str
) -> None:
    """Paid, challenged, or gone without payment: each is told apart, and none costs another bond."""
    decision = settled(**changes)
    assert isinstance(decision, Close)
    assert decision.closure is closure
    assert word in decision.reason


MINE = in_flight.OwnSlot(
    side=Side.OUTPUT, index=1, owner=ME, token=ETH, amount=70, position=UtxoPosition(3000, 4, 1)
)
THEIRS = in_flight.OwnSlot(side=Side.INPUT, index=0, owner=FRIEND, token=ETH, amount=60, position=POSITION)
INCLUDED = UtxoPosition(3000, 4, 0)
FLYING = in_flight.OwnInFlightExit(
    txbytes=b"tx",
    account=ME,
    asked_at=ASKED,
    hard=DEADLINE,
    slots=(MINE, THEIRS),
    input_txs=(b"input",),
    input_positions=(POSITION,),
    proofs=(b"proof",),
    signatures=(b"signature",),
    included=INCLUDED,
    proof=b"inclusion",
)
PHASE_ENDS = Timestamp(11_000)
JOINABLE = (InFlightSlot(Side.INPUT, 0, piggybacked=False), InFlightSlot(Side.OUTPUT, 1, piggybacked=False))
JOINED = tuple(replace(slot, piggybacked=True) for slot in JOINABLE)
ENTRY = InFlightExit(
    ExitId(8),
    ExitStatus.RUNNING,
    started_at=Timestamp(ASKED + 12),
    slots=JOINABLE,
    bond_owner=ME,
    exitable_at=RIPE,
)
FLIGHT = in_flight.Facts(
    subject=None,
    entry=ENTRY,
    started=True,
    phase_ends=PHASE_ENDS,
    exitable_at=RIPE,
    paid=(),
    is_scanned=True,
    closed_queues=(),
    heads={ETH: HEAD},
    slices={ETH: 10},
    start_bond=Wei(37),
    piggyback_bond=Wei(28),
    is_deletable=True,
    now=Timestamp(ASKED + 24),
    period=PERIOD,
)
ABSENT = {"entry": InFlightExit(ExitId(8), ExitStatus.ABSENT), "started": False}


def flight(event: in_flight.OwnInFlightExit = FLYING, /, **changes: Any) -> Decision:
    return in_flight.decide(event, replace(FLIGHT, **changes), POLICY)


def entry(**changes: Any) -> dict[str, Any]:
    return {"entry": replace(ENTRY, **changes)}


def test_an_in_flight_exit_is_started_once_its_queues_are_open() -> None:
    """With everything the transaction's inputs need, and the bond of now."""
    assert action(flight(**ABSENT, closed_queues=(TOKEN,))) == AddExitQueue(TOKEN)
    assert action(flight(**ABSENT)) == StartInFlightExit(
        ExitId(8), b"tx", (b"input",), (POSITION,), (b"proof",), (b"signature",), Wei(37)
    )


def test_somebody_elses_exit_that_is_gone_cannot_be_joined() -> None:
    """Without its inputs' transactions there is nothing to start it with."""
    decision = flight(FLYING.model_copy(update={"input_txs": ()}), **ABSENT)
    assert isinstance(decision, Close)
    assert decision.closure is Closure.LOST


def test_each_slot_is_joined_by_its_own_owner_before_the_phase_ends() -> None:
    """The contract takes a piggyback from the slot's owner only, and none at the phase's last second."""
    first = flight()
    assert action(first) == Piggyback(ExitId(8), b"tx", Side.OUTPUT, 1, Wei(28))
    assert isinstance(first, Act)
    assert (first.account, first.window.hard) == (ME, DEADLINE)
    second = flight(**entry(slots=(JOINABLE[0], JOINED[1])), now=Timestamp(DEADLINE + 1))
    assert action(second) == Piggyback(ExitId(8), b"tx", Side.INPUT, 0, Wei(28))
    assert isinstance(second, Act)
    assert (second.account, second.window.hard) == (FRIEND, PHASE_ENDS - 1)


def test_a_slot_that_was_challenged_away_is_not_joined_again() -> None:
    """It would be challenged again, and cost another bond."""
    blocked = (replace(JOINABLE[0], blocked=True), replace(JOINABLE[1], blocked=True))
    assert isinstance(flight(**entry(slots=blocked)), Hold)
    handled = (replace(JOINABLE[0], handled=True), JOINED[1])
    assert isinstance(flight(**entry(slots=handled)), Hold)


def test_nothing_joins_where_an_input_has_left_already() -> None:
    """RootChain v0.2 ends the first phase at once then."""
    assert isinstance(flight(**entry(input_finalized=True)), Hold)


def test_a_challenge_of_canonicity_is_answered_first_with_our_own_proof() -> None:
    """No Watcher is asked: the vault's proof of inclusion is in the event."""
    challenged = entry(canonical=False, oldest_competitor=NOT_INCLUDED)
    assert action(flight(**challenged)) == RespondToNonCanonicalChallenge(
        ExitId(8), b"tx", INCLUDED, b"inclusion"
    )


@pytest.mark.parametrize("older", [INCLUDED.encode(), UtxoPosition(2000, 0, 0).encode()])
def test_a_competitor_that_is_as_old_or_older_cannot_be_answered(older: int) -> None:
    """The contract refuses a response that is not older than the competitor."""
    decision = flight(**entry(canonical=False, oldest_competitor=older))
    assert action(decision) == Piggyback(ExitId(8), b"tx", Side.OUTPUT, 1, Wei(28))


def test_joined_it_is_processed_strictly_after_it_is_ripe() -> None:
    """By then the phase for joining is over, whatever is missing."""
    ripe = {**entry(slots=(JOINABLE[0], JOINED[1])), "now": Timestamp(RIPE + 1)}
    assert isinstance(flight(**{**ripe, "now": RIPE}), Hold)
    assert action(flight(**ripe)) == ProcessExits(ETH, 10, ExitId(0))


def test_an_exit_that_nobody_joined_gives_its_bond_back_to_who_paid_it() -> None:
    """On ald, after the phase, if it is our bond and nobody at all is in it."""
    after = Timestamp(PHASE_ENDS)
    assert action(flight(now=after)) == DeleteNonPiggybacked(ExitId(8))
    for changes in (
        {"is_deletable": False},
        entry(bond_owner=FRIEND),
        entry(slots=(*JOINABLE, InFlightSlot(Side.OUTPUT, 0, piggybacked=True))),
    ):
        decision = flight(now=after, **changes)
        assert isinstance(decision, Close)
        assert decision.closure is Closure.LOST


def test_an_end_that_our_scan_has_not_read_is_waited_for() -> None:
    """The logs say what was paid: without them an exit that was paid would be told as lost."""
    over = {"entry": replace(ENTRY, status=ExitStatus.ABSENT), "paid": ()}
    assert isinstance(flight(**over, is_scanned=False), Hold)


@pytest.mark.parametrize(
    ("paid", "closure", "told", "silent"),
    [
        ((MINE, THEIRS), Closure.WON_BY_US, "output 1: 70", "input 0"),
        ((THEIRS,), Closure.WON_BY_US, "input 0: 60", "output"),
        ((), Closure.LOST, "nothing of ours", "output 1"),
    ],
)
def test_one_side_is_paid_and_only_that_is_told(
    paid: tuple[in_flight.OwnSlot, ...], closure: Closure, told: str, silent: str
) -> None:
    """The contract may mark the inputs of a canonical exit as used: they were not paid."""
    decision = flight(entry=replace(ENTRY, status=ExitStatus.ABSENT), paid=paid)
    assert isinstance(decision, Close)
    assert decision.closure is closure
    assert told in decision.reason
    assert silent not in decision.reason
