"""What the guard concludes about a reported invalid exit, fact by fact."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from plasma_guard.domain.actions import ChallengeStandardExit
from plasma_guard.domain.decisions import Act, Close, Closure, Hold, Window
from plasma_guard.domain.exits import ExitId, ExitStatus, Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Hash32, Timestamp, Wei
from plasma_guard.reactions.base import Policy
from plasma_guard.reactions.invalid_exit import Facts, InvalidExit, decide
from support.builders import ALICE, BOB, CONTRACT, MALLORY, PERIOD, START, SpentDeposit, spent_deposit

POLICY = Policy(max_cost_per_case=Wei(10**17))
EVERY = pytest.mark.parametrize("generation", list(Generation))
ALD = pytest.mark.parametrize("generation", [Generation.ALD_V1, Generation.ALD_V2])


def conclude(fraud: SpentDeposit, facts: Facts) -> object:
    return decide(InvalidExit(utxo_pos=fraud.position), facts, POLICY)


@EVERY
def test_a_proven_spend_is_challenged_within_the_exit_period(generation: Generation) -> None:
    """The call carries exactly the proven evidence; half the time is left for insisting on a simulation."""
    fraud = spent_deposit(generation)
    decision = conclude(fraud, fraud.facts())
    assert isinstance(decision, Act)
    assert decision.action == ChallengeStandardExit(
        exit_id=fraud.entry.exit_id,
        position=fraud.position,
        challenge_tx=fraud.claim.challenge_tx,
        input_index=0,
        signature=fraud.claim.signature,
        exiting_tx=fraud.claim.exiting_tx,
    )
    assert decision.window == Window(Timestamp(START + PERIOD // 2), Timestamp(START + PERIOD), Wei(10**17))


@EVERY
@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_c7_the_spend_may_be_any_input(generation: Generation, index: int) -> None:
    """The exiting output is the n-th input of the spend, and the call says n."""
    fraud = spent_deposit(generation, input_index=index)
    decision = conclude(fraud, fraud.facts())
    assert isinstance(decision, Act)
    assert isinstance(decision.action, ChallengeStandardExit)
    assert decision.action.input_index == index


@EVERY
@pytest.mark.parametrize(
    ("status", "paid", "closure"),
    [
        (ExitStatus.CHALLENGED, False, Closure.RESOLVED_BY_OTHERS),
        (ExitStatus.ABSENT, False, Closure.RESOLVED_BY_OTHERS),
        (ExitStatus.ABSENT, True, Closure.LOST),
        (ExitStatus.FINALIZED, True, Closure.LOST),
    ],
)
def test_an_exit_that_does_not_run_closes_its_case(
    generation: Generation, status: ExitStatus, closure: Closure, *, paid: bool
) -> None:
    """Only the contract's state closes a case, and it tells challenged from paid."""
    fraud = spent_deposit(generation)
    decision = conclude(fraud, fraud.facts(entry=replace(fraud.entry, status=status), paid=paid, claim=None))
    assert isinstance(decision, Close)
    assert decision.closure is closure


@EVERY
def test_how_an_exit_ended_is_not_guessed(generation: Generation) -> None:
    """While the logs that tell paid from challenged have not been read, its case stays open."""
    fraud = spent_deposit(generation)
    gone = replace(fraud.entry, status=ExitStatus.ABSENT)
    assert isinstance(conclude(fraud, fraud.facts(entry=gone, paid=None, claim=None)), Hold)


def test_an_exit_that_never_started_is_a_lie() -> None:
    """An event about an exit that our own scan would have seen costs nothing and is marked suspicious."""
    fraud = spent_deposit(Generation.ALD_V1)
    decision = conclude(fraud, fraud.facts(subject=None, claim=None))
    assert decision == Hold(
        f"no exit of position {fraud.position} was ever started on the root chain", suspicious=True
    )


def test_an_exit_challenged_before_anybody_looked_is_no_lie() -> None:
    """On v0.2 nothing but its challenge's log is left of it: nothing to do, and nothing to suspect."""
    fraud = spent_deposit(Generation.ROOTCHAIN_V02)
    decision = conclude(fraud, fraud.facts(subject=None, claim=None, challenged=True))
    assert decision == Hold(f"the exit of {fraud.position} was challenged before it was first looked at")


def test_an_exit_our_scan_has_not_reached_is_waited_for() -> None:
    """While catching up, an unknown exit is no lie yet."""
    fraud = spent_deposit(Generation.ALD_V1)
    decision = conclude(fraud, fraud.facts(subject=None, claim=None, scan_covers_it=False))
    assert isinstance(decision, Hold)
    assert not decision.suspicious


def test_a_watcher_without_challenge_data_is_asked_again() -> None:
    """A Watcher that reports a fraud but gives no proof may still come to it."""
    fraud = spent_deposit(Generation.ALD_V1)
    decision = conclude(fraud, fraud.facts(claim=None, refusal="challenge:utxo_not_spent"))
    assert decision == Hold("the Watcher gives no challenge data (challenge:utxo_not_spent)")


Lie = Callable[[SpentDeposit], SpentDeposit]


def _claim(**changes: object) -> Lie:
    return lambda fraud: replace(fraud, claim=replace(fraud.claim, **changes))  # type: ignore[arg-type] # reason: each lie changes another field


def _signed_by(key: bytes) -> Lie:
    def lie(fraud: SpentDeposit) -> SpentDeposit:
        tx = fraud.rules.decode(fraud.claim.challenge_tx)
        return replace(fraud, claim=replace(fraud.claim, signature=fraud.rules.sign(tx, CONTRACT, key)))

    return lie


def _elsewhere(fraud: SpentDeposit) -> SpentDeposit:
    other = fraud.rules.sign(fraud.rules.decode(fraud.claim.challenge_tx), BOB.address, ALICE.key)
    return replace(fraud, claim=replace(fraud.claim, signature=other))


@EVERY
@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(_claim(position=UtxoPosition(2, 0, 0)), id="another position"),
        pytest.param(_claim(input_index=1), id="input index out of range"),
        pytest.param(_claim(input_index=-1), id="negative input index"),
        pytest.param(_claim(challenge_tx=b""), id="no challenge transaction"),
        pytest.param(_claim(challenge_tx=b"\xc0"), id="empty list as transaction"),
        pytest.param(_claim(signature=b""), id="no signature"),
        pytest.param(_claim(signature=bytes(65)), id="zero signature"),
        pytest.param(_signed_by(MALLORY.key), id="signed by somebody else"),
        pytest.param(_elsewhere, id="signed for another contract"),
    ],
)
def test_evidence_that_proves_nothing_costs_nothing(generation: Generation, lie: Lie) -> None:
    """Each false field alone keeps the guard from sending, and says so."""
    fraud = lie(spent_deposit(generation))
    decision = conclude(fraud, fraud.facts())
    assert isinstance(decision, Hold)
    assert decision.suspicious


@EVERY
def test_the_exit_id_is_the_contracts_own(generation: Generation) -> None:
    """A wrong exit id in the answer neither stops a proven challenge nor gets into it."""
    fraud = _claim(exit_id=ExitId(1))(spent_deposit(generation))
    decision = conclude(fraud, fraud.facts())
    assert isinstance(decision, Act)
    assert isinstance(decision.action, ChallengeStandardExit)
    assert decision.action.exit_id == fraud.entry.exit_id


@ALD
def test_the_exiting_transaction_must_be_the_one_exited(generation: Generation) -> None:
    """Another creating transaction makes another exit id."""
    fraud = spent_deposit(generation)
    other = fraud.rules.deposit(MALLORY.address, ETH, Wei(10**18))
    decision = conclude(fraud, fraud.facts(claim=replace(fraud.claim, exiting_tx=other)))
    assert isinstance(decision, Hold)
    assert decision.suspicious


@ALD
def test_an_output_id_that_differs_from_the_contracts_is_refused(generation: Generation) -> None:
    """The contract's own record wins over whatever was recomputed."""
    fraud = spent_deposit(generation)
    entry = replace(fraud.entry, output_id=Hash32(b"\x07" * 32))
    decision = conclude(fraud, fraud.facts(entry=entry))
    assert isinstance(decision, Hold)
    assert decision.suspicious


@EVERY
def test_the_owner_is_the_one_on_chain(generation: Generation) -> None:
    """A signature by whoever the event names is worth nothing if the contract pays somebody else."""
    fraud = spent_deposit(generation)
    decision = conclude(fraud, fraud.facts(entry=replace(fraud.entry, owner=MALLORY.address)))
    assert isinstance(decision, Hold)


def test_the_same_report_is_the_same_observation_and_a_later_start_another() -> None:
    """The key is position plus height; the topic only the position."""
    first = InvalidExit.model_validate({"utxo_pos": 10**9, "eth_height": 5, "owner": "0x", "amount": 2**70})
    again = InvalidExit.model_validate({"utxo_pos": 10**9, "eth_height": 5})
    later = InvalidExit.model_validate({"utxo_pos": 10**9, "eth_height": 9})
    assert first.key == again.key != later.key
    assert first.topic == later.topic


@pytest.mark.parametrize("bad", ["1000000000", 1e9, True, None, -1, 0, {}, 10**9 * 3 + 99_999 * 10_000])
def test_a_position_of_the_wrong_shape_is_no_event(bad: object) -> None:
    """Only a whole number that an output can have is a position."""
    with pytest.raises(ValueError, match="position"):
        InvalidExit.model_validate({"utxo_pos": bad})
