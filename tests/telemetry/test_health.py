"""Alive and ready are different: only the loop itself decides the first."""

import pytest

from plasma_guard.telemetry.health import PULSE_LIMIT, Health
from support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def health(clock: FakeClock) -> Health:
    return Health(["watcher", "chain"], clock)


def test_a_component_that_said_nothing_is_not_ready(health: Health) -> None:
    """Silence is not health."""
    health.set("watcher", ok=True)
    assert not health.ready
    assert health.reasons == {"chain": "starting"}


def test_ready_needs_every_component(health: Health) -> None:
    """One trouble is enough, and its reason is kept."""
    health.set("watcher", ok=True)
    health.set("chain", ok=True)
    assert health.ready
    health.set("chain", ok=False, reason="no endpoint answers")
    assert health.reasons == {"chain": "no endpoint answers"}


def test_a_trouble_needs_a_reason(health: Health) -> None:
    """Not ready without a word helps nobody."""
    with pytest.raises(ValueError, match="expected a reason"):
        health.set("chain", ok=False)


def test_since_moves_only_when_the_state_changes(health: Health, clock: FakeClock) -> None:
    """A new reason for an old trouble does not make the trouble new."""
    health.set("chain", ok=False, reason="one")
    first = health.components["chain"].since
    clock.advance(5)
    health.set("chain", ok=False, reason="two")
    assert health.components["chain"].since == first
    health.set("chain", ok=True)
    assert health.components["chain"].since == first + 5


def test_the_loop_counts_as_stuck_after_the_limit(health: Health, clock: FakeClock) -> None:
    """Younger than 90 s is alive; a pulse brings it back; readiness has no say."""
    seen = []
    for seconds in (PULSE_LIMIT - 0.1, 0.1):
        clock.advance(seconds)
        seen.append(health.live)
    health.pulse()
    seen.append(health.live)
    assert seen == [True, False, True]
    assert not health.ready
