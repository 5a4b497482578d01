"""Alerts: grouped, never in the way, and delivered to a real web server."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import structlog
from aiohttp import web

from plasma_guard.domain.decisions import Severity
from plasma_guard.ports import Alerts
from plasma_guard.telemetry.alerts import AlertDesk
from plasma_guard.telemetry.secrets import REDACTED, register_secret
from support.clock import FakeClock

HOUR = 3600


class CountingMetrics:
    """Counts by name and labels."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        self.counts[" ".join([name, *labels.values()])] += int(amount)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        raise AssertionError(f"alerts set no gauge: {name} {value} {labels}")


class Webhook:
    """Keeps what it gets; answers with the statuses it was given, then 200; `gate` holds it up."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.requests = 0
        self.changed = asyncio.Condition()
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.requests += 1
        async with self.changed:
            self.changed.notify_all()
        await self.gate.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.bodies.append(body)
        async with self.changed:
            self.changed.notify_all()
        return web.Response(status=status, text="ignored" * 1000)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(condition)


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    hook = Webhook()
    application = web.Application()
    application.router.add_post("/secret-path-of-the-hook", hook.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/secret-path-of-the-hook"
    yield hook
    hook.gate.set()
    await runner.cleanup()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def metrics() -> CountingMetrics:
    return CountingMetrics()


Desk = Callable[..., AlertDesk]


@pytest.fixture
def desk(clock: FakeClock, metrics: CountingMetrics) -> Desk:
    def make(**changes: Any) -> AlertDesk:
        return AlertDesk(clock=clock, metrics=metrics, repeat_after=HOUR, **changes)

    return make


async def test_an_alert_is_in_the_log_at_once(desk: Desk, metrics: CountingMetrics) -> None:
    """Without a webhook and without waiting; critical ones as errors."""
    with structlog.testing.capture_logs() as logs:
        alerts: Alerts = desk()
        alerts.alert("gas", Severity.CRITICAL, "the account cannot pay", missing=5)
        alerts.alert("head", Severity.WARNING, "the head is old")
    assert [(entry["log_level"], entry["event"]) for entry in logs] == [
        ("error", "the account cannot pay"),
        ("warning", "the head is old"),
    ]
    assert logs[0]["facts"] == {"missing": 5}
    assert metrics.counts["alerts_total critical"] == 1


async def test_an_alert_is_told_once_until_it_is_cleared(desk: Desk) -> None:
    """A condition that is seen each cycle is one alert; after clearing it is news again."""
    alerts = desk()
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            alerts.alert("head", Severity.WARNING, "the head is old")
        alerts.clear("head")
        alerts.clear("head")
        alerts.alert("head", Severity.WARNING, "the head is old")
    assert [entry["event"] for entry in logs] == [
        "the head is old",
        "over: the head is old",
        "the head is old",
    ]
    assert alerts.standing == {"head": "the head is old"}


async def test_a_standing_alert_is_repeated(desk: Desk, clock: FakeClock) -> None:
    """Still raised after the interval, it is told again with how often it was raised."""
    alerts = desk()
    with structlog.testing.capture_logs() as logs:
        alerts.alert("head", Severity.WARNING, "the head is old")
        clock.advance(HOUR - 1)
        alerts.alert("head", Severity.WARNING, "the head is old")
        clock.advance(1)
        alerts.alert("head", Severity.WARNING, "the head is old")
    assert len(logs) == 2
    assert logs[1]["facts"] == {"raised_since_last_told": 1}


async def test_a_louder_alert_is_told_at_once(desk: Desk) -> None:
    """Growing severity does not wait for the interval; shrinking severity does."""
    alerts = desk()
    with structlog.testing.capture_logs() as logs:
        alerts.alert("watcher", Severity.WARNING, "quiet for 5 minutes")
        alerts.alert("watcher", Severity.CRITICAL, "quiet for 15 minutes")
        alerts.alert("watcher", Severity.WARNING, "quiet for 16 minutes")
    assert [entry["event"] for entry in logs] == ["quiet for 5 minutes", "quiet for 15 minutes"]


async def test_the_webhook_gets_what_chat_services_accept(desk: Desk, webhook: Webhook) -> None:
    """`text` for Slack and Mattermost; the rest for programs; big integers as text, others as they are."""
    async with desk(webhook_url=webhook.url) as alerts:
        alerts.alert("case-1", Severity.CRITICAL, "fraud", position=2**60, blocks=3, tx=b"\x01")
        await webhook.until(lambda: bool(webhook.bodies))
    assert webhook.bodies == [
        {
            "text": "plasma-guard critical: fraud",
            "severity": "critical",
            "key": "case-1",
            "facts": {"position": str(2**60), "blocks": 3, "tx": "0x01"},
            "at": "2023-11-14T22:13:20+00:00",
        }
    ]


async def test_a_busy_webhook_is_tried_again(
    desk: Desk, webhook: Webhook, clock: FakeClock, metrics: CountingMetrics
) -> None:
    """Fault 31: server errors and rate limits are temporary; the pauses grow within a minute."""
    webhook.statuses = [500, 503, 429]
    async with desk(webhook_url=webhook.url) as alerts:
        alerts.alert("a", Severity.WARNING, "one")
        await webhook.until(lambda: bool(webhook.bodies))
    assert webhook.requests == 4
    assert len(clock.slept) == 3
    assert max(clock.slept) <= 60
    assert metrics.counts["alert_send_failures_total"] == 0


async def test_a_refusal_is_counted_and_the_next_alert_goes_out(
    desk: Desk, webhook: Webhook, metrics: CountingMetrics
) -> None:
    """A 404 will not get better, and does not hold up what follows; a redirect is not followed."""
    webhook.statuses = [404, 302]
    async with desk(webhook_url=webhook.url) as alerts:
        for key in ("a", "b", "c"):
            alerts.alert(key, Severity.WARNING, key)
        await webhook.until(lambda: bool(webhook.bodies))
    assert [body["key"] for body in webhook.bodies] == ["c"]
    assert metrics.counts["alert_send_failures_total"] == 2


async def test_a_dead_webhook_is_given_up_without_showing_its_address(
    desk: Desk, metrics: CountingMetrics
) -> None:
    """Nobody listens: the failure is counted and logged, the secret URL is in neither."""
    with structlog.testing.capture_logs() as logs:
        async with desk(webhook_url="http://127.0.0.1:1/secret-path-of-the-hook") as alerts:
            alerts.alert("a", Severity.WARNING, "one")
    assert metrics.counts["alert_send_failures_total"] == 1
    assert [entry["event"] for entry in logs] == ["one", "the alert webhook did not take an alert"]
    assert logs[1]["reason"] == "ConnectError"
    assert "secret-path" not in json.dumps(logs)


async def test_a_stuck_webhook_never_delays_the_caller(
    desk: Desk, webhook: Webhook, metrics: CountingMetrics
) -> None:
    """Fault 31: while the first request hangs, a flood is taken in at once and bounded; severe ones stay."""
    webhook.gate.clear()
    async with desk(webhook_url=webhook.url, queue_length=3) as alerts:
        alerts.alert("first", Severity.INFO, "in flight")
        await webhook.until(lambda: webhook.requests == 1)
        alerts.alert("severe", Severity.CRITICAL, "money at risk")
        for number in range(50):
            alerts.alert(f"noise-{number}", Severity.INFO, "noise")
        webhook.gate.set()
        await webhook.until(lambda: len(webhook.bodies) == 4)
    assert [body["key"] for body in webhook.bodies] == ["first", "severe", "noise-48", "noise-49"]
    assert webhook.bodies[1]["left_out"] == 48
    assert metrics.counts["alert_send_failures_total"] == 48


async def test_a_full_queue_of_severe_alerts_keeps_them(desk: Desk, webhook: Webhook) -> None:
    """Noise does not push out what matters."""
    webhook.gate.clear()
    async with desk(webhook_url=webhook.url, queue_length=1) as alerts:
        alerts.alert("first", Severity.INFO, "in flight")
        await webhook.until(lambda: webhook.requests == 1)
        alerts.alert("severe", Severity.CRITICAL, "money at risk")
        alerts.alert("noise", Severity.INFO, "noise")
        webhook.gate.set()
        await webhook.until(lambda: len(webhook.bodies) == 2)
    assert [body["key"] for body in webhook.bodies] == ["first", "severe"]


async def test_leaving_delivers_what_is_left(desk: Desk, webhook: Webhook) -> None:
    """The last words of a daemon that stops still go out."""
    async with desk(webhook_url=webhook.url) as alerts:
        for number in range(5):
            alerts.alert(f"k{number}", Severity.WARNING, "last words")
    assert len(webhook.bodies) == 5


async def test_no_secret_leaves_in_an_alert(desk: Desk, webhook: Webhook) -> None:
    """The payload is redacted as a whole."""
    register_secret("very-secret-token")
    async with desk(webhook_url=webhook.url) as alerts:
        alerts.alert("k", Severity.WARNING, "got very-secret-token", url="http://x/very-secret-token")
    assert webhook.bodies[0]["text"] == f"plasma-guard warning: got {REDACTED}"
    assert "very-secret" not in json.dumps(webhook.bodies)


async def test_a_huge_fact_is_cut(desk: Desk, webhook: Webhook) -> None:
    """Text from outside cannot flood a person."""
    async with desk(webhook_url=webhook.url) as alerts:
        alerts.alert("k", Severity.WARNING, "odd", answer="x" * 100_000)
    assert len(webhook.bodies[0]["facts"]["answer"]) < 600
