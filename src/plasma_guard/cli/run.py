"""`plasma-guard run`: the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from plasma_guard.cli.options import ConfigOption
from plasma_guard.domain.errors import RetryableError

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger as BoundLogger

    from plasma_guard.app import Guard
    from plasma_guard.config import Config
    from plasma_guard.telemetry.health import Health
    from plasma_guard.telemetry.systemd import ServiceManager

RETRY = 5.0
"""Seconds between attempts to start while the root chain cannot be reached."""


def run(
    config: ConfigOption = None,
    observe: Annotated[
        bool, typer.Option("--observe", help="Do everything but send; say what would have been sent.")
    ] = False,
) -> None:
    """Guard until stopped: watch, prove, challenge."""
    from plasma_guard.cli.load import load, refuse_unguarded  # noqa: PLC0415 (a quick --help)
    from plasma_guard.telemetry.logs import configure_logging  # noqa: PLC0415 (same)

    settings = load(config, observe=observe)
    refuse_unguarded(settings)
    configure_logging(settings.logging.format, settings.logging.level)
    asyncio.run(_guard(settings))


async def _guard(settings: Config) -> None:
    import structlog  # noqa: PLC0415 (same)

    from plasma_guard.telemetry.server import HealthServer  # noqa: PLC0415 (same)
    from plasma_guard.telemetry.systemd import ServiceManager  # noqa: PLC0415 (same)

    log = structlog.get_logger("plasma_guard")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    manager = ServiceManager(os.environ)
    async with contextlib.AsyncExitStack() as stack:
        guard = await _assembled(stack, settings, stop, log)
        if guard is None:
            return
        if settings.server.enabled:
            server = await stack.enter_async_context(
                HealthServer(
                    guard.health,
                    host=settings.server.host,
                    port=settings.server.port,
                    status=guard.status,
                    metrics=guard.metrics.render,
                )
            )
            log.info("serving /live /ready /status /metrics", host=settings.server.host, port=server.port)
        contracts = guard.game.contracts
        log.info(
            "guarding" if guard.armed else "observing: nothing will be sent",
            generation=str(contracts.generation),
            contract=str(contracts.entry),
            chain=guard.chain_id,
            min_exit_period=contracts.min_exit_period,
        )
        gc.freeze()  # what was loaded stays, so that no collection of garbage need look at it again
        manager.ready()
        watchdog = (
            asyncio.create_task(_watchdog(manager, guard.health)) if manager.watchdog_interval else None
        )
        try:
            await guard.supervisor.run(stop)
        finally:
            manager.stopping()
            if watchdog:
                watchdog.cancel()


async def _assembled(
    stack: contextlib.AsyncExitStack, settings: Config, stop: asyncio.Event, log: BoundLogger
) -> Guard | None:
    """Build the guard, however long its endpoints stay away; None when told to stop first."""
    build = asyncio.create_task(_patiently(stack, settings, log))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({build, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if build.done():
        return build.result()
    build.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await build
    return None


async def _patiently(stack: contextlib.AsyncExitStack, settings: Config, log: BoundLogger) -> Guard:
    from plasma_guard.app import assemble  # noqa: PLC0415 (a quick --help)

    while True:
        try:
            return await stack.enter_async_context(assemble(settings))
        except RetryableError as error:
            log.error("cannot start yet, nothing is guarded; will try again", error=str(error), seconds=RETRY)
            await asyncio.sleep(RETRY)


async def _watchdog(manager: ServiceManager, health: Health) -> None:
    """Tell systemd that the loops turn, as long as they do."""
    while True:
        if health.live:
            manager.watchdog()
        await asyncio.sleep(manager.watchdog_interval or 1.0)
