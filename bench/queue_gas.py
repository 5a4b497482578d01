"""What processing one more exit costs while many others wait, measured on the devnet's contracts.

Real standard exits stand at the head of the queue; behind them, written straight into the queue's storage, as
many later ones as wanted. Removing the head sinks the last key through all levels of the heap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx
from eth_account import Account

from plasma_guard.chain import RpcChain
from plasma_guard.clock import SystemClock
from plasma_guard.contracts import probe
from plasma_guard.contracts.abis import Function
from plasma_guard.contracts.ald.calls import queue_key
from plasma_guard.devnet.calls import ContractCall, PlasmaCalls
from plasma_guard.devnet.deploy import DEV_KEYS, deploy
from plasma_guard.devnet.evm import Evm
from plasma_guard.devnet.transactor import Transactor
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Wei
from plasma_guard.plasma.keccak import keccak
from plasma_guard.ports import Call, ExitGame

_PERIOD: Final = 600
_HEAP_SLOT: Final = 1
"""Where both queue contracts keep the heap's length; its items lie at the hash of that."""
_EXITS: Final = 22
_FEW, _MANY = 1, 21
_BATCH: Final = 2_000
_ALICE_KEY: Final = DEV_KEYS[3]
_ALICE: Final = Address.parse(Account.from_key(_ALICE_KEY).address)


@dataclass(frozen=True, slots=True)
class Measured:
    """Gas units in one generation while `waiting` exits stay behind.

    `first` is a call that processes one exit, `each` every further one of the same call, `start` the start of
    a standard exit.
    """

    revision: str
    waiting: int
    first: int
    each: int
    start: int


async def measure(revision: str, waiting: int, tell: Callable[[str], None]) -> Measured:
    """Deploy, exit, fill the queue, process; raises `DevnetError` when a call fails."""
    async with Evm() as evm:
        deployed = await deploy(evm, revision, min_exit_period=_PERIOD)
        async with RpcChain.connect([evm.rpc_url], SystemClock()) as chain:
            bench = _Bench(evm, chain, await probe(chain, Address.parse(deployed.address)))
            await bench.start_exits(_EXITS)
            await bench.fill(waiting)
            start = await bench.start_exits(1)
            await evm.rpc("evm_increaseTime", hex(_PERIOD + 60))
            await evm.rpc("evm_mine")
            first = await bench.process(_FEW)
            many = await bench.process(_MANY)
    each = (many - first) // (_MANY - _FEW)
    tell(f"{revision}, {waiting} waiting: start {start}, first {first}, each further {each} gas")
    return Measured(revision, waiting, first, each, start)


class _Bench:
    def __init__(self, evm: Evm, chain: RpcChain, game: ExitGame) -> None:
        self._evm = evm
        self._chain = chain
        self._game = game
        self._calls = PlasmaCalls(game.contracts)
        self._transactor = Transactor(evm)

    async def start_exits(self, count: int) -> int:
        """Deposit and exit; return the gas of the last start."""
        used = 0
        game, rules = self._game, self._game.rules
        bond = (await game.bonds(await self._chain.head())).standard_exit
        for _ in range(count):
            _, blknum = await game.next_plasma_blocks(await self._chain.head())
            tx = rules.deposit(_ALICE, ETH, Wei(10**15))
            await self._send(self._calls.deposit(tx), 10**15)
            proof = rules.merkle_proof([tx], 0)
            call = self._calls.start_standard_exit(UtxoPosition(blknum, 0, 0), tx, proof)
            used = await self._send(call, bond)
        return used

    async def process(self, count: int) -> int:
        return await self._send(self._calls.process_exits(count, _ALICE), 0)

    async def fill(self, waiting: int) -> None:
        """Append `waiting` keys, each larger than the one before and than all real ones: still a heap."""
        queue = await self._queue()
        length = int(await self._evm.rpc("eth_getStorageAt", str(queue), hex(_HEAP_SLOT), "latest"), 16)
        first = int.from_bytes(keccak(_HEAP_SLOT.to_bytes(32)))
        late = 1 << 255
        writes = [(first + length + n, late + n) for n in range(waiting)]
        writes.append((_HEAP_SLOT, length + waiting))
        async with httpx.AsyncClient(trust_env=False, timeout=120) as http:
            for at in range(0, len(writes), _BATCH):
                batch: list[dict[str, Any]] = [
                    {
                        "jsonrpc": "2.0",
                        "id": number,
                        "method": "anvil_setStorageAt",
                        "params": [str(queue), hex(slot), f"0x{value:064x}"],
                    }
                    for number, (slot, value) in enumerate(writes[at : at + _BATCH])
                ]
                (await http.post(self._evm.rpc_url, json=batch)).raise_for_status()
        await self._evm.rpc("evm_mine")
        found = await self._game.queue_length(ETH, await self._chain.head())
        assert found == _EXITS + waiting, f"the queue has {found} exits"

    async def _queue(self) -> Address:
        contracts = self._game.contracts
        if contracts.generation.is_ald:
            data = Function("exitsQueues(bytes32)", "address").encode(queue_key(ETH))
        else:
            data = Function("exitsQueues(address)", "address").encode(ETH)
        return Address((await self._chain.call(Call(contracts.entry, data)))[-20:])

    async def _send(self, call: ContractCall, value: int) -> int:
        receipt = await self._transactor.send_raw(_ALICE_KEY, str(call.to), call.data, value=value)
        return int(receipt["gasUsed"], 16)
