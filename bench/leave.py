"""A thousand outputs leave at once: how full of exits the blocks are, and what a kill -9 in the middle does.

The ordinary daemon holds the outputs' evidence and is then asked for all of them, as by `exits start all`.
Blocks: 1 s, 30 million gas. What was mined is counted on the chain.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from bench.burst import BLOCK_GAS, BLOCK_SECONDS, MARGIN
from bench.crowd import Crowd
from bench.devnet import devnet
from bench.report import Row, row
from plasma_guard.devnet.guarding import GuardProcess
from plasma_guard.devnet.jsonrpc import JsonRpc
from plasma_guard.devnet.people import People, people_of
from plasma_guard.domain.exits import ExitStarted
from plasma_guard.domain.primitives import Address, Wei

_AMOUNT: Final = Wei(10**17)
_BALANCE: Final = 10**21
_PATIENCE: Final = 600.0
_LOOK_EVERY: Final = 0.05
_SETTLING: Final = 12
"""Blocks after the last start: what is doubled would be mined by then."""


@dataclass(frozen=True, slots=True)
class Started:
    """What the chain says: `outputs` with a running exit, by so many `transactions` of the guard's account.

    `blocks` counts from the first start to the last, `least` how many their gas would fill, `waited` those
    between the wish and the first.
    """

    outputs: int
    starts: int
    transactions: int
    waited: int
    blocks: int
    least: int
    seconds: float


async def measure(outputs: int, window: int, tell: Callable[[str], None]) -> list[Row]:
    """Return the rows: blocks until all have left, undisturbed and across a kill; raise if one is doubled."""
    rows = []
    for killed in (False, True):
        started = await _leave(outputs, window, tell, killed=killed)
        how = "killed in the middle" if killed else "undisturbed"
        tell(f"{how}: {started}")
        if not started.outputs == started.starts == started.transactions == outputs:
            raise RuntimeError(f"lost or doubled: {started}")
        note = (
            f"{started.starts} exits of {started.outputs} outputs by {started.transactions} transactions, and"
            f" their gas fills {started.least} blocks (ratio {started.blocks / started.least:.2f}); the first"
            f" was mined {started.waited} blocks after the wish, the last after {started.seconds:.1f} s"
        )
        name = f"blocks for {outputs} own exits, {window} in flight, {how}"
        # Nobody starts exits while nobody runs: the target is for the undisturbed one.
        target = None if killed else math.floor(MARGIN * started.least)
        rows.append(row(name, "blocks", [started.blocks], target=target, note=note))
    return rows


async def _leave(outputs: int, window: int, tell: Callable[[str], None], *, killed: bool) -> Started:
    async with contextlib.AsyncExitStack() as stack:
        connection = await stack.enter_async_context(devnet(tell))
        people = await stack.enter_async_context(people_of(connection))
        node = JsonRpc(connection.rpc_url)
        stack.push_async_callback(node.close)
        owner = people["guard"]
        await node.rpc("anvil_setBalance", str(owner.address), hex(_BALANCE))
        await node.rpc("evm_setIntervalMining", 0)
        await Crowd(people, node, tell).deposits(owner, outputs, _AMOUNT)
        tell(f"the guard owns {outputs} deposits")
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plasma-guard-bench-")))
        settings = {
            "PLASMA_GUARD_ROOT_CHAIN__MAX_IN_FLIGHT": str(window),
            "PLASMA_GUARD_ROOT_CHAIN__POLL_INTERVAL": str(BLOCK_SECONDS / 3),
        }
        async with _running(GuardProcess(connection, directory, env=settings)) as process:
            await _until_kept(process, node, outputs)
            await node.rpc("evm_setBlockGasLimit", hex(BLOCK_GAS))
            await node.rpc("evm_setIntervalMining", BLOCK_SECONDS)
            before = await people.chain.transaction_count(owner.address)
            wished, began = (await people.chain.head()).number, time.perf_counter()
            await process.wish_to_leave()
            until = before + (outputs // 2 if killed else outputs)
            await _until_sent(people, owner.address, until)
            if killed:
                await process.kill()
        if killed:
            async with _running(GuardProcess(connection, directory, env=settings)):
                await _until_sent(people, owner.address, before + outputs)
                seconds = time.perf_counter() - began
                await _settled(people, node)
        else:
            seconds = time.perf_counter() - began
        return await _count(people, node, owner.address, wished, seconds)


@contextlib.asynccontextmanager
async def _running(process: GuardProcess) -> AsyncIterator[GuardProcess]:
    await process.start()
    try:
        await process.ready()
        yield process
    finally:
        await process.stop()


async def _until_kept(process: GuardProcess, node: JsonRpc, outputs: int) -> None:
    """Let blocks come until the guard's vault holds everything."""
    url = await process.url()
    async with asyncio.timeout(_PATIENCE), httpx.AsyncClient(trust_env=False, timeout=30) as http:
        while True:
            vault = (await http.get(url + "/status")).json()["vault"] or {}
            if vault.get("outputs") == outputs and not vault["missing"]:
                return
            await node.rpc("evm_mine")
            await asyncio.sleep(1)


async def _until_sent(people: People, account: Address, count: int) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            if await people.chain.transaction_count(account) >= count:
                return
            await asyncio.sleep(_LOOK_EVERY)


async def _settled(people: People, node: JsonRpc) -> None:
    """Wait so many more blocks."""
    end = (await people.chain.head()).number + _SETTLING
    async with asyncio.timeout(_PATIENCE):
        while True:
            if int(await node.rpc("eth_blockNumber"), 16) >= end:
                return
            await asyncio.sleep(_LOOK_EVERY)


async def _count(people: People, node: JsonRpc, account: Address, wished: int, seconds: float) -> Started:
    newest = int(await node.rpc("eth_blockNumber"), 16)
    sent, gas, numbers = 0, 0, list[int]()
    for number in range(wished + 1, newest + 1):
        block: dict[str, Any] = await node.rpc("eth_getBlockByNumber", hex(number), True)  # noqa: FBT003 (JSON-RPC)
        count = sum(Address.parse(tx["from"]) == account for tx in block["transactions"])
        if count:
            sent, gas, numbers = sent + count, gas + int(block["gasUsed"], 16), [*numbers, number]
    events = await people.game.root_chain_events(wished + 1, newest)
    starts = [each.position for each in events if isinstance(each, ExitStarted)]
    return Started(
        outputs=len(set(starts)),
        starts=len(starts),
        transactions=sent,
        waited=numbers[0] - wished,
        blocks=numbers[-1] - numbers[0] + 1,
        least=math.ceil(gas / BLOCK_GAS),
        seconds=seconds,
    )
