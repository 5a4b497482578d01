"""What filling a vault with 10,000 outputs costs in questions, bytes and memory, and doing it again.

The root chain is a real node with real contracts, the vault a real process with a real file. The Watcher and
the child chain are one HTTP server that has the proofs at hand and counts who asks for what.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from bench.report import Row, row
from bench.wire import Passed, wire
from plasma_guard.chain.chain import RpcChain
from plasma_guard.clock import SystemClock
from plasma_guard.contracts.probe import probe
from plasma_guard.devnet.calls import ContractCall, PlasmaCalls
from plasma_guard.devnet.deploy import DEV_KEYS, Deployment, deploy
from plasma_guard.devnet.evm import Evm
from plasma_guard.devnet.transactor import Transactor
from plasma_guard.domain.exits import DepositCreated
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL, UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Wei
from plasma_guard.keys.signer import address_of
from plasma_guard.plasma.transaction import Output
from plasma_guard.ports import ExitGame

FAN_OUT: Final = 4
BLOCK: Final = 250
"""Transactions in each of the last blocks."""
TARGET_MB: Final = 150
_BANK: Final = bytes.fromhex(DEV_KEYS[3][2:])
_OURS: Final = bytes.fromhex(DEV_KEYS[1][2:])
LIST: Final = "/account.get_exitable_utxos"
EXIT_DATA: Final = "/utxo.get_exit_data"
BLOCK_GET: Final = "/block.get"


@dataclass(frozen=True, slots=True)
class Made:
    """A plasma block: unsigned transactions, signed ones, and their proofs."""

    blknum: int
    root: str
    unsigned: list[bytes]
    signed: list[bytes]
    proofs: Mapping[int, bytes]


@dataclass(slots=True)
class Served:
    """A Watcher and a child chain over ready answers; `asked` and `sent` count requests and bytes by path."""

    blocks: dict[int, Made] = field(default_factory=dict)
    listed: bytes = b""
    asked: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer like either of them."""
        asked = json.loads(await request.read() or b"{}")
        body = self._answer(request.path, asked)
        self.asked[request.path] += 1
        self.sent[request.path] += len(body)
        return web.Response(body=body, content_type="application/json")

    def _answer(self, path: str, asked: Mapping[str, Any]) -> bytes:
        if path == LIST:
            return self.listed
        if path == EXIT_DATA:
            at = UtxoPosition.decode(asked["utxo_pos"])
            made = self.blocks[at.blknum]
            data: Any = {
                "utxo_pos": at.encode(),
                "txbytes": "0x" + made.unsigned[at.txindex].hex(),
                "proof": "0x" + made.proofs[at.txindex].hex(),
            }
            return _success(data)
        if path == BLOCK_GET:
            made = next(each for each in self.blocks.values() if each.root == asked["hash"])
            transactions = ["0x" + each.hex() for each in made.signed]
            return _success({"blknum": made.blknum, "hash": made.root, "transactions": transactions})
        refusal = {"object": "error", "code": "operation:not_found", "description": None}
        return json.dumps({"success": False, "data": refusal, "version": "1.0.9"}).encode()


def _success(data: Any) -> bytes:
    return json.dumps({"success": True, "data": data, "version": "1.0.9", "service_name": "watcher"}).encode()


async def measure(outputs: int, tell: Callable[[str], None]) -> list[Row]:
    """Return the rows of both ways to fill a vault: whole blocks, and a Watcher alone."""
    async with contextlib.AsyncExitStack() as stack:
        evm = await stack.enter_async_context(Evm())
        deployment = await deploy(evm, "ald-v1", min_exit_period=604_800)
        chain = await stack.enter_async_context(RpcChain.connect([evm.rpc_url], SystemClock()))
        game = await probe(chain, Address.parse(deployment.address))
        served = await _history(outputs, game, Transactor(evm), deployment)
        tell(f"{outputs} outputs in {len(served.blocks)} blocks are made")
        url = await stack.enter_async_context(_serving(served))
        rpc: Counter[str] = Counter()

        def heard(passed: Passed, _: bytes) -> None:
            rpc[passed.what] += 1

        rpc_url = await stack.enter_async_context(wire(evm.rpc_url, heard))
        rows = []
        for name, child_chain in (("whole blocks", url), ("Watcher alone", None)):
            env = _settings(rpc_url, await chain.chain_id(), deployment, url, child_chain)
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="plasma-guard-bench-"))
            env["PLASMA_GUARD_JOURNAL__PATH"] = str(Path(folder) / "journal.sqlite3")
            for turn in ("first", "second"):
                served.asked.clear()
                served.sent.clear()
                rpc.clear()
                rows += await _refreshed(f"vault, {name}, {turn}", turn, outputs, env, served, rpc)
                tell(f"{rows[-1].name}: {rows[-1].note}")
    return rows


async def _refreshed(
    name: str, turn: str, outputs: int, env: dict[str, str], served: Served, rpc: Counter[str]
) -> list[Row]:
    began = time.perf_counter()
    held, peak = await asyncio.to_thread(_run, env)
    took = time.perf_counter() - began
    assert held == outputs, f"{held} outputs are held instead of {outputs}"
    single = served.asked.total() - served.asked[LIST] - served.asked[BLOCK_GET]
    note = (
        f"{took:.1f} s; "
        + ", ".join(
            f"{path[1:]}: {count} calls, {served.sent[path] / 1e6:.2f} MB"
            for path, count in sorted(served.asked.items())
        )
        + f"; root chain: {rpc.total()} requests"
    )
    again = turn == "second"
    # A process of its own asks once whether this Watcher tells signatures; a daemon remembers that.
    return [
        row(f"{name}: calls for single outputs", "", [single], target=1 if again else None),
        row(f"{name}: peak memory of the process", "MB", [peak], target=TARGET_MB, note=note),
    ]


def _run(env: dict[str, str]) -> tuple[int, float]:
    """Run a refresh in a process of its own; return the outputs held, and its peak memory in 10^6 bytes."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "plasma_guard", "vault", "refresh"], env=env, stdout=out
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"vault refresh ended with {process.returncode}")
        out.seek(0)
        held = int(out.readline().split()[0])
    return held, usage.ru_maxrss * 1024 / 1e6


def _settings(
    rpc_url: str, chain_id: int, deployment: Deployment, url: str, child_chain: str | None
) -> dict[str, str]:
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "PRIVATE_KEY": "0x" + _OURS.hex(),
        "PLASMA_GUARD_ROOT_CHAIN__RPC": rpc_url,
        "PLASMA_GUARD_ROOT_CHAIN__CHAIN_ID": str(chain_id),
        "PLASMA_GUARD_ROOT_CHAIN__CONTRACT": deployment.address,
        "PLASMA_GUARD_WATCHER__URL": url,
    }
    return env | ({"PLASMA_GUARD_VAULT__CHILD_CHAIN_URL": child_chain} if child_chain else {})


@contextlib.asynccontextmanager
async def _serving(served: Served) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", served.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _history(outputs: int, game: ExitGame, transactor: Transactor, deployment: Deployment) -> Served:
    """Split one deposit until there are so many outputs of ours, and submit every block's root."""
    rules, calls = game.rules, PlasmaCalls(game.contracts)
    bank, ours = address_of(_BANK), address_of(_OURS)
    amount = FAN_OUT**10

    async def send(key: str, call: ContractCall, value: int = 0) -> dict[str, Any]:
        return await transactor.send_raw(key, str(call.to), call.data, value=value)

    deposited = calls.deposit(rules.deposit(bank, ETH, Wei(amount)))
    receipt = await send(DEV_KEYS[3], deposited, amount)
    number = int(receipt["blockNumber"], 16)
    (event,) = [
        each for each in await game.root_chain_events(number, number) if isinstance(each, DepositCreated)
    ]
    served, blknum = Served(), 0
    spendable = [UtxoPosition(event.blknum, 0, 0)]
    entries: list[dict[str, Any]] = []
    while len(entries) < outputs:
        last = len(spendable) * FAN_OUT >= outputs
        amount //= FAN_OUT
        wanted = spendable[: -(-outputs // FAN_OUT)] if last else spendable
        created: list[UtxoPosition] = []
        for start in range(0, len(wanted), BLOCK):
            blknum += CHILD_BLOCK_INTERVAL
            made = _block(game, blknum, wanted[start : start + BLOCK], ours if last else bank, Wei(amount))
            served.blocks[blknum] = made
            root = rules.merkle_root(made.unsigned)
            await send(deployment.operator_key, calls.submit_block(root))
            created += [
                UtxoPosition(blknum, index, at)
                for index in range(len(made.unsigned))
                for at in range(FAN_OUT)
            ]
        spendable = created
        if last:
            entries = [_entry(at, ours, amount) for at in created]
    served.listed = _success(entries)
    return served


def _block(game: ExitGame, blknum: int, spent: list[UtxoPosition], to: Address, amount: Wei) -> Made:
    rules, unsigned, signed = game.rules, [], []
    for position in spent:
        tx = rules.encode([position], [Output(to, ETH, amount)] * FAN_OUT)
        unsigned.append(tx)
        signed.append(rules.encode_signed(tx, [rules.sign(rules.decode(tx), game.contracts.entry, _BANK)]))
    proofs = rules.merkle_proofs(unsigned, range(len(unsigned)))
    return Made(blknum, str(rules.merkle_root(unsigned)), unsigned, signed, proofs)


def _entry(at: UtxoPosition, owner: Address, amount: int) -> dict[str, Any]:
    return {
        "amount": amount,
        "blknum": at.blknum,
        "currency": str(ETH),
        "oindex": at.oindex,
        "otype": 1,
        "owner": str(owner),
        "txindex": at.txindex,
        "utxo_pos": at.encode(),
    }
