"""How a source's trouble turns into readiness and alerts."""

from plasma_guard.daemon.troubles import Troubles
from plasma_guard.domain.decisions import Severity
from support.clock import FakeClock
from support.recorders import RecordedAlerts, RecordedHealth


def make() -> tuple[Troubles, FakeClock, RecordedHealth, RecordedAlerts]:
    clock, health, alerts = FakeClock(), RecordedHealth(), RecordedAlerts()
    return Troubles("watcher", clock, health, alerts), clock, health, alerts


def test_nothing_heard_yet_is_not_ready() -> None:
    """Silence before the first answer is not health."""
    _, _, health, _ = make()
    assert health.components["watcher"] == "not heard from yet"


def test_two_failed_polls_are_a_blip_and_the_third_is_not() -> None:
    """Readiness falls after three polls in a row, and comes back with the first good one."""
    troubles, clock, health, _ = make()
    troubles.report({})
    for expected in (None, None, "gone"):
        clock.advance(1)
        troubles.report({"answer": "gone"})
        assert health.components["watcher"] == expected
    troubles.report({})
    assert health.components["watcher"] is None


def test_a_minute_of_trouble_is_enough_even_with_few_polls() -> None:
    """Slow polls must not hide a long outage."""
    troubles, clock, health, _ = make()
    troubles.report({"answer": "gone"})
    clock.advance(60)
    troubles.report({"answer": "gone"})
    assert health.components["watcher"] == "gone"


def test_it_gets_louder_after_five_and_after_fifteen_minutes() -> None:
    """A person is told at 5 minutes, and told louder at 15; recovery clears it."""
    troubles, clock, _, alerts = make()
    troubles.report({"answer": "gone"})
    clock.advance(299)
    troubles.report({"answer": "gone"})
    assert alerts.told == []
    clock.advance(1)
    troubles.report({"answer": "gone"})
    clock.advance(600)
    troubles.report({"answer": "gone"})
    assert [severity for _, severity, _ in alerts.told] == [Severity.WARNING, Severity.CRITICAL]
    troubles.report({})
    assert alerts.cleared == ["watcher/answer"]


def test_another_network_is_told_at_once() -> None:
    """Waiting does not mend a Watcher that watches other contracts."""
    troubles, _, health, alerts = make()
    troubles.report({"contracts": "another network"}, grave=frozenset({"contracts"}))
    assert health.components["watcher"] == "another network"
    assert alerts.told == [("watcher/contracts", Severity.CRITICAL, "watcher: another network")]
