"""What once left calls waiting for ever: bytes that nobody has, and endpoints that contradict each other."""

from collections.abc import Iterator
from typing import Any

import pytest

from plasma_guard.domain.errors import ChainUnavailable
from plasma_guard.domain.primitives import Hash32
from plasma_guard.domain.transactions import AttemptStatus, Confirmed, WouldRevert
from support.lane_world import GAS, GWEI, LaneWorld, Signed, digest

SMALL, LARGE = GAS * 4 * GWEI, GAS * 400 * GWEI
SPIKE = 300 * GWEI


@pytest.fixture
def world() -> Iterator[LaneWorld]:
    """Yield a chain that mines whatever it is offered."""
    world = LaneWorld()
    yield world
    world.close()


def ended(world: LaneWorld) -> dict[str, type | None]:
    """Let prices fall and blocks come; return how each call ended, None for one that did not."""
    world.calm_down(60)
    return {
        name: None if row.outcome is None else type(row.outcome)
        for name, row in world.journal.intents.items()
        if not row.candidate.is_fill
    }


def test_an_urgent_call_behind_dear_bytes_that_no_node_took_is_mined(world: LaneWorld) -> None:
    """Nothing could outbid them, nobody would mine them, and the urgent one waited behind."""
    world.submit("taken", hard=600, budget=LARGE)
    world.chain.refusal = "txpool is full"
    world.withdraw("taken")
    world.submit("again", hard=600, budget=LARGE)
    world.submit("moot", hard=86_400, budget=LARGE)
    world.submit("urgent", hard=120, budget=LARGE)
    world.submit("taken", hard=600, budget=SMALL)
    world.withdraw("moot")
    world.submit("dear", hard=86_400, budget=LARGE)
    world.restart()
    world.chain.base_fee = SPIKE
    world.chain.mine([])
    world.chain.mine([])
    world.submit("again", hard=600, budget=SMALL)
    world.withdraw("dear")
    assert AttemptStatus.SIGNED in {each.status for each in world.journal.of("dear")}
    outcomes = ended(world)
    assert outcomes["urgent"] is Confirmed
    assert None not in outcomes.values()


def test_a_transfer_of_nothing_undercuts_what_no_node_took(world: LaneWorld) -> None:
    """It had been outbid by a call that was then not needed, and could not be outbid in turn."""
    world.submit("early", hard=600, budget=SMALL)
    world.submit("needed", hard=120, budget=LARGE)
    world.submit("late", hard=86_400, budget=SMALL)
    world.chain.mine([Signed(digest("foreign"), 0, 10**12, 10**12, ours=False)])
    world.withdraw("late")
    world.submit("needed", hard=120, budget=SMALL)
    world.chain.pool.clear()
    world.submit("dear", hard=86_400, budget=LARGE)
    world.chain.refusal, world.chain.base_fee = "transaction underpriced", SPIKE
    world.withdraw("early")
    world.withdraw("dear")
    assert max(each.fees.max_fee for each in world.journal.of("dear")) > SPIKE
    outcomes = ended(world)
    assert outcomes["needed"] is Confirmed
    assert outcomes["late"] is outcomes["dear"] is WouldRevert
    assert None not in outcomes.values()


def test_while_receipts_are_disputed_the_same_bytes_go_on_being_offered(
    world: LaneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endpoint that lies about our nonce and its receipt must not keep the call out of the pools."""
    world.submit("held", hard=600, budget=LARGE)
    world.look()

    async def disputed(_: Hash32) -> Any:
        raise ChainUnavailable("two endpoints contradict each other")

    async def used(*_: object) -> int:
        return 1

    with monkeypatch.context() as lies:
        lies.setattr(world.chain, "receipt", disputed)
        lies.setattr(world.chain, "transaction_count", used)
        world.look()
        world.chain.pool.clear()
        world.chain.mine([])
        world.look()
        (attempt,) = world.journal.of("held")
        assert [tx.hash for tx in world.chain.pool.values()] == [attempt.hash]
    assert ended(world) == {"held": Confirmed}
