"""The operator of a devnet: takes transactions, makes blocks, submits their roots, serves their contents."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import DepositCreated, ExitStarted, RootChainEvent
from plasma_guard.domain.primitives import Hash32, Timestamp
from plasma_guard.plasma.rules import rules_for
from plasma_guard.verifier.blocks import InvalidBlockError, recover
from plasma_guard.verifier.json import hex_bytes, parse
from plasma_guard.verifier.ledger import Ledger, LedgerBlock, TransactionRefusedError

if TYPE_CHECKING:
    from plasma_guard.domain.exits import ContractSet
    from plasma_guard.ports import Chain, ExitGame

SubmitRoot = Callable[[Hash32], Awaitable[object]]
"""Submits a block's root to the root chain and returns once it is mined."""


class SubmissionRefusedError(Exception):
    """A transaction the operator does not take; `code` is the child chain's own."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where a submitted transaction will be."""

    blknum: int
    txindex: int
    txhash: Hash32


class Operator:
    """An honest operator with its own ledger; feed it root-chain events in order.

    It takes no transaction that spends an exiting output, and makes no empty blocks: they would all have the
    same root, by which contents are asked for. A submission that fails is repeated with the same block.
    `force` and `withhold` are what a thief has it do.
    """

    def __init__(self, contracts: ContractSet, submit_root: SubmitRoot) -> None:
        self._contract = contracts.entry
        self._rules = rules_for(contracts.generation)
        self._submit_root = submit_root
        self._ledger = Ledger(self._rules)
        self._open = self._ledger.open_block()
        self._sealed: LedgerBlock | None = None
        self._withholds = False
        self._vanished = False
        self._by_root: dict[Hash32, LedgerBlock] = {}
        self._producing = asyncio.Lock()
        self._next_height = 0

    def apply_event(self, event: RootChainEvent) -> None:
        """Take one root-chain event: a deposit becomes spendable, an exiting output stops being so."""
        if isinstance(event, DepositCreated):
            self._ledger.deposit(event)
        elif isinstance(event, ExitStarted):
            position = event.position or self._ledger.position_of_exit(event.exit_id, event.owner)
            if position is not None:
                self._open.exit(position)

    def submit(self, signed: bytes) -> Inclusion:
        """Take a transaction in signed form into the block being made; raises `SubmissionRefusedError`."""
        try:
            transaction = recover(self._rules, self._contract, signed)
            if transaction.claims_fees:
                raise SubmissionRefusedError("submit:transaction_not_supported", "only payments are taken")
            txindex = self._open.apply(transaction)
        except InvalidBlockError as error:
            raise SubmissionRefusedError(f"submit:{error.error_type}", str(error)) from error
        except TransactionRefusedError as error:
            raise SubmissionRefusedError(f"submit:{error.reason}", str(error)) from error
        return Inclusion(self._open.blknum, txindex, transaction.signed.tx.hash)

    def force(self, signed: bytes) -> Inclusion:
        """Take a transaction in signed form whatever the ledger says of it.

        It has no effects on the operator's own ledger. Raises `SubmissionRefusedError` for what is none.
        """
        try:
            decoded = self._rules.decode_signed(signed)
        except MalformedError as error:
            raise SubmissionRefusedError("submit:malformed_transaction", str(error)) from error
        self._open.transactions.append(decoded)
        return Inclusion(self._open.blknum, len(self._open.transactions) - 1, decoded.tx.hash)

    @property
    def vanished(self) -> bool:
        """Whether it answers nobody any more, and the Watcher of its network neither."""
        return self._vanished

    def vanish(self) -> None:
        """Be gone for good."""
        self._vanished = True

    def withhold(self) -> None:
        """Submit blocks as before, and show the contents of none made from now on."""
        self._withholds = True

    async def produce_block(self) -> LedgerBlock | None:
        """Submit the transactions taken so far as a block; None when there are none."""
        async with self._producing:
            if self._sealed is None:
                if not self._open.transactions:
                    return None
                root = self._rules.merkle_root([each.tx.raw for each in self._open.transactions])
                # The root chain gives a block its time only later, and nothing here asks for it.
                self._sealed = self._open.close(root, Timestamp(0))
                self._open = self._ledger.open_block()
                if not self._withholds:
                    self._by_root[root] = self._sealed
            sealed = self._sealed
            await self._submit_root(sealed.root)
            self._sealed = None
            return sealed

    def block(self, root: Hash32) -> LedgerBlock | None:
        """Return a block by its root."""
        return self._by_root.get(root)

    async def step(self, game: ExitGame, chain: Chain) -> LedgerBlock | None:
        """Take every root-chain event there is by now, then make a block of what was submitted."""
        head = await chain.head()
        if head.number >= self._next_height:
            for event in await game.root_chain_events(self._next_height, head.number):
                self.apply_event(event)
            self._next_height = head.number + 1
        return await self.produce_block()


def application(operator: Operator, version: str = "1.0.9") -> web.Application:
    """Return the child chain's HTTP API: `block.get` and `transaction.submit`, both POST.

    Beside them are `operator.force`, `operator.withhold` and `operator.vanish`, which no honest one has.
    """
    served = web.Application(client_max_size=8_000_000)
    api = _Api(operator, version)
    served.router.add_post("/block.get", api.block_get)
    served.router.add_post("/transaction.submit", api.transaction_submit)
    served.router.add_post("/operator.force", api.force)
    served.router.add_post("/operator.withhold", api.withhold)
    served.router.add_post("/operator.vanish", api.vanish)
    served.router.add_route("*", "/{path:.*}", api.not_found)
    return served


class _Api:
    def __init__(self, operator: Operator, version: str) -> None:
        self._operator = operator
        self._version = version

    async def block_get(self, request: web.Request) -> web.Response:
        """Answer with the contents of the block whose root is `hash`."""
        try:
            root = Hash32(await _hex(request, "hash"))
        except MalformedError as error:
            return self._refuse("operation:bad_request", str(error))
        block = self._operator.block(root)
        if block is None:
            return self._refuse("get_block:not_found", f"no block has the root {root}")
        return self._answer(
            {
                "blknum": block.blknum,
                "hash": str(block.root),
                "transactions": ["0x" + each.raw.hex() for each in block.transactions],
            }
        )

    async def transaction_submit(self, request: web.Request) -> web.Response:
        """Answer with where the signed `transaction` will be included."""
        return await self._take(request, self._operator.submit)

    async def force(self, request: web.Request) -> web.Response:
        """Answer the same for a `transaction` that is not checked."""
        return await self._take(request, self._operator.force)

    async def withhold(self, _request: web.Request) -> web.Response:
        """Show no more blocks."""
        self._operator.withhold()
        return self._answer({})

    async def vanish(self, _request: web.Request) -> web.Response:
        """Show no more blocks."""
        self._operator.vanish()
        return self._answer({})

    async def _take(self, request: web.Request, take: Callable[[bytes], Inclusion]) -> web.Response:
        try:
            included = take(await _hex(request, "transaction"))
        except MalformedError as error:
            return self._refuse("operation:bad_request", str(error))
        except SubmissionRefusedError as error:
            return self._refuse(error.code, error.description)
        return self._answer(
            {"blknum": included.blknum, "txindex": included.txindex, "txhash": str(included.txhash)}
        )

    async def not_found(self, request: web.Request) -> web.Response:
        """Answer whatever else is asked."""
        return self._refuse("operation:not_found", f"there is no {request.method} {request.path}")

    def _answer(self, data: dict[str, Any], *, success: bool = True) -> web.Response:
        envelope = {"success": success, "data": data, "version": self._version, "service_name": "child_chain"}
        return web.json_response(envelope)

    def _refuse(self, code: str, description: str) -> web.Response:
        data = {"object": "error", "code": code, "description": description}
        return self._answer(data, success=False)


async def _hex(request: web.Request, field: str) -> bytes:
    """Return the bytes of a hex parameter of the request's JSON body."""
    parameters = parse(await request.read() or b"{}")
    if not isinstance(parameters, dict):
        raise MalformedError("the body is not a JSON object")
    return hex_bytes(parameters.get(field), field)
