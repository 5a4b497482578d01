"""What can go wrong with one endpoint; none of it leaves this package."""

import re

from plasma_guard.domain.primitives import shorten

_OVERLOADED_CODES = frozenset({-32029, -32090, -32097, 402, 429})
_OVERLOADED = re.compile(
    r"rate.?limit|too many requests|requests? per second|request (count|limit|rate)|quota|daily|throttl"
    r"|compute units|concurrent requests|capacity (limit )?exceeded|credits limited|credit limit"
    r"|(rps|throughput|usage) limit|free tier|^limit exceeded\.?$",
    re.IGNORECASE,
)
"""docs/node-errors.md has the messages in full. -32005 alone decides nothing: nodes use it for ranges too."""

MAX_MESSAGE = 500
"""Longest piece of a node's own words that is kept, in characters."""


class EndpointFailure(Exception):
    """One endpoint gave no usable answer: ask another one.

    `counts` says whether it is the endpoint's fault; a fault leads towards a pause, mere lag does not. `lies`
    says that it answered in earnest and wrongly: it is quarantined at once. `retry_after` is for how many
    seconds it asked to be left alone.
    """

    counts = True
    lies = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class EndpointUnreachable(EndpointFailure):
    """Connection refused, reset, timed out, or an HTTP status that is not an answer."""


class HttpRefused(EndpointUnreachable):
    """An HTTP 4xx without a JSON-RPC body: the endpoint does not take this kind of request."""


class EndpointOverloaded(EndpointFailure):
    """HTTP 429 or a JSON-RPC error that means the same."""


class EndpointMisbehaved(EndpointFailure):
    """An answer of the wrong type, shape, hash or height, or to another question."""

    lies = True


class NotJsonRpc(EndpointMisbehaved):
    """Something else than JSON-RPC, such as the error page of a gateway: no answer of a node at all."""

    lies = False


class AnswerTooLarge(EndpointMisbehaved):
    """An answer longer than the cap; asking for less may help."""

    lies = False


class EndpointBehind(EndpointFailure):
    """The endpoint does not know a block that the question is about."""

    counts = False


class EndpointResting(EndpointFailure):
    """The endpoint was paused while a request waited for its turn."""

    counts = False


class WrongChain(EndpointFailure):
    """The endpoint serves another chain than the one guarded."""

    lies = True


class RpcAnsweredError(Exception):
    """A well-formed JSON-RPC error; `data` is as given, `message` bounded."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(f"{message} (code {code})")
        self.code = code
        self.message = message
        self.data = data


def bounded(text: object) -> str:
    """Return a node's words in printable form, at most `MAX_MESSAGE` characters."""
    clean = text if isinstance(text, str) else shorten(text, MAX_MESSAGE)
    printable = "".join(c if c.isprintable() else " " for c in clean[:MAX_MESSAGE])
    return printable if len(clean) <= MAX_MESSAGE else printable + "…"


def is_overload(code: int, message: str) -> bool:
    """Return whether a JSON-RPC error says that the endpoint serves no more for now."""
    return code in _OVERLOADED_CODES or _OVERLOADED.search(message) is not None
