"""The machine's clock behind the Clock port."""

import asyncio
import time

_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""Linux' clock that goes on while the machine is suspended, which CLOCK_MONOTONIC does not."""


class SystemClock:
    """Real time; tests bring their own."""

    def now(self) -> float:
        """Return wall-clock seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never go back, those in which the machine was suspended among them.

        What was read before hours of suspension is as old as it is, although no process ran meanwhile.
        """
        return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
