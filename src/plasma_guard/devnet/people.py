"""People on a devnet: they deposit, pay and exit as a wallet would, over the same HTTP APIs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from plasma_guard.chain.chain import RpcChain
from plasma_guard.clock import SystemClock
from plasma_guard.contracts.probe import probe
from plasma_guard.devnet import artifacts
from plasma_guard.devnet.calls import ContractCall, PlasmaCalls
from plasma_guard.devnet.connection import Connection
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.jsonrpc import EvmRpcError, JsonRpc
from plasma_guard.devnet.transactor import Transactor
from plasma_guard.devnet.weather import Weather
from plasma_guard.domain.actions import ChallengeStandardExit
from plasma_guard.domain.evidence import StandardExitChallenge
from plasma_guard.domain.exits import DepositCreated, ExitId, Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Wei, parse_hex
from plasma_guard.keys.signer import address_of
from plasma_guard.plasma.child_block import prove_block
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import Output
from plasma_guard.ports import ExitGame
from plasma_guard.verifier.child_chain import HttpBlockSource

PATIENCE: Final = 30.0
"""Seconds the operator and the Watcher get to notice what happened."""
LOOK_EVERY: Final = 0.05
"""Seconds between two looks whether they have."""


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
class Mined:
    """A transaction that was mined with success; `gas_cost` in wei is what its sender paid for gas."""

    tx_hash: str
    block_number: int
    gas_cost: Wei


@dataclass(frozen=True, slots=True)
class SignedPayment:
    """A plasma transaction that its senders signed and no operator need ever see.

    `tx` is unsigned RLP; there is one signature per input.
    """

    tx: bytes = field(repr=False)
    signatures: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Payment(SignedPayment):
    """A plasma transaction that the operator included."""

    blknum: int
    txindex: int

    def output(self, oindex: int = 0) -> UtxoPosition:
        """Return where one of its outputs is."""
        return UtxoPosition(self.blknum, self.txindex, oindex)


@dataclass(frozen=True, slots=True)
class StartedExit:
    """A standard exit that somebody started, and what it cost to start, in wei.

    `exiting_tx` is the unsigned transaction that created the output.
    """

    position: UtxoPosition
    exit_id: ExitId
    exiting_tx: bytes = field(repr=False)
    bond: Wei
    tx_hash: str
    block_number: int
    gas_cost: Wei


@dataclass(frozen=True, slots=True)
class Bounties:
    """What whoever processes an exit keeps of a standard exit's and of a piggyback's bond, in wei."""

    standard_exit: Wei
    piggyback: Wei


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
        self._weather = Weather(node)
        self._calls = PlasmaCalls(game.contracts)
        self._deposits: dict[UtxoPosition, bytes] = {}
        self._people = {
            name: Person(name, parse_hex(key, f"key of {name}")) for name, key in connection.keys.items()
        }

    @property
    def everybody(self) -> Sequence[Person]:
        """All of them."""
        return tuple(self._people.values())

    def __getitem__(self, name: str) -> Person:
        return self._people[name]

    @property
    def weather(self) -> Weather:
        """What the root chain's node does to those who use it."""
        return self._weather

    @property
    def rules(self) -> PlasmaRules:
        """The arithmetic of the deployed generation."""
        return self.game.rules

    @property
    def calls(self) -> PlasmaCalls:
        """What people send to the deployed contracts."""
        return self._calls

    async def mint(self, owner: Person, token: Address, amount: Wei) -> None:
        """Give `owner` units of one of the devnet's tokens."""
        await self.send(owner, self._calls.mint(token, owner.address, amount), what="the minting")

    async def deposit(self, owner: Person, amount: Wei, token: Address = ETH) -> UtxoPosition:
        """Deposit ether, or units of a token that `owner` has; return the position of the new output."""
        if token != ETH:
            await self.send(owner, self._calls.approve(token, amount), what="the approval")
        deposit_tx = self.rules.deposit(owner.address, token, amount)
        call = self._calls.deposit(deposit_tx, token)
        mined = await self.send(owner, call, value=amount if token == ETH else 0, what="the deposit")
        for event in await self.game.root_chain_events(mined.block_number, mined.block_number):
            if isinstance(event, DepositCreated) and str(event.tx_hash) == mined.tx_hash:
                position = UtxoPosition(event.blknum, 0, 0)
                self._deposits[position] = deposit_tx
                return position
        raise DevnetError("the deposit was mined but left no DepositCreated log")

    async def pay(self, owner: Person, spent: UtxoPosition, amount: Wei, to: Person) -> UtxoPosition:
        """Spend an output of ether whole, signed by `owner`; wait until the operator put it into a block."""
        payment = await self.spend([(owner, spent)], [Output(to.address, ETH, amount)])
        return payment.output()

    async def spend(
        self, inputs: Sequence[tuple[Person, UtxoPosition]], outputs: Sequence[Output]
    ) -> Payment:
        """Spend outputs, each signed for by the person beside it; wait until the block is submitted."""
        return await self.submit(self.sign(inputs, outputs))

    def sign(self, inputs: Sequence[tuple[Person, UtxoPosition]], outputs: Sequence[Output]) -> SignedPayment:
        """Sign a payment, each input by the person beside it, and send it nowhere."""
        unsigned = self.rules.encode([position for _, position in inputs], outputs)
        tx, contract = self.rules.decode(unsigned), self.game.contracts.entry
        return SignedPayment(unsigned, tuple(self.rules.sign(tx, contract, owner.key) for owner, _ in inputs))

    async def submit(self, payment: SignedPayment) -> Payment:
        """Give a payment to the operator; wait until its block is submitted."""
        return await self._included("/transaction.submit", payment)

    async def force(self, payment: SignedPayment) -> Payment:
        """Have the operator include a payment that it must refuse; wait until the block is submitted."""
        return await self._included("/operator.force", payment)

    async def vanish(self) -> None:
        """Have the operator and the Watcher answer nobody any more."""
        await self._ask_operator("/operator.vanish", {})

    async def withhold(self) -> None:
        """Have the operator show nobody the contents of the blocks it makes from now on."""
        await self._ask_operator("/operator.withhold", {})

    async def start_exit(
        self,
        owner: Person,
        position: UtxoPosition,
        amount: Wei,
        token: Address = ETH,
        *,
        accomplice: bool = False,
    ) -> StartedExit:
        """Exit an output of `amount` of `token`, sent by its owner, whether it is spent or not.

        An `accomplice` operator gives the evidence where no honest Watcher would.
        """
        self._deposits.setdefault(position, self.rules.deposit(owner.address, token, amount))
        tx, proof = await (self.operator_data(position) if accomplice else self.exit_data(position))
        bond = (await self.game.bonds(await self.chain.head())).standard_exit
        call = self._calls.start_standard_exit(position, tx, proof)
        mined = await self.send(owner, call, value=bond, what="the start of the exit")
        return StartedExit(
            position,
            self.rules.standard_exit_id(tx, position),
            tx,
            bond,
            mined.tx_hash,
            mined.block_number,
            mined.gas_cost,
        )

    async def challenge(self, challenger: Person, proof: StandardExitChallenge) -> Mined:
        """Challenge an exit by hand, as a client does that takes a Watcher's answer as it is."""
        action = ChallengeStandardExit(
            exit_id=proof.exit_id,
            position=proof.position,
            challenge_tx=proof.challenge_tx,
            input_index=proof.input_index,
            signature=proof.signature,
            exiting_tx=proof.exiting_tx,
        )
        sent = self.game.candidate(action, intent="by hand", case_id=0, account=challenger.address)
        return await self.send(challenger, ContractCall(sent.to, sent.data), what="the challenge")

    async def process_exits(self, sender: Person, count: int = 10, token: Address = ETH) -> Mined:
        """Process the ripe exits of a token."""
        call = self._calls.process_exits(count, sender.address, token)
        return await self.send(sender, call, what="the processing of exits")

    async def balance(self, owner: Person, token: Address = ETH) -> Wei:
        """Return what somebody has on the root chain: wei, or units of a token."""
        if token == ETH:
            return await self.chain.balance(owner.address)
        units = await self._transactor.call(
            str(token), artifacts.load("TestToken"), "balanceOf", str(owner.address)
        )
        return Wei(int(units))

    async def paid_by(self, tx_hash: Hash32) -> tuple[Address, Wei]:
        """Return who sent a mined transaction, and what its gas cost."""
        transaction = await self._node.rpc("eth_getTransactionByHash", str(tx_hash))
        receipt = await self.chain.receipt(tx_hash)
        if transaction is None or receipt is None:
            raise DevnetError(f"the node does not know the mined transaction {tx_hash}")
        return Address.parse(transaction["from"]), receipt.cost

    async def gas_paid(self, first: int, last: int) -> dict[Address, Wei]:
        """Return what each of these people paid for gas in blocks `first` to `last`, in wei."""
        paid = dict.fromkeys((person.address for person in self._people.values()), Wei(0))
        for number in range(first, last + 1):
            block = await self._node.rpc("eth_getBlockByNumber", hex(number), True)  # noqa: FBT003 (RPC's form)
            for transaction in block["transactions"]:
                sender = Address.parse(transaction["from"])
                if sender in paid:
                    receipt = await self._node.rpc("eth_getTransactionReceipt", transaction["hash"])
                    cost = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
                    paid[sender] = Wei(paid[sender] + cost)
        return paid

    async def bounties(self) -> Bounties:
        """Return what a processor of exits is paid out of bonds, which only ald v2 does."""
        if self.rules.generation is not Generation.ALD_V2:
            return Bounties(Wei(0), Wei(0))
        contract, artifact = str(self.game.contracts.exit_game), artifacts.load("PaymentExitGameV2")
        standard = await self._transactor.call(contract, artifact, "processStandardExitBountySize")
        piggyback = await self._transactor.call(contract, artifact, "processInFlightExitBountySize")
        return Bounties(Wei(int(standard)), Wei(int(piggyback)))

    async def move_time(self, timestamp: int) -> bool:
        """Move the root chain past a timestamp where the node can do that; tell whether it could."""
        head = await self.chain.head()
        try:
            await self._node.rpc("evm_increaseTime", hex(max(0, timestamp - head.timestamp) + 1))
            await self._node.rpc("evm_mine")
        except EvmRpcError:
            return False
        return True

    async def send(self, sender: Person, call: ContractCall, *, value: int = 0, what: str) -> Mined:
        """Send a call from somebody's account; `what` names it in the error if it reverts."""
        receipt = await self._transactor.send_raw(
            sender.hex_key, str(call.to), call.data, value=value, what=what
        )
        cost = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        return Mined(receipt["transactionHash"], int(receipt["blockNumber"], 16), Wei(cost))

    async def _included(self, path: str, payment: SignedPayment) -> Payment:
        signed = self.rules.encode_signed(payment.tx, payment.signatures)
        answer = await self._ask_operator(path, {"transaction": "0x" + signed.hex()})
        included = Payment(payment.tx, payment.signatures, int(answer["blknum"]), int(answer["txindex"]))
        await self._until_submitted(included.blknum)
        return included

    async def _until_submitted(self, blknum: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                if await self.game.plasma_block(blknum, await self.chain.head()) is not None:
                    return
                await asyncio.sleep(LOOK_EVERY)

    async def exit_data(self, position: UtxoPosition) -> tuple[bytes, bytes]:
        """Return the transaction that created an output, unsigned, and the 512 bytes that prove it.

        A deposit's are known to its owner, because a Watcher gives none for a spent one; others are the
        Watcher's, which needs a moment to see a new block.
        """
        if position.is_deposit:
            deposit_tx = self._deposits[position]
            return deposit_tx, self.rules.merkle_proof([deposit_tx], 0)
        payload = {"utxo_pos": position.encode()}
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self._post(self.connection.watcher_url, "/utxo.get_exit_data", payload)
                if answer["success"]:
                    data = answer["data"]
                    return parse_hex(data["txbytes"], "txbytes"), parse_hex(data["proof"], "proof")
                await asyncio.sleep(LOOK_EVERY)

    async def operator_data(self, position: UtxoPosition) -> tuple[bytes, bytes]:
        """Return the same as the operator knows it, also of a block that no Watcher takes for valid."""
        block = await self.game.plasma_block(position.blknum, await self.chain.head())
        if block is None:
            raise DevnetError(f"the root chain has no plasma block {position.blknum}")
        async with HttpBlockSource(self.connection.operator_url) as operator:
            leaves = prove_block(self.rules, await operator.block(block.root), block)
        return leaves[position.txindex], self.rules.merkle_proof(leaves, position.txindex)

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
                await asyncio.sleep(LOOK_EVERY)

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
