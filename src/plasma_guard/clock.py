"""The machine's clock behind the Clock port."""

import asyncio
import time


class SystemClock:
    """Real time; tests bring their own."""

    def now(self) -> float:
        """Return wall-clock seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
