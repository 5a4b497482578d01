"""How the sender behaves; the defaults suit mainnet's 12-second blocks."""

from dataclasses import dataclass

from plasma_guard.domain.errors import ConfigurationError
from plasma_guard.domain.primitives import Wei

GWEI = 10**9


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """Knobs of every lane. Everything is signed for chain `chain_id`, whatever an endpoint says later.

    `confirmations` counts blocks with the one that mined the transaction. `max_fee_per_gas` is in wei per
    gas. `bump_after` and `poll` are seconds. `max_in_flight` bounds transactions signed but not mined, per
    account; a lane begins with 16 and takes more while nodes do (`places.py`). `gas_margin` is in percent of
    the estimate. `foreign_heads` is how many heads in a row must show our nonce used by a transaction that is
    not ours before the call is planned on the next one; while `soft` is ahead it is never less than
    `confirmations`. `block_time` is the usual time between blocks in seconds. `max_fee_is_soft` lets a call
    past its soft time pay more than `max_fee_per_gas`, up to its budget. `max_cost_per_day` is what all gas
    of 24 hours may cost and `reserve` what an account keeps for calls past their soft time, both in wei;
    None: no such cap.
    """

    chain_id: int
    confirmations: int = 12
    max_fee_per_gas: Wei = Wei(500 * GWEI)
    bump_after: float = 24.0
    poll: float = 4.0
    max_in_flight: int = 1000
    gas_margin: int = 125
    foreign_heads: int = 3
    block_time: int = 12
    max_fee_is_soft: bool = False
    max_cost_per_day: Wei | None = None
    reserve: Wei = Wei(0)

    def __post_init__(self) -> None:
        problems = [
            f"sender.{name}: must be at least {least}, got {getattr(self, name)}"
            for name, least in (
                ("chain_id", 1),
                ("confirmations", 1),
                ("max_fee_per_gas", 1),
                ("max_in_flight", 1),
                ("gas_margin", 100),
                ("foreign_heads", 1),
                ("block_time", 1),
                ("reserve", 0),
            )
            if getattr(self, name) < least
        ]
        problems += [
            f"sender.{name}: must be more than 0 seconds, got {getattr(self, name)}"
            for name in ("bump_after", "poll")
            if not getattr(self, name) > 0
        ]
        if problems:
            raise ConfigurationError(*problems)
