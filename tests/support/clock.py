"""A clock that moves only when told to, or when somebody sleeps on it."""

from dataclasses import dataclass, field


@dataclass
class FakeClock:
    """Time stands still between sleeps; `slept` keeps what was asked for, in seconds."""

    time: float = 1_700_000_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def advance(self, seconds: float) -> None:
        self.time += seconds
