"""How much gas one signer may promise in a day, by its own count, whatever anybody says was spent."""

from collections.abc import Callable

from plasma_guard.domain.errors import PolicyViolation
from plasma_guard.domain.primitives import Wei

DAY = 86_400.0


class Allowance:
    """Counts worst cases, one per nonce, over the last 24 hours of a clock that never jumps.

    Of all that is signed for one nonce only one is ever mined, so the dearest counts. A restart begins anew.
    """

    def __init__(self, max_gas_cost_per_day: Wei | None, clock: Callable[[], float]) -> None:
        """Allow so many wei a day, None for any; `clock` gives seconds."""
        self._cap = max_gas_cost_per_day
        self._clock = clock
        self._promised: dict[int, tuple[float, int]] = {}
        self._total = 0

    def check(self, nonce: int, cost: int) -> None:
        """Raise `PolicyViolation` when so many wei for `nonce` would bring the day above the cap."""
        if self._cap is None:
            return
        self._forget()
        known = self._promised.get(nonce, (0.0, 0))[1]
        total = self._total + max(0, cost - known)
        if total > self._cap:
            raise PolicyViolation(
                f"gas cost: {cost} wei more would make {total} wei in 24 hours, above this signer's cap of "
                f"{self._cap} wei; raise fees.max_cost_per_day_eth if that is meant"
            )

    def note(self, nonce: int, cost: int) -> None:
        """Count what was signed: at worst `cost` wei for `nonce`."""
        if self._cap is None:
            return
        _, known = self._promised.pop(nonce, (0.0, 0))
        self._promised[nonce] = (self._clock(), max(cost, known))  # the newest is always last
        self._total += max(0, cost - known)

    def _forget(self) -> None:
        since = self._clock() - DAY
        for nonce, (at, cost) in list(self._promised.items()):
            if at > since:
                return
            del self._promised[nonce]
            self._total -= cost
