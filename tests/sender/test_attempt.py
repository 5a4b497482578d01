"""What an intent needs next follows from facts alone, in any order they may come."""

import pytest

from plasma_guard.domain.errors import ConfigurationError
from plasma_guard.domain.primitives import Address, Hash32, Wei
from plasma_guard.domain.transactions import Attempt, Confirmed, Fees, Receipt, Reverted
from plasma_guard.sender import SenderSettings
from plasma_guard.sender.attempt import Facts, SendState, Step
from plasma_guard.sender.node_errors import NodeError

ACCOUNT = Address(b"\xac" * 20)
CONFIRMATIONS, BUMP_AFTER, FOREIGN = 3, 24.0, 2


def attempt(number: int = 1, nonce: int = 5) -> Attempt:
    own = Hash32(number.to_bytes(32, "big"))
    return Attempt("one", ACCOUNT, nonce, own, b"raw", 100_000, Fees(Wei(number), Wei(number)))


def receipt(of: Attempt, block: int, *, success: bool = True) -> Receipt:
    return Receipt(of.hash, block, Hash32(bytes(32)), success, 50_000, Wei(1))


def state(*attempts: Attempt) -> SendState:
    return SendState(attempts, 0.0, confirmations=CONFIRMATIONS, bump_after=BUMP_AFTER, foreign_heads=FOREIGN)


def facts(
    head: int = 10,
    now: float = 0.0,
    mined: int = 5,
    *found: Receipt,
    settled: int = 5,
    displaced: bool = False,
) -> Facts:
    receipts = {each.tx_hash: each for each in found}
    return Facts(head, now, mined, receipts, settled_count=settled, displaced=displaced)


def test_nothing_signed_is_signed_first() -> None:
    """Whatever else is true."""
    assert state().next_step(facts()) is Step.SIGN


def test_bytes_from_disk_are_offered_at_once_and_then_once_a_head() -> None:
    """After a restart as well as after signing."""
    one = state(attempt())
    assert one.next_step(facts(10)) is Step.BROADCAST
    one.offered(10)
    assert one.next_step(facts(10, 4.0)) is Step.WAIT
    assert one.next_step(facts(11, 12.0)) is Step.BROADCAST


def test_the_clock_asks_for_a_bump_and_a_new_attempt_starts_it_again() -> None:
    """Not an error, and not a head."""
    one = state(attempt(1))
    one.offered(10)
    assert one.next_step(facts(10, BUMP_AFTER - 0.1)) is Step.WAIT
    assert one.next_step(facts(10, BUMP_AFTER)) is Step.BUMP
    one.signed(attempt(2), BUMP_AFTER)
    assert one.next_step(facts(10, BUMP_AFTER)) is Step.BROADCAST
    one.offered(10)
    assert one.next_step(facts(10, 2 * BUMP_AFTER - 0.1)) is Step.WAIT


@pytest.mark.parametrize("error", NodeError)
def test_only_a_price_that_was_refused_is_raised_at_once(error: NodeError) -> None:
    """Every other refusal waits for the next head."""
    one = state(attempt())
    one.rejected(error, 10)
    priced = error in {NodeError.REPLACEMENT_UNDERPRICED, NodeError.FEE_TOO_LOW}
    assert one.next_step(facts(10, 1.0)) is (Step.BUMP if priced else Step.WAIT)
    one.cannot_bump()
    assert one.next_step(facts(11, 1.0)) is Step.BROADCAST


@pytest.mark.parametrize("success", [True, False])
def test_a_receipt_settles_when_it_is_deep_enough(success: bool) -> None:  # noqa: FBT001 : a parameter of the test
    """The mining block counts as the first confirmation."""
    mined = attempt(1)
    one = state(mined, attempt(2))
    found = receipt(mined, 20, success=success)
    assert one.next_step(facts(20, 99.0, 6, found)) is Step.WAIT
    assert one.next_step(facts(21, 99.0, 6, found)) is Step.WAIT
    assert one.next_step(facts(22, 99.0, 6, found)) is Step.SETTLE
    assert one.outcome() == (Confirmed(found) if success else Reverted(found))


def test_a_receipt_that_vanishes_makes_the_bytes_live_again() -> None:
    """They are offered at the same head that showed it, and the bump's clock starts again."""
    one = state(attempt())
    one.offered(20)
    one.next_step(facts(20, 30.0, 6, receipt(attempt(), 20)))
    assert one.next_step(facts(20, 60.0, 5)) is Step.BROADCAST
    one.offered(20)
    assert one.next_step(facts(20, 60.0 + BUMP_AFTER, 5)) is Step.BUMP


def test_a_used_nonce_without_our_receipt_is_given_up_only_when_deep_and_seen_again() -> None:
    """A node may lack the receipt, so depth alone is not believed; nor is what was seen, without depth."""
    one = state(attempt())
    assert [one.next_step(facts(head, 0.0, 6, settled=6)) for head in (10, 10)] == [Step.WAIT] * 2
    assert one.next_step(facts(11, 0.0, 6, settled=6)) is Step.REPLAN
    shallow = state(attempt())
    assert {shallow.next_step(facts(head, 0.0, 6, settled=5)) for head in range(10, 20)} == {Step.WAIT}
    doubtful = state(attempt())
    doubtful.next_step(facts(10, 0.0, 6, settled=6))
    doubtful.next_step(facts(11, 0.0, 5))
    assert doubtful.next_step(facts(12, 0.0, 6, settled=6)) is Step.WAIT


def test_patience_is_shorter_when_time_is() -> None:
    """As many blocks as confirmations while there is time, fewer when there is not."""
    assert state().patience(urgent=False) == CONFIRMATIONS
    assert state().patience(urgent=True) == FOREIGN


def test_displaced_bytes_are_neither_offered_nor_raised() -> None:
    """Two transactions of ours for one nonce would outbid each other; but they may be mined all the same."""
    one = state(attempt())
    assert one.next_step(facts(10, 2 * BUMP_AFTER, displaced=True)) is Step.WAIT
    assert one.next_step(facts(12, 99.0, 6, receipt(attempt(), 10), displaced=True)) is Step.SETTLE


def test_lowered_bytes_are_what_the_next_must_outbid_unless_a_pool_has_dearer_ones() -> None:
    """A pool that still holds the old bytes says so by refusing the new ones."""
    dear, cheap = attempt(9), attempt(2)
    one = state(dear)
    one.signed(cheap, 0.0, lowered=True)
    assert one.to_outbid == cheap
    one.rejected(NodeError.REPLACEMENT_UNDERPRICED, 10)
    assert one.to_outbid == dear


def test_a_nonce_given_up_is_planned_again_but_its_hashes_stay_watched() -> None:
    """A reorg can still mine one of them."""
    one = state(attempt())
    one.abandon()
    assert one.next_step(facts()) is Step.SIGN
    assert one.next_step(facts(10, 0.0, 6, receipt(attempt(), 8))) is Step.SETTLE


def test_an_outcome_without_a_receipt_is_a_bug() -> None:
    """And is said so."""
    with pytest.raises(RuntimeError, match="next_step"):
        state(attempt()).outcome()


def test_settings_that_make_no_sense_are_reported_together() -> None:
    """With the names the operator knows."""
    with pytest.raises(ConfigurationError) as caught:
        SenderSettings(1, confirmations=0, gas_margin=99, poll=0.0)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "sender.confirmations",
        "sender.gas_margin",
        "sender.poll",
    ]
