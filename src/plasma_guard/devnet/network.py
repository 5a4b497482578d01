"""A whole plasma chain in one process: root chain, contracts, operator and Watcher, over their real APIs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from plasma_guard.chain.chain import RpcChain
from plasma_guard.clock import SystemClock
from plasma_guard.contracts.probe import probe
from plasma_guard.devnet.calls import PlasmaCalls
from plasma_guard.devnet.connection import PEOPLE, Connection
from plasma_guard.devnet.deploy import deploy
from plasma_guard.devnet.deployment import Deployment, Revision
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.evm import Evm, EvmOptions
from plasma_guard.devnet.jsonrpc import EvmRpcError, JsonRpc
from plasma_guard.devnet.operator import Operator
from plasma_guard.devnet.operator import application as operator_api
from plasma_guard.devnet.transactor import Transactor
from plasma_guard.domain.errors import RetryableError
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.keys.signer import address_of
from plasma_guard.plasma.keccak import keccak
from plasma_guard.ports import ExitGame
from plasma_guard.verifier.api import application as watcher_api
from plasma_guard.verifier.child_chain import HttpBlockSource
from plasma_guard.verifier.core import Margins, Verifier
from plasma_guard.verifier.follower import Follower

log = structlog.get_logger(__name__)

REVISIONS: Final[dict[str, Revision]] = {"rootchain": "rootchain", "ald": "ald-v1", "ald-v2": "ald-v2"}
"""The generations a user can name, and what is deployed for each."""
MIN_EXIT_PERIOD: Final = 600
MARGINS: Final = Margins(exit_finality=2, deposit_finality=1, sla=5520)
"""Two blocks are deep enough on a chain that nobody reorganizes, and keep the demo short."""
STEP_SECONDS: Final = 0.3
"""Between two looks of the operator, and of the Watcher, at the root chain."""
WITHHOLDING_SECONDS: Final = 3.0
"""How long a block may be missing here before that is called withholding; for a real Watcher it is hours."""
START_ETHER: Final = 100 * 10**18
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What a devnet is made of; with `rpc_url` and `contracts` it uses what somebody else deployed."""

    revision: Revision
    rpc_url: str | None = None
    contracts: Path | None = None
    block_time: int = 1
    margins: Margins = MARGINS
    step: float = STEP_SECONDS


@contextlib.asynccontextmanager
async def network(options: Options, tell: Tell = lambda _: None) -> AsyncIterator[Connection]:
    """Run a devnet for the length of a block; everything listens on loopback, on ports the system chooses."""
    async with contextlib.AsyncExitStack() as stack:
        rpc_url = options.rpc_url
        if rpc_url is None:
            tell("starting a local root chain")
            evm = await stack.enter_async_context(
                Evm(EvmOptions(block_time=options.block_time), progress=tell)
            )
            rpc_url = evm.rpc_url
        node = JsonRpc(rpc_url)
        stack.push_async_callback(node.close)
        deployment = await _deployed(options, node, tell)
        chain = await stack.enter_async_context(RpcChain.connect([rpc_url], SystemClock()))
        game = await probe(chain, Address.parse(deployment.address))
        keys = _keys(deployment)
        await _fund(node, deployment.funded_key, keys)
        services = _Services(options, deployment, node, chain, game)
        operator_url, watcher_url = await stack.enter_async_context(services.running())
        connection = Connection(
            revision=str(game.contracts.generation),
            contract=str(game.contracts.entry),
            chain_id=await chain.chain_id(),
            min_exit_period=game.contracts.min_exit_period,
            rpc_url=rpc_url,
            watcher_url=watcher_url,
            operator_url=operator_url,
            keys=keys,
            tokens=deployment.tokens,
        )
        tell(f"{game.contracts.generation} at {game.contracts.entry}; operator and Watcher are up")
        yield connection


@contextlib.asynccontextmanager
async def undone(rpc_url: str | None) -> AsyncIterator[None]:
    """Take back at the end what happens on somebody else's node in a block, so that a devnet finds it fresh.

    Nothing without a URL. Raises `DevnetError` for a node that takes no snapshots.
    """
    if rpc_url is None:
        yield
        return
    async with contextlib.AsyncExitStack() as stack:
        node = JsonRpc(rpc_url)
        stack.push_async_callback(node.close)
        try:
            stack.push_async_callback(node.rpc, "evm_revert", await node.rpc("evm_snapshot"))
        except EvmRpcError as error:
            raise DevnetError(f"this node takes no snapshots, play one scenario only: {error}") from error
        yield


async def _deployed(options: Options, node: JsonRpc, tell: Tell) -> Deployment:
    if options.contracts is not None:
        return await asyncio.to_thread(Deployment.load, options.contracts)
    tell(f"deploying the {options.revision} contracts")
    return await deploy(node, options.revision, min_exit_period=MIN_EXIT_PERIOD)


def _keys(deployment: Deployment) -> dict[str, str]:
    """Return a key per person, the same for the same contracts; worth nothing anywhere else."""
    return {
        name: "0x" + keccak(f"plasma-guard devnet {name} {deployment.address.lower()}".encode()).hex()
        for name in PEOPLE
    }


async def _fund(node: JsonRpc, funded_key: str, keys: dict[str, str]) -> None:
    transactor = Transactor(node)
    for name, key in keys.items():
        address = str(address_of(bytes.fromhex(key[2:])))
        await transactor.send_raw(funded_key, address, b"", value=START_ETHER, what=f"funding {name}")


class _Services:
    """The operator and the Watcher: two HTTP servers, and the loops that feed them."""

    def __init__(
        self, options: Options, deployment: Deployment, node: JsonRpc, chain: RpcChain, game: ExitGame
    ) -> None:
        transactor = Transactor(node)
        calls = PlasmaCalls(game.contracts)

        async def submit_root(root: Hash32) -> None:
            call = calls.submit_block(root)
            await transactor.send_raw(
                deployment.operator_key, str(call.to), call.data, what="the submission of a block"
            )

        self._chain = chain
        self._game = game
        self._options = options
        self.operator = Operator(game.contracts, submit_root)
        self.verifier = Verifier(game.contracts, options.margins)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[str, str]]:
        """Serve until the block ends; yield the URLs of the operator and of the Watcher."""
        async with contextlib.AsyncExitStack() as stack:
            operator_url = await stack.enter_async_context(_served(self._mortal(operator_api(self.operator))))
            blocks = await stack.enter_async_context(HttpBlockSource(operator_url))
            follower = Follower(
                self.verifier,
                self._game,
                self._chain,
                blocks,
                SystemClock(),
                withholding_seconds=WITHHOLDING_SECONDS,
            )
            watcher_url = await stack.enter_async_context(_served(self._mortal(watcher_api(self.verifier))))
            await follower.step()
            for name, step in (
                ("operator", lambda: self.operator.step(self._game, self._chain)),
                ("watcher", follower.step),
            ):
                task = asyncio.create_task(_forever(name, step, self._options.step), name=name)
                stack.push_async_callback(_ended, task)
            yield operator_url, watcher_url

    def _mortal(self, application: web.Application) -> web.Application:
        """Have a server break every connection once the operator has vanished."""

        @web.middleware
        async def gone(request: web.Request, handler: Handler) -> web.StreamResponse:
            if self.operator.vanished and request.transport is not None:
                request.transport.abort()
            return await handler(request)

        application.middlewares.append(gone)
        return application


async def _forever(name: str, step: Callable[[], Awaitable[object]], pause: float) -> None:
    while True:
        try:
            await step()
        except (RetryableError, DevnetError) as error:
            log.warning("a step of the devnet is repeated", who=name, error=str(error))
        await asyncio.sleep(pause)


async def _ended(task: asyncio.Task[None]) -> None:
    """Stop a loop; an error that ended it before is raised here, so that it is not lost."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@contextlib.asynccontextmanager
async def _served(application: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
