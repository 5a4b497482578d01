"""Receipts are believed on the word of two endpoints, where there are two."""

from plasma_guard.chain import shapes
from plasma_guard.chain.disputes import Disputes
from plasma_guard.chain.endpoints import EndpointPool
from plasma_guard.chain.failures import EndpointBehind, EndpointFailure
from plasma_guard.chain.rpc import RpcEndpoint
from plasma_guard.chain.state import EndpointState
from plasma_guard.domain.primitives import Hash32
from plasma_guard.domain.transactions import Receipt

KEPT = 4096
NEWS_SECONDS = 60.0
"""How long the others may take to see a new block; one that takes longer lags, and is not asked."""


class Receipts:
    """Reads receipts; one that a second endpoint confirmed is not asked about there again."""

    def __init__(self, pool: EndpointPool, disputes: Disputes) -> None:
        self._pool = pool
        self._disputes = disputes
        self._known: dict[Hash32, tuple[Receipt, bool]] = {}
        """The last receipt of a transaction, and whether a second endpoint confirmed it."""

    async def read(self, tx_hash: Hash32) -> Receipt | None:
        """Return the receipt on the canonical chain, or None when there is none.

        Raises `ChainUnavailable` where one endpoint has it and another current one has not.
        """
        known, confirmed = self._known.get(tx_hash, (None, False))

        async def work(endpoint: RpcEndpoint) -> Receipt | None:
            receipt = await _request(endpoint, tx_hash)
            if receipt is None and known is not None and not await _is_reorged(endpoint, known):
                raise EndpointBehind("eth_getTransactionReceipt: a receipt that there was is not known yet")
            return receipt

        by, found = await self._pool.ask_who(work)
        if found is None:
            answers = await self._pool.ask_all(
                self._pool.others(by), work, enough=lambda answer: answer is not None
            )
            for state, answer in answers:
                if isinstance(answer, Receipt):
                    by, found = state, answer
                    break
        if found is None or (confirmed and _same(found, known)):
            return found
        return await self._corroborated(found, by)

    async def _corroborated(self, found: Receipt, by: EndpointState) -> Receipt | None:
        """Return what is to be believed of a receipt that one endpoint gave."""

        async def opinion(endpoint: RpcEndpoint) -> Receipt | None:
            receipt = await _request(endpoint, found.tx_hash)
            if receipt is None:
                number = hex(found.block_number)
                if await endpoint.request("eth_getBlockByNumber", [number, False]) is None:
                    raise EndpointBehind(f"eth_getTransactionReceipt: block {number} is not known yet")
            return receipt

        answers = await self._pool.ask_all(
            self._pool.others(by), opinion, enough=lambda answer: _same(found, answer)
        )
        opinions = [(state, answer) for state, answer in answers if not isinstance(answer, EndpointFailure)]
        thing = f"receipt/{found.tx_hash}"
        agreed = any(_same(found, answer) for _, answer in opinions)
        behind = [state for state, answer in answers if isinstance(answer, EndpointBehind)]
        if agreed or not (opinions or behind):  # where nobody else can tell, one word is all there is
            self._remember(found, confirmed=agreed)
            self._disputes.settled(thing)
            return found
        if not opinions:  # a block that nobody else has yet is news, or an invention
            others = ", ".join(state.name for state in behind)
            words = (
                f"transaction {found.tx_hash}: {by.name} says that {_words(found)}, a block that {others} "
                "does not know"
            )
            raise self._disputes.wait(thing, words, NEWS_SECONDS)
        words = f"{by.name} says that {_words(found)}; " + "; ".join(
            f"{state.name} says that {_words(answer)}" for state, answer in opinions
        )
        (_, other), *rest = opinions
        if rest and all(_same(other, answer) for _, answer in rest):
            self._disputes.tell(thing, f"transaction {found.tx_hash}: {words}; the majority is believed")
            self._pool.distrust(by, f"eth_getTransactionReceipt: {words}")
            return other
        raise self._disputes.wait(thing, f"transaction {found.tx_hash}: {words}; nothing rests on one word")

    def _remember(self, receipt: Receipt, *, confirmed: bool) -> None:
        self._known.pop(receipt.tx_hash, None)
        self._known[receipt.tx_hash] = receipt, confirmed
        if len(self._known) > KEPT:
            del self._known[next(iter(self._known))]


async def _request(endpoint: RpcEndpoint, tx_hash: Hash32) -> Receipt | None:
    answer = await endpoint.request("eth_getTransactionReceipt", [str(tx_hash)])
    return None if answer is None else shapes.receipt(answer, tx_hash)


async def _is_reorged(endpoint: RpcEndpoint, known: Receipt) -> bool:
    """Return whether another block is where the receipt's block was: its absence alone is somebody's lag."""
    answer = await endpoint.request("eth_getBlockByNumber", [hex(known.block_number), False])
    return answer is not None and shapes.block(answer, known.block_number).hash != known.block_hash


def _same(one: Receipt | None, other: Receipt | None) -> bool:
    """Return whether both say the same; old nodes tell no price."""
    if one is None or other is None:
        return one is other
    return (one.tx_hash, one.block_hash, one.success) == (other.tx_hash, other.block_hash, other.success)


def _words(receipt: Receipt | None) -> str:
    if receipt is None:
        return "it is not mined"
    outcome = "succeeded" if receipt.success else "failed"
    return f"it {outcome} in block {receipt.block_number}"
