"""The whole daemon, killed on its way to a challenge and started again, sends exactly one.

`test_twin_run` has every crash point; here are the other generations, real signals, and crash after crash.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from plasma_guard.devnet.attacker import Fraud
from plasma_guard.domain.crashpoints import EXIT_STATUS, VARIABLE
from plasma_guard.domain.decisions import Closure
from plasma_guard.domain.errors import JournalError
from plasma_guard.journal import read_journal
from support.arena import Arena, Guard, arena, running
from support.until import until

FEW = ["attempt.recorded", "broadcast.done", "receipt.seen"]
"""One between signing and sending, one between sending and knowing, one between mined and saved."""


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[Arena]:
    async with arena(tmp_path) as made:
        yield made


async def crashed(net: Arena, folder: Path, point: str) -> list[str]:
    """Let a guard die at a point; return the hashes of what it had signed and put on disk by then."""
    dying = Guard(net.connection, folder, env={VARIABLE: point})
    async with running(dying, ready=False):
        assert await dying.died() == EXIT_STATUS, f"it died at {point}: {list(dying.tail)}"
    return await signed(folder)


async def signed(folder: Path) -> list[str]:
    if not (folder / "journal.sqlite3").exists():
        return []
    try:
        async with read_journal(folder / "journal.sqlite3") as reader:
            return [str(attempt.hash) for attempt in await reader.attempts()]
    except JournalError:
        return []  # it died before there were tables


async def finishes(net: Arena, folder: Path, fraud: Fraud, before: list[str]) -> None:
    """Start a guard on what is left; the end must be that of a guard that never died."""
    async with running(Guard(net.connection, folder)) as guard:
        await guard.settled()
        assert await guard.closures() == [Closure.WON_BY_US.value]
        assert not guard.alerts(), "a restart is nothing to wake a person for"
    (challenge,) = await net.challenges()
    assert challenge.position == fraud.exit.position
    assert (await net.spent()).transactions == 1
    after = await signed(folder)
    assert after[: len(before)] == before, "what is on disk stays there"
    assert str(challenge.tx_hash) in after


@pytest.mark.parametrize("revision", ["rootchain", "ald-v2"])
@pytest.mark.parametrize("point", FEW)
async def test_the_other_generations_survive_a_kill_as_well(
    tmp_path: Path, revision: str, point: str
) -> None:
    """Nothing of it depends on which contracts there are."""
    async with arena(tmp_path, revision) as net:
        fraud = await net.fraud()
        before = await crashed(net, tmp_path / "guard", point)
        assert before
        await finishes(net, tmp_path / "guard", fraud, before)


async def test_killed_right_after_signed_it_sends_the_same_bytes(net: Arena, tmp_path: Path) -> None:
    """Kill -9 on the very word "signed", while no block comes: the hash that is mined later is that one."""
    fraud = await net.fraud()
    folder = tmp_path / "guard"
    await net.reported(fraud)
    await net.hold()
    async with running(Guard(net.connection, folder), ready=False) as guard:
        await guard.heard("signed")
        await guard.kill()
        (line,) = guard.said("signed")
    assert await signed(folder) == [line["tx"]]
    assert not await net.challenges()
    await net.release()
    await finishes(net, folder, fraud, [str(line["tx"])])


async def test_killed_after_every_step_in_turn_it_still_sends_exactly_one_challenge(
    net: Arena, tmp_path: Path
) -> None:
    """A guard that never lives longer than one step gets there all the same."""
    fraud = await net.fraud()
    folder = tmp_path / "guard"
    for point in [
        "journal.migrate",
        "intent.recorded",
        "attempt.recorded",
        "broadcast.done",
        "outcome.known",
    ]:
        await crashed(net, folder, point)
    await finishes(net, folder, fraud, await signed(folder))


async def test_a_case_that_others_end_while_the_guard_is_dead_costs_nothing(
    net: Arena, tmp_path: Path
) -> None:
    """It had meant to send and had not signed: the contract's state says that there is nothing left to do."""
    await net.fraud()
    folder = tmp_path / "guard"
    assert await crashed(net, folder, "intent.recorded") == []
    other = Guard(net.connection, tmp_path / "other", env={"PRIVATE_KEY": net.connection.keys["bob"]})
    async with running(other):
        await other.settled()
    before = await net.spent()
    async with running(Guard(net.connection, folder)) as guard:
        await guard.settled()
        assert await guard.closures() == [Closure.RESOLVED_BY_OTHERS.value]
        await until(lambda: guard.said("someone else was first") or guard.said("nothing to do"), "it says so")
        assert not guard.alerts()
    assert await net.spent() == before
