"""The HTTP server of /live, /ready, /status and /metrics, for probes on the same machine."""

import ipaddress
import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Self

from aiohttp import web
from yarl import URL

from plasma_guard.domain.errors import ConfigurationError
from plasma_guard.telemetry.health import Health
from plasma_guard.telemetry.secrets import redact

Status = Mapping[str, Any]
StatusProvider = Callable[[], Status | Awaitable[Status]]
_PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_SHUTDOWN_SECONDS = 1.0


class HealthServer:
    """Serves what it is given; use as an asynchronous context manager.

    `status` gives the JSON of /status, `metrics` the text of /metrics. Entering raises `ConfigurationError`
    when the address cannot be listened on.
    """

    def __init__(
        self, health: Health, *, host: str, port: int, status: StatusProvider, metrics: Callable[[], bytes]
    ) -> None:
        self._health = health
        self._host = host
        self._port = port
        self._status = status
        self._metrics = metrics
        application = web.Application(
            middlewares=[_only_loopback_names] if _is_loopback(host) else [], client_max_size=1024
        )
        application.add_routes(
            [
                web.get("/live", self._live),
                web.get("/ready", self._ready),
                web.get("/status", self._show_status),
                web.get("/metrics", self._show_metrics),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)

    @property
    def port(self) -> int:
        """The port really listened on."""
        addresses = self._runner.addresses
        return int(addresses[0][1]) if addresses else self._port

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigurationError(
                f"server.port: {self._host}:{self._port} cannot be listened on ({error.strerror}); free it, "
                "choose another server.port, or set server.enabled = false"
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _live(self, _request: web.Request) -> web.Response:
        health = self._health
        return _json({"live": health.live, "pulse_age_seconds": round(health.pulse_age, 1)}, ok=health.live)

    async def _ready(self, _request: web.Request) -> web.Response:
        health = self._health
        return _json({"ready": health.ready, "reasons": health.reasons}, ok=health.ready)

    async def _show_status(self, _request: web.Request) -> web.Response:
        status = self._status()
        return _json(await status if isinstance(status, Awaitable) else status, ok=True)

    async def _show_metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), headers={"Content-Type": _PROMETHEUS_TEXT})


def _json(value: Status, *, ok: bool) -> web.Response:
    text = redact(json.dumps(value, default=_text_of, indent=2)) + "\n"
    status = HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE
    return web.Response(
        text=text, status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def _text_of(value: object) -> str:
    return str(value)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name that is looked up: only "localhost" is loopback by definition
        return False


@web.middleware
async def _only_loopback_names(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse requests for other host names: a web page whose name was rebound to 127.0.0.1 sends its own."""
    try:
        name = URL.build(scheme="http", authority=request.headers.get("Host", "")).host or ""
    except ValueError:
        name = ""
    if not _is_loopback(name):
        raise web.HTTPForbidden(text="Host: expected localhost or a loopback address\n")
    return await handler(request)
