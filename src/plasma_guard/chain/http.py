"""An HTTP session whose answers cannot outgrow a cap, whatever the other side sends."""

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import aiohttp

from plasma_guard.chain.failures import (
    AnswerTooLarge,
    EndpointOverloaded,
    EndpointUnreachable,
    HttpRefused,
    NotJsonRpc,
)
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.nesting import check_depth

MAX_DEPTH = 32
"""Deepest nesting of an answer; real ones stay below ten."""


def session(max_body: int) -> aiohttp.ClientSession:
    """Open a session that reads at most `max_body` bytes of any answer, counted after decompression."""

    class Bounded(_BoundedResponse):
        limit = max_body

    return aiohttp.ClientSession(
        response_class=Bounded,
        headers={"Content-Type": "application/json", "User-Agent": "plasma-guard"},
        timeout=aiohttp.ClientTimeout(total=None),
        connector=aiohttp.TCPConnector(limit=32),
    )


class _BoundedResponse(aiohttp.ClientResponse):
    """Reads up to `limit` bytes and turns HTTP failures into ours.

    Some providers send a JSON-RPC error with HTTP 400 or 500: that body is an answer and is kept.
    """

    limit = 0

    async def read(self) -> bytes:
        body = await self._read_bounded()
        if self.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise EndpointOverloaded("HTTP 429: too many requests", retry_after=_retry_after(self.headers))
        if self.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise AnswerTooLarge("HTTP 413: too large")
        if self.status >= HTTPStatus.MULTIPLE_CHOICES and not _is_rpc_error(body):
            refused = self.status < HTTPStatus.INTERNAL_SERVER_ERROR
            kind = HttpRefused if refused else EndpointUnreachable
            raise kind(f"HTTP {self.status}", retry_after=_retry_after(self.headers))
        try:
            check_depth(body, MAX_DEPTH)
        except MalformedError as error:
            raise NotJsonRpc(str(error)) from error
        return body

    async def _read_bounded(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            async for part in self.content.iter_any():
                size += len(part)
                if size > self.limit:
                    break
                parts.append(part)
        finally:
            if not self.content.at_eof():  # too large, or cancelled by the deadline
                self.close()
        if size > self.limit:
            raise AnswerTooLarge(f"answer larger than {self.limit} bytes")
        return b"".join(parts)


def _is_rpc_error(body: bytes) -> bool:
    try:
        check_depth(body, MAX_DEPTH)
        answer: Any = json.loads(body)
    except ValueError:
        return False
    items = answer if isinstance(answer, list) and answer else [answer]
    return all(isinstance(item, dict) and isinstance(item.get("error"), dict) for item in items)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a server wants to be left alone; a date is read by the server's own clock."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        until, now = (parsedate_to_datetime(each) for each in (value, headers.get("Date", "")))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):  # no date, or one with a time zone and one without
        return None
