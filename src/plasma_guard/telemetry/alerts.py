"""Alerts reach a person through the log at once, and through a webhook as soon as it takes them."""

import asyncio
import json
from collections import OrderedDict, deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

import httpx
import structlog
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.errors import RetryableError
from plasma_guard.domain.primitives import shorten
from plasma_guard.ports import Clock, Metrics
from plasma_guard.telemetry.secrets import redact

_log = structlog.get_logger()
_LOUDNESS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
_LONGEST_FACT = 500
_KEYS_REMEMBERED = 10_000
_QUEUE_LENGTH = 256
_ATTEMPTS = 20
"""With pauses up to a minute: some seven minutes, after which a standing alert waits for its repetition."""
_LONGEST_PAUSE = 60.0
_DEADLINE = 10.0
_DRAIN_SECONDS = 5.0
_TEMPORARY = {408, 425, 429}


class WebhookUnavailable(RetryableError):
    """The webhook did not answer in time or asked to be tried later."""


class WebhookRefused(Exception):
    """The webhook will not take this alert, however often it is tried."""


@dataclass(slots=True)
class _Told:
    """What was last said under a key, and when on the monotonic clock."""

    severity: Severity
    message: str
    at: float
    unsaid: int = 0


@dataclass(frozen=True, slots=True)
class _Letter:
    severity: Severity
    payload: dict[str, Any] = field(repr=False)


class AlertDesk:
    """The Alerts port; deliveries run in the background while it is entered as a context manager.

    An alert is told once per key until it is cleared; raised again after `repeat_after` seconds, or with a
    higher severity, it is told again. Neither a slow nor a dead webhook ever delays the caller.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        metrics: Metrics,
        repeat_after: float,
        webhook_url: str | None = None,
        client: httpx.AsyncClient | None = None,
        queue_length: int = _QUEUE_LENGTH,
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._repeat_after = repeat_after
        self._url = webhook_url
        self._client = client or httpx.AsyncClient(timeout=_DEADLINE, follow_redirects=False)
        self._told: OrderedDict[str, _Told] = OrderedDict()
        self._queue: deque[_Letter] = deque()
        self._queue_length = queue_length
        self._left_out = 0
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._delivery: asyncio.Task[None] | None = None

    def alert(self, key: str, severity: Severity, message: str, **facts: object) -> None:
        """Tell a person; returns at once."""
        now = self._clock.monotonic()
        before = self._told.get(key)
        if before is not None:
            louder = _LOUDNESS[severity] > _LOUDNESS[before.severity]
            if not louder and now - before.at < self._repeat_after:
                before.unsaid += 1
                return
            if before.unsaid:
                facts = {**facts, "raised_since_last_told": before.unsaid}
        self._told[key] = _Told(severity, message, now)
        self._told.move_to_end(key)
        while len(self._told) > _KEYS_REMEMBERED:
            self._told.popitem(last=False)
        self._tell(key, severity, message, facts)

    def clear(self, key: str) -> None:
        """Say that what the key was about is over; a key that was not told is no news."""
        told = self._told.pop(key, None)
        if told is not None:
            self._tell(key, Severity.INFO, f"over: {told.message}", {})

    @property
    def standing(self) -> dict[str, str]:
        """The alerts told and not cleared: key to message."""
        return {key: told.message for key, told in self._told.items()}

    async def __aenter__(self) -> Self:
        if self._url is not None:
            self._delivery = asyncio.create_task(self._deliver_all(self._url), name="alert delivery")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give what is left a few seconds, then stop; what was not delivered is in the log."""
        if self._delivery is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN_SECONDS):
                    await self._idle.wait()
            self._delivery.cancel()
            with suppress(asyncio.CancelledError):
                await self._delivery
            for _letter in self._queue:
                self._metrics.count("alert_send_failures_total")
        await self._client.aclose()

    def _tell(self, key: str, severity: Severity, message: str, facts: dict[str, object]) -> None:
        self._metrics.count("alerts_total", severity=severity.value)
        said = {name: _bounded(value) for name, value in facts.items()}
        # Facts travel as one field: a fact named like a field of the log line must not break the call.
        level = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "error"}[severity]
        getattr(_log, level)(message, alert=key, severity=severity.value, **({"facts": said} if said else {}))
        if self._url is None:
            return
        at = datetime.fromtimestamp(self._clock.now(), UTC).isoformat(timespec="seconds")
        payload = {
            "text": f"plasma-guard {severity.value}: {message}",
            "severity": severity.value,
            "key": key,
            "facts": said,
            "at": at,
        }
        self._enqueue(_Letter(severity, payload))

    def _enqueue(self, letter: _Letter) -> None:
        if len(self._queue) >= self._queue_length:
            # The oldest of the least severe gives way; it stays in the log and is counted.
            victim = min(self._queue, key=lambda waiting: _LOUDNESS[waiting.severity])
            if _LOUDNESS[victim.severity] > _LOUDNESS[letter.severity]:
                victim = letter
            else:
                self._queue.remove(victim)
            self._left_out += 1
            self._metrics.count("alert_send_failures_total")
            if victim is letter:
                return
        self._queue.append(letter)
        self._idle.clear()
        self._arrived.set()

    async def _deliver_all(self, url: str) -> None:
        while True:
            while self._queue:
                await self._deliver(url, self._queue.popleft())
            self._idle.set()
            self._arrived.clear()
            await self._arrived.wait()

    async def _deliver(self, url: str, letter: _Letter) -> None:
        """Send one letter, trying again for some minutes; a failure is counted and logged."""
        left_out, self._left_out = self._left_out, 0
        payload = {**letter.payload, "left_out": left_out} if left_out else letter.payload
        body = redact(json.dumps(payload, ensure_ascii=False)).encode()
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(WebhookUnavailable),
            wait=wait_random_exponential(multiplier=1, max=_LONGEST_PAUSE),
            stop=stop_after_attempt(_ATTEMPTS),
            sleep=self._clock.sleep,
        )
        try:
            await retrying(self._post, url, body)
        except asyncio.CancelledError:
            self._metrics.count("alert_send_failures_total")
            raise
        except (RetryError, WebhookRefused) as error:
            self._metrics.count("alert_send_failures_total")
            reason = error.last_attempt.exception() if isinstance(error, RetryError) else error
            _log.warning("the alert webhook did not take an alert", key=payload["key"], reason=str(reason))

    async def _post(self, url: str, body: bytes) -> None:
        request = self._client.build_request(
            "POST", url, content=body, headers={"Content-Type": "application/json"}
        )
        try:
            async with asyncio.timeout(_DEADLINE):
                response = await self._client.send(request, stream=True)  # the answer's body is never read
                await response.aclose()
        except (httpx.HTTPError, httpx.StreamError, TimeoutError, OSError) as error:
            # Only the kind of error: the library's text may hold the URL, which is a secret.
            raise WebhookUnavailable(type(error).__name__) from None
        if response.is_success:
            return
        if response.is_server_error or response.status_code in _TEMPORARY:
            raise WebhookUnavailable(f"status {response.status_code}")
        raise WebhookRefused(f"status {response.status_code}")


def _bounded(value: object) -> object:
    """Return a fact as JSON can hold it, without letting text from outside flood a person."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    text = "0x" + value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= _LONGEST_FACT else shorten(text, _LONGEST_FACT)
