"""Wait for a fact about another process: asked again and again, never slept for."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")
PATIENCE = 30.0
LOOK_EVERY = 0.03


@overload
async def until(fact: Callable[[], Awaitable[T]], what: str, *, patience: float = ...) -> T: ...
@overload
async def until(fact: Callable[[], T], what: str, *, patience: float = ...) -> T: ...
async def until(fact: Callable[[], Any], what: str, *, patience: float = PATIENCE) -> Any:
    """Return the first truthy value of `fact`; fail naming `what` when `patience` seconds bring none.

    The one place that waits by the clock: the guard under test is another process with a clock of its own.
    """
    end = time.monotonic() + patience
    while True:
        value = fact()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < end, f"within {patience:g} s it did not happen that {what}"
        await asyncio.sleep(LOOK_EVERY)
