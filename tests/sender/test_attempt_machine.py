"""Whatever chain, pools and crashes do, each intent is mined at most once, and in the end it is over."""

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from plasma_guard.domain.transactions import AttemptStatus, Confirmed, WouldRevert
from support.lane_world import CONFIRMATIONS, GAS, GWEI, LaneWorld, Signed, digest

STEPS = int(os.environ.get("PLASMA_GUARD_MACHINE_STEPS", "10000"))
STEPS_PER_RUN = 50
NAMES = ["a", "b", "c", "d", "e"]
SMALL, LARGE = GAS * 4 * GWEI, GAS * 400 * GWEI
FOREIGN = 2


class SendingMachine(RuleBasedStateMachine):
    """Any interleaving of calls, heads, reorgs, drops, spikes, foreign transactions, refusals and crashes."""

    def __init__(self) -> None:
        super().__init__()
        self.world = LaneWorld()
        self.foreign = 0
        self.given_up: set[str] = set()

    @property
    def chain_has_foreign(self) -> bool:
        return any(not tx.ours for _, txs in self.world.chain.blocks for tx in txs)

    @rule(
        name=st.sampled_from(NAMES),
        hard=st.sampled_from([120, 600, 86_400]),
        budget=st.sampled_from([SMALL, LARGE]),
    )
    def submit(self, name: str, hard: int, budget: int) -> None:
        self.world.submit(name, hard=hard, budget=budget)

    @rule(seconds=st.sampled_from([4.0, 30.0]))
    def look(self, seconds: float) -> None:
        self.world.look(seconds)

    @rule(picks=st.lists(st.integers(0, 3), min_size=1, max_size=4))
    def mine(self, picks: list[int]) -> None:
        """Take for each next nonce any bytes that ever left, or end the block."""
        chain, block = self.world.chain, list[Signed]()
        for pick in picks:
            choices = chain.next_choices(chain.count() + len(block))
            if not choices:
                break
            block.append(choices[pick % len(choices)])
        chain.mine(block)

    @rule(blocks=st.integers(1, 3))
    def pass_blocks(self, blocks: int) -> None:
        for _ in range(blocks):
            self.world.chain.mine([])

    @rule(depth=st.integers(1, CONFIRMATIONS - 1), back=st.booleans())
    def reorg(self, depth: int, back: bool) -> None:  # noqa: FBT001 (drawn by name)
        self.world.chain.reorg(depth, back_to_pool=back)

    @precondition(lambda self: not self.chain_has_foreign and self.one_nonce_each())
    @rule(depth=st.integers(CONFIRMATIONS, 6), back=st.booleans())
    def deep_reorg(self, depth: int, back: bool) -> None:  # noqa: FBT001 (drawn by name)
        """Take out what was settled, where nobody has relied on its being so by signing anew."""
        self.world.chain.reorg(depth, back_to_pool=back)

    @rule()
    def forget(self) -> None:
        self.world.chain.pool.clear()

    @precondition(lambda self: self.foreign < FOREIGN)
    @rule()
    def another_program_sends(self) -> None:
        self.foreign += 1
        chain = self.world.chain
        chain.mine([Signed(digest("foreign", self.foreign), chain.count(), 10**12, 10**12, ours=False)])

    @rule(base_fee=st.sampled_from([GWEI, 20 * GWEI, 300 * GWEI]))
    def move_prices(self, base_fee: int) -> None:
        self.world.chain.base_fee = base_fee

    @rule(words=st.sampled_from([None, "txpool is full", "transaction underpriced", "no idea"]))
    def refuse(self, words: str | None) -> None:
        self.world.chain.refusal = words

    @rule(name=st.sampled_from(NAMES))
    def withdraw(self, name: str) -> None:
        if name in self.world.tasks:
            self.world.withdraw(name)

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @rule(left=st.integers(1, 12), after=st.booleans(), seconds=st.sampled_from([4.0, 30.0]))
    def crash(self, left: int, after: bool, seconds: float) -> None:  # noqa: FBT001 (drawn by name)
        """End the process around one of its next writes or broadcasts."""
        freeze = self.world.chain.freeze
        freeze.left, freeze.after = left, after
        self.world.look(seconds)
        freeze.left = -1

    def one_nonce_each(self) -> bool:
        journal = self.world.journal
        return all(len({each.nonce for each in journal.of(name)}) <= 1 for name in journal.intents)

    @invariant()
    def nothing_is_mined_twice(self) -> None:
        mined = self.world.chain.mined_hashes()
        for name in self.world.journal.intents:
            assert sum(each.hash in mined for each in self.world.journal.of(name)) <= 1, name

    @invariant()
    def an_intent_has_live_bytes_at_one_nonce_only(self) -> None:
        for name in self.world.journal.intents:
            live = {
                each.nonce for each in self.world.journal.of(name) if each.status is not AttemptStatus.DROPPED
            }
            assert len(live) <= 1, name

    def teardown(self) -> None:
        """From every state, a calm chain that mines what it is offered ends every intent."""
        try:
            self.world.calm_down(60)
            mined = self.world.chain.mined_hashes()
            for name, row in self.world.journal.intents.items():
                assert row.outcome is not None, f"{name} is never over"
                times = sum(each.hash in mined for each in self.world.journal.of(name))
                assert times == isinstance(row.outcome, Confirmed), name
                if isinstance(row.outcome, WouldRevert):
                    assert row.candidate.is_fill or name in self.world.ever_withdrawn, f"{name} was given up"
            told = self.world.alerts.told
            strange = [message for key, _, message in told if key.endswith(("unexpected", "stopped"))]
            assert not strange
        finally:
            self.world.close()


TestSending = SendingMachine.TestCase
TestSending.settings = settings(
    max_examples=max(1, STEPS // STEPS_PER_RUN),
    stateful_step_count=STEPS_PER_RUN,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # A trace is found within seconds; making it short would take longer than the suite.
    phases=[Phase.generate],
    database=None,
)
