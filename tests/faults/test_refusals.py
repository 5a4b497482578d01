"""Wrong chain, contract or key: which, what was expected, what was found; and never the key itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from plasma_guard.devnet.connection import Connection
from support.arena import Arena, Ended, Guard, command, running


@dataclass(frozen=True, slots=True)
class Wrong:
    """A connection with one mistake, and the words that must be said about it."""

    connection: Connection
    words: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()


def chain_id(net: Arena) -> Wrong:
    return Wrong(replace(net.connection, chain_id=5), ("31337", "expected 5", "root_chain.chain_id"))


def no_contract(net: Arena) -> Wrong:
    bob = str(net.people["bob"].address)
    return Wrong(replace(net.connection, contract=bob), ("no contract at", bob))


def exit_game(net: Arena) -> Wrong:
    game = str(net.people.game.contracts.exit_game)
    return Wrong(replace(net.connection, contract=game), (game, "PaymentExitGame", "PlasmaFramework"))


def unknown_contract(net: Arena) -> Wrong:
    vault = str(net.people.game.contracts.eth_vault)
    return Wrong(replace(net.connection, contract=vault), (vault, "neither a RootChain v0.2 nor"))


def other_generation(net: Arena) -> Wrong:
    pinned = (("PLASMA_GUARD_ROOT_CHAIN__GENERATION", "rootchain"),)
    return Wrong(net.connection, ("expected rootchain, found ald-v1",), pinned)


async def both(guard: Guard) -> tuple[Ended, Ended]:
    config = str(guard.write_config())
    env = guard.environment()
    return await command("check", "--config", config, env=env), await command(
        "run", "--config", config, env=env
    )


@pytest.mark.parametrize("wrong", [chain_id, no_contract, exit_game, unknown_contract, other_generation])
async def test_check_and_run_say_what_is_wrong_with_the_root_chain(
    net: Arena, tmp_path: Path, wrong: Callable[[Arena], Wrong]
) -> None:
    """`check` exits with 1 and one FAIL for it, `run` with 2; both in words, neither with a traceback."""
    case = wrong(net)
    checked, ran = await both(Guard(case.connection, tmp_path / "guard", env=dict(case.env)))
    assert (checked.code, ran.code) == (1, 2)
    assert checked.out.count("FAIL") == 1, checked.out
    for ended in (checked, ran):
        assert "Traceback" not in ended.said
        for word in case.words:
            assert word in ended.said


async def test_a_reserve_that_pays_no_bond_is_refused_at_start_with_the_sum(
    net: Arena, tmp_path: Path
) -> None:
    """Nothing in the settings says so: only the contract knows its bonds. To the wei of one it is taken."""
    bond = (await net.people.game.bonds(await net.people.chain.head())).piggyback
    poor, rich = (f"{Decimal(wei) / 10**18:f}" for wei in (bond - 1, bond))
    name = "PLASMA_GUARD_FEES__RESERVE_ETH"
    refused = Guard(net.connection, tmp_path / "poor", env={name: poor})
    ended = await command("run", "--config", str(refused.write_config()), env=refused.environment())
    assert ended.code == 2
    assert f"{bond - 1} wei are kept for late calls" in ended.err
    assert f"{bond} wei" in ended.err
    async with running(Guard(net.connection, tmp_path / "rich", env={name: rich})):
        pass


async def test_check_fails_for_what_is_down_and_names_the_remedy(net: Arena, tmp_path: Path) -> None:
    """One line for the endpoint and one for the Watcher, each with where to look."""
    nowhere = "http://127.0.0.1:1"
    guard = Guard(net.through(watcher=nowhere, rpc=nowhere), tmp_path / "guard")
    checked = await command("check", "--config", str(guard.write_config()), env=guard.environment())
    assert checked.code == 1
    failed = [line for line in checked.out.splitlines() if line.startswith("FAIL")]
    assert [line.split("  ")[1].strip() for line in failed] == ["root chain", "watcher"]
    assert "root_chain.rpc" in failed[0]
    assert "watcher.url" in failed[1]
    assert "Traceback" not in checked.said


BAD_KEYS: dict[str, Callable[[str], str]] = {
    "a digit short": lambda key: key[:-1],
    "a byte long": lambda key: key + "ab",
    "not hex": lambda key: key[:-1] + "g",
    "quoted": lambda key: f'"{key}"',
    "zero": lambda _: "0x" + "00" * 32,
    "above the order": lambda _: "0x" + "ff" * 32,
    "decimal": lambda key: str(int(key, 16)),
    "a mnemonic": lambda _: "test test test test test test test test test test test junk",
    "empty": lambda _: "",
}


def secrets(key: str) -> list[str]:
    """Return a key in every spelling somebody could find it in, and a good part of it."""
    digits = key.removeprefix("0x")
    return [digits, digits.upper(), digits[:40], digits[-40:], str(int(digits, 16))]


@pytest.mark.parametrize("bad", BAD_KEYS)
async def test_a_key_in_a_wrong_format_is_refused_and_never_shown(
    net: Arena, tmp_path: Path, bad: str
) -> None:
    """`run` exits with 2 and names the setting; neither command repeats anything of the key."""
    key = net.connection.keys["guard"]
    given = BAD_KEYS[bad](key)
    checked, ran = await both(Guard(net.connection, tmp_path / "guard", env={"PRIVATE_KEY": given}))
    assert ran.code == 2
    assert checked.code in {1, 2}
    for ended in (checked, ran):
        assert "PRIVATE_KEY" in ended.said
        assert "Traceback" not in ended.said
        for secret in [*secrets(key), *([given] if given else [])]:
            assert secret not in ended.said


async def test_a_good_key_is_in_no_output_and_no_file(net: Arena, tmp_path: Path) -> None:
    """Not in what a whole run says at debug level, its pages, its journal and lock files."""
    key = net.connection.keys["guard"]
    guard = Guard(net.connection, tmp_path / "guard", env={"PLASMA_GUARD_LOGGING__LEVEL": "debug"})
    await guard.start()
    try:
        await guard.ready()
        await net.fraud()
        await guard.won()
        pages = [str(await guard.page(path)) for path in ("/status", "/ready", "/live")]
        pages.append(str(await guard.metrics()))
    finally:
        await guard.stop()
    said = "\n".join([*map(str, guard.lines), *guard.tail, *pages])
    raw = bytes.fromhex(key.removeprefix("0x"))
    files = [path for path in guard.journal.parent.rglob("*") if path.is_file()]
    assert guard.journal in files
    for secret in secrets(key):
        assert secret not in said
        for path in files:
            assert secret.encode() not in path.read_bytes(), path
    assert not [path for path in files if raw in path.read_bytes()]
