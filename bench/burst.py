"""A thousand provable frauds at once: how full of answers the blocks are, and how fast these are made.

Each side and mode gets a devnet of its own, made in the same way, and learns of all frauds at one moment.
Blocks: 1 s, 30 million gas. What was mined is counted on the chain.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx
from eth_account import Account

from bench.contender import contender
from bench.crowd import GROUP, Crowd
from bench.devnet import devnet
from bench.processes import cpu_seconds
from bench.report import Row, row
from bench.tap import Tap, tap
from plasma_guard.devnet.connection import Connection
from plasma_guard.devnet.guarding import GuardProcess, guarding
from plasma_guard.devnet.jsonrpc import JsonRpc
from plasma_guard.devnet.people import People, people_of
from plasma_guard.domain.exits import ExitChallenged
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address

BLOCK_GAS: Final = 30_000_000
BLOCK_SECONDS: Final = 1
MARGIN: Final = 1.2
"""How many times the number of blocks that the gas limit alone asks for is allowed."""
OWN_RATE: Final = 150.0
AT_ONCE: Final = 16
_ETHER: Final = 10**18
_PATIENCE: Final = 600.0
_LOOK_EVERY: Final = 0.02
_CONTENDER_AT_ONCE: Final = str(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Blocks:
    """What the chain says: blocks from the moment all was known to the last answer, and of answers alone.

    `least` is the number of blocks that the gas used would fill; `ahead` counts answers mined in an earlier
    block than one that had a nearer deadline. Lost: not `answered`; doubled: more `transactions` than that.
    """

    answered: int
    transactions: int
    since_known: int
    with_answers: int
    least: int
    ahead: int
    seconds: float


@dataclass(slots=True)
class Field:
    """One devnet with a crowd of frauds that nobody knows of yet."""

    people: People
    node: JsonRpc
    tap: Tap
    frauds: list[UtxoPosition]

    async def blocks(self, sender: Address) -> Blocks:
        """Let blocks come, tell of all frauds at once, and return how the answers of a sender were mined."""
        await self.node.rpc("evm_setBlockGasLimit", hex(BLOCK_GAS))
        await self.node.rpc("evm_setIntervalMining", BLOCK_SECONDS)
        known_at, began = (await self.people.chain.head()).number, time.perf_counter()
        self.tap.reveal(self.frauds)

        async def all_mined() -> bool:
            return await self.people.chain.transaction_count(sender) >= len(self.frauds)

        await _until(all_mined)
        seconds = time.perf_counter() - began
        await self.node.rpc("evm_setIntervalMining", 0)
        return await self._count(sender, known_at, seconds)

    async def rate(self) -> tuple[float, float]:
        """Let no block come, tell of all frauds at once; return how many answers a second the node took.

        The second number is the CPU time of each in the answering process, in seconds.
        """
        assert self.tap.pid is not None, "set with the process that answers"
        cpu = cpu_seconds(self.tap.pid)
        self.tap.reveal(self.frauds)

        async def all_pooled() -> bool:
            status = await self.node.rpc("txpool_status")
            return int(status["pending"], 16) + int(status["queued"], 16) >= len(self.frauds)

        await _until(all_pooled)
        rate = len(self.frauds) / (time.perf_counter() - self.tap.shown_at())
        return rate, (cpu_seconds(self.tap.pid) - cpu) / len(self.frauds)

    async def _count(self, sender: Address, known_at: int, seconds: float) -> Blocks:
        newest = int(await self.node.rpc("eth_blockNumber"), 16)
        sent, gas, numbers = 0, 0, list[int]()
        for number in range(known_at + 1, newest + 1):
            block: dict[str, Any] = await self.node.rpc("eth_getBlockByNumber", hex(number), True)  # noqa: FBT003 (JSON-RPC)
            count = sum(Address.parse(tx["from"]) == sender for tx in block["transactions"])
            if count:
                sent, gas, numbers = sent + count, gas + int(block["gasUsed"], 16), [*numbers, number]
        events = await self.people.game.root_chain_events(known_at + 1, newest)
        answers = [each for each in events if isinstance(each, ExitChallenged)]
        mined_in = {each.position: each.block_number for each in answers}
        groups = [sorted(self.frauds)[start : start + GROUP] for start in range(0, len(self.frauds), GROUP)]
        order = [[mined_in[each] for each in group if each in mined_in] for group in groups]
        last = [
            max((number for group in order[:place] for number in group), default=0)
            for place in range(len(order))
        ]
        return Blocks(
            answered=len(mined_in),
            transactions=sent,
            since_known=numbers[-1] - known_at,
            with_answers=numbers[-1] - numbers[0] + 1,
            least=math.ceil(gas / BLOCK_GAS),
            ahead=sum(number < latest for group, latest in zip(order, last, strict=True) for number in group),
            seconds=seconds,
        )


async def _until(fact: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            if await fact():
                return
            await asyncio.sleep(_LOOK_EVERY)


async def measure(count: int, windows: tuple[int, ...], tell: Callable[[str], None]) -> list[Row]:
    """Return the rows: blocks per window, and the rate with mining out of the way, of both sides."""
    theirs = await _omgjs_blocks(count, tell)
    tell(f"omg-js: {theirs}")
    rows = []
    for window in windows:
        ours = await _guard_blocks(count, window, tell)
        tell(f"window {window}: {ours}")
        if not ours.answered == ours.transactions == count:
            raise RuntimeError(f"lost or doubled: {ours}")
        rows.append(
            row(
                f"blocks for {count} frauds, {window} in flight",
                "blocks",
                [ours.with_answers],
                [theirs.with_answers],
                target=math.floor(MARGIN * ours.least),
                note=f"{_told(ours)}; omg-js: {_told(theirs)}",
            )
        )
    their_rate, their_cpu = await _omgjs_rate(count, tell)
    our_rate, our_cpu = await _guard_rate(count, tell)
    rows.append(row("answers a second, no mining", "/s", [our_rate], [their_rate], least=OWN_RATE))
    rows.append(row("CPU time of one of them", "ms", [1000 * our_cpu], [1000 * their_cpu]))
    return rows


def _told(blocks: Blocks) -> str:
    return (
        f"{blocks.answered} answered by {blocks.transactions} transactions, whose gas fills {blocks.least}"
        f" blocks, within {blocks.since_known} blocks ({blocks.seconds:.1f} s) of being known;"
        f" {blocks.ahead} before one with a nearer deadline"
    )


async def _guard_blocks(count: int, window: int, tell: Callable[[str], None]) -> Blocks:
    async with _field(count, tell) as field, _guard(field, window) as sender:
        return await field.blocks(sender)


async def _guard_rate(count: int, tell: Callable[[str], None]) -> tuple[float, float]:
    async with _field(count, tell) as field, _guard(field, count) as _:
        return await field.rate()


async def _omgjs_blocks(count: int, tell: Callable[[str], None]) -> Blocks:
    async with _field(count, tell) as field, _omgjs(field, tell) as sender:
        return await field.blocks(sender)


async def _omgjs_rate(count: int, tell: Callable[[str], None]) -> tuple[float, float]:
    async with _field(count, tell) as field, _omgjs(field, tell) as _:
        return await field.rate()


@contextlib.asynccontextmanager
async def _field(count: int, tell: Callable[[str], None]) -> AsyncIterator[Field]:
    async with contextlib.AsyncExitStack() as stack:
        connection = await stack.enter_async_context(devnet(tell))
        people = await stack.enter_async_context(people_of(connection))
        node = JsonRpc(connection.rpc_url)
        stack.push_async_callback(node.close)
        between = await stack.enter_async_context(tap(connection.watcher_url, connection.rpc_url))
        frauds = await Crowd(people, node, tell).commit(count)
        yield Field(people, node, between, frauds)


@contextlib.asynccontextmanager
async def _guard(field: Field, window: int) -> AsyncIterator[Address]:
    """Run the ordinary daemon until it has seen every exit itself; yield its account."""
    connection = field.people.connection
    behind = replace(connection, watcher_url=field.tap.watcher_url)
    settings = {
        "PLASMA_GUARD_ROOT_CHAIN__MAX_IN_FLIGHT": str(window),
        # A third of a block, as with the defaults.
        "PLASMA_GUARD_ROOT_CHAIN__POLL_INTERVAL": str(BLOCK_SECONDS / 3),
        "PLASMA_GUARD_LOGGING__LEVEL": "info",
    }
    with tempfile.TemporaryDirectory(prefix="plasma-guard-bench-") as directory:
        process = GuardProcess(behind, Path(directory), env=settings)
        async with guarding(process), httpx.AsyncClient(trust_env=False, timeout=30) as http:
            field.tap.pid = process.pid
            url = await process.url()
            async with asyncio.timeout(_PATIENCE):
                while True:
                    exits = (await http.get(url + "/status")).json()["exits"]
                    if exits["running"] == len(field.frauds):
                        break
                    await field.node.rpc("evm_mine")
                    await asyncio.sleep(1)
            yield field.people["guard"].address


@contextlib.asynccontextmanager
async def _omgjs(field: Field, tell: Callable[[str], None]) -> AsyncIterator[Address]:
    connection: Connection = field.people.connection
    key = Account.create().key.to_0x_hex()
    address = Address.parse(Account.from_key(key).address)
    await field.node.rpc("anvil_setBalance", str(address), hex(100 * _ETHER))
    async with contender(
        field.tap.watcher_url,
        connection.rpc_url,
        connection.contract,
        key,
        tell,
        script="burst.js",
        env={"AT_ONCE": _CONTENDER_AT_ONCE},
    ) as running:
        field.tap.pid = running.process.pid
        yield address
