"""One JSON-RPC endpoint: a call ends within its deadline with a result, the node's error, or a failure."""

import asyncio
import itertools
import json
import math
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from plasma_guard.chain import http
from plasma_guard.chain.failures import (
    AnswerTooLarge,
    EndpointMisbehaved,
    EndpointOverloaded,
    EndpointUnreachable,
    HttpRefused,
    NotJsonRpc,
    RpcAnsweredError,
    bounded,
    is_overload,
)
from plasma_guard.domain.primitives import shorten

MAX_BODY = 64 * 2**20
DEADLINE = 10.0
MAX_BATCH = 100

Request = tuple[str, list[Any]]


class RpcEndpoint:
    """One node or provider, spoken to by raw JSON-RPC over HTTP.

    `name` is scheme, host and port alone: provider keys live in paths and must not be logged. `deadline` is
    seconds per request, body included; `max_body` bytes per answer.
    """

    def __init__(self, url: str, *, deadline: float = DEADLINE, max_body: int = MAX_BODY) -> None:
        self.name = endpoint_name(url)
        self._deadline = deadline
        self._max_body = max_body
        self._url = url
        self._session: aiohttp.ClientSession | None = None
        self._ids = itertools.count(1)
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
        number, question = self._question(method, params)
        answer = await self._exchange(method, question)
        result = _result(method, answer)
        if answer.get("id") != number:
            raise EndpointMisbehaved(f"{method}: the answer is to another request")
        return result

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
        ids, questions = zip(*(self._question(method, params) for method, params in requests), strict=True)
        try:
            answer = await self._exchange("batch", questions)
        except AnswerTooLarge:
            raise
        except (EndpointMisbehaved, HttpRefused):
            # A refused batch has no agreed form; single calls tell whether the node is well.
            self._batches = False
            return None
        items = _in_order(answer, ids)
        if items is None:
            if isinstance(answer, dict) and isinstance(error := answer.get("error"), dict):
                failure = _error("batch", error)
                if isinstance(failure, EndpointOverloaded):
                    raise failure
            self._batches = False
            return None
        results: list[Any | RpcAnsweredError] = []
        for (method, _), item in zip(requests, items, strict=True):
            try:
                results.append(_result(method, item))
            except RpcAnsweredError as error:
                results.append(error)
        return results

    def _question(self, method: str, params: list[Any]) -> tuple[int, dict[str, Any]]:
        """Return a request and its id, which no other request has."""
        number = next(self._ids)
        return number, {"jsonrpc": "2.0", "id": number, "method": method, "params": params}

    async def _exchange(self, method: str, question: Any) -> Any:
        try:
            async with asyncio.timeout(self._deadline):
                # Decoded here because json.loads would also guess UTF-16, which the depth check cannot read.
                return json.loads((await self._post(json.dumps(question).encode())).decode())
        except TimeoutError as error:
            raise EndpointUnreachable(f"{method}: no answer within {self._deadline:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            # Only the kind: the text of a client error may hold the URL and with it the provider's key.
            raise EndpointUnreachable(f"{method}: {type(error).__name__}") from error
        except ValueError as error:
            raise NotJsonRpc(f"{method}: the answer is not JSON-RPC") from error

    async def _post(self, body: bytes) -> bytes:
        if self._session is None or self._session.closed:
            self._session = http.session(self._max_body)
        async with self._session.post(self._url, data=body, allow_redirects=False) as answer:
            return await answer.read()


def endpoint_name(url: str) -> str:
    """Return what may be shown of an endpoint's URL: scheme, host and port."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def _in_order(answer: Any, ids: Sequence[int]) -> list[Any] | None:
    """Return a batch's answers in the order asked, None when it did not come back whole."""
    if not isinstance(answer, list) or len(answer) != len(ids):
        return None
    numbers = [item.get("id") if isinstance(item, dict) else None for item in answer]
    if not all(isinstance(number, int) for number in numbers):
        return None
    by_id = dict(zip(numbers, answer, strict=True))
    return [by_id[number] for number in ids] if by_id.keys() == set(ids) else None


def _result(method: str, answer: Any) -> Any:
    if not isinstance(answer, dict):
        raise NotJsonRpc(f"{method}: expected a JSON object, got {shorten(answer)}")
    error = answer.get("error")
    if error is not None:
        raise _error(method, error)
    if "result" not in answer:
        raise NotJsonRpc(f"{method}: neither result nor error in {shorten(answer)}")
    return answer["result"]


def _error(method: str, error: Any) -> Exception:
    if not isinstance(error, dict):
        return NotJsonRpc(f"{method}: error is not an object: {shorten(error)}")
    code = error.get("code")
    if isinstance(code, float) and math.isfinite(code):
        code = int(code)
    if not isinstance(code, int):
        code = 0
    message = bounded(error.get("message", ""))
    if is_overload(code, message):
        return EndpointOverloaded(f"{method}: {message} (code {code})")
    return RpcAnsweredError(code, message, error.get("data"))
