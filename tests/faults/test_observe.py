"""Observe mode does everything but send."""

from pathlib import Path

from support.arena import Arena, Guard, command, running
from support.until import until


async def test_observing_says_once_what_it_would_have_sent_and_sends_nothing(
    net: Arena, tmp_path: Path
) -> None:
    """Proven, decided, journaled; said once per case however often it is looked at; the nonce stays 0."""
    guard = Guard(net.connection, tmp_path / "guard", arguments=("--observe",))
    async with running(guard):
        assert guard.said("observing: nothing will be sent")
        frauds = [await net.fraud(), await net.fraud()]
        await guard.heard("only observing: would have sent", times=2)

        async def looked_again() -> bool:
            return (await guard.metrics()).get('plasma_guard_decisions_total{verdict="act"}', 0) >= 6

        await until(looked_again, "both cases are decided three times")
        said = guard.said("only observing: would have sent")
        assert sorted(line["position"] for line in said) == sorted(str(f.exit.position) for f in frauds)
        assert {line["call"] for line in said} == {"challengeStandardExit"}
        _, page = await guard.page("/status")
        assert (page["mode"], page["armed"], page["cases"]["open"]) == ("observe", False, 2)
        assert (await guard.metrics())["plasma_guard_armed"] == 0
        assert not guard.said("signed")
    assert (await net.spent()).transactions == 0
    assert not await net.challenges()


async def test_without_a_key_only_observing_is_possible(net: Arena, tmp_path: Path) -> None:
    """`run` exits with 2 and names both ways out; nobody is unguarded without having said so."""
    guard = Guard(net.connection, tmp_path / "guard")
    keyless = {name: value for name, value in guard.environment().items() if name != "PRIVATE_KEY"}
    refusal = await command("run", "--config", str(guard.write_config()), env=keyless)
    assert refusal.code == 2
    assert "PRIVATE_KEY" in refusal.err
    assert "--observe" in refusal.err
    assert not guard.journal.exists()
