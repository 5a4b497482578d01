"""What every way of not answering becomes: the one place that turns transport and envelopes into errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError

from plasma_guard.domain.errors import (
    MalformedError,
    WatcherError,
    WatcherMisbehaved,
    WatcherNotReady,
    WatcherRefused,
    WatcherUnreachable,
)
from plasma_guard.domain.primitives import shorten
from plasma_guard.watcher.json import parse
from plasma_guard.watcher.schema import Envelope, Refusal

NOT_READY = frozenset(
    {"operation:service_unavailable", "connection:econnrefused", "get_status:econnrefused"},
)
"""The Watcher is starting, or has lost its own Ethereum node, which v0.2 says with `econnrefused`."""
_GATEWAY_STATUSES = frozenset({429, 502, 503, 504})
_TEXT_LIMIT = 200
_NAME_LIMIT = 60
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer with its body already read and within its size limit."""

    status: int
    content_type: str
    location: str
    body: bytes


@contextmanager
def transport_failures(endpoint: str, deadline: float) -> Iterator[None]:
    """Turn what the network or a broken server raises into `WatcherUnreachable` or `WatcherMisbehaved`."""
    try:
        yield
    except TimeoutError as error:
        raise WatcherUnreachable(f"{endpoint}: no complete answer within {deadline:g} s") from error
    except MalformedError as error:
        raise WatcherMisbehaved(f"{endpoint}: {error}") from error
    except (
        aiohttp.ServerDisconnectedError,
        aiohttp.ClientPayloadError,
        aiohttp.ClientResponseError,
    ) as error:
        raise WatcherMisbehaved(f"{endpoint}: broken HTTP: {_words(error)}") from error
    except (aiohttp.ClientError, OSError) as error:
        cause = shorten(str(error) or type(error).__name__, _TEXT_LIMIT)
        raise WatcherUnreachable(f"{endpoint}: no connection: {cause}") from error


def _words(error: aiohttp.ClientError) -> str:
    """Return what is wrong, without the URL that some errors print and that may hold a password."""
    text = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    return shorten(text, _TEXT_LIMIT)


def unwrap(endpoint: str, answer: Answer, max_depth: int) -> Envelope:
    """Return the envelope of a success; raises the `WatcherError` that fits anything else."""
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        raise WatcherMisbehaved(
            f"{endpoint}: redirects to {shorten(answer.location)}, which is not followed; "
            "configure the Watcher's final URL"
        )
    if answer.content_type.partition(";")[0].strip().lower() != "application/json":
        raise _not_json(endpoint, answer)
    try:
        envelope = validated(Envelope, parse(answer.body, max_depth=max_depth))
        refusal = None if envelope.success else validated(Refusal, envelope.data)
    except MalformedError as error:
        raise WatcherMisbehaved(f"{endpoint}: {error}") from error
    if refusal is not None:
        raise _refused(endpoint, refusal)
    if answer.status != HTTPStatus.OK:
        raise WatcherMisbehaved(f"{endpoint}: claims success with HTTP status {answer.status}")
    return envelope


def validated(model: type[_Model], value: object) -> _Model:
    """Return `value` read as `model`; raises `MalformedError` that names the first wrong field, bounded."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(map(_plain, first["loc"])) or "the answer"
        raise MalformedError(f"{field}: {first['msg']}, got {shorten(first['input'])}") from None


def _plain(part: str | int) -> str:
    """Return a field's name as it is when it is one; keys of maps are the Watcher's and can be anything."""
    text = str(part)
    return (
        text
        if len(text) <= _NAME_LIMIT and text.isascii() and text.replace("_", "a").isalnum()
        else shorten(text)
    )


def _not_json(endpoint: str, answer: Answer) -> WatcherError:
    kind = shorten(answer.content_type)
    text = f"{endpoint}: HTTP status {answer.status} with content type {kind} instead of JSON"
    if answer.status in _GATEWAY_STATUSES:
        return WatcherUnreachable(f"{text}: a gateway answered in its place")
    return WatcherMisbehaved(text)


def _refused(endpoint: str, refusal: Refusal) -> WatcherError:
    description = None if refusal.description is None else shorten(refusal.description, _TEXT_LIMIT)
    if refusal.code in NOT_READY:
        return WatcherNotReady(f"{endpoint}: {refusal.code}: {description}")
    messages = None if refusal.messages is None else shorten(refusal.messages, _TEXT_LIMIT)
    return WatcherRefused(refusal.code, description, messages)
