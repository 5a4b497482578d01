# ruff: noqa: ASYNC240 : nothing else runs while a test looks at its files
"""The journal on SQLite keeps the port's promises, and those of a file on a disk."""

import asyncio
import contextlib
import multiprocessing
import os
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from journal.suite import ACCOUNT, CONTRACT, JournalSuite, at, block, exit_, key, started, tx
from plasma_guard.domain.cases import Observation
from plasma_guard.domain.errors import JournalError
from plasma_guard.domain.primitives import Address
from plasma_guard.journal import SqlJournal, open_journal, read_journal
from plasma_guard.journal.spare import Spare
from support.cases import conclusion, open_case


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[SqlJournal]:
    async with open_journal(path, 1, CONTRACT, runtime=path.parent) as opened:
        yield opened


class TestSqlJournal(JournalSuite):
    """The port's promises on SQLite."""


def again(path: Path, **changes: object) -> SqlJournal:
    options: dict[str, object] = {"chain_id": 1, "contract": CONTRACT, "runtime": path.parent} | changes
    return open_journal(path, **options)  # type: ignore[arg-type]  # why: a table of keyword arguments


async def test_everything_is_there_after_reopening(path: Path) -> None:
    """Closed and opened again, the journal is the same."""
    async with again(path) as first:
        case = await open_case(first, key(), at(0))
        await first.record_scan(0, block(3), [exit_(1, f"{tx(1)}/0", 2)], [])
        exits = await first.tracked_exits()
    async with again(path) as second:
        assert await second.cases() == [case]
        assert await second.tracked_exits() == exits
        assert await second.checkpoint() == block(3)


async def test_the_file_is_private_and_flushed(journal: SqlJournal, path: Path) -> None:
    """Mode 0600 in a 0700 folder; every commit reaches the disk before the caller goes on."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def pragmas(connection: object) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]  # type: ignore[attr-defined]  # why: the writer's own connection

    assert await journal._writer.run(pragmas) == ["wal", 2, 1]


async def test_changes_queued_during_a_commit_share_the_next(journal: SqlJournal) -> None:
    """A hundred changes at once take far fewer commits than a hundred."""
    commits: list[int] = []
    commit = journal._writer._commit

    def counting(connection: object, batch: list[object]) -> None:
        commits.append(len(batch))
        commit(connection, batch)  # type: ignore[arg-type]  # why: passed on as given

    journal._writer._commit = counting  # type: ignore[method-assign,assignment]  # why: counts what goes through
    case = await open_case(journal, key(), at(0))
    await asyncio.gather(*(journal.conclude(conclusion(key(), at(n), verdict=str(n))) for n in range(100)))
    assert sum(commits) == 101
    assert len(commits) < 50
    assert len(await journal.decisions(case.id)) == 101


async def test_a_change_that_fails_halfway_leaves_nothing(journal: SqlJournal) -> None:
    """Its neighbours in the same commit are kept whole."""

    def halfway(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO observations VALUES ('half', 'k', 's', '{}', 1, 1)")
        raise RuntimeError("stopped")

    whole = Observation("whole", "k", "s", "{}")
    results = await asyncio.gather(
        journal._writer.run(halfway), journal.observe([whole], at(0)), return_exceptions=True
    )
    assert [str(results[0]), results[1]] == ["stopped", {"whole"}]
    assert [each.observation.key for each in await journal.observations()] == ["whole"]


async def test_a_change_outlives_the_caller_who_gave_up(journal: SqlJournal) -> None:
    """Cancelling who waits does not undo what was asked for."""
    task = asyncio.create_task(journal.observe([Observation("a", "k", "s", "{}")], at(0)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await journal.observe([Observation("a", "k", "s", "{}")], at(1)) == set()


async def test_big_numbers_sort_as_text(journal: SqlJournal, path: Path) -> None:
    """Every exit id has 64 digits."""
    for number in (2**168 - 1, 5, 2**64):
        await open_case(journal, key(exit_id=number), at(0))
    with closing(sqlite3.connect(path)) as raw:
        rows = [row[0] for row in raw.execute("SELECT exit_id FROM cases ORDER BY exit_id")]
    assert [int(row, 16) for row in rows] == [5, 2**64, 2**168 - 1]
    assert {len(row) for row in rows} == {64}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO binding VALUES (2, 1, '0x')",
        "UPDATE cases SET closure = 'won by us'",
        "UPDATE cases SET closure = 'forgotten', closed_at = 1",
        "UPDATE tracked_exits SET gone = 1",
        "UPDATE intents SET outcome = 'confirmed'",
        "UPDATE attempts SET raw = x''",
        "UPDATE attempts SET nonce = -1",
        "UPDATE attempts SET status = 'lost'",
        "UPDATE attempts SET max_priority_fee = substr(max_fee, 1, 63) || 'f'",
    ],
)
async def test_the_tables_refuse_nonsense(journal: SqlJournal, path: Path, statement: str) -> None:
    """Whoever writes it."""
    suite = JournalSuite()
    case = await open_case(journal, key(), at(0))
    await journal.record_scan(0, block(3), [exit_(1, f"{tx(1)}/0", 2)], [])
    await journal.record_intent(suite.candidate(case), suite.WINDOW, at(0))
    await journal.record_attempt(suite.attempt(), at(0))
    with closing(sqlite3.connect(path)) as raw, pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        raw.execute(statement)


# Who may open it


async def test_a_second_guard_on_the_same_journal_is_refused(journal: SqlJournal, path: Path) -> None:
    """The refusal names the process that has it, and what to do."""
    with pytest.raises(JournalError, match=rf"in use by pid {os.getpid()} on .*stop that process"):
        again(path)


async def test_a_second_guard_with_the_same_key_is_refused_on_any_journal(path: Path, tmp_path: Path) -> None:
    """Another journal does not make another account; another chain does."""
    async with again(path, accounts=[ACCOUNT]):
        other = tmp_path / "other" / "journal.db"
        with pytest.raises(JournalError, match=rf"account {ACCOUNT} on chain 1 is in use by pid"):
            again(other, accounts=[ACCOUNT], runtime=path.parent)
        await again(other, accounts=[Address(bytes(20))], runtime=path.parent).close()
        await again(tmp_path / "x" / "j.db", chain_id=2, accounts=[ACCOUNT], runtime=path.parent).close()
    await again(path, accounts=[ACCOUNT]).close()


async def test_a_refused_opening_leaves_no_lock(path: Path) -> None:
    """What was taken before the refusal is given back."""
    await again(path).close()
    with pytest.raises(JournalError):
        again(path, chain_id=5, accounts=[ACCOUNT])
    await again(path, accounts=[ACCOUNT]).close()


def hold(path: Path, ready: "multiprocessing.synchronize.Event") -> None:
    again(path, accounts=[ACCOUNT])
    ready.set()
    multiprocessing.Event().wait()


async def test_a_killed_guard_leaves_no_lock(path: Path) -> None:
    """The kernel drops it with the process, so nobody has to remove a file."""
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    child = context.Process(target=hold, args=(path, ready))
    child.start()
    assert await asyncio.to_thread(ready.wait, 30)
    with pytest.raises(JournalError, match=f"in use by pid {child.pid}"):
        again(path)
    child.kill()
    child.join()
    await again(path, accounts=[ACCOUNT]).close()


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"chain_id": 5}, "chain 1, .* on chain 5"), ({"contract": Address(bytes(20))}, f"{CONTRACT}.*0x0000")],
)
async def test_the_journal_of_another_chain_or_contract_is_refused(
    path: Path, changes: dict[str, object], said: str
) -> None:
    """The refusal names both."""
    await again(path).close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match=said):
        again(path, **changes)
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["page", "truncated"])
async def test_a_damaged_journal_is_kept_and_begun_anew(path: Path, damage: str) -> None:
    """Fault 29: its bytes are evidence, as is what goes with it; a second one replaces no first."""
    second = path.parent / "spare.jsonl"
    for number in (1, 2):
        async with again(path, second_path=second) as journal:
            await journal.observe([Observation(f"{n}", "k", "s", "x" * 500) for n in range(200)], at(0))
        content = bytearray(path.read_bytes())
        if damage == "page":
            content[8192:16384] = b"\xff" * 8192
        else:
            content = content[: len(content) // 2]
        path.write_bytes(content)
        path.with_name(path.name + "-wal").write_text("log")
        second.write_text("lines")
        async with again(path, second_path=second) as journal:
            kept = path.with_name(f"{path.name}.damaged-{number}")
            assert journal.aside == kept
            assert kept.read_bytes() == bytes(content)
            assert path.with_name(f"{kept.name}-wal").read_text() == "log"
            assert second.with_name(f"{second.name}.damaged-{number}").read_text() == "lines"
            assert await journal.observations() == []
    async with again(path, second_path=second) as journal:
        assert journal.aside is None


@pytest.mark.parametrize("damage", ["garbage", "other"])
async def test_a_damaged_file_that_was_no_journal_is_refused_and_left_as_it_is(
    path: Path, damage: str
) -> None:
    """Fault 29: the refusal says what to do; it may be somebody's only copy of something else."""
    async with again(path) as journal:
        await journal.observe([Observation(f"{n}", "k", "s", "x" * 500) for n in range(200)], at(0))
    content = bytearray(path.read_bytes())
    if damage == "garbage":
        content[:100] = b"not a database".ljust(100)
    else:
        path.unlink()
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("CREATE TABLE wallets (id INTEGER PRIMARY KEY, key TEXT)")
            raw.executemany("INSERT INTO wallets (key) VALUES (?)", [("x" * 500,)] * 100)
            raw.commit()
        content = bytearray(path.read_bytes())
        content[8192:16384] = b"\xff" * 8192
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"damaged.*left as it is: move it aside"):
        again(path)
    assert path.read_bytes() == bytes(content)


async def test_a_path_that_is_no_readable_file_is_not_called_damaged(path: Path) -> None:
    """Nothing has to be moved aside there."""
    path.mkdir(parents=True)
    with pytest.raises(JournalError, match=r"cannot be read.*this user may read"):
        again(path)
    with pytest.raises(JournalError, match="cannot be read"):
        read_journal(path)


async def test_another_programs_database_is_refused(path: Path) -> None:
    """A journal is never written into somebody's data."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE wallets (id INTEGER)")
    with pytest.raises(JournalError, match="no journal of plasma-guard"):
        again(path)


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Also where the path runs through a file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot create the directory"):
        again(tmp_path / "file" / "state" / "journal.db")


async def test_a_closed_journal_takes_nothing_more(path: Path) -> None:
    """An answer would be a lie."""
    journal = again(path)
    await journal.close()
    with pytest.raises(JournalError, match="is closed"):
        await journal.observe([Observation("a", "k", "s", "{}")], at(0))


async def test_a_full_disk_keeps_nothing_and_says_so(journal: SqlJournal) -> None:
    """Fault 29: every caller of the batch hears of it; once there is room again the journal goes on."""

    async def limit(pages: int) -> None:
        """Set SQLite's own stand-in for a full disk."""
        statement = f"PRAGMA max_page_count = {pages}"
        await journal._writer.run(lambda connection: connection.exec_driver_sql(statement).scalar())

    await limit(1)
    big = [[Observation(f"{n} {m}", "k", "s", "x" * 9000) for m in range(5)] for n in range(4)]
    results = await asyncio.gather(*(journal.observe(each, at(0)) for each in big), return_exceptions=True)
    assert all(isinstance(result, JournalError) and "full" in str(result) for result in results)
    await limit(10_000)
    assert len(await journal.observe(big[0], at(1))) == 5


async def full_disk(journal: SqlJournal, *, full: bool) -> None:
    """Set SQLite's own stand-in for a full disk, and take the room that is left."""
    statement = f"PRAGMA max_page_count = {1 if full else 10_000}"
    await journal._writer.run(lambda connection: connection.exec_driver_sql(statement).scalar())
    for size in (9000, 900, 90) if full else ():
        with contextlib.suppress(JournalError):
            for number in range(1000):
                await journal.observe([Observation(f"{size} {number}", "k", "s", "x" * size)], at(0))


@pytest.mark.parametrize("comes_back", ["while it runs", "at the next start"])
async def test_signed_bytes_go_to_the_second_path_when_time_is_short(path: Path, comes_back: str) -> None:
    """Fault 29: past the soft time a full disk stops nobody; later all is in the journal."""
    suite = JournalSuite()
    second = path.parent / "elsewhere" / "spare.jsonl"
    async with again(path, second_path=second) as journal:
        case = await open_case(journal, key(), at(0))
        call = replace(suite.candidate(case), data=b"\x07" * 5000)
        signed = replace(suite.attempt(), raw=b"\x02" * 5000)
        await full_disk(journal, full=True)
        with pytest.raises(JournalError, match="full"):
            await journal.record_intent(call, suite.WINDOW, at(99))
        await journal.record_intent(call, suite.WINDOW, at(100))
        await journal.record_attempt(signed, at(101))
        assert [await journal.open_intents(), await journal.attempts()] == [[], []]
        assert stat.S_IMODE(second.stat().st_mode) == 0o600
        if comes_back == "while it runs":
            await full_disk(journal, full=False)
            await journal.record_attempt(replace(suite.attempt(number=2)), at(102))
            assert not second.exists()
            assert len(await journal.attempts()) == 2
    async with again(path, second_path=second) as journal:
        assert await journal.open_intents() == [(call, suite.WINDOW)]
        assert (await journal.attempts())[0] == signed
        assert not second.exists()


async def test_a_torn_line_of_the_second_path_is_dropped(path: Path) -> None:
    """Its write never returned, so nothing was sent on the strength of it; any other damage is an error."""
    await again(path).close()
    second = path.parent / "spare.jsonl"
    second.write_text('["attempts", {"hash": "0x')
    spare = Spare(second)
    spare.keep("attempts", {"hash": tx(1), "nonce": 2**70})
    assert spare.rows() == [("attempts", {"hash": tx(1), "nonce": 2**70})]
    second.write_text('["attempts", {"hash": "0x')
    await again(path, second_path=second).close()
    second.write_text('["attempts", {"hash": "0x"}]\n')
    with pytest.raises(JournalError, match=r"second path .* is damaged"):
        again(path, second_path=second)


async def test_what_contradicts_the_journal_is_not_kept_elsewhere(journal: SqlJournal) -> None:
    """The second path is for a disk that fails, not for a mistake."""
    suite = JournalSuite()
    case = await open_case(journal, key(), at(0))
    with pytest.raises(JournalError, match="contradicts"):
        await journal.record_intent(replace(suite.candidate(case), case_id=77), suite.WINDOW, at(500))
    assert journal._spare.is_empty


# Only looking


async def test_a_reader_needs_no_lock_and_sees_what_is_committed(journal: SqlJournal, path: Path) -> None:
    """While the guard runs, and with everything that commands show."""
    suite = JournalSuite()
    case = await open_case(journal, key(), at(0))
    exit1 = exit_(1, f"{tx(1)}/0", 2)
    async with read_journal(path) as reader:
        await journal.record_intent(suite.candidate(case), suite.WINDOW, at(1))
        await journal.record_attempt(suite.attempt(), at(1))
        await journal.observe([Observation("a", "k", "s", "{}")], at(2))
        await journal.observe([Observation("a", "k", "s", "{}")], at(4))
        await journal.record_scan(0, block(3), [exit1], [started(exit1)])
        assert await reader.binding() == (1, CONTRACT)
        assert await reader.cases() == [case]
        (intent,) = await reader.intents(case_id=case.id)
        assert (intent.candidate, intent.attempts, intent.outcome) == (
            suite.candidate(case),
            (suite.attempt(),),
            None,
        )
        (seen,) = await reader.observations()
        assert (seen.first_at, seen.last_at) == (at(2), at(4))
        (event,) = await reader.events()
        assert (event["kind"], event["block_number"], event["exit_id"]) == ("exit_started", 2, "1")
        assert event["position"] == str(exit1.position)


async def test_a_reader_of_nothing_says_so(path: Path) -> None:
    """There is a difference between no journal and an empty one."""
    with pytest.raises(JournalError, match="there is no journal"):
        read_journal(path)
    path.parent.mkdir()
    path.touch()
    with pytest.raises(JournalError, match="is empty"):
        read_journal(path)
