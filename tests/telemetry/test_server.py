"""The HTTP server, asked by a real client."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from plasma_guard.domain.errors import ConfigurationError
from plasma_guard.telemetry.health import Health
from plasma_guard.telemetry.secrets import register_secret
from plasma_guard.telemetry.server import HealthServer
from support.clock import FakeClock

STATUS = {"armed": True, "position": 2**60 + 1}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def health(clock: FakeClock) -> Health:
    return Health(["watcher"], clock)


def _server(health: Health, **changes: Any) -> HealthServer:
    arguments: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 0,
        "status": lambda: STATUS,
        "metrics": lambda: b"plasma_guard_up 1.0\n",
    }
    return HealthServer(health, **{**arguments, **changes})


@pytest.fixture
async def client(health: Health) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        _server(health) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client,
    ):
        yield client


async def test_live_follows_the_pulse(client: httpx.AsyncClient, clock: FakeClock, health: Health) -> None:
    """200 while the loop turns, 503 once it has not for 90 s."""
    assert (await client.get("/live")).status_code == 200
    clock.advance(91)
    answer = await client.get("/live")
    assert answer.status_code == 503
    assert answer.json() == {"live": False, "pulse_age_seconds": 91.0}
    health.pulse()
    assert (await client.get("/live")).status_code == 200


async def test_ready_says_why_not(client: httpx.AsyncClient, health: Health) -> None:
    """503 with the reasons, 200 once every component is well."""
    answer = await client.get("/ready")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "reasons": {"watcher": "starting"}}
    health.set("watcher", ok=True)
    assert (await client.get("/ready")).status_code == 200


async def test_status_is_what_the_provider_gives(client: httpx.AsyncClient) -> None:
    """Integers beyond 2^53 stay whole."""
    assert json.loads((await client.get("/status")).text) == STATUS


async def test_status_may_be_asynchronous(health: Health) -> None:
    """A provider may have to ask the journal."""

    async def provide() -> dict[str, object]:
        return {"cases": []}

    async with _server(health, status=provide) as server, httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{server.port}/status")).json() == {"cases": []}


async def test_status_shows_no_secret(health: Health) -> None:
    """What is registered as secret is hidden here too."""
    register_secret("very-secret-token")
    async with (
        _server(health, status=lambda: {"url": "http://x/very-secret-token"}) as server,
        httpx.AsyncClient() as client,
    ):
        assert "very-secret" not in (await client.get(f"http://127.0.0.1:{server.port}/status")).text


async def test_metrics_are_prometheus_text(client: httpx.AsyncClient) -> None:
    """The content type is the one Prometheus asks for."""
    answer = await client.get("/metrics")
    assert answer.text == "plasma_guard_up 1.0\n"
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:9464", 200),
        ("127.0.0.1", 200),
        ("127.9.9.9:1", 200),
        ("[::1]:9464", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
        ("192.168.0.7", 403),
        ("", 403),
        ("[evil", 403),
        ("user@evil.example", 403),
    ],
)
async def test_other_host_names_are_refused_on_loopback(
    client: httpx.AsyncClient, host: str, status: int
) -> None:
    """A page whose name was rebound to 127.0.0.1 cannot read the status."""
    assert (await client.get("/live", headers={"Host": host})).status_code == status


async def test_any_host_name_is_served_beyond_loopback(health: Health) -> None:
    """In a container the server listens on every address, under names it cannot know."""
    async with _server(health, host="0.0.0.0") as server, httpx.AsyncClient() as client:  # noqa: S104 (under test)
        answer = await client.get(f"http://127.0.0.1:{server.port}/live", headers={"Host": "guard:9464"})
    assert answer.status_code == 200


async def test_nothing_can_be_written(client: httpx.AsyncClient) -> None:
    """Every path only reads."""
    for path in ("/live", "/ready", "/status", "/metrics"):
        assert (await client.post(path)).status_code == 405
    assert (await client.get("/")).status_code == 404


async def test_a_taken_port_is_a_configuration_error(health: Health) -> None:
    """The message names the setting, the address and the way out."""
    async with _server(health) as server:
        with pytest.raises(ConfigurationError, match=rf"server\.port: 127\.0\.0\.1:{server.port} cannot"):
            async with _server(health, port=server.port):
                pass
