"""Log scans adapt their range to what the endpoint can stand."""

import re
from collections.abc import Sequence
from typing import Any

from plasma_guard.chain import shapes
from plasma_guard.chain.endpoints import EndpointPool
from plasma_guard.chain.failures import (
    AnswerTooLarge,
    EndpointBehind,
    EndpointMisbehaved,
    RpcAnsweredError,
)
from plasma_guard.chain.rpc import RpcEndpoint
from plasma_guard.domain.blocks import Log
from plasma_guard.domain.errors import ChainUnavailable
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.ports import Clock

MIN_RANGE = 2
MAX_RANGE = 100_000
FIRST_RANGE = 10_000
QUICK_SECONDS = 2.0
SLOW_SECONDS = 5.0

_REFUSED_RANGE = re.compile(
    r"range|too (many|large|big|wide|long)|more than [\d,]+|response size|exceed|limited to|limit to"
    r"|time(d)? ?out|max(imum)? (results|logs|block)|query returned",
    re.IGNORECASE,
)


class _RangeRefused(Exception):
    """The endpoint wants a smaller range."""


class LogScanner:
    """Reads logs in ranges of 2 to 100,000 blocks: x2 when quick, ÷2 when slow, ÷5 when refused."""

    def __init__(self, pool: EndpointPool, clock: Clock, *, first_range: int = FIRST_RANGE) -> None:
        self._pool = pool
        self._clock = clock
        self._range = first_range

    @property
    def range(self) -> int:
        """The number of blocks that the next request covers at most."""
        return self._range

    async def fetch(
        self, addresses: Sequence[Address], topics: Sequence[Hash32], first: int, last: int
    ) -> list[Log]:
        """Return the logs of blocks first..last in chain order; raises `ChainUnavailable`."""
        found: list[Log] = []
        start = first
        while start <= last:
            end = min(last, start + self._range - 1)
            try:
                found += await self._part(addresses, topics, start, end)
            except _RangeRefused:
                self._range = max(MIN_RANGE, min(self._range, end - start + 1) // 5)
                if end - start < MIN_RANGE:
                    end = start
                    found += await self._part(addresses, topics, start, end)
                    start = end + 1
                continue
            except ChainUnavailable:
                # A range too large for a node can also look like silence; the next scan asks for less.
                self._range = max(MIN_RANGE, self._range // 5)
                raise
            start = end + 1
        return found

    async def _part(
        self, addresses: Sequence[Address], topics: Sequence[Hash32], start: int, end: int
    ) -> list[Log]:
        began = self._clock.monotonic()

        async def work(endpoint: RpcEndpoint) -> list[Log]:
            return await _read(endpoint, addresses, topics, start, end)

        logs = await self._pool.ask(work)
        took = self._clock.monotonic() - began
        if took > SLOW_SECONDS:
            self._range = max(MIN_RANGE, self._range // 2)
        elif took < QUICK_SECONDS and end - start + 1 >= self._range:
            self._range = min(MAX_RANGE, self._range * 2)
        return logs


async def _read(
    endpoint: RpcEndpoint, addresses: Sequence[Address], topics: Sequence[Hash32], start: int, end: int
) -> list[Log]:
    query: dict[str, Any] = {
        "fromBlock": hex(start),
        "toBlock": hex(end),
        "address": [str(address) for address in addresses],
        "topics": [[str(topic) for topic in topics]],
    }
    # A node that has not seen the last block answers with too few logs and no error, so ask for it too.
    try:
        answer, header = await endpoint.batch(
            [("eth_getLogs", [query]), ("eth_getBlockByNumber", [hex(end), False])]
        )
    except AnswerTooLarge as failure:
        if start == end:
            raise
        raise _RangeRefused from failure
    if isinstance(answer, RpcAnsweredError):
        if start < end and _REFUSED_RANGE.search(answer.message):
            raise _RangeRefused
        raise answer
    if isinstance(header, RpcAnsweredError):
        raise header
    if header is None:
        raise EndpointBehind(f"eth_getLogs: block {end} is not known yet")
    shapes.block(header, end)
    return _checked(answer, set(addresses), set(topics), start, end)


def _checked(answer: Any, addresses: set[Address], topics: set[Hash32], start: int, end: int) -> list[Log]:
    """Return the logs asked for; one that was not asked for condemns the whole answer."""
    found: dict[tuple[int, int], Log] = {}
    for item in shapes.sequence(answer, "eth_getLogs"):
        log = shapes.log(item)
        if log is None:
            continue
        if (
            log.address not in addresses
            or not log.topics
            or log.topics[0] not in topics
            or not start <= log.block_number <= end
        ):
            raise EndpointMisbehaved(
                f"eth_getLogs: a log of {log.address} in block {log.block_number} not asked for"
            )
        found[log.block_number, log.log_index] = log
    return [found[place] for place in sorted(found)]
