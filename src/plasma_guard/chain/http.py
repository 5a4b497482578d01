"""An HTTP session whose answers cannot outgrow a cap, whatever the other side sends."""

import json
from typing import Any

import aiohttp

from plasma_guard.chain.failures import AnswerTooLarge, EndpointOverloaded, EndpointUnreachable

_TOO_MANY_REQUESTS = 429
_FIRST_UNUSABLE_STATUS = 300
_PAYLOAD_TOO_LARGE = 413


def session(max_body: int) -> aiohttp.ClientSession:
    """Open a session that reads at most `max_body` bytes of any answer, counted after decompression."""

    class Bounded(_BoundedResponse):
        limit = max_body

    return aiohttp.ClientSession(response_class=Bounded, connector=aiohttp.TCPConnector(limit=32))


class _BoundedResponse(aiohttp.ClientResponse):
    """Reads up to `limit` bytes and turns HTTP failures into ours.

    Some providers send a JSON-RPC error with HTTP 400 or 500: that body is an answer and is kept.
    """

    limit = 0

    def raise_for_status(self) -> None:
        """Leave the status to `read`, which knows the body."""

    async def read(self) -> bytes:
        body = await self._read_bounded()
        if self.status == _TOO_MANY_REQUESTS:
            raise EndpointOverloaded("HTTP 429: too many requests")
        if self.status == _PAYLOAD_TOO_LARGE:
            raise AnswerTooLarge("HTTP 413: too large")
        if self.status >= _FIRST_UNUSABLE_STATUS and not _is_rpc_error(body):
            raise EndpointUnreachable(f"HTTP {self.status}")
        return body

    async def _read_bounded(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in self.content.iter_any():
            size += len(part)
            if size > self.limit:
                self.close()
                raise AnswerTooLarge(f"answer larger than {self.limit} bytes")
            parts.append(part)
        self.release()
        return b"".join(parts)


def _is_rpc_error(body: bytes) -> bool:
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and isinstance(answer.get("error"), dict)
