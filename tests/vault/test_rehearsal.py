"""`plasma-guard exits drill` as a user runs it, and what `check` says about it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from devnet.world import ETHER, World
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.journal.drills import DrillRecord, last_drill
from support.arena import command

both = pytest.mark.parametrize("generation", ["rootchain", "ald"])


@both
async def test_a_rehearsal_ends_in_a_sentence_and_check_remembers_it(world: World, tmp_path: Path) -> None:
    """Never rehearsed is a warning; on a copy or on the node, all comes out, and nothing is sent."""
    people, bob = world.people, world.bob
    spent = await people.deposit(world.alice, ETHER)
    await people.pay(world.alice, spent, ETHER, bob)
    await world.caught_up()
    settings = world.settings(tmp_path / "journal.sqlite3")
    env = {
        **{key: os.environ[key] for key in ("PATH", "PYTHONPATH", "HOME") if key in os.environ},
        **settings,
        "PRIVATE_KEY": people.connection.keys["bob"],
        "PLASMA_GUARD_VAULT__CHILD_CHAIN_URL": people.connection.operator_url,
    }

    async def said_by_check() -> dict[str, Any]:
        checks = json.loads((await command("check", "--json", env=env)).out)["checks"]
        (found,) = (each for each in checks if each["name"] == "last drill")
        assert isinstance(found, dict)
        return found

    before = await said_by_check()
    assert (before["ok"], before["warning"]) == (True, True)
    assert "never" in before["found"]
    assert (await command("vault", "refresh", env=env)).code == 0
    sent = await people.chain.transaction_count(bob.address)
    for option, how in (("--copy", "on a copy"), ("--no-copy", "call by call")):
        ended = await command("exits", "drill", option, "--json", env=env)
        assert ended.code == 0, ended.said
        result = json.loads(ended.out)
        assert (result["ok"], result["out"], result["outputs"], result["missing"]) == (True, 1, 1, [])
        assert result["value_out"] == ETHER
        assert how in result["how"]
    assert await people.chain.transaction_count(bob.address) == sent
    after = await said_by_check()
    assert (after["ok"], after["warning"]) == (True, False)
    assert "you could get out 1 of 1 outputs" in after["found"]


def test_a_file_that_is_no_result_is_named(tmp_path: Path) -> None:
    """Absent is no error; anything else says what to do."""
    path = tmp_path / "guard.drill.json"
    assert last_drill(path) is None
    path.write_text(
        '{"at": 7, "chain_id": 1, "contract": "0x01", "ok": true, "sentence": "all of it"}', encoding="utf-8"
    )
    assert last_drill(path) == DrillRecord(Timestamp(7), 1, "0x01", ok=True, sentence="all of it")
    for text in ("[]", "{", '{"at": 7}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(MalformedError, match=r"guard\.drill\.json: not a result"):
            last_drill(path)
