"""`plasma-guard exits list`: how long each exit of our own still takes, in words and as numbers."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from journal.suite import CONTRACT, POSITION, block
from plasma_guard.domain.cases import CaseKey, Kind
from plasma_guard.domain.decisions import Closure
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.journal import open_journal
from support.arena import Ended, command
from support.cases import conclusion

DAY = 86_400
NOW = Timestamp(int(time.time()) + 5 * DAY)
"""Root-chain time where a devnet's clock runs ahead."""


async def listed(tmp_path: Path, *arguments: str) -> Ended:
    environment = {
        "PATH": os.environ["PATH"],
        "PLASMA_GUARD_ROOT_CHAIN__RPC": "http://127.0.0.1:9",
        "PLASMA_GUARD_ROOT_CHAIN__CHAIN_ID": "1",
        "PLASMA_GUARD_ROOT_CHAIN__CONTRACT": str(CONTRACT),
        "PLASMA_GUARD_WATCHER__URL": "http://127.0.0.1:9",
        "PLASMA_GUARD_JOURNAL__PATH": str(tmp_path / "journal.sqlite3"),
    }
    return await command("exits", "list", *arguments, env=environment)


@pytest.fixture
async def filled(tmp_path: Path) -> Path:
    """Keep five exits: to be started, late, running, ripe, paid."""
    moments: tuple[dict[str, Any], ...] = (
        {"deadline": NOW + DAY},
        {"deadline": NOW - DAY},
        {"deadline": NOW + DAY, "ripe_at": NOW + 2 * DAY + 3_600},
        {"deadline": NOW - DAY, "ripe_at": NOW - DAY},
        {"deadline": NOW - DAY, "ripe_at": NOW - DAY, "closure": Closure.WON_BY_US, "verdict": "close"},
    )
    async with open_journal(tmp_path / "journal.sqlite3", 1, CONTRACT, runtime=tmp_path) as journal:
        for number, fields in enumerate(moments, 1):
            key = CaseKey(1, CONTRACT, Kind.OWN_EXIT, ExitId(number), "own/5")
            event = {"event": "own_standard_exit", "position": POSITION}
            await journal.conclude(conclusion(key, NOW, **event, **fields))
        await journal.record_scan(0, replace(block(9), timestamp=NOW), [], [])
    return tmp_path


async def test_each_exit_says_how_long_it_still_takes(filled: Path) -> None:
    """Time runs by the root chain's clock where that is ahead of the machine's."""
    told = await listed(filled)
    assert told.code == 0, told.said
    for words in ("start within 1 d", "late: start now", "ripe in 2 d 1 h", "ripe: waits for its queue"):
        assert words in told.out
    rows = json.loads((await listed(filled, "--json")).out)
    assert [row["state"] for row in rows] == ["under way"] * 4 + ["paid"]
    assert [row["seconds_to_ripe"] for row in rows] == [None, None, 2 * DAY + 3_600, -DAY, None]
    assert rows[2]["ripe_at"] == NOW + 2 * DAY + 3_600


async def test_with_nothing_begun_the_next_command_is_named(tmp_path: Path) -> None:
    """An empty table would say nothing."""
    async with open_journal(tmp_path / "journal.sqlite3", 1, CONTRACT, runtime=tmp_path):
        pass
    told = await listed(tmp_path)
    assert (told.code, "plasma-guard exits plan" in told.out) == (0, True)
