"""`plasma-guard journal`: every case as a list, as an incident report, and as JSON; nothing is written."""

import hashlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from journal.suite import ACCOUNT, CONTRACT, POSITION, JournalSuite, at, block, exit_, key, started, tx
from plasma_guard.cli.casebook import show_cases, show_history
from plasma_guard.domain.cases import CaseKey, Kind, Observation
from plasma_guard.domain.decisions import Closure
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.primitives import Timestamp, Wei
from plasma_guard.domain.transactions import AttemptStatus, Confirmed, Fees, Receipt
from plasma_guard.journal import SqlJournal, open_journal, read_journal
from support.arena import Ended, command
from support.cases import conclusion

FRAUD = key(f"{tx(9)}/0")
BOND = Wei(14 * 10**15)
GWEI = 10**9
SPENT = "output 1000000030001 was spent by transaction 0x77"
STOPPED = "our challenge is mined and the exit is stopped"
RECEIPT = Receipt(tx(2), 12, tx(12), success=True, gas_used=100_000, gas_price=Wei(3 * GWEI))
"""Of the replacement: the first attempt is replaced, and costs nothing."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "journal.sqlite3"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[SqlJournal]:
    """A journal held open by its guard, with a case that was won and one that waits."""
    async with open_journal(path, 1, CONTRACT, runtime=path.parent) as opened:
        await won(opened)
        waiting = CaseKey(1, CONTRACT, Kind.CANONICITY, ExitId(7), "0xcd/0")
        await opened.conclude(
            conclusion(waiting, at(100), reason="no competitor yet", deadline=Timestamp(at(100) + 90_000))
        )
        yield opened


async def won(journal: SqlJournal) -> None:
    """Write what a guard writes from the first report to the end of a fraud; the price is raised once."""
    suite = JournalSuite()
    tracked = exit_(FRAUD.exit_id, FRAUD.start, 2)
    await journal.record_scan(0, block(3), [tracked], [started(replace(tracked, position=POSITION))])
    details = {"utxo_pos": POSITION.encode()}
    for kind, body, when in (
        ("invalid_exit", details | {"eth_height": 2}, 3),
        ("invalid_exit", {"utxo_pos": 5}, 3),
        ("unchallenged_exit", details, 4),
    ):
        await journal.observe([Observation(f"{kind}:{body}", kind, "watcher", json.dumps(body))], at(when))
    fields: dict[str, Any] = {
        "position": POSITION,
        "details": json.dumps(details),
        "deadline": at(1000),
        "bond": BOND,
    }
    act = {"verdict": "act", "reason": SPENT, "action": "challengeStandardExit"}
    case = await journal.conclude(conclusion(FRAUD, at(4), **fields, **act))
    candidate = replace(suite.candidate(case), purpose="challengeStandardExit")
    await journal.record_intent(candidate, suite.WINDOW, at(5))
    for number, price in ((1, 2), (2, 4)):
        fees = Fees(Wei(price * GWEI), Wei(GWEI))
        await journal.record_attempt(replace(suite.attempt(), hash=tx(number), fees=fees), at(4 + number))
    await journal.mark_attempt(tx(1), AttemptStatus.REPLACED, at(6))
    await journal.mark_attempt(tx(2), AttemptStatus.MINED, at(12))
    await journal.record_outcome(candidate.intent, Confirmed(RECEIPT), at(14))
    close = {"verdict": "close", "reason": STOPPED, "closure": Closure.WON_BY_US}
    await journal.conclude(conclusion(FRAUD, at(64), **fields, **close))


def fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def told(*arguments: str, path: Path) -> Ended:
    return await command("journal", *arguments, "--journal", str(path), env=os.environ)


async def test_the_list_shows_every_case_while_the_guard_runs(journal: SqlJournal, path: Path) -> None:
    """How each stands, when it was opened, what is left of its time, what it cost and was sent for it."""
    listed = await told("list", "--json", path=path)
    assert listed.code == 0, listed.said
    first, second = json.loads(listed.out)
    assert (first["state"], first["kind"], first["position"]) == (
        "won by us",
        "standard_exit",
        str(POSITION.encode()),
    )
    assert (first["cost_wei"], first["bond_won_wei"], first["attempts"]) == (str(RECEIPT.cost), str(BOND), 2)
    assert (second["state"], second["verdict"], second["bond_won_wei"]) == ("open", "hold", "0")
    for filters, ids in (
        (["--open"], [2]),
        (["--kind", "standard_exit"], [1]),
        (["--kind", "inclusion"], []),
    ):
        only = await told("list", "--json", *filters, path=path)
        assert [case["id"] for case in json.loads(only.out)] == ids


async def test_the_table_says_how_much_time_is_left(
    journal: SqlJournal, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of open cases only; what is closed has no deadline any more."""
    show_cases(await journal.histories(), at(100), total=2)
    lines = capsys.readouterr().out.splitlines()
    (first,) = [line for line in lines if "standard exit" in line]
    (second,) = [line for line in lines if "canonicity" in line]
    assert "won by us" in first
    assert "0.0003" in first
    assert "min" not in first
    assert "1 d 1 h" in second
    show_cases([], at(0), total=2)
    assert "no cases of this kind" in capsys.readouterr().out


async def test_a_finished_case_reads_as_an_incident_report(
    journal: SqlJournal, capsys: pytest.CaptureFixture[str]
) -> None:
    """What, when, the evidence, every transaction, the cost, the result, the bond; and all of it in order."""
    found = await journal.history(1)
    assert found is not None
    show_history(found, at(100))
    report = capsys.readouterr().out
    story = [
        "Incident report of case 1, standard exit: won by us",
        f"{POSITION} (block 1000, transaction 3, output 1)",
        f"exit owner    {ACCOUNT}",
        "closed        2023-11-14 22:14:24 UTC, 1 min later",
        f"evidence      {SPENT}",
        "call          challengeStandardExit",
        f"result        won by us: {STOPPED}",
        f"cost          {RECEIPT.cost} wei (0.0003 ETH) of gas, for 1 mined transactions",
        f"bond won      {BOND} wei (0.014 ETH)",
        "Transactions",
        str(tx(1)),
        "replaced",
        str(tx(2)),
        "In order",
        "reported",
        "unchallenged_exit",
        "decided: act",
        "intended",
        "signed",
        "confirmed",
        "decided: close",
        "closed",
        "Logs of the root chain",
        "exit started",
    ]
    rest = report
    for piece in story:
        _, found_it, rest = rest.partition(piece)
        assert found_it, f"{piece!r} comes next in {report}"
    assert report.count("invalid_exit,") == 1, "the report about another output is none of it"


async def test_an_open_case_says_what_was_decided_last(journal: SqlJournal, path: Path) -> None:
    """And is no incident report yet."""
    shown = await told("show", "2", path=path)
    assert shown.code == 0, shown.said
    assert "Incident" not in shown.out
    assert "hold: no competitor yet" in shown.out


async def test_the_json_of_a_case_holds_all_of_it(journal: SqlJournal, path: Path) -> None:
    """Decisions, intents with their attempts, the outcome; amounts as strings."""
    document = json.loads((await told("show", "1", "--json", path=path)).out)
    assert [each["kind"] for each in document["observations"]] == ["invalid_exit", "unchallenged_exit"]
    assert [each["verdict"] for each in document["decisions"]] == ["act", "close"]
    (intent,) = document["intents"]
    assert [each["status"] for each in intent["attempts"]] == ["replaced", "mined"]
    assert (intent["outcome"], intent["cost_wei"]) == ("confirmed", str(RECEIPT.cost))
    assert [each["kind"] for each in document["root_events"]] == ["exit_started"]
    assert "raw" not in json.dumps(document)


async def test_the_export_is_whole_and_without_signed_bytes_unless_asked(
    journal: SqlJournal, path: Path
) -> None:
    """One line for each row of each table, or one document; large numbers are strings."""
    lines = [json.loads(line) for line in (await told("export", path=path)).out.splitlines()]
    names = [line["record"] for line in lines]
    assert {name: names.count(name) for name in names} == {
        "binding": 1,
        "checkpoint": 1,
        "observation": 3,
        "root_event": 1,
        "tracked_exit": 1,
        "case": 2,
        "decision": 3,
        "intent": 1,
        "attempt": 2,
    }
    assert lines[0] | {"record": "binding", "contract": str(CONTRACT)} == lines[0]
    case = next(line for line in lines if line["record"] == "case")
    assert (case["bond"], case["details"]) == (str(BOND), {"utxo_pos": POSITION.encode()})
    assert not any("raw" in line for line in lines)
    document = json.loads((await told("export", "--json", "--raw", path=path)).out)
    raw = JournalSuite().attempt().raw
    assert [each["raw"] for each in document["attempt"]] == ["0x" + raw.hex()] * 2


async def test_nothing_is_written_by_looking(journal: SqlJournal, path: Path) -> None:
    """The file is the same byte for byte, also once its guard is gone."""
    await journal.close()
    before = fingerprint(path)
    for arguments in (["list"], ["show", "1"], ["export"]):
        ended = await told(*arguments, path=path)
        assert ended.code == 0, ended.said
    assert fingerprint(path) == before
    async with read_journal(path) as reader:
        assert len(await reader.cases()) == 2


async def test_what_is_asked_wrongly_is_said_with_the_remedy(journal: SqlJournal, path: Path) -> None:
    """A wrong file or option is bad usage; a case there is none of is an answer."""
    absent = await told("list", path=path.with_name("absent"))
    assert (absent.code, "there is no journal at" in absent.err) == (2, True)
    text = path.with_name("text.txt")
    text.write_text("no journal, but text long enough to be taken for a database header" * 3)
    damaged = await told("list", path=text)
    assert (damaged.code, "is damaged" in damaged.err) == (2, True)
    kind = await told("list", "--kind", "heist", path=path)
    assert (kind.code, "expected standard_exit, canonicity" in kind.err) == (2, True)
    unknown = await told("show", "77", path=path)
    assert (unknown.code, "there is no case 77: `plasma-guard journal list`" in unknown.err) == (1, True)


async def test_the_journal_of_the_settings_must_be_of_their_chain(journal: SqlJournal, path: Path) -> None:
    """Otherwise the cases shown would be of another network than the user thinks."""
    settings = {
        "PLASMA_GUARD_ROOT_CHAIN__RPC": "http://127.0.0.1:1",
        "PLASMA_GUARD_ROOT_CHAIN__CONTRACT": str(CONTRACT),
        "PLASMA_GUARD_WATCHER__URL": "http://127.0.0.1:1",
        "PLASMA_GUARD_JOURNAL__PATH": str(path),
    }
    env = {**os.environ, **settings}
    right = await command("journal", "list", env=env | {"PLASMA_GUARD_ROOT_CHAIN__CHAIN_ID": "1"})
    assert right.code == 0, right.said
    wrong = await command("journal", "list", env=env | {"PLASMA_GUARD_ROOT_CHAIN__CHAIN_ID": "5"})
    assert wrong.code == 2
    assert "belongs to contract" in wrong.err
