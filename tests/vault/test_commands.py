"""`plasma-guard vault` as a user runs it: another process, with its settings in the environment."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from devnet.world import ETHER, World
from support.arena import Ended, command
from support.vaults import signed_form

both = pytest.mark.parametrize("generation", ["rootchain", "ald"])


class User:
    """Somebody's own machine, with a vault of its own."""

    def __init__(self, world: World, name: str, folder: Path) -> None:
        folder.mkdir()
        settings = world.settings(folder / "journal.sqlite3")
        operator = world.people.connection.operator_url
        self.env = {
            **{key: os.environ[key] for key in ("PATH", "PYTHONPATH", "HOME") if key in os.environ},
            **settings,
            "PRIVATE_KEY": world.people.connection.keys[name],
            "PLASMA_GUARD_VAULT__CHILD_CHAIN_URL": operator,
        }
        self.vault = folder / "journal.vault.sqlite3"

    async def run(self, *arguments: str) -> Ended:
        """Run a command about the vault."""
        return await command("vault", *arguments, env=self.env)

    async def json(self, *arguments: str) -> Any:
        """Run one that must go well, and return what it printed."""
        ended = await self.run(*arguments, "--json")
        assert ended.code == 0, ended.said
        return json.loads(ended.out)


@both
async def test_a_vault_moves_to_another_machine(world: World, tmp_path: Path) -> None:
    """Refreshed, verified and exported here; imported and verified there, with all servers gone."""
    people = world.people
    spent = await people.deposit(world.alice, ETHER)
    position = await people.pay(world.alice, spent, ETHER, world.bob)
    await world.caught_up()
    here = User(world, "bob", tmp_path / "here")
    refreshed = await here.json("refresh")
    assert [each["position"] for each in refreshed["outputs"]] == [str(position)]
    assert stat.S_IMODE(here.vault.stat().st_mode) == 0o600
    (listed,) = (await here.json("list"))["outputs"]
    assert (listed["missing"], listed["stuck"], listed["amount"]) == ([], False, str(ETHER))
    assert (await here.json("verify"))["ok"]
    bundle = tmp_path / "bundle.json"
    assert (await here.json("export", str(bundle)))["outputs"] == 1
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    there = User(world, "bob", tmp_path / "there")
    there.env["PLASMA_GUARD_WATCHER__URL"] = "http://127.0.0.1:1"
    del there.env["PLASMA_GUARD_VAULT__CHILD_CHAIN_URL"]
    assert (await there.json("import", str(bundle)))["new_outputs"] == 1
    assert (await there.json("verify", "--offline"))["ok"]
    assert (await there.json("list"))["outputs"][0]["position"] == str(position)


@both
async def test_a_signed_transaction_is_tracked(world: World, tmp_path: Path) -> None:
    """Given as hex or in a file, it is kept; `list` then says what it spends."""
    people = world.people
    spent = await people.deposit(world.alice, ETHER)
    await world.caught_up()
    payment = people.sign([(world.alice, spent)], [world.output("bob")])
    alice = User(world, "alice", tmp_path / "alice")
    await alice.json("refresh")
    file = tmp_path / "payment.hex"
    file.write_text("0x" + signed_form(people, payment).hex() + "\n")
    tracked = await alice.json("track", str(file))
    assert tracked["signatures_checked"]
    (deposit,) = (await alice.json("list"))["outputs"]
    assert deposit["spent_by"] == tracked["txhash"]


@pytest.mark.parametrize("generation", ["ald"])
async def test_bad_input_is_explained_with_exit_code_2(world: World, tmp_path: Path) -> None:
    """Each says which argument is wrong, in what way, and what to do."""
    people = world.people
    spent = await people.deposit(world.alice, ETHER)
    await world.caught_up()
    payment = people.sign([(world.alice, spent)], [world.output("bob")])
    alice = User(world, "alice", tmp_path / "alice")
    nothing = await alice.run("list")
    assert (nothing.code, "vault refresh" in nothing.err) == (1, True)
    await alice.json("refresh")
    broken = tmp_path / "broken.json"
    broken.write_text('{"format": "something else"}')
    for arguments, words in (
        (("track", "0x" + payment.tx.hex()), "unsigned"),
        (("track", "0x123"), "even number of hex digits"),
        (("track", str(tmp_path / "missing")), "cannot be read"),
        (("import", str(broken)), 'expected "plasma-guard vault"'),
        (("import", str(tmp_path / "missing")), "cannot be read"),
    ):
        ended = await alice.run(*arguments)
        assert ended.code == 2, ended.said
        assert words in ended.err
        assert "Traceback" not in ended.err
