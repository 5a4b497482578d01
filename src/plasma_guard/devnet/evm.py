"""Evm runs one anvil process and offers what a test chain needs: mining, time travel, snapshots, reorgs."""

from __future__ import annotations

import asyncio
import atexit
import collections
import contextlib
import re
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from plasma_guard.devnet.anvil import ensure_anvil
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.jsonrpc import EvmRpcError, JsonRpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

_LISTENING: Final = re.compile(r"Listening on (\S+:\d+)")
_ADDRESS: Final = re.compile(r"^\(\d+\) (0x[0-9a-fA-F]{40})\b(?![0-9a-fA-F])")
_KEY: Final = re.compile(r"^\(\d+\) (0x[0-9a-f]{64})$")
# Anvil takes the shell's place; beside it waits a watcher on a pipe from this process. However this process
# ends, the pipe closes, and the watcher kills anvil unless it was told that anvil is gone already. Either way
# it removes the old states, which anvil writes to the disk, megabytes a block, and leaves there.
_SCRIPT: Final = (
    "states=$1; shift; exec 3<&0; "
    '{ read -r word; [ "$word" = gone ] || kill -KILL $$; rm -rf "$states"; } <&3 >/dev/null 2>&1 & '
    'exec 3<&-; exec "$0" --cache-path "$states" "$@" </dev/null'
)
_START_SECONDS: Final = 30.0
_KEPT_LINES: Final = 40


@dataclass(frozen=True, slots=True)
class DevAccount:
    """A funded account of the local chain; its key is publicly known and holds nothing elsewhere."""

    address: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EvmOptions:
    """How the chain runs.

    ``port`` 0 lets the system choose. Mining: on every transaction by default; every ``block_time`` seconds
    when given; only on request with ``automine=False``. ``balance`` is in ether, ``gas_limit`` in gas,
    ``start_timestamp`` in seconds. The "finalized" block is two epochs of ``epoch_slots`` blocks behind the
    newest one, "safe" is one; anvil's own epoch has 32. With ``fork_url`` it is a copy of that node's chain
    as of ``fork_block``, which reads from the node what it has not read yet and sends it nothing.
    """

    chain_id: int = 31337
    port: int = 0
    block_time: int | None = None
    automine: bool = True
    accounts: int = 10
    balance: int = 10_000
    gas_limit: int = 60_000_000
    start_timestamp: int | None = None
    epoch_slots: int | None = None
    hardfork: str | None = None
    fork_url: str | None = field(default=None, repr=False)
    fork_block: int | None = None

    def arguments(self) -> list[str]:
        """Return the command line of anvil for these options."""
        values: dict[str, int | str | None] = {
            "--host": "127.0.0.1",
            "--port": self.port,
            "--chain-id": self.chain_id,
            "--accounts": self.accounts,
            "--balance": self.balance,
            "--gas-limit": self.gas_limit,
            "--block-time": self.block_time,
            "--timestamp": self.start_timestamp,
            "--slots-in-an-epoch": self.epoch_slots,
            "--hardfork": self.hardfork,
            "--fork-url": self.fork_url,
            "--fork-block-number": self.fork_block,
        }
        given = [text for name, value in values.items() if value is not None for text in (name, str(value))]
        return given if self.automine or self.block_time is not None else [*given, "--no-mining"]


class Evm:
    """A local EVM chain on 127.0.0.1, alive from `start` to `stop`; also an async context manager."""

    def __init__(
        self,
        options: EvmOptions | None = None,
        *,
        binary: Path | None = None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare a chain; without an anvil program in ``binary``, `ensure_anvil` finds or installs one."""
        self._options = options or EvmOptions()
        self._binary = binary
        self._progress = progress
        self._process: subprocess.Popen[str] | None = None
        self._output: _Output | None = None
        self._client: JsonRpc | None = None
        self._rpc_url = ""
        self._accounts: tuple[DevAccount, ...] = ()

    @property
    def rpc_url(self) -> str:
        """The HTTP JSON-RPC address, empty before `start`."""
        return self._rpc_url

    @property
    def accounts(self) -> tuple[DevAccount, ...]:
        """The funded accounts, in anvil's order; account 0 is the usual deployer."""
        return self._accounts

    async def start(self) -> Self:
        """Start anvil and wait until it listens; raise `DevnetError` with its last words when it does not."""
        if self._process is not None:
            raise DevnetError("this local EVM runs already: stop it before starting it again")
        binary = self._binary or await asyncio.to_thread(ensure_anvil, self._progress)
        states = await asyncio.to_thread(tempfile.mkdtemp, prefix="plasma-guard-evm-")
        try:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 : starting is instant, the arguments are our own
                ["/bin/sh", "-c", _SCRIPT, str(binary), states, *self._options.arguments()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            await asyncio.to_thread(shutil.rmtree, states)
            raise DevnetError(f"anvil could not be started: {error}") from error
        atexit.register(self._kill)
        try:
            self._output = _Output(self._process)
            address = await self._output.listening(_START_SECONDS)
        except BaseException:  # a cancelled start leaves no process behind either
            self._kill()
            raise
        self._rpc_url = f"http://{address}"
        self._accounts = self._output.accounts()
        self._client = JsonRpc(self._rpc_url)
        return self

    async def stop(self) -> None:
        """End anvil and wait until it is gone; harmless when it is not running."""
        client, self._client = self._client, None
        try:
            if client is not None:
                await client.close()
        finally:
            self._kill()

    async def __aenter__(self) -> Self:
        """Start the chain."""
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the chain."""
        await self.stop()

    async def rpc(self, method: str, *params: object) -> Any:
        """Return the result of one JSON-RPC call; raise `EvmRpcError` for an error answer."""
        if self._client is None:
            raise DevnetError(f"{method}: the local EVM is not running; call start() first")
        try:
            return await self._client.rpc(method, *params)
        except EvmRpcError:
            raise
        except DevnetError as error:
            said = self._output.tail() if self._output is not None else ""
            raise DevnetError(f"{error}; anvil's last words:\n{said}") from error

    async def mine(self, n: int = 1) -> None:
        """Mine ``n`` blocks."""
        await self.rpc("anvil_mine", hex(n))

    async def timestamp(self) -> int:
        """Return the newest block's timestamp, in seconds."""
        return int((await self.rpc("eth_getBlockByNumber", "latest", False))["timestamp"], 16)  # noqa: FBT003 : JSON-RPC

    async def increase_time(self, seconds: int) -> None:
        """Move the clock of the blocks to come ``seconds`` ahead; it shows once a block is mined."""
        await self.rpc("evm_increaseTime", seconds)

    async def set_next_timestamp(self, timestamp: int) -> None:
        """Give the next block exactly this timestamp, in seconds."""
        await self.rpc("evm_setNextBlockTimestamp", timestamp)

    async def snapshot(self) -> str:
        """Return the id of a snapshot of the whole chain."""
        return str(await self.rpc("evm_snapshot"))

    async def revert(self, snapshot: str) -> None:
        """Go back to a snapshot, which serves once; raise `DevnetError` when there is no such snapshot."""
        if not await self.rpc("evm_revert", snapshot):
            raise DevnetError(f"the local EVM knows no snapshot {snapshot!r}: each one serves once")

    async def set_automine(self, enabled: bool) -> None:  # noqa: FBT001 : mirrors the node's own method
        """Mine each transaction at once, or only on request."""
        await self.rpc("evm_setAutomine", enabled)

    async def set_balance(self, address: str, wei: int) -> None:
        """Give an address this balance, in wei."""
        await self.rpc("anvil_setBalance", address, hex(wei))

    async def impersonate(self, address: str) -> None:
        """Let `eth_sendTransaction` send from an address whose key nobody here has."""
        await self.rpc("anvil_impersonateAccount", address)

    async def drop_transaction(self, transaction_hash: str) -> None:
        """Remove a pending transaction from the pool, as a node does with a too cheap one."""
        await self.rpc("anvil_dropTransaction", transaction_hash)

    async def reorg(self, depth: int) -> None:
        """Replace the newest ``depth`` blocks with as many empty ones."""
        await self.rpc("anvil_reorg", depth, [])

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            atexit.unregister(self._kill)
            process.kill()
            process.wait()
            # Its number may now be another's: the watcher must not kill it.
            if process.stdin is not None:
                with contextlib.suppress(OSError), process.stdin as watcher:
                    watcher.write("gone\n")


class _Output:
    """Reads anvil's output in a thread, so that the pipe never fills up whichever event loop is running."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._address: asyncio.Future[str | None] = self._loop.create_future()
        self._greeting: list[str] = []
        self._recent: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
        threading.Thread(target=self._read, name="anvil-output", daemon=True).start()

    async def listening(self, seconds: float) -> str:
        """Return ``host:port`` once anvil listens."""
        try:
            address = await asyncio.wait_for(self._address, seconds)
        except TimeoutError as error:
            raise DevnetError(
                f"anvil did not listen within {seconds:.0f} s; its last words:\n{self.tail()}"
            ) from error
        if address is None:
            raise DevnetError(f"anvil ended before it listened; its last words:\n{self.tail()}")
        return address

    def accounts(self) -> tuple[DevAccount, ...]:
        """Return the accounts that anvil's greeting lists."""
        addresses = [found[1] for line in self._greeting if (found := _ADDRESS.match(line))]
        keys = [found[1] for line in self._greeting if (found := _KEY.match(line))]
        return tuple(DevAccount(address, key) for address, key in zip(addresses, keys, strict=True))

    def tail(self) -> str:
        """Return the last lines that anvil printed."""
        return "\n".join(self._recent)

    def _read(self) -> None:
        stream = self._process.stdout
        if stream is None:  # cannot be: the process was started with a pipe
            return
        listening = False
        with stream:
            for raw in stream:
                line = raw.rstrip()
                self._recent.append(line)
                if listening:
                    continue
                self._greeting.append(line)
                if found := _LISTENING.search(line):
                    listening = True
                    self._tell(found[1])
        self._tell(None)

    def _tell(self, address: str | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may be closed by the time anvil ends
            self._loop.call_soon_threadsafe(self._settle, address)

    def _settle(self, address: str | None) -> None:
        if not self._address.done():
            self._address.set_result(address)
