"""A guard killed between any two steps and started again ends where an undisturbed one ends."""

import multiprocessing
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from plasma_guard.devnet.evm import Evm, EvmOptions
from plasma_guard.domain.crashpoints import EXIT_STATUS
from plasma_guard.domain.decisions import Closure
from plasma_guard.journal import read_journal
from support import invariants
from support.crash_child import COUNTER, COUNTER_CODE, Life, give_up, live, reopen
from support.crash_points import MOOT, REOPENED, SENDING
from support.sending import CHAIN_ID, PLASMA

COMMITS = 6
"""Of an undisturbed run: case, intent, signed bytes, broadcast, mined, outcome."""
BUMP_QUIET = 8
"""So many polls without a block that the price rises once (24 s at 4 s a poll)."""


@pytest.fixture(scope="module")
def processes() -> Iterator[ForkServerContext]:
    """Children start from a process that has imported everything: real processes, quick to start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["support.crash_child"])
    with pytest.MonkeyPatch.context() as patch:
        # The server that imports for them does not get this process's search path otherwise.
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        yield context


@pytest.fixture
async def evm(tmp_path: Path) -> AsyncIterator[Evm]:
    async with Evm(EvmOptions(automine=False)) as node:
        await node.rpc("anvil_setCode", str(COUNTER), COUNTER_CODE)
        await node.mine(2)
        yield node
        await invariants.hold(node, tmp_path, keys=[account.private_key for account in node.accounts])


def run(processes: ForkServerContext, life: Life, what: Callable[[Life], None] = live) -> int | None:
    child = processes.Process(target=what, args=(life,))
    child.start()
    child.join(30)
    if child.is_alive():
        child.kill()
        child.join()
    return child.exitcode


async def end_state(evm: Evm, folder: Path) -> dict[str, Any]:
    """Return what must be the same however often the guard died."""
    async with read_journal(folder / "journal.db") as reader:
        (intent,) = await reader.intents()
        return {
            "mined": int(await evm.rpc("eth_getStorageAt", str(COUNTER), "0x0", "latest"), 16),
            "nonce": int(await evm.rpc("eth_getTransactionCount", evm.accounts[0].address, "latest"), 16),
            "cases": len(await reader.cases()),
            "open": len(await reader.open_intents()),
            "outcome": type(intent.outcome).__name__,
            "attempts": sorted((each.nonce, each.status.value) for each in intent.attempts),
        }


UNDISTURBED = {
    "mined": 1,
    "nonce": 1,
    "cases": 1,
    "open": 0,
    "outcome": "Confirmed",
    "attempts": [(0, "mined")],
}


async def test_an_undisturbed_run_mines_one_transaction(
    processes: ForkServerContext, evm: Evm, tmp_path: Path
) -> None:
    """The state every other test of this file compares with; and it makes as many commits as are crashed."""
    assert run(processes, Life(evm.rpc_url, tmp_path, crash_at=f"journal.commit:{COMMITS + 1}")) == 0
    assert await end_state(evm, tmp_path) == UNDISTURBED


@pytest.mark.parametrize("meanwhile", ["nothing", "dropped", "mined"])
@pytest.mark.parametrize("point", SENDING)
async def test_a_crash_at_any_step_of_sending_changes_nothing(
    processes: ForkServerContext, evm: Evm, tmp_path: Path, point: str, meanwhile: str
) -> None:
    """Whether or not the pool forgot the transaction or a block took it while nobody was there."""
    assert run(processes, Life(evm.rpc_url, tmp_path, crash_at=point)) == EXIT_STATUS
    async with read_journal(tmp_path / "journal.db") as reader:
        before = [attempt.raw for attempt in await reader.attempts()]
    if meanwhile == "dropped":
        await evm.rpc("anvil_dropAllTransactions")
    if meanwhile == "mined":
        await evm.mine()
    assert run(processes, Life(evm.rpc_url, tmp_path)) == 0
    assert await end_state(evm, tmp_path) == UNDISTURBED
    async with read_journal(tmp_path / "journal.db") as reader:
        after = [attempt.raw for attempt in await reader.attempts()]
    assert before in ([], after), "bytes on disk are the bytes that go out"


@pytest.mark.parametrize("number", range(1, COMMITS + 1))
@pytest.mark.parametrize("side", ["journal.commit", "journal.committed"])
async def test_a_crash_on_either_side_of_any_commit_changes_nothing(
    processes: ForkServerContext, evm: Evm, tmp_path: Path, side: str, number: int
) -> None:
    """Before the disk flush nothing of the change is there, after it all of it is."""
    assert run(processes, Life(evm.rpc_url, tmp_path, crash_at=f"{side}:{number}")) == EXIT_STATUS
    assert run(processes, Life(evm.rpc_url, tmp_path)) == 0
    assert await end_state(evm, tmp_path) == UNDISTURBED


@pytest.mark.parametrize("point", ["journal.migrate", "journal.migrated"])
async def test_a_crash_while_the_tables_are_made_changes_nothing(
    processes: ForkServerContext, evm: Evm, tmp_path: Path, point: str
) -> None:
    """All tables or none."""
    assert run(processes, Life(evm.rpc_url, tmp_path, crash_at=point)) == EXIT_STATUS
    assert run(processes, Life(evm.rpc_url, tmp_path)) == 0
    assert await end_state(evm, tmp_path) == UNDISTURBED


@pytest.mark.parametrize(
    "point",
    ["attempt.signed:2", "attempt.recorded:2", "broadcast.before:2", "broadcast.done:2", "receipt.seen"],
)
async def test_a_crash_around_a_replacement_leaves_one_mined_transaction(
    processes: ForkServerContext, evm: Evm, tmp_path: Path, point: str
) -> None:
    """Whichever of the attempts the chain takes, they share one nonce."""
    assert run(processes, Life(evm.rpc_url, tmp_path, crash_at=point, quiet=BUMP_QUIET)) == EXIT_STATUS
    assert run(processes, Life(evm.rpc_url, tmp_path)) == 0
    state = await end_state(evm, tmp_path)
    attempts = state.pop("attempts")
    assert state == {name: value for name, value in UNDISTURBED.items() if name != "attempts"}
    assert [status for _, status in attempts].count("mined") == 1
    assert {nonce for nonce, _ in attempts} == {0}


@pytest.mark.parametrize("number", [1, 2])
async def test_a_crash_with_bytes_on_the_second_path_changes_nothing(
    processes: ForkServerContext, evm: Evm, tmp_path: Path, number: int
) -> None:
    """The disk is full and time is short: intent and signed bytes are kept elsewhere until there is room."""
    full = Life(evm.rpc_url, tmp_path, f"spare.kept:{number}", padding=5000, full_disk=True)
    assert run(processes, full) == EXIT_STATUS
    spare = tmp_path / f"spare-{CHAIN_ID}-{PLASMA}.jsonl"
    assert len(rows_of(spare)) == number
    assert run(processes, Life(evm.rpc_url, tmp_path, "spare.replayed", padding=5000)) == EXIT_STATUS
    assert len(rows_of(spare)) == number, "it died before it forgot what is in the journal now"
    assert run(processes, Life(evm.rpc_url, tmp_path, padding=5000)) == 0
    assert rows_of(spare) == []
    assert await end_state(evm, tmp_path) == UNDISTURBED


@pytest.mark.parametrize("point", ["journal.commit:2", *MOOT])
async def test_a_crash_while_a_case_is_given_up_changes_nothing(
    processes: ForkServerContext, tmp_path: Path, point: str
) -> None:
    """On either side of that commit: it is closed, once, or it is closed at the next start."""
    assert run(processes, Life("", tmp_path, point), give_up) == EXIT_STATUS
    async with read_journal(tmp_path / "journal.db") as reader:
        (case,) = await reader.cases()
    assert case.is_open == (point not in MOOT)
    assert run(processes, Life("", tmp_path), give_up) == 0
    async with read_journal(tmp_path / "journal.db") as reader:
        (case,) = await reader.cases()
    assert case.closure is Closure.MOOT


@pytest.mark.parametrize("point", ["journal.commit:4", *REOPENED])
async def test_a_crash_while_an_intent_is_reopened_changes_nothing(
    processes: ForkServerContext, tmp_path: Path, point: str
) -> None:
    """On either side of that commit: it is settled or open, and open after the next time."""
    assert run(processes, Life("", tmp_path, point), reopen) == EXIT_STATUS
    async with read_journal(tmp_path / "journal.db") as reader:
        assert len(await reader.open_intents()) == (1 if point in REOPENED else 0)
    assert run(processes, Life("", tmp_path), reopen) == 0
    async with read_journal(tmp_path / "journal.db") as reader:
        assert len(await reader.open_intents()) == 1


def rows_of(spare: Path) -> list[str]:
    return spare.read_text().split("\n\n") if spare.exists() else []


async def test_crash_after_crash_changes_nothing(
    processes: ForkServerContext, evm: Evm, tmp_path: Path
) -> None:
    """A guard that dies at every step of its way, one after the other, still sends once."""
    for point in SENDING[:-1]:
        assert run(processes, Life(evm.rpc_url, tmp_path, crash_at=point)) in {EXIT_STATUS, 0}
    assert run(processes, Life(evm.rpc_url, tmp_path)) == 0
    assert await end_state(evm, tmp_path) == UNDISTURBED
