"""Demo and devnet take what they are from the command line, or from the contracts of somebody else."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from devnet.world import world_of
from plasma_guard.cli.demo import SAID
from plasma_guard.cli.devnet import make_options
from plasma_guard.daemon.settle import WON
from plasma_guard.devnet.connection import Connection
from plasma_guard.devnet.deploy import deploy
from plasma_guard.devnet.deployment import Deployment
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.evm import Evm, EvmOptions
from plasma_guard.devnet.scenarios import SCENARIOS, commit
from plasma_guard.devnet.stories.sayings import CANONICAL_AGAIN, JOINED, NOT_CANONICAL, REMOVED, STOPPED
from plasma_guard.domain.errors import ConfigurationError
from support.arena import command
from support.until import until

DEPLOYED = Deployment("ald", "0x" + "11" * 20, "0x01", "0x02")
NODE = "http://127.0.0.1:1"


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    """A file that says as little about contracts as it may."""
    path = tmp_path / "contracts.json"
    path.write_text(DEPLOYED.to_json(), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("deployment", "name", "revision"),
    [
        (DEPLOYED, "ald", "ald-v1"),
        (replace(DEPLOYED, generation="rootchain"), "rootchain", "rootchain"),
        (replace(DEPLOYED, revision="ald-v2"), "ald-v2", "ald-v2"),
    ],
)
def test_the_file_of_the_contracts_says_their_generation(
    contracts: Path, deployment: Deployment, name: str, revision: str
) -> None:
    """Nothing else need be said; what is said besides must agree."""
    contracts.write_text(deployment.to_json(), encoding="utf-8")
    found, options = make_options(None, NODE, contracts)
    assert (found, options.revision) == (name, revision)
    assert (options.rpc_url, options.contracts) == (NODE, contracts)
    assert make_options(deployment.generation, NODE, contracts) == (found, options)
    other = "ald" if deployment.generation == "rootchain" else "rootchain"
    with pytest.raises(ConfigurationError, match=f"--generation: {other}"):
        make_options(other, NODE, contracts)


def test_without_contracts_the_generation_is_ald_unless_named(contracts: Path) -> None:
    """A name there is none of is refused, and so is half of --rpc and --contracts."""
    assert make_options(None, None, None)[0] == "ald"
    assert make_options("rootchain", None, None)[1].revision == "rootchain"
    with pytest.raises(ConfigurationError, match="expected rootchain, ald, ald-v2"):
        make_options("ald-v3", None, None)
    with pytest.raises(ConfigurationError, match="give both"):
        make_options(None, NODE, None)
    with pytest.raises(ConfigurationError, match="give both"):
        make_options(None, None, contracts)


def test_an_unreadable_file_of_contracts_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Absent, and not text at all."""
    with pytest.raises(DevnetError, match=r"absent\.json"):
        make_options(None, NODE, tmp_path / "absent.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(DevnetError, match=r"binary\.json"):
        make_options(None, NODE, tmp_path / "binary.json")


def test_a_connection_survives_its_file(tmp_path: Path) -> None:
    """Tokens included; a file of another shape is refused."""
    file = tmp_path / "devnet.json"
    connection = Connection("ald-v1", "0x11", 5, 600, "a", "b", "c", {"alice": "0x01"}, ("0x22", "0x33"))
    connection.save(file)
    assert Connection.load(file) == connection
    for wrong in ("[]", "{}", "5"):
        file.write_text(wrong, encoding="utf-8")
        with pytest.raises(DevnetError, match="is no devnet connection"):
            Connection.load(file)


async def test_the_demo_plays_once_on_contracts_of_somebody_else(tmp_path: Path) -> None:
    """Its story ends with the guard's own last word before the time is moved, and the chain agrees."""
    async with Evm(EvmOptions(block_time=1)) as evm:
        contracts = tmp_path / "contracts.json"
        deployment = replace(await deploy(evm, "rootchain", min_exit_period=600), revision=None)
        contracts.write_text(deployment.to_json(), encoding="utf-8")
        arguments = ("demo", "--rpc", evm.rpc_url, "--contracts", str(contracts), "--json")
        ended = await command(*arguments, env=os.environ, patience=60)
    assert ended.code == 0, ended.said
    (result,) = json.loads(ended.out)
    assert (result["generation"], result["ok"], result["stolen_wei"]) == ("rootchain", True, "0")
    story = ended.err
    assert (
        0
        < story.index("the fraudulent exit is stopped: transaction 0x")
        < story.index("the exit period passes")
    )


async def test_every_story_is_listed_and_another_name_is_refused() -> None:
    """`--list` plays nothing; a name there is none of is bad usage, and so is one that is no attack."""
    listed = await command("demo", "--list", "--json", env=os.environ)
    assert listed.code == 0, listed.said
    assert json.loads(listed.out) == {name: scenario.title for name, scenario in SCENARIOS.items()}
    refused = await command("demo", "--scenario", "heist", env=os.environ)
    assert refused.code == 2
    assert "full-battle" in refused.err
    harmless = await command("devnet", "attack", "own-piggyback", env=os.environ)
    assert harmless.code == 2
    assert "own-piggyback" not in harmless.err.partition(", got")[0]


def test_stories_wait_for_what_the_guard_really_says() -> None:
    """Their sentences are those of the daemon, and the demo retells each of them."""
    assert set(WON.values()) == {STOPPED, NOT_CANONICAL, CANONICAL_AGAIN, REMOVED, JOINED}
    assert set(WON.values()) < SAID.keys()


async def test_an_attack_is_committed_without_a_guard(tmp_path: Path) -> None:
    """Only the fraud of a story: the Watcher reports it, and nobody has answered."""
    told: list[str] = []
    async with world_of("ald", tmp_path) as world:
        await commit(SCENARIOS["spent-output"], world.people, lambda _who, what: told.append(what))

        async def reported() -> list[str]:
            return [event.name for event in (await world.watcher.status()).events]

        assert await until(reported, "the Watcher reports the fraud") == ["invalid_piggyback"]
        assert await world.guard_sent() == 0
    assert any("piggyback output 0" in what for what in told)
