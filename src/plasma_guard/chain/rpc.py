"""One JSON-RPC endpoint: a call ends within its deadline with a result, the node's error, or a failure."""

import asyncio
import math
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from web3 import AsyncHTTPProvider
from web3.exceptions import Web3Exception
from web3.types import RPCEndpoint

from plasma_guard.chain import http
from plasma_guard.chain.failures import (
    AnswerTooLarge,
    EndpointMisbehaved,
    EndpointOverloaded,
    EndpointUnreachable,
    HttpRefused,
    RpcAnsweredError,
    bounded,
)
from plasma_guard.domain.primitives import shorten

MAX_BODY = 64 * 2**20
DEADLINE = 10.0
MAX_BATCH = 100

Request = tuple[str, list[Any]]

_OVERLOADED = re.compile(
    r"rate.?limit|too many requests|requests? per second|request (count|limit)|quota|capacity exceeded"
    r"|daily|compute units|throttl",
    re.IGNORECASE,
)
_OVERLOADED_CODES = frozenset({-32029, -32097, 429})


class RpcEndpoint:
    """One node or provider, spoken to by raw JSON-RPC over HTTP.

    `name` is scheme, host and port alone: provider keys live in paths and must not be logged. `deadline` is
    seconds per request, body included; `max_body` bytes per answer.
    """

    def __init__(self, url: str, *, deadline: float = DEADLINE, max_body: int = MAX_BODY) -> None:
        self.name = endpoint_name(url)
        self._deadline = deadline
        self._max_body = max_body
        # The provider's own retries would repeat a broadcast: only the sender repeats one.
        self._provider = AsyncHTTPProvider(
            url,
            request_kwargs={
                "allow_redirects": False,
                "timeout": aiohttp.ClientTimeout(total=None),
                "headers": {"Content-Type": "application/json", "User-Agent": "plasma-guard"},
            },
            exception_retry_configuration=None,
        )
        # web3 guards its cache of sessions with one thread lock for the whole process, taken in a thread: a
        # deadline that ends the wait for it leaves it locked, and no call of any endpoint ever ends again.
        # This is the only seam that single and batched calls both pass.
        self._provider._request_session_manager = self  # type: ignore[assignment] # noqa: SLF001 (reason: above)
        self._session: aiohttp.ClientSession | None = None
        self._batches = True

    def __repr__(self) -> str:
        return f"RpcEndpoint({self.name})"

    async def close(self) -> None:
        """Close the connections; the endpoint opens new ones when used again."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def request(self, method: str, params: list[Any]) -> Any:
        """Return the result of one call; raises `RpcAnsweredError` or an `EndpointFailure`."""
        answer = await self._exchange(
            method, lambda: self._provider.make_request(RPCEndpoint(method), params)
        )
        return _result(method, answer)

    async def batch(self, requests: Sequence[Request]) -> list[Any | RpcAnsweredError]:
        """Return results or errors in the order asked, in as few requests as the endpoint allows.

        An endpoint that refuses a batch once is asked one by one from then on. Raises `EndpointFailure`.
        """
        answers: list[Any | RpcAnsweredError] = []
        for start in range(0, len(requests), MAX_BATCH):
            part = requests[start : start + MAX_BATCH]
            together = await self._together(part) if self._batches and len(part) > 1 else None
            answers += together if together is not None else await self._one_by_one(part)
        return answers

    async def _one_by_one(self, requests: Sequence[Request]) -> list[Any | RpcAnsweredError]:
        answers: list[Any | RpcAnsweredError] = []
        for method, params in requests:
            try:
                answers.append(await self.request(method, params))
            except RpcAnsweredError as error:
                answers.append(error)
        return answers

    async def _together(self, requests: Sequence[Request]) -> list[Any | RpcAnsweredError] | None:
        calls = [(RPCEndpoint(method), params) for method, params in requests]
        try:
            answer = await self._exchange("batch", lambda: self._provider.make_batch_request(calls))
        except AnswerTooLarge:
            raise
        except (EndpointMisbehaved, HttpRefused):
            # A refused batch has no agreed form; single calls tell whether the node is well.
            self._batches = False
            return None
        if not _answers_in_order(answer, len(calls)):
            if isinstance(answer, dict) and isinstance(error := answer.get("error"), dict):
                failure = _error("batch", error)
                if isinstance(failure, EndpointOverloaded):
                    raise failure
            self._batches = False
            return None
        results: list[Any | RpcAnsweredError] = []
        for (method, _), item in zip(requests, answer, strict=True):
            try:
                results.append(_result(method, item))
            except RpcAnsweredError as error:
                results.append(error)
        return results

    async def _exchange(self, method: str, send: Any) -> Any:
        try:
            async with asyncio.timeout(self._deadline):
                return await send()
        except TimeoutError as error:
            raise EndpointUnreachable(f"{method}: no answer within {self._deadline:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            # Only the kind: the text of a client error may hold the URL and with it the provider's key.
            raise EndpointUnreachable(f"{method}: {type(error).__name__}") from error
        except (ValueError, TypeError, KeyError, AttributeError, Web3Exception) as error:
            raise EndpointMisbehaved(f"{method}: the answer is not JSON-RPC") from error

    async def async_make_post_request(self, endpoint_uri: str, data: bytes, **kwargs: Any) -> bytes:
        """Post `data` and return the answer's body: all the provider needs of a session manager."""
        if self._session is None or self._session.closed:
            self._session = http.session(self._max_body)
        async with self._session.post(endpoint_uri, data=data, **kwargs) as answer:
            answer.raise_for_status()
            return await answer.read()


def endpoint_name(url: str) -> str:
    """Return what may be shown of an endpoint's URL: scheme, host and port."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def _answers_in_order(answer: Any, count: int) -> bool:
    """Whether a batch came back whole: web3 sorts answers by id, and ids count up by one."""
    if not isinstance(answer, list) or len(answer) != count:
        return False
    ids = [item.get("id") if isinstance(item, dict) else None for item in answer]
    first = ids[0]
    return isinstance(first, int) and ids == list(range(first, first + count))


def _result(method: str, answer: Any) -> Any:
    if not isinstance(answer, dict):
        raise EndpointMisbehaved(f"{method}: expected a JSON object, got {shorten(answer)}")
    error = answer.get("error")
    if error is not None:
        raise _error(method, error)
    if "result" not in answer:
        raise EndpointMisbehaved(f"{method}: neither result nor error in {shorten(answer)}")
    return answer["result"]


def _error(method: str, error: Any) -> Exception:
    if not isinstance(error, dict):
        return EndpointMisbehaved(f"{method}: error is not an object: {shorten(error)}")
    code = error.get("code")
    if isinstance(code, float) and math.isfinite(code):
        code = int(code)
    if not isinstance(code, int):
        code = 0
    message = bounded(error.get("message", ""))
    if code in _OVERLOADED_CODES or _OVERLOADED.search(message):
        return EndpointOverloaded(f"{method}: {message} (code {code})")
    return RpcAnsweredError(code, message, error.get("data"))
