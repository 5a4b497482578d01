"""Told to stop, the guard stops at once and well, and a second one never starts beside it."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from plasma_guard.journal import read_journal
from support.arena import Arena, Guard, command, running

WITHIN = 30.0
"""Seconds to end in; systemd would wait 90."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_in_the_middle_of_a_challenge_keeps_it_for_the_next_start(
    net: Arena, tmp_path: Path, number: signal.Signals
) -> None:
    """Fault 30: exit code 0 within seconds, the attempt on disk, the same bytes mined after a restart."""
    fraud = await net.fraud()
    await net.reported(fraud)
    await net.hold()
    folder = tmp_path / "guard"
    guard = Guard(net.connection, folder)
    async with running(guard, ready=False):
        await guard.heard("signed")
        assert await guard.ended(number, within=WITHIN) == 0
        assert guard.said("stopped; nothing under way is lost")
        (line,) = guard.said("signed")
    async with read_journal(guard.journal) as reader:
        (attempt,) = await reader.attempts()
        assert len(await reader.open_intents()) == 1
    assert str(attempt.hash) == line["tx"]
    await net.release()
    again = Guard(net.connection, folder)
    async with running(again):
        await again.won()
    (challenge,) = await net.challenges()
    assert str(challenge.tx_hash) == line["tx"]
    assert (await net.spent()).transactions == 1


async def test_an_idle_guard_ends_within_seconds(net: Arena, tmp_path: Path) -> None:
    """Fault 30: nothing under way, nothing to wait for."""
    guard = Guard(net.connection, tmp_path / "guard")
    async with running(guard):
        assert await guard.ended(signal.SIGTERM, within=WITHIN) == 0


async def test_a_second_guard_refuses_to_start_and_the_first_goes_on(net: Arena, tmp_path: Path) -> None:
    """Fault 22: on the same journal, or with the same key on another: one sentence that names the process."""
    first = Guard(net.connection, tmp_path / "guard")
    async with running(first):
        same_journal = await command("run", "--config", str(first.config), env=first.environment())
        other = Guard(net.connection, tmp_path / "other", env={"XDG_RUNTIME_DIR": str(tmp_path / "guard")})
        same_key = await command("run", "--config", str(other.write_config()), env=other.environment())
        for refusal, subject in (
            (same_journal, f"the journal {first.journal} is in use"),
            (same_key, f"the account {net.people['guard'].address} on chain 31337 is in use"),
        ):
            assert refusal.code == 1
            assert refusal.err.startswith(f"plasma-guard: {subject} by pid {first.pid} ")
            assert refusal.err.count("\n") == 1, "one sentence"
            assert "stop that process" in refusal.err
        await net.fraud()
        await first.won()
    assert (await net.spent()).transactions == 1


async def test_a_guard_with_another_key_and_journal_starts_beside_the_first(
    net: Arena, tmp_path: Path
) -> None:
    """Two guards on one chain are fine; whoever loses the race says so and nobody is woken."""
    connection = replace(net.connection, keys={**net.connection.keys, "guard": net.connection.keys["bob"]})
    first, second = Guard(net.connection, tmp_path / "first"), Guard(connection, tmp_path / "second")
    async with running(first), running(second):
        await net.fraud()
        await first.settled()
        await second.settled()
        assert not [line for line in first.alerts() + second.alerts() if line["severity"] == "critical"]
        closures = await first.closures() + await second.closures()
    assert sorted(closures) == ["resolved by others", "won by us"]
    assert len(await net.challenges()) == 1
