"""What the calls of an exit cost in gas units: the largest use measured on the contracts themselves.

Measured on plasma-contracts v0.2.0, v1.0.5 and v2.0.0 with short queues. A removal from a queue of many
thousand exits sinks a key through as many levels as the queue has, which is not in these numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from plasma_guard.domain.exits import Generation


@dataclass(frozen=True, slots=True)
class GasTable:
    """Gas units of each call; an in-flight exit's start is `start` plus `per_input` for every input."""

    standard_exit: int
    in_flight_start: int
    in_flight_per_input: int
    first_piggyback: int
    """The first of a token, which puts the exit into that token's queue."""
    later_piggyback: int
    add_queue: int
    process_standard: int
    process_in_flight: int
    process_next: int
    """A standard exit that is not the first one processed by a call."""

    def in_flight_exit(self, inputs: int) -> int:
        """Return what starting the exit of a transaction with so many inputs takes."""
        return self.in_flight_start + inputs * self.in_flight_per_input


GAS: Mapping[Generation, GasTable] = {
    Generation.ROOTCHAIN_V02: GasTable(
        standard_exit=310_000,
        in_flight_start=500_000,
        in_flight_per_input=577_000,
        first_piggyback=240_000,
        later_piggyback=180_000,
        add_queue=308_000,
        process_standard=78_000,
        process_in_flight=172_000,
        process_next=53_000,
    ),
    Generation.ALD_V1: GasTable(
        standard_exit=406_000,
        in_flight_start=350_000,
        in_flight_per_input=390_000,
        first_piggyback=332_000,
        later_piggyback=218_000,
        add_queue=582_000,
        process_standard=161_000,
        process_in_flight=429_000,
        process_next=89_000,
    ),
    Generation.ALD_V2: GasTable(
        standard_exit=435_000,
        in_flight_start=350_000,
        in_flight_per_input=422_000,
        first_piggyback=408_000,
        later_piggyback=294_000,
        add_queue=582_000,
        process_standard=179_000,
        process_in_flight=577_000,
        process_next=99_000,
    ),
}
