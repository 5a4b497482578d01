"""A Watcher that serves proof of a fraud must also report it."""

from plasma_guard.daemon.silence import Silence
from support.recorders import RecordedAlerts


def test_a_proven_fraud_left_out_of_fresh_answers_is_told_once() -> None:
    """The first answer after the proof may still be late; the second may not."""
    alerts = RecordedAlerts()
    silence = Silence(alerts)
    silence.proven("invalid_exit:1")
    silence.polled(set(), fresh=True)
    assert alerts.told == []
    silence.polled(set(), fresh=True)
    silence.polled(set(), fresh=True)
    assert [key for key, _, _ in alerts.told] == ["watcher/silent"]


def test_a_reported_fraud_is_no_silence() -> None:
    """Once reported, a later disappearance is the challenge having been seen."""
    alerts = RecordedAlerts()
    silence = Silence(alerts)
    silence.proven("invalid_exit:1")
    silence.polled({"invalid_exit:1"}, fresh=True)
    silence.polled(set(), fresh=True)
    silence.polled(set(), fresh=True)
    assert alerts.told == []


def test_a_stale_watcher_is_not_silent_on_purpose() -> None:
    """Staleness is another trouble, with its own alert."""
    alerts = RecordedAlerts()
    silence = Silence(alerts)
    silence.proven("invalid_exit:1")
    for _ in range(5):
        silence.polled(set(), fresh=False)
    assert alerts.told == []
