"""A thousand frauds on a devnet: Alice makes deposits, spends them all, and exits them all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
from eth_account import Account
from eth_utils.address import to_checksum_address

from plasma_guard.devnet.calls import ContractCall
from plasma_guard.devnet.jsonrpc import JsonRpc
from plasma_guard.devnet.people import People, Person
from plasma_guard.domain.exits import DepositCreated
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Wei
from plasma_guard.plasma.transaction import Output

_AMOUNT: Final = Wei(10**15)
_GAS: Final = 1_000_000
_GAS_PRICE: Final = 3 * 10**9
_AT_ONCE: Final = 25
_INPUTS: Final = 4
GROUP: Final = 100
"""Exits of one moment; the next ones are started later, so that deadlines differ."""
_LATER: Final = 15
_INTERVAL: Final = 500
"""Deposits before a plasma block: fewer than 1,000 fit between two."""
_BURIED: Final = 5
_PATIENCE: Final = 120.0
_LOOK_EVERY: Final = 0.2


@dataclass(frozen=True, slots=True)
class Crowd:
    """Commits frauds in bulk on an anvil whose blocks come only when asked for."""

    people: People
    node: JsonRpc
    tell: Callable[[str], None]

    async def commit(self, count: int) -> list[UtxoPosition]:
        """Have so many spent deposits exited, and the Watcher report them all; return where they are."""
        await self.node.rpc("evm_setIntervalMining", 0)
        positions: list[UtxoPosition] = []
        while len(positions) < count:
            positions += await self._spent(min(_INTERVAL, count - len(positions)))
        self.tell(f"{count} deposits are made and spent")
        await self._exited(positions)
        await self._reported(len(positions))
        self.tell(f"{count} frauds stand, and the Watcher reports them")
        return positions

    async def deposits(self, owner: Person, count: int, amount: Wei) -> list[UtxoPosition]:
        """Have somebody make so many deposits, and bury them; return where they are."""
        call = self.people.calls.deposit(self.people.rules.deposit(owner.address, ETH, amount))
        first = (await self.people.chain.head()).number + 1
        await self._send(owner, [call] * count, amount)
        head = await self.people.chain.head()
        events = await self.people.game.root_chain_events(first, head.number)
        await self.node.rpc("anvil_mine", hex(_BURIED))
        return [UtxoPosition(each.blknum, 0, 0) for each in events if isinstance(each, DepositCreated)]

    async def _spent(self, count: int) -> list[UtxoPosition]:
        alice = self.people["alice"]
        made = await self.deposits(alice, count, _AMOUNT)
        limit = asyncio.Semaphore(_AT_ONCE)

        async def spend(some: Sequence[UtxoPosition]) -> None:
            async with limit:
                inputs = [(alice, position) for position in some]
                bob = self.people["bob"]
                await self.people.spend(inputs, [Output(bob.address, ETH, Wei(_AMOUNT * len(some)))])

        await asyncio.gather(*(spend(made[n : n + _INPUTS]) for n in range(0, len(made), _INPUTS)))
        return made

    async def _exited(self, positions: Sequence[UtxoPosition]) -> None:
        alice, rules = self.people["alice"], self.people.rules
        deposit = rules.deposit(alice.address, ETH, _AMOUNT)
        proof = rules.merkle_proof([deposit], 0)
        bond = (await self.people.game.bonds(await self.people.chain.head())).standard_exit
        calls = [self.people.calls.start_standard_exit(position, deposit, proof) for position in positions]
        for start in range(0, len(calls), GROUP):
            await self.node.rpc("evm_increaseTime", _LATER)
            await self._send(alice, calls[start : start + GROUP], bond)
        await self.node.rpc("anvil_mine", hex(_BURIED))

    async def _send(self, sender: Person, calls: Sequence[ContractCall], value: Wei) -> None:
        """Sign calls with one nonce after the other, hand them out, and mine until all are mined."""
        account, chain_id = Account.from_key(sender.hex_key), self.people.connection.chain_id
        nonce = await self._count(sender)
        for number, call in enumerate(calls, nonce):
            fields: dict[str, Any] = {
                "chainId": chain_id,
                "nonce": number,
                "to": to_checksum_address(str(call.to)),
                "value": value,
                "data": call.data,
                "gas": _GAS,
                "gasPrice": _GAS_PRICE,
            }
            signed = account.sign_transaction(fields).raw_transaction.to_0x_hex()
            await self.node.rpc("eth_sendRawTransaction", signed)
        while await self._count(sender) < nonce + len(calls):
            await self.node.rpc("evm_mine")

    async def _count(self, sender: Person) -> int:
        return await self.people.chain.transaction_count(sender.address)

    async def _reported(self, count: int) -> None:
        url = self.people.connection.watcher_url + "/status.get"
        async with asyncio.timeout(_PATIENCE), httpx.AsyncClient(trust_env=False, timeout=30) as http:
            while True:
                status = (await http.post(url, json={})).json()["data"]
                if len(status["byzantine_events"]) >= count:
                    return
                await asyncio.sleep(_LOOK_EVERY)
