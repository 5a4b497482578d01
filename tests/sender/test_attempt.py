"""What an intent needs next follows from facts alone, in any order they may come."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from plasma_guard.domain.errors import ConfigurationError
from plasma_guard.domain.primitives import Address, Hash32, Wei
from plasma_guard.domain.transactions import Attempt, AttemptStatus, Confirmed, Fees, Receipt, Reverted
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


def facts(head: int = 10, now: float = 0.0, mined: int = 5, *found: Receipt, urgent: bool = False) -> Facts:
    return Facts(head, now, mined, {each.tx_hash: each for each in found}, urgent=urgent)


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


def test_a_used_nonce_without_our_receipt_is_foreign_only_when_heads_agree() -> None:
    """As many as confirmations while there is time, fewer when there is not; one dissent starts again."""
    one = state(attempt())
    assert [one.next_step(facts(head, 0.0, 6)) for head in (10, 10, 11)] == [Step.WAIT] * 3
    assert one.next_step(facts(12, 0.0, 6)) is Step.REPLAN
    hurried = state(attempt())
    assert hurried.next_step(facts(10, 0.0, 6, urgent=True)) is Step.WAIT
    assert hurried.next_step(facts(11, 0.0, 6, urgent=True)) is Step.REPLAN
    doubtful = state(attempt())
    assert [doubtful.next_step(facts(head, 0.0, 6)) for head in (10, 11)] == [Step.WAIT] * 2
    doubtful.next_step(facts(12, 0.0, 5))
    assert doubtful.next_step(facts(13, 0.0, 6)) is Step.WAIT


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


class World:
    """A chain, one account on it, and a lane that does what `SendState` says.

    `pool` forgets at will; `blocks` maps a block to (nonce, hash of ours or None for a foreign one); `disk`
    survives a restart.
    """

    def __init__(self) -> None:
        self.head = 10
        self.now = 0.0
        self.pool: set[Hash32] = set()
        self.blocks: dict[int, tuple[int, Hash32 | None]] = {}
        self.disk: list[Attempt] = []
        self.settled = False
        self.state = state()

    def copy(self) -> "World":
        """Return what a new process finds."""
        other = World()
        other.head, other.now, other.settled = self.head, self.now, self.settled
        other.pool, other.blocks, other.disk = set(self.pool), dict(self.blocks), list(self.disk)
        other.state = state(*other.disk)
        return other

    @property
    def mined_count(self) -> int:
        return 5 + len(self.blocks)

    @property
    def mineable(self) -> list[Attempt]:
        return [each for each in self.disk if each.hash in self.pool and each.nonce == self.mined_count]

    def look(self, *, urgent: bool = False, refusal: NodeError | None = None) -> None:
        """Do what a lane does in one tick."""
        by_hash = {each.hash: each for each in self.disk}
        found = [
            receipt(by_hash[ours], block) for block, (_, ours) in self.blocks.items() if ours is not None
        ]
        step = self.state.next_step(facts(self.head, self.now, self.mined_count, *found, urgent=urgent))
        if step is Step.SETTLE:
            assert found, "only the chain settles"
            self.settled = True
        if step is Step.REPLAN:
            self.state.abandon()
            self.disk = list(self.state.attempts)
        if step in {Step.SIGN, Step.BUMP}:
            current = self.state.current
            nonce = self.mined_count if current is None else current.nonce
            signed = attempt(len(self.disk) + 1, nonce)
            self.disk.append(signed)
            self.state.signed(signed, self.now)
        if step in {Step.SIGN, Step.BUMP, Step.BROADCAST}:
            self._offer(refusal)

    def _offer(self, refusal: NodeError | None) -> None:
        current = self.state.current
        assert current is not None, "there is something to offer"
        if refusal is not None:
            self.state.rejected(refusal, self.head)
        else:
            self.state.offered(self.head)
            self.pool.add(current.hash)


class SendingMachine(RuleBasedStateMachine):
    """Any interleaving of heads, reorgs, drops, refusals, restarts and a foreign transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @precondition(lambda self: not self.world.settled)
    @rule(urgent=st.booleans(), refusal=st.sampled_from([None, NodeError.FEE_TOO_LOW, NodeError.UNKNOWN]))
    def look(self, urgent: bool, refusal: NodeError | None) -> None:  # noqa: FBT001 : drawn by name
        self.world.look(urgent=urgent, refusal=refusal)

    @rule(seconds=st.sampled_from([1.0, 12.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.world.now += seconds

    @rule(data=st.data())
    def mine(self, data: st.DataObject) -> None:
        """Take one transaction of the next nonce from the pool, or none."""
        world = self.world
        chosen = data.draw(st.sampled_from([None, *sorted(each.hash for each in world.mineable)]))
        world.head += 1
        if chosen is not None:
            world.blocks[world.head] = (world.mined_count, chosen)

    @precondition(lambda self: not any(ours for _, ours in self.world.blocks.values()))
    @rule()
    def foreign(self) -> None:
        world = self.world
        world.head += 1
        world.blocks[world.head] = (world.mined_count, None)

    @precondition(lambda self: not self.world.settled)
    @rule(depth=st.integers(1, CONFIRMATIONS - 1))
    def reorg(self, depth: int) -> None:
        """Lose our newest blocks; a foreign transaction is mined again at once, so it stays."""
        world = self.world
        lost = [
            block
            for block, (_, ours) in world.blocks.items()
            if ours is not None and block > world.head - depth
        ]
        for block in lost:
            del world.blocks[block]

    @rule()
    def forget(self) -> None:
        self.world.pool.clear()

    @precondition(lambda self: not self.world.settled)
    @rule()
    def restart(self) -> None:
        self.world = self.world.copy()

    @invariant()
    def at_most_one_of_ours_is_mined(self) -> None:
        assert sum(ours is not None for _, ours in self.world.blocks.values()) <= 1

    @invariant()
    def live_attempts_share_one_nonce(self) -> None:
        live = {each.nonce for each in self.world.disk if each.status is not AttemptStatus.DROPPED}
        assert len(live) <= 1

    @invariant()
    def left_alone_it_settles(self) -> None:
        """From every state, a calm chain that mines what it is offered ends it within twenty looks."""
        world = self.world.copy()
        for _ in range(20):
            if world.settled:
                return
            world.look()
            world.head += 1
            world.now += 12.0
            if world.mineable and world.state.receipt is None:
                world.blocks[world.head] = (world.mined_count, world.mineable[-1].hash)
        pytest.fail("it never settled")


TestSending = SendingMachine.TestCase
TestSending.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
