"""RpcChain answers the `Chain` port from a pool of JSON-RPC endpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self, TypeVar

import structlog
from eth_utils.crypto import keccak

from plasma_guard.chain import fees, shapes
from plasma_guard.chain.disputes import Disputes
from plasma_guard.chain.endpoints import EndpointPool, Work
from plasma_guard.chain.failures import (
    EndpointBehind,
    EndpointFailure,
    EndpointMisbehaved,
    RpcAnsweredError,
    bounded,
)
from plasma_guard.chain.heads import HeadMemory, believable
from plasma_guard.chain.logs import LogScanner
from plasma_guard.chain.receipts import Receipts
from plasma_guard.chain.reverts import as_revert
from plasma_guard.chain.rpc import DEADLINE, MAX_BODY, RpcEndpoint
from plasma_guard.chain.state import EndpointState
from plasma_guard.domain.blocks import BlockStamp, Log
from plasma_guard.domain.errors import CallReverted, ChainUnavailable
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei, shorten
from plasma_guard.domain.transactions import Accepted, FeeFacts, Receipt, Rejected
from plasma_guard.ports import Alerts, Call, Clock, Metrics

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)
_UNKNOWN_BLOCK = (
    "not found",
    "unknown block",
    "canonical",
    "missing trie node",
    "could not find",
    "unknown state",
)


class RpcChain:
    """The root chain behind several endpoints; use `connect`, and `close` at the end."""

    def __init__(self, pool: EndpointPool, clock: Clock, *, alerts: Alerts | None = None) -> None:
        self._pool = pool
        self._clock = clock
        disputes = Disputes(clock, alerts)
        self._scanner = LogScanner(pool, clock, disputes)
        self._receipts = Receipts(pool, disputes)
        self._memory = HeadMemory()

    @classmethod
    def connect(
        cls,
        urls: Sequence[str],
        clock: Clock,
        *,
        chain_id: int | None = None,
        deadline: float = DEADLINE,
        max_body: int = MAX_BODY,
        alerts: Alerts | None = None,
        metrics: Metrics | None = None,
    ) -> Self:
        """Prepare a chain over HTTP endpoints, most trusted first; nothing is sent yet.

        `deadline` is seconds per request, `max_body` bytes per answer; `chain_id` None accepts the chain that
        the first endpoint to answer serves. `alerts` and `metrics` hear of quarantines and contradictions.
        """
        endpoints = [RpcEndpoint(url, deadline=deadline, max_body=max_body) for url in urls]
        pool = EndpointPool(endpoints, clock, chain_id=chain_id, alerts=alerts, metrics=metrics)
        return cls(pool, clock, alerts=alerts)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    @property
    def endpoints(self) -> Sequence[EndpointState]:
        """The endpoints' states, most trusted first; for status and metrics."""
        return self._pool.states

    def document(self) -> list[Mapping[str, str | None]]:
        """Return what status shows of every endpoint: its name, condition and last problem."""
        return self._pool.document()

    async def chain_id(self) -> int:
        """Return the chain id all usable endpoints agree on."""
        return await self._pool.chain_id()

    async def head(self) -> BlockStamp:
        """Return the newest block of the most trusted endpoint whose head is believable.

        All usable endpoints are asked; one whose head is not, or that does not answer in time, is not read
        from until the next head. A lower block on the way to the last head is somebody's lag and not news.
        """

        async def work(endpoint: RpcEndpoint) -> BlockStamp:
            return shapes.block(await endpoint.request("eth_getBlockByNumber", ["latest", False]))

        found = await (self._pool.ask(work) if len(self._pool.states) == 1 else self._compared(work))
        head = self._memory.settle(found, self._clock.monotonic())
        self._scanner.head = head.number
        return head

    async def _compared(self, work: Work[BlockStamp]) -> BlockStamp:
        answers = await self._pool.ask_all(self._pool.trusted(), work, enough=lambda _: True)
        heads = [(state, stamp) for state, stamp in answers if isinstance(stamp, BlockStamp)]
        if not heads:
            return await self._pool.ask(work)
        verdicts = believable([stamp for _, stamp in heads], self._clock.now())
        current = [entry for entry, is_believable in zip(heads, verdicts, strict=True) if is_believable]
        usable = [state for state, _ in current]
        self._pool.judge_lag([state for state in self._pool.states if state not in usable])
        return current[0][1]

    async def block(self, number: int) -> BlockStamp | None:
        """Return the block at a height of the canonical chain, or None above the head."""

        async def work(endpoint: RpcEndpoint) -> BlockStamp | None:
            answer = await endpoint.request("eth_getBlockByNumber", [hex(number), False])
            return None if answer is None else shapes.block(answer, number)

        return await self._pool.ask(work)

    async def block_at_time(self, timestamp: Timestamp) -> BlockStamp | None:
        """Return the first block with at least this timestamp, or None when the chain is not there yet.

        Bisects block headers, about 25 requests on a long chain; old state is not needed.
        """
        found = await self.head()
        if found.timestamp < timestamp:
            return None
        low = 0
        while low < found.number:
            middle = await self.block((low + found.number) // 2)
            if middle is None:
                raise ChainUnavailable("a block below the head is missing: the endpoints disagree")
            if middle.timestamp >= timestamp:
                found = middle
            else:
                low = middle.number + 1
        return found

    async def call(self, call: Call, at: BlockStamp | None = None) -> bytes:
        """Run a call without a transaction, at one block (None: newest); raises `CallReverted`.

        A call with a sender is a simulation, and one endpoint alone cannot veto it: a refusal stands only
        if no other current endpoint lets the call through.
        """

        async def work(endpoint: RpcEndpoint) -> bytes:
            (answer,) = await _eth_call(endpoint, [call], at)
            return answer

        return await self._agreed(work, call)

    async def call_many(self, calls: Sequence[Call], at: BlockStamp | None = None) -> list[bytes]:
        """Run several calls at one block, in one request where the endpoint allows; raises `CallReverted`."""
        if not calls:
            return []
        return await self._pool.ask(lambda endpoint: _eth_call(endpoint, calls, at))

    async def logs(
        self, addresses: Sequence[Address], topics: Sequence[Hash32], first: int, last: int
    ) -> list[Log]:
        """Return logs of `addresses` whose first topic is among `topics`, blocks first..last inclusive.

        In chain order; the range is split as the endpoints require.
        """
        return await self._scanner.fetch(addresses, topics, first, last)

    async def code(self, address: Address) -> bytes:
        """Return the code at an address, empty when there is none."""

        async def work(endpoint: RpcEndpoint) -> bytes:
            return shapes.data(await endpoint.request("eth_getCode", [str(address), "latest"]), "eth_getCode")

        return await self._pool.ask(work)

    async def balance(self, address: Address) -> Wei:
        """Return the newest balance."""
        return Wei(await self._number("eth_getBalance", [str(address), "latest"]))

    async def transaction_count(
        self, address: Address, at: int | Literal["latest", "pending"] = "latest"
    ) -> int:
        """Return how many transactions of the account are mined: the lowest nonce not used on chain.

        As of a block height, or with those that wait in one node's pool without a gap before them.
        """
        block = hex(at) if isinstance(at, int) else at
        return await self._number("eth_getTransactionCount", [str(address), block])

    async def final_transaction_count(self, address: Address, depth: int) -> int:
        """Return how many transactions of the account no reorg can take back.

        Those of the finalized block; where an endpoint knows none, of the block `depth` below its newest.
        """

        async def work(endpoint: RpcEndpoint) -> int:
            method = "eth_getTransactionCount"
            try:
                return shapes.quantity(await endpoint.request(method, [str(address), "finalized"]), method)
            except RpcAnsweredError:
                newest = shapes.block(await endpoint.request("eth_getBlockByNumber", ["latest", False]))
                block = hex(max(0, newest.number - depth))
                return shapes.quantity(await endpoint.request(method, [str(address), block]), method)

        return await self._pool.ask(work)

    async def estimate_gas(self, call: Call) -> int:
        """Return the gas units the call needs now; raises `CallReverted` on the same terms as `call`."""

        async def work(endpoint: RpcEndpoint) -> int:
            try:
                answer = await endpoint.request("eth_estimateGas", [_call_object(call)])
            except RpcAnsweredError as error:
                _raise_for(error)
                raise
            return shapes.quantity(answer, "eth_estimateGas")

        return await self._agreed(work, call)

    async def fee_facts(self) -> FeeFacts:
        """Return the base fee of the next block and the tip that recent transactions paid."""
        return await self._pool.ask(fees.read)

    async def broadcast(self, raw: bytes) -> Accepted | Rejected:
        """Hand signed bytes to every endpoint once, without retries.

        `Accepted` names the endpoints that returned the transaction's own hash; a node that already has it
        says so in a `Rejected`, whose words the sender knows. Raises `ChainUnavailable` if none answers.
        """
        expected = Hash32(keccak(raw))

        async def work(endpoint: RpcEndpoint) -> Rejected | None:
            try:
                answer = await endpoint.request("eth_sendRawTransaction", ["0x" + raw.hex()])
            except RpcAnsweredError as error:
                return Rejected(error.code, error.message, _text(error.data))
            if shapes.hash32(answer, "eth_sendRawTransaction") != expected:
                raise EndpointMisbehaved(
                    f"eth_sendRawTransaction: expected {expected}, got {shorten(answer)}"
                )
            return None

        answers = await self._pool.ask_all(self._pool.everyone(), work, enough=lambda answer: answer is None)
        taken = tuple(state.name for state, answer in answers if answer is None)
        if taken:
            return Accepted(taken)
        refusals = [answer for _, answer in answers if isinstance(answer, Rejected)]
        if refusals:
            return replace(refusals[0], others=tuple(refusals[1:]))
        told = "; ".join(f"{state.name}: {failure}" for state, failure in answers)
        raise ChainUnavailable(f"no RPC endpoint took the transaction: {told or 'all are quarantined'}")

    async def is_held(self, tx_hash: Hash32) -> bool:
        """Return whether any endpoint has a transaction, waiting or mined, or cannot be asked about it."""

        async def work(endpoint: RpcEndpoint) -> bool:
            return await endpoint.request("eth_getTransactionByHash", [str(tx_hash)]) is not None

        everyone = self._pool.everyone()
        answers = await self._pool.ask_all(everyone, work, enough=lambda held: held)
        return len(answers) < len(everyone) or any(answer is not False for _, answer in answers)

    async def receipt(self, tx_hash: Hash32) -> Receipt | None:
        """Return the receipt on the canonical chain, or None when no usable endpoint has one.

        Where there are two endpoints it takes two to believe it; while they contradict each other it is
        `ChainUnavailable`.
        """
        return await self._receipts.read(tx_hash)

    async def transaction_input(self, tx_hash: Hash32) -> bytes | None:
        """Return the calldata of a transaction, or None when no usable endpoint knows it."""

        async def work(endpoint: RpcEndpoint) -> bytes | None:
            answer = await endpoint.request("eth_getTransactionByHash", [str(tx_hash)])
            return None if answer is None else shapes.transaction_input(answer, tx_hash)

        return await self._known_to_any(work)

    async def _known_to_any(self, work: Work[_T | None]) -> _T | None:
        """Ask one endpoint, and the others too where it knows nothing: one node's null may be its lag."""
        found = await self._pool.ask(work)
        if found is not None or len(self._pool.states) == 1:
            return found
        answers = await self._pool.ask_all(
            self._pool.current(), work, enough=lambda answer: answer is not None
        )
        return next(
            (
                answer
                for _, answer in answers
                if answer is not None and not isinstance(answer, EndpointFailure)
            ),
            None,
        )

    async def _agreed(self, work: Work[_T], call: Call) -> _T:
        try:
            return await self._pool.ask(work)
        except CallReverted:
            current = self._pool.current()
            if call.sender is None or len(current) == 1:
                raise

            async def opinion(endpoint: RpcEndpoint) -> _T | CallReverted:
                try:
                    return await work(endpoint)
                except CallReverted as refusal:
                    return refusal

            answers = await self._pool.ask_all(
                current, opinion, enough=lambda answer: not isinstance(answer, CallReverted)
            )
            for state, answer in answers:
                if not isinstance(answer, CallReverted | EndpointFailure):
                    _log.warning("endpoints disagree about a simulation", let_through_by=state.name)
                    return answer
            raise

    async def _number(self, method: str, params: list[Any]) -> int:
        async def work(endpoint: RpcEndpoint) -> int:
            return shapes.quantity(await endpoint.request(method, params), method)

        return await self._pool.ask(work)


async def _eth_call(endpoint: RpcEndpoint, calls: Sequence[Call], at: BlockStamp | None) -> list[bytes]:
    requests = [("eth_call", [_call_object(call), _block_tag(at)]) for call in calls]
    return [_call_result(answer) for answer in await endpoint.batch(requests)]


def _call_object(call: Call) -> dict[str, str]:
    fields = {"to": str(call.to), "data": "0x" + call.data.hex()}
    if call.sender is not None:
        fields["from"] = str(call.sender)
    if call.value:
        fields["value"] = hex(call.value)
    if call.gas is not None:
        fields["gas"] = hex(call.gas)
    return fields


def _block_tag(at: BlockStamp | None) -> str | dict[str, object]:
    """Pin by hash (EIP-1898): the state of one block, or an error once a reorg removed it."""
    return "latest" if at is None else {"blockHash": str(at.hash), "requireCanonical": True}


def _call_result(answer: Any) -> bytes:
    if isinstance(answer, RpcAnsweredError):
        _raise_for(answer)
        raise answer
    return shapes.data(answer, "eth_call")


def _raise_for(error: RpcAnsweredError) -> None:
    """Raise what the error of a call means, if it is about the call or the block and not about the node."""
    revert = as_revert(error)
    if revert is not None:
        raise revert
    if any(words in error.message.lower() for words in _UNKNOWN_BLOCK):
        raise EndpointBehind(str(error)) from error


def _text(data: object) -> str:
    return "" if data is None else bounded(data)
