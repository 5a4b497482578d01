"""People on a devnet: they deposit, pay and exit as a wallet would, over the same HTTP APIs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from plasma_guard.chain.chain import RpcChain
from plasma_guard.clock import SystemClock
from plasma_guard.contracts.probe import probe
from plasma_guard.devnet.calls import ContractCall, PlasmaCalls
from plasma_guard.devnet.connection import Connection
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.jsonrpc import EvmRpcError, JsonRpc
from plasma_guard.devnet.transactor import Transactor
from plasma_guard.domain.exits import DepositCreated
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Wei, parse_hex
from plasma_guard.keys.signer import address_of
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import Output
from plasma_guard.ports import ExitGame

PATIENCE: Final = 30.0
"""Seconds the operator and the Watcher get to notice what happened."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account on both chains."""

    name: str
    key: bytes = field(repr=False)

    @property
    def address(self) -> Address:
        """The same account on the root chain and on the plasma chain."""
        return address_of(self.key)

    @property
    def hex_key(self) -> str:
        """The key as wallets write it."""
        return "0x" + self.key.hex()


@dataclass(frozen=True, slots=True)
class StartedExit:
    """A standard exit that somebody started, and what it cost to start, in wei."""

    position: UtxoPosition
    bond: Wei
    tx_hash: str
    block_number: int
    gas_cost: Wei


class People:
    """Acts for the people of a devnet; made by `people_of`."""

    def __init__(
        self, connection: Connection, chain: RpcChain, game: ExitGame, node: JsonRpc, http: httpx.AsyncClient
    ) -> None:
        self.connection = connection
        self.chain = chain
        self.game = game
        self._node = node
        self._http = http
        self._transactor = Transactor(node)
        self._calls = PlasmaCalls(game.contracts)
        self._people = {
            name: Person(name, parse_hex(key, f"key of {name}")) for name, key in connection.keys.items()
        }

    def __getitem__(self, name: str) -> Person:
        return self._people[name]

    @property
    def rules(self) -> PlasmaRules:
        """The arithmetic of the deployed generation."""
        return self.game.rules

    async def deposit(self, owner: Person, amount: Wei) -> UtxoPosition:
        """Deposit ether for `owner`; return the position of the new output."""
        call = self._calls.deposit(self.rules.deposit(owner.address, ETH, amount))
        receipt = await self._send(owner, call, value=amount, what="the deposit")
        number = int(receipt["blockNumber"], 16)
        for event in await self.game.root_chain_events(number, number):
            if isinstance(event, DepositCreated) and str(event.tx_hash) == receipt["transactionHash"]:
                return UtxoPosition(event.blknum, 0, 0)
        raise DevnetError("the deposit was mined but left no DepositCreated log")

    async def pay(self, owner: Person, spent: UtxoPosition, amount: Wei, to: Person) -> UtxoPosition:
        """Spend an output whole, signed by `owner`; wait until the operator put it into a block."""
        unsigned = self.rules.encode([spent], [Output(to.address, ETH, amount)])
        signature = self.rules.sign(self.rules.decode(unsigned), self.game.contracts.entry, owner.key)
        signed = self.rules.encode_signed(unsigned, [signature])
        answer = await self._ask_operator("/transaction.submit", {"transaction": "0x" + signed.hex()})
        position = UtxoPosition(int(answer["blknum"]), int(answer["txindex"]), 0)
        await self._until_submitted(position.blknum)
        return position

    async def start_exit(self, owner: Person, position: UtxoPosition, amount: Wei) -> StartedExit:
        """Exit an output of `amount` wei, sent by its owner, whether it is spent or not."""
        tx, proof = await self._exit_data(owner, position, amount)
        bond = (await self.game.bonds(await self.chain.head())).standard_exit
        call = self._calls.start_standard_exit(position, tx, proof)
        receipt = await self._send(owner, call, value=bond, what="the start of the exit")
        cost = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        number = int(receipt["blockNumber"], 16)
        return StartedExit(position, bond, receipt["transactionHash"], number, Wei(cost))

    async def process_exits(self, sender: Person, count: int = 10) -> dict[str, Any]:
        """Process the ripe exits of ether; return the receipt."""
        return await self._send(
            sender, self._calls.process_exits(count, sender.address), what="the processing of exits"
        )

    async def paid_by(self, tx_hash: Hash32) -> tuple[Address, Wei]:
        """Return who sent a mined transaction, and what its gas cost."""
        transaction = await self._node.rpc("eth_getTransactionByHash", str(tx_hash))
        receipt = await self.chain.receipt(tx_hash)
        if transaction is None or receipt is None:
            raise DevnetError(f"the node does not know the mined transaction {tx_hash}")
        return Address.parse(transaction["from"]), receipt.cost

    async def move_time(self, timestamp: int) -> bool:
        """Move the root chain past a timestamp where the node can do that; tell whether it could."""
        head = await self.chain.head()
        try:
            await self._node.rpc("evm_increaseTime", hex(max(0, timestamp - head.timestamp) + 1))
            await self._node.rpc("evm_mine")
        except EvmRpcError:
            return False
        return True

    async def _send(self, sender: Person, call: ContractCall, *, value: int = 0, what: str) -> dict[str, Any]:
        return await self._transactor.send_raw(
            sender.hex_key, str(call.to), call.data, value=value, what=what
        )

    async def _until_submitted(self, blknum: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                if await self.game.plasma_block(blknum, await self.chain.head()) is not None:
                    return
                await asyncio.sleep(0.05)

    async def _exit_data(self, owner: Person, position: UtxoPosition, amount: Wei) -> tuple[bytes, bytes]:
        """Return transaction and proof: a deposit's are known to its owner, others are the Watcher's.

        A Watcher gives no exit data for a spent deposit, and needs a moment to see a new block.
        """
        if position.is_deposit:
            tx = self.rules.deposit(owner.address, ETH, amount)
            return tx, self.rules.merkle_proof([tx], 0)
        payload = {"utxo_pos": position.encode()}
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self._post(self.connection.watcher_url, "/utxo.get_exit_data", payload)
                if answer["success"]:
                    data = answer["data"]
                    return parse_hex(data["txbytes"], "txbytes"), parse_hex(data["proof"], "proof")
                await asyncio.sleep(0.2)

    async def _ask_operator(self, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Ask until the operator has seen the deposit; any other refusal is final."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self._post(self.connection.operator_url, path, payload)
                if answer["success"]:
                    data: dict[str, Any] = answer["data"]
                    return data
                if "utxo_not_found" not in str(answer["data"].get("code")):
                    raise DevnetError(f"the operator refuses: {answer['data']}")
                await asyncio.sleep(0.2)

    async def _post(self, base: str, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        response = await self._http.post(base + path, json=payload)
        answer: dict[str, Any] = response.json()
        return answer


@contextlib.asynccontextmanager
async def people_of(connection: Connection) -> AsyncIterator[People]:
    """Connect to a devnet and act for its people."""
    node = JsonRpc(connection.rpc_url)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(node.close)
        chain = await stack.enter_async_context(RpcChain.connect([connection.rpc_url], SystemClock()))
        # The environment's proxies must not see loopback traffic.
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=PATIENCE, trust_env=False))
        game = await probe(chain, Address.parse(connection.contract))
        yield People(connection, chain, game, node, http)
