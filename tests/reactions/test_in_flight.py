"""What the guard concludes about in-flight exits, fact by fact, on every generation."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from plasma_guard.domain.actions import (
    ChallengeInputSpent,
    ChallengeNotCanonical,
    ChallengeOutputSpent,
    Piggyback,
    RespondToNonCanonicalChallenge,
)
from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import Act, Alert, Close, Closure, Decision, Hold
from plasma_guard.domain.exits import NOT_INCLUDED, ExitStatus, Generation, InFlightSlot, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Timestamp, Wei
from plasma_guard.reactions import (
    invalid_ife_challenge,
    invalid_piggyback,
    non_canonical_ife,
    piggyback_available,
)
from plasma_guard.reactions.base import Policy, WatcherEvent
from plasma_guard.reactions.in_flight import InFlight, Missing
from support.builders import ALICE, BOB, MALLORY, PERIOD, START
from support.in_flight import AMOUNT, COMPETITOR_BLOCK, IN_FLIGHT_BLOCK, Battle, battle

POLICY = Policy(max_cost_per_case=Wei(10**17))
EVERY = pytest.mark.parametrize("generation", list(Generation))
NO_EVENT: Any = None
"""Decisions follow from facts; the event only led to them."""
NEVER = Missing("no in-flight exit was ever started", suspicious=True)


def hard(found: InFlight) -> Timestamp:
    return Timestamp(found.phase_ends - 1)


def canonicity(fight: Battle, found: InFlight, **changes: Any) -> Decision:
    facts = non_canonical_ife.Facts(
        subject=found.subject(Kind.CANONICITY, open_=found.in_first_phase, hard=hard(found)),
        exit=found,
        claim=fight.competitor,
        roots=fight.roots,
    )
    return non_canonical_ife.decide(NO_EVENT, replace(facts, **changes), POLICY)


@EVERY
def test_a_competitor_is_shown_before_half_the_period_is_over(generation: Generation) -> None:
    """The call carries the proven competitor; the last good second is start + P/2 - 1."""
    fight = battle(generation)
    decision = canonicity(fight, fight.found())
    assert isinstance(decision, Act)
    assert isinstance(decision.action, ChallengeNotCanonical)
    assert decision.action.competing_tx == fight.competing.raw
    assert decision.action.position == UtxoPosition(COMPETITOR_BLOCK, 0, 0)
    assert decision.window.hard == START + PERIOD // 2 - 1


@EVERY
def test_a_competitor_in_no_block_is_shown_only_to_an_unchallenged_exit(generation: Generation) -> None:
    """Without a position it counts as infinitely young: accepted first, refused after any other."""
    fight = battle(generation)
    unplaced = replace(fight.competitor, position=None, proof=b"")
    decision = canonicity(fight, fight.found(), claim=unplaced)
    assert isinstance(decision, Act)
    again = canonicity(fight, fight.found(canonical=False, oldest_competitor=NOT_INCLUDED), claim=unplaced)
    assert isinstance(again, Close)


@EVERY
def test_h5_a_competitor_that_got_included_is_shown_again(generation: Generation) -> None:
    """A challenge without a position can be answered; one with a position, once there is one, is stronger."""
    fight = battle(generation)
    decision = canonicity(fight, fight.found(canonical=False, oldest_competitor=NOT_INCLUDED))
    assert isinstance(decision, Act)


@EVERY
@pytest.mark.parametrize("age", [0, -1])
def test_a_competitor_no_older_than_the_recorded_one_is_not_sent(generation: Generation, age: int) -> None:
    """The contract takes only strictly older ones; the equal one is our own or somebody else's."""
    fight = battle(generation)
    recorded = UtxoPosition(COMPETITOR_BLOCK, 0, 0).encode() + age
    decision = canonicity(fight, fight.found(canonical=False, oldest_competitor=recorded))
    assert isinstance(decision, Close)
    assert decision.closure is Closure.RESOLVED_BY_OTHERS


@EVERY
def test_a_competitor_younger_than_the_proven_inclusion_is_never_shown(generation: Generation) -> None:
    """After a response the contract holds the transaction's own position: a younger competitor only loses."""
    fight = battle(generation)
    own = UtxoPosition(COMPETITOR_BLOCK, 0, 0).encode() - 10_000
    decision = canonicity(fight, fight.found(canonical=True, oldest_competitor=own))
    assert isinstance(decision, Hold)


@EVERY
def test_after_half_the_period_canonicity_is_decided(generation: Generation) -> None:
    """Canonical although it has a competitor: lost, and said so. Challenged: done."""
    fight = battle(generation)
    late = START + PERIOD // 2
    lost = canonicity(fight, fight.found(now=late), claim=None)
    assert isinstance(lost, Close)
    assert lost.closure is Closure.LOST
    done = canonicity(fight, fight.found(now=late, canonical=False, oldest_competitor=5), claim=None)
    assert isinstance(done, Close)
    assert done.closure is Closure.RESOLVED_BY_OTHERS


Lie = Callable[[Battle], dict[str, Any]]


def _lie(name: str, lie: Lie) -> Any:
    return pytest.param(lie, id=name)


COMPETITOR_LIES = [
    _lie("other in-flight transaction", lambda _: {"in_flight_tx": b"\xc0"}),
    _lie("itself", lambda fight: {"competing_tx": fight.tx.raw}),
    _lie("not a transaction", lambda _: {"competing_tx": b"\x00"}),
    _lie("input index", lambda _: {"competing_input_index": 1}),
    _lie("in-flight input index", lambda _: {"in_flight_input_index": 4}),
    _lie("negative index", lambda _: {"competing_input_index": -1}),
    _lie("does not share the input", lambda fight: {"competing_tx": fight.spending.raw}),
    _lie("no signature", lambda _: {"signature": None}),
    _lie("foreign signature", lambda fight: {"signature": fight.sign(fight.competing, MALLORY)}),
    _lie("other position", lambda _: {"position": UtxoPosition(COMPETITOR_BLOCK, 1, 0)}),
    _lie("unknown block", lambda _: {"position": UtxoPosition(9000, 0, 0)}),
    _lie("output index in the position", lambda _: {"position": UtxoPosition(COMPETITOR_BLOCK, 0, 1)}),
    _lie("broken proof", lambda _: {"proof": bytes(512)}),
    _lie("short proof", lambda fight: {"proof": fight.competitor.proof[:-32]}),
    _lie("proof without a position", lambda _: {"position": None}),
]


@EVERY
@pytest.mark.parametrize("lie", COMPETITOR_LIES)
def test_a_competitor_with_one_false_field_costs_nothing(generation: Generation, lie: Lie) -> None:
    """Each field alone is enough to hold the case and mark it suspicious."""
    fight = battle(generation)
    decision = canonicity(fight, fight.found(), claim=replace(fight.competitor, **lie(fight)))
    assert isinstance(decision, Hold)
    assert decision.suspicious


@pytest.mark.parametrize("generation", [Generation.ALD_V1, Generation.ALD_V2])
@pytest.mark.parametrize(
    "lie",
    [
        {"input_tx": None},
        {"input_position": None},
        {"input_position": UtxoPosition(2, 0, 0)},
        {"input_tx": b"\xc0"},
    ],
)
def test_the_input_must_be_the_one_the_contract_recorded(generation: Generation, lie: dict[str, Any]) -> None:
    """Ald checks the creating transaction of the shared input against the exit's own record."""
    fight = battle(generation)
    decision = canonicity(fight, fight.found(), claim=replace(fight.competitor, **lie))
    assert isinstance(decision, Hold)
    assert decision.suspicious


def response(fight: Battle, found: InFlight, **changes: Any) -> Decision:
    facts = invalid_ife_challenge.Facts(
        subject=found.subject(Kind.INCLUSION, open_=not found.exit.canonical, hard=found.exitable_at),
        exit=found,
        claim=fight.inclusion,
        roots=fight.roots,
    )
    return invalid_ife_challenge.decide(NO_EVENT, replace(facts, **changes), POLICY)


@EVERY
@pytest.mark.parametrize("recorded", [NOT_INCLUDED, UtxoPosition(IN_FLIGHT_BLOCK, 1, 0).encode()])
def test_d18_a_wrong_challenge_is_answered_with_the_place(generation: Generation, recorded: int) -> None:
    """The transaction is older than what was shown: in the same block a lower index is enough."""
    fight = battle(generation)
    decision = response(fight, fight.found(canonical=False, oldest_competitor=recorded))
    assert isinstance(decision, Act)
    assert isinstance(decision.action, RespondToNonCanonicalChallenge)
    assert decision.action.position == UtxoPosition(IN_FLIGHT_BLOCK, 0, 0)
    assert decision.window.hard == START + PERIOD


@EVERY
def test_a_really_older_competitor_cannot_be_answered(generation: Generation) -> None:
    """A response to it would revert: nothing is sent."""
    fight = battle(generation)
    older = UtxoPosition(COMPETITOR_BLOCK, 0, 0).encode()
    decision = response(fight, fight.found(canonical=False, oldest_competitor=older))
    assert isinstance(decision, Hold)
    assert decision.suspicious


@EVERY
def test_a_canonical_exit_needs_no_response(generation: Generation) -> None:
    """Somebody answered, or nobody challenged: closed by the contract's state."""
    fight = battle(generation)
    assert isinstance(response(fight, fight.found()), Close)


@EVERY
@pytest.mark.parametrize(
    "lie",
    [
        {"position": UtxoPosition(IN_FLIGHT_BLOCK, 0, 1)},
        {"position": UtxoPosition(COMPETITOR_BLOCK, 0, 0)},
        {"proof": bytes(512)},
        {"in_flight_tx": b"\xc0"},
    ],
)
def test_an_inclusion_with_one_false_field_costs_nothing(generation: Generation, lie: dict[str, Any]) -> None:
    """The proof must lead to the root stored on chain for that very place."""
    fight = battle(generation)
    found = fight.found(canonical=False, oldest_competitor=NOT_INCLUDED)
    decision = response(fight, found, claim=replace(fight.inclusion, **lie))
    assert isinstance(decision, Hold)
    assert decision.suspicious


def spent(fight: Battle, side: Side, found: InFlight | None = None, **changes: Any) -> Decision:
    found = found or fight.found(slots=fight.piggybacked(side, 0))
    claim = fight.input_spend if side is Side.INPUT else fight.output_spend
    facts = invalid_piggyback.Facts(
        subject=found.subject(Kind.PIGGYBACK_SPENT, open_=True, hard=found.exitable_at),
        exit=found,
        side=side,
        index=0,
        claim=claim,
        roots=fight.roots,
    )
    return invalid_piggyback.decide(NO_EVENT, replace(facts, **changes), POLICY)


@EVERY
def test_e13_a_piggybacked_input_spent_elsewhere_is_challenged(generation: Generation) -> None:
    """The spender need not be in a block; any other transaction of the owner does."""
    fight = battle(generation)
    decision = spent(fight, Side.INPUT)
    assert isinstance(decision, Act)
    assert isinstance(decision.action, ChallengeInputSpent)
    assert decision.action.spending_tx == fight.competing.raw


@EVERY
def test_e17_a_piggybacked_output_spent_is_challenged(generation: Generation) -> None:
    """The in-flight transaction is proven included, its output spent by its owner."""
    fight = battle(generation)
    decision = spent(fight, Side.OUTPUT)
    assert isinstance(decision, Act)
    assert isinstance(decision.action, ChallengeOutputSpent)
    assert decision.action.output_position == UtxoPosition(IN_FLIGHT_BLOCK, 0, 0)


@EVERY
@pytest.mark.parametrize("side", list(Side))
def test_h4_a_missing_spending_signature_is_survived(generation: Generation, side: Side) -> None:
    """The real Watcher answers null there when it learned of the spend from the root chain."""
    fight = battle(generation)
    claim = fight.input_spend if side is Side.INPUT else fight.output_spend
    decision = spent(fight, side, claim=replace(claim, signature=None))
    assert isinstance(decision, Hold)


@EVERY
@pytest.mark.parametrize(
    ("side", "lie"),
    [
        (Side.INPUT, {"spending_input_index": 1}),
        (Side.INPUT, {"in_flight_input_index": 1}),
        (Side.INPUT, {"signature": bytes(65)}),
        (Side.INPUT, {"in_flight_tx": b"\xc0"}),
        (Side.OUTPUT, {"spending_input_index": 7}),
        (Side.OUTPUT, {"output_position": UtxoPosition(IN_FLIGHT_BLOCK, 0, 1)}),
        (Side.OUTPUT, {"output_position": UtxoPosition(COMPETITOR_BLOCK, 0, 0)}),
        (Side.OUTPUT, {"proof": bytes(512)}),
        (Side.OUTPUT, {"signature": bytes(65)}),
    ],
)
def test_a_spend_with_one_false_field_costs_nothing(
    generation: Generation, side: Side, lie: dict[str, Any]
) -> None:
    """A wrong index would burn the whole gas limit."""
    fight = battle(generation)
    claim = fight.input_spend if side is Side.INPUT else fight.output_spend
    decision = spent(fight, side, claim=replace(claim, **lie))
    assert isinstance(decision, Hold)
    assert decision.suspicious


@EVERY
@pytest.mark.parametrize(
    ("slots", "closure"),
    [
        ((InFlightSlot(Side.INPUT, 0, piggybacked=False),), Closure.RESOLVED_BY_OTHERS),
        ((InFlightSlot(Side.INPUT, 0, piggybacked=False, handled=True),), Closure.LOST),
    ],
)
def test_a_slot_that_does_not_stand_closes_its_case(
    generation: Generation, slots: tuple[InFlightSlot, ...], closure: Closure
) -> None:
    """A cleared bit is a challenge that succeeded, or a payout where the contract says so."""
    fight = battle(generation)
    decision = spent(fight, Side.INPUT, fight.found(slots=slots))
    assert isinstance(decision, Close)
    assert decision.closure is closure


def join(fight: Battle, found: InFlight, side: Side = Side.OUTPUT, **changes: Any) -> Decision:
    facts = piggyback_available.Facts(
        subject=found.subject(Kind.OWN_PIGGYBACK, open_=True, hard=hard(found)),
        exit=found,
        side=side,
        index=0,
        owner=BOB.address if side is Side.OUTPUT else ALICE.address,
        token=ETH,
        amount=AMOUNT,
        slot=found.exit.slot(side, 0),
        spendable=True,
        bond=Wei(28 * 10**15),
        gas_price=Wei(10**9),
    )
    return piggyback_available.decide(NO_EVENT, replace(facts, **changes), POLICY)


@EVERY
def test_our_output_joins_from_our_own_account_with_the_exact_bond(generation: Generation) -> None:
    """Only the owner can piggyback."""
    fight = battle(generation)
    decision = join(fight, fight.found(), amount=Wei(10**16))
    assert isinstance(decision, Act)
    assert decision.action == Piggyback(
        exit_id=fight.entry.exit_id,
        in_flight_tx=fight.tx.raw,
        side=Side.OUTPUT,
        index=0,
        bond=Wei(28 * 10**15),
    )
    assert decision.account == BOB.address
    assert decision.window.hard == START + PERIOD // 2 - 1


@EVERY
@pytest.mark.parametrize(
    "change",
    [
        {"spendable": None},
        {"spendable": False},
        {"competitor": True},
        {"amount": Wei(3 * 10**14)},
    ],
)
def test_joining_in_vain_is_not_paid_for(generation: Generation, change: dict[str, Any]) -> None:
    """A spent output loses the bond, a non-canonical exit pays none, a small one is worth less than gas."""
    fight = battle(generation)
    assert isinstance(join(fight, fight.found(), **change), Hold)


@EVERY
def test_our_input_of_a_non_canonical_exit_is_told_to_a_person(generation: Generation) -> None:
    """Whether we spent it elsewhere only we know: joining with a spent input loses the bond."""
    fight = battle(generation)
    assert isinstance(join(fight, fight.found(), Side.INPUT), Hold)
    found = fight.found(canonical=False, oldest_competitor=NOT_INCLUDED)
    assert isinstance(join(fight, found, Side.INPUT), Alert)


@EVERY
def test_after_the_first_phase_nobody_can_join(generation: Generation) -> None:
    """Late is lost, and said so; joined before is done."""
    fight = battle(generation)
    late = fight.found(now=START + PERIOD // 2)
    decision = join(fight, late)
    assert isinstance(decision, Close)
    assert decision.closure is Closure.LOST
    joined = fight.found(now=START + PERIOD // 2, slots=fight.piggybacked(Side.OUTPUT, 0))
    done = join(fight, joined)
    assert isinstance(done, Close)
    assert done.closure is Closure.RESOLVED_BY_OTHERS


@EVERY
def test_an_exit_that_is_over_needs_nothing(generation: Generation) -> None:
    """Processed or deleted: every kind of case closes."""
    fight = battle(generation)
    over = fight.found(status=ExitStatus.ABSENT)
    for decision in (
        canonicity(fight, over),
        response(fight, over),
        spent(fight, Side.INPUT, over),
        join(fight, over),
    ):
        assert isinstance(decision, Close)


def test_an_exit_that_never_was_is_a_lie() -> None:
    """No in-flight exit on the root chain: nothing is asked, nothing is spent."""
    facts = non_canonical_ife.Facts(None, NEVER)
    decision = non_canonical_ife.decide(NO_EVENT, facts, POLICY)
    assert decision == Hold(NEVER.reason, suspicious=True)


@pytest.mark.parametrize(
    "event",
    [
        non_canonical_ife.NonCanonicalIfe,
        invalid_ife_challenge.InvalidIfeChallenge,
        invalid_piggyback.InvalidPiggyback,
        piggyback_available.PiggybackAvailable,
    ],
)
@pytest.mark.parametrize("bad", [None, 5, "", "c0", "0xc", "0x" + "00" * 70_000, ["0xc0"]])
def test_transaction_bytes_of_the_wrong_shape_are_no_event(event: type[WatcherEvent], bad: object) -> None:
    """Hex with its prefix, and no more of it than a transaction can have."""
    with pytest.raises(ValueError, match="txbytes"):
        event.model_validate({"txbytes": bad})


def test_both_spellings_are_one_event() -> None:
    """The documentation says noncanonical, the code non_canonical."""
    assert set(non_canonical_ife.NonCanonicalIfe.names) == {"non_canonical_ife", "noncanonical_ife"}
