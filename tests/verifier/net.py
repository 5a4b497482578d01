"""A real devnet for the verifier: contracts on a local EVM, an operator over HTTP, and a follower."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
from aiohttp.test_utils import TestServer

from plasma_guard.chain.chain import RpcChain
from plasma_guard.clock import SystemClock
from plasma_guard.contracts.probe import probe
from plasma_guard.devnet.calls import ContractCall, PlasmaCalls
from plasma_guard.devnet.deploy import DEV_KEYS, Deployment, deploy
from plasma_guard.devnet.evm import Evm
from plasma_guard.devnet.operator import Operator, application
from plasma_guard.devnet.transactor import Transactor
from plasma_guard.domain.actions import ChallengeStandardExit
from plasma_guard.domain.exits import DepositCreated
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Wei
from plasma_guard.plasma.transaction import Output
from plasma_guard.ports import Clock, ExitGame
from plasma_guard.verifier import Margins, Verifier
from plasma_guard.verifier.child_chain import BlockSource, BlockUnavailableError, HttpBlockSource
from plasma_guard.verifier.follower import Follower
from verifier.world import Account

PERIOD = 600
USER, FRIEND = (Account(bytes.fromhex(key[2:])) for key in (DEV_KEYS[3], DEV_KEYS[0]))


class Net:
    """What a test does on the devnet; `submitting` can be switched to make submissions fail."""

    def __init__(self, evm: Evm, deployment: Deployment, chain: RpcChain, game: ExitGame) -> None:
        self.evm = evm
        self.deployment = deployment
        self.chain = chain
        self.game = game
        self.rules = game.rules
        self.calls = PlasmaCalls(game.contracts)
        self.transactor = Transactor(evm)
        self.operator = Operator(game.contracts, self._submit_root)
        self.roots: list[Hash32] = []
        self.submitting = True
        self.url = ""

    async def _submit_root(self, root: Hash32) -> None:
        self.roots.append(root)
        if not self.submitting:
            raise ConnectionError("the root chain cannot be reached")
        await self._send(self.deployment.operator_key, self.calls.submit_block(root))

    async def _send(self, key: str, call: ContractCall, value: int = 0) -> dict[str, Any]:
        return await self.transactor.send_raw(key, str(call.to), call.data, value=value)

    async def deposit(self, amount: int = 10) -> UtxoPosition:
        call = self.calls.deposit(self.rules.deposit(USER.address, ETH, Wei(amount)))
        receipt = await self._send("0x" + USER.key.hex(), call, value=amount)
        number = int(receipt["blockNumber"], 16)
        events = await self.game.root_chain_events(number, number)
        [event] = [event for event in events if isinstance(event, DepositCreated)]
        await self.operator.step(self.game, self.chain)
        return UtxoPosition(event.blknum, 0, 0)

    def signed(self, position: UtxoPosition, signer: Account, to: Account, amount: int = 10) -> bytes:
        unsigned = self.rules.encode([position], [Output(to.address, ETH, Wei(amount))])
        contract = self.game.contracts.entry
        signature = self.rules.sign(self.rules.decode(unsigned), contract, signer.key)
        return self.rules.encode_signed(unsigned, [signature])

    async def submit(self, signed: bytes) -> dict[str, Any]:
        """Give the operator a transaction over HTTP; return the whole envelope."""
        return await self.ask("/transaction.submit", {"transaction": "0x" + signed.hex()})

    async def ask(self, path: str, parameters: object) -> dict[str, Any]:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer: dict[str, Any] = (await client.post(self.url + path, json=parameters)).json()
        return answer

    async def pay(self, position: UtxoPosition, signer: Account, to: Account) -> UtxoPosition:
        """Have a payment included and its block submitted; return the position of the new output."""
        answer = await self.submit(self.signed(position, signer, to))
        assert answer["success"], answer
        assert await self.operator.step(self.game, self.chain) is not None
        return UtxoPosition(answer["data"]["blknum"], answer["data"]["txindex"], 0)

    async def start_exit(self, verifier: Verifier, position: UtxoPosition) -> None:
        """Start the user's exit of an output, spent or not, as the root chain lets anybody do."""
        tx = verifier.ledger.creating_tx(position)
        assert tx is not None
        block = verifier.ledger.block(position.blknum)
        proof = self.rules.merkle_proof([tx] if block is None else block.leaves, position.txindex)
        bonds = await self.game.bonds(await self.chain.head())
        call = self.calls.start_standard_exit(position, tx, proof)
        await self._send("0x" + USER.key.hex(), call, value=bonds.standard_exit)

    async def process_exits(self) -> None:
        await self._send("0x" + USER.key.hex(), self.calls.process_exits(10, USER.address))

    async def challenge(self, verifier: Verifier, position: UtxoPosition) -> None:
        """Challenge an exit with the verifier's own data, through the product's own calldata."""
        claim = verifier.challenge_data(position)
        action = ChallengeStandardExit(
            exit_id=claim.exit_id,
            position=position,
            challenge_tx=claim.challenge_tx,
            input_index=claim.input_index,
            signature=claim.signature,
            exiting_tx=claim.exiting_tx,
        )
        call = self.game.candidate(action, intent="test", case_id=1, account=FRIEND.address)
        await self.transactor.send_raw("0x" + FRIEND.key.hex(), str(call.to), call.data)


class Withholding:
    """A block source whose operator can stop answering: the fault under test."""

    def __init__(self, source: BlockSource) -> None:
        self._source = source
        self.withheld = False

    async def block(self, root: Hash32) -> Any:
        if self.withheld:
            raise BlockUnavailableError(f"block {root}: withheld")
        return await self._source.block(root)


@contextlib.asynccontextmanager
async def network(revision: str) -> AsyncIterator[Net]:
    async with contextlib.AsyncExitStack() as stack:
        evm = await stack.enter_async_context(Evm())
        deployment = await deploy(evm, revision, min_exit_period=PERIOD)
        chain = await stack.enter_async_context(RpcChain.connect([evm.rpc_url], SystemClock()))
        game = await probe(chain, Address.parse(deployment.address))
        net = Net(evm, deployment, chain, game)
        server = await stack.enter_async_context(TestServer(application(net.operator)))
        net.url = str(server.make_url("/")).rstrip("/")
        yield net


@contextlib.asynccontextmanager
async def following(
    net: Net, clock: Clock, **margins: int
) -> AsyncIterator[tuple[Verifier, Follower, Withholding]]:
    verifier = Verifier(net.game.contracts, Margins(**margins))
    async with HttpBlockSource(net.url) as source:
        blocks = Withholding(source)
        yield (
            verifier,
            Follower(verifier, net.game, net.chain, blocks, clock, withholding_seconds=100),
            blocks,
        )
