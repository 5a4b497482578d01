"""Log scans adapt their range to what the endpoint can stand."""

import re
from collections.abc import Sequence
from typing import Any

from plasma_guard.chain import shapes
from plasma_guard.chain.disputes import Disputes
from plasma_guard.chain.endpoints import EndpointPool, Work
from plasma_guard.chain.failures import (
    AnswerTooLarge,
    EndpointBehind,
    EndpointFailure,
    EndpointMisbehaved,
    RpcAnsweredError,
)
from plasma_guard.chain.rpc import RpcEndpoint
from plasma_guard.chain.state import EndpointState
from plasma_guard.domain.blocks import Log
from plasma_guard.domain.errors import ChainUnavailable
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.ports import Clock

MIN_RANGE = 2
MAX_RANGE = 100_000
FIRST_RANGE = 10_000
QUICK_SECONDS = 2.0
SLOW_SECONDS = 5.0

FINAL_BLOCKS = 32
"""An epoch: blocks this deep under the head are not expected to change any more."""
CHECK_BLOCKS = 16
"""Silence about fewer final blocks is not questioned yet: one more request per 16 blocks is what it costs."""

_REFUSED_RANGE = re.compile(
    r"range|too (many|large|big|wide|long)|more than [\d,]+|response size|exceed|limited to|limit to"
    r"|time(d)? ?out|max(imum)? (results|logs|block)|query returned",
    re.IGNORECASE,
)


_Filter = tuple[tuple[Address, ...], tuple[Hash32, ...]]


class _RangeRefused(Exception):
    """The endpoint wants a smaller range."""


class LogScanner:
    """Reads logs in ranges of 2 to 100,000 blocks: x2 when quick, ÷2 when slow, ÷5 when refused.

    That there are none in final blocks is believed on the word of two endpoints, where there are two.
    """

    def __init__(
        self, pool: EndpointPool, clock: Clock, disputes: Disputes, *, first_range: int = FIRST_RANGE
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._disputes = disputes
        self._range = first_range
        self._silent: dict[_Filter, tuple[int, int]] = {}
        self.head = 0
        """The newest block that is known, which says what is final."""

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
        wanted = (tuple(addresses), tuple(topics))
        by, logs = await self._pool.ask_who(_reading(wanted, start, end))
        took = self._clock.monotonic() - began
        if took > SLOW_SECONDS:
            self._range = max(MIN_RANGE, self._range // 2)
        elif took < QUICK_SECONDS and end - start + 1 >= self._range:
            self._range = min(MAX_RANGE, self._range * 2)
        return await self._questioned(logs, by, wanted, start, end)

    async def _questioned(
        self, logs: list[Log], by: EndpointState, wanted: _Filter, start: int, end: int
    ) -> list[Log]:
        """Return the logs, with those that another endpoint has where this one had none at all.

        What two endpoints agreed about is remembered per filter as one stretch of blocks, so that a window
        that moves along with the head is questioned once per block.
        """
        first, last = self._silent.get(wanted, (start, start - 1))
        if not first <= start <= last + 1:
            first, last = start, start - 1
        begin, until = max(start, last + 1), min(end, self.head - FINAL_BLOCKS)
        if until - begin + 1 < CHECK_BLOCKS:
            return logs
        if any(begin <= log.block_number <= until for log in logs):
            self._silent[wanted] = (first, until)
            return logs
        for other in self._pool.others(by):
            try:
                found = await self._of(other, wanted, begin, until)
            except EndpointFailure:
                continue
            if not found:
                self._silent[wanted] = (first, until)
                self._disputes.settled("logs")
                return logs
            places = ", ".join(str(number) for number in sorted({log.block_number for log in found})[:5])
            self._disputes.tell(
                "logs",
                f"{by.name} says that there are no logs in blocks {begin} to {until}; {other.name} has"
                f" {len(found)}, in block {places}; they are taken as true",
            )
            return sorted([*logs, *found], key=lambda log: (log.block_number, log.log_index))
        return logs

    async def _of(self, state: EndpointState, wanted: _Filter, start: int, end: int) -> list[Log]:
        """Return one endpoint's logs, in as many ranges as it wants; raises `EndpointFailure`."""
        try:
            return await self._pool.run(state, _reading(wanted, start, end))
        except _RangeRefused as refused:
            if start == end:
                raise EndpointFailure(f"eth_getLogs: block {start} is refused") from refused
            middle = (start + end) // 2
            head = await self._of(state, wanted, start, middle)
            return head + await self._of(state, wanted, middle + 1, end)


def _reading(wanted: _Filter, start: int, end: int) -> Work[list[Log]]:
    addresses, topics = wanted

    async def work(endpoint: RpcEndpoint) -> list[Log]:
        return await _read(endpoint, addresses, topics, start, end)

    return work


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
