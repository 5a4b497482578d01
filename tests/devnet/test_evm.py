"""Mining, time, snapshots and reorgs do what scenarios rely on, and no process stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plasma_guard.devnet.anvil import ANVIL_VARIABLE, ensure_anvil
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.evm import Evm, EvmOptions
from plasma_guard.devnet.jsonrpc import EvmRpcError, JsonRpc

_START = 1_700_000_000


async def _number(evm: Evm) -> int:
    return int(await evm.rpc("eth_blockNumber"), 16)


async def _send(evm: Evm, **fields: str) -> str:
    return str(await evm.rpc("eth_sendTransaction", {"from": evm.accounts[0].address, **fields}))


def _refuses(port: int, within: float) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            continue  # it dies at this very moment
    return False


def _empties(folder: Path, within: float) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not any(folder.iterdir()):
            return True
    return False


async def test_chains_of_different_options_run_side_by_side() -> None:
    """Each chain has its own port, chain id, accounts and start time."""
    one = Evm(EvmOptions(chain_id=5, accounts=2, start_timestamp=_START))
    async with one, Evm() as other:
        assert one.rpc_url != other.rpc_url
        assert await one.rpc("eth_chainId") == "0x5"
        assert await other.rpc("eth_chainId") == hex(31337)
        assert [len(one.accounts), len(other.accounts)] == [2, 10]
        assert await one.timestamp() == _START
        holder = one.accounts[1].address
        assert int(await one.rpc("eth_getBalance", holder, "latest"), 16) == 10_000 * 10**18


async def test_time_moves_as_told() -> None:
    """A block gets the timestamp it was given, and later ones the added seconds."""
    async with Evm(EvmOptions(start_timestamp=_START)) as evm:
        await evm.set_next_timestamp(_START + 1000)
        await evm.mine()
        assert await evm.timestamp() == _START + 1000
        await evm.increase_time(5000)
        assert await evm.timestamp() == _START + 1000
        await evm.mine(3)
        assert await evm.timestamp() >= _START + 6000
        assert await _number(evm) == 4


async def test_mining_on_request_leaves_transactions_pending() -> None:
    """Without automine a transaction waits, can be dropped, and is mined with the next block."""
    async with Evm(EvmOptions(automine=False)) as evm:
        dropped = await _send(evm, to=evm.accounts[1].address, value="0x1")
        await evm.drop_transaction(dropped)
        kept = await _send(evm, to=evm.accounts[1].address, value="0x2")
        assert await _number(evm) == 0
        await evm.mine()
        assert await evm.rpc("eth_getTransactionReceipt", dropped) is None
        assert (await evm.rpc("eth_getTransactionReceipt", kept))["blockNumber"] == "0x1"
        await evm.set_automine(True)
        assert await evm.rpc("anvil_getAutomine") is True


async def test_a_snapshot_restores_everything_once() -> None:
    """Going back undoes blocks and balances; the same snapshot cannot be used again."""
    async with Evm() as evm:
        snapshot = await evm.snapshot()
        await evm.set_balance(evm.accounts[1].address, 7)
        await evm.mine(2)
        await evm.revert(snapshot)
        assert await _number(evm) == 0
        assert int(await evm.rpc("eth_getBalance", evm.accounts[1].address, "latest"), 16) == 10_000 * 10**18
        with pytest.raises(DevnetError, match="knows no snapshot"):
            await evm.revert(snapshot)


async def test_a_reorg_replaces_the_newest_blocks() -> None:
    """After a reorg the chain is as long as before, with other blocks and without their transactions."""
    async with Evm(EvmOptions(automine=False)) as evm:
        await evm.mine(2)
        sent = await _send(evm, to=evm.accounts[1].address, value="0x1")
        await evm.mine()
        old = (await evm.rpc("eth_getTransactionReceipt", sent))["blockHash"]
        await evm.reorg(2)
        assert await _number(evm) == 3
        new = await evm.rpc("eth_getBlockByNumber", "0x3", False)  # noqa: FBT003 : without transactions
        assert new["hash"] != old
        assert await evm.rpc("eth_getTransactionReceipt", sent) is None


async def test_finality_follows_the_epoch() -> None:
    """With short epochs a guard sees blocks become final after a few of them."""
    async with Evm(EvmOptions(epoch_slots=2)) as evm:
        await evm.mine(10)
        final = await evm.rpc("eth_getBlockByNumber", "finalized", False)  # noqa: FBT003 : no transactions
        assert int(final["number"], 16) == 6


async def test_blocks_come_by_the_clock_when_asked() -> None:
    """With a block time nothing is mined on arrival."""
    async with Evm(EvmOptions(block_time=600)) as evm:
        await _send(evm, to=evm.accounts[1].address, value="0x1")
        assert await evm.rpc("anvil_getAutomine") is False
        assert await _number(evm) == 0


async def test_an_error_of_the_node_is_raised_with_its_code() -> None:
    """The caller sees the method, the code and the message."""
    async with Evm() as evm:
        with pytest.raises(EvmRpcError, match="nonsense_call") as caught:
            await evm.rpc("nonsense_call")
        assert caught.value.code == -32601


async def test_no_process_stays_behind() -> None:
    """After stop the process is gone; calls then say that the chain is not running."""
    evm = Evm()
    await evm.start()
    process = evm._process
    assert process is not None
    with pytest.raises(DevnetError, match="runs already"):
        await evm.start()
    url = evm.rpc_url
    await evm.stop()
    await evm.stop()
    assert process.returncode is not None
    with pytest.raises(DevnetError, match="not running"):
        await evm.mine()
    client = JsonRpc(url)
    with pytest.raises(DevnetError, match="does not answer"):
        await client.rpc("eth_chainId")
    await client.close()


def test_a_killed_owner_takes_its_chain_along(tmp_path: Path) -> None:
    """Even kill -9 of the process that started a chain ends the chain, and its old states go with it."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    script = tmp_path / "owner.py"
    script.write_text(
        "import asyncio, os, signal\n"
        "from plasma_guard.devnet.evm import Evm\n"
        "async def main():\n"
        "    evm = await Evm().start()\n"
        "    await evm.mine()\n"
        "    print(evm.rpc_url.rpartition(':')[2], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    owner = subprocess.run(  # noqa: S603 : our own script
        [sys.executable, str(script)],
        env={**os.environ, "TMPDIR": str(scratch)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert owner.returncode == -signal.SIGKILL
    assert _refuses(int(owner.stdout), within=10)
    assert _empties(scratch, within=10)


async def test_a_dead_node_is_reported_with_its_last_words() -> None:
    """A node that dies under the caller is named, not a timeout."""
    async with Evm() as evm:
        process = evm._process
        assert process is not None
        process.kill()
        process.wait()
        with pytest.raises(DevnetError, match="last words"):
            await evm.rpc("eth_chainId")


async def test_a_failed_start_says_why(tmp_path: Path) -> None:
    """A program that is not anvil ends before it listens, and what it printed is in the error."""
    impostor = tmp_path / "anvil"
    impostor.write_text("#!/bin/sh\necho no such option; exit 2\n")
    impostor.chmod(0o755)
    with pytest.raises(DevnetError, match="no such option"):
        await Evm(binary=impostor).start()


async def test_a_cancelled_start_leaves_no_process(tmp_path: Path) -> None:
    """Cancelling while anvil is coming up kills it."""
    record = tmp_path / "pid"
    sleeper = tmp_path / "anvil"
    sleeper.write_text(f"#!/bin/sh\necho $$ > {record}.new; mv {record}.new {record}; exec sleep 60\n")
    sleeper.chmod(0o755)
    starting = asyncio.create_task(Evm(binary=sleeper).start())
    while not record.exists():  # noqa: ASYNC110 : only the file tells that the program runs
        await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    with pytest.raises(ProcessLookupError):
        os.kill(int(record.read_text()), 0)


def test_a_named_anvil_must_be_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PLASMA_GUARD_ANVIL wins over the cache, and a wrong one is an error naming it."""
    monkeypatch.setenv(ANVIL_VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(DevnetError, match=ANVIL_VARIABLE):
        ensure_anvil(lambda _: None)
    program = tmp_path / "present"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv(ANVIL_VARIABLE, str(program))
    assert ensure_anvil(lambda _: None) == program


def test_a_failed_install_names_npm_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a reachable registry the error has npm's own words, and no half-made folder stays."""
    monkeypatch.delenv(ANVIL_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    said: list[str] = []
    with pytest.raises(DevnetError, match="npm could not install anvil"):
        ensure_anvil(said.append)
    assert len(said) == 1
    left = {path.name for path in (tmp_path / "plasma-guard").iterdir()}
    assert left == {"anvil-1.7.1.lock"}
