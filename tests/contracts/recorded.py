"""A Chain that answers reads and log scans from recorded data."""

from collections.abc import Mapping, Sequence
from typing import Any

from plasma_guard.domain.blocks import BlockStamp, Log
from plasma_guard.domain.errors import CallReverted
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, parse_hex
from plasma_guard.ports import Call

HEAD = BlockStamp(100, Hash32(b"\x0c" * 32), Timestamp(1_700_000_000), Hash32(b"\x0b" * 32))


class RecordedChain:
    """Answers reads (by address and calldata), logs and transactions from a recording; one block, `HEAD`."""

    def __init__(
        self,
        answers: Mapping[tuple[Address, bytes], bytes] | None = None,
        logs: Sequence[Log] = (),
        inputs: Mapping[Hash32, bytes] | None = None,
    ) -> None:
        self.answers = dict(answers or {})
        self.recorded_logs = list(logs)
        self.inputs = dict(inputs or {})
        self.asked_at: list[BlockStamp | None] = []

    async def head(self) -> BlockStamp:
        return HEAD

    async def block(self, number: int) -> BlockStamp | None:
        return BlockStamp(number, HEAD.hash, HEAD.timestamp, HEAD.parent) if number <= HEAD.number else None

    async def call(self, call: Call, at: BlockStamp | None = None) -> bytes:
        self.asked_at.append(at)
        if (call.to, call.data) not in self.answers:
            raise CallReverted(None)
        return self.answers[call.to, call.data]

    async def call_many(self, calls: Sequence[Call], at: BlockStamp | None = None) -> list[bytes]:
        return [await self.call(call, at) for call in calls]

    async def logs(
        self, addresses: Sequence[Address], topics: Sequence[Hash32], first: int, last: int
    ) -> list[Log]:
        return [log for log in self.recorded_logs if log.address in addresses and log.topics[0] in topics]

    async def transaction_input(self, tx_hash: Hash32) -> bytes | None:
        return self.inputs.get(tx_hash)


def recorded_log(raw: Mapping[str, Any], *, block: int = 100, index: int = 0, tx: bytes = b"\x01") -> Log:
    """Turn a log of the vectors, which leave its place out, into one of the domain."""
    return Log(
        address=Address.parse(raw["address"]),
        topics=tuple(Hash32.parse(topic) for topic in raw["topics"]),
        data=parse_hex(raw["data"], "data"),
        block_number=block,
        block_hash=Hash32(b"\x0c" * 32),
        tx_hash=Hash32(tx.rjust(32, b"\x00")),
        log_index=index,
    )
