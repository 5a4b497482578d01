"""What a rehearsal of leaving the plasma chain has shown."""

from dataclasses import dataclass
from enum import StrEnum

from plasma_guard.domain.durations import duration
from plasma_guard.domain.primitives import Seconds, Timestamp, Wei


class Rehearsal(StrEnum):
    """How it was tried."""

    COPY = "on a copy of the root chain"
    """Every call was mined there, and the money arrived."""
    CALLS = "call by call on the root chain"
    """Each exit's first call was simulated; what comes after it could not be."""


@dataclass(frozen=True, slots=True)
class Drill:
    """The result: `out` of `outputs` came out, worth `value_out` of `value` wei, in `seconds`, for `cost`.

    `cost` is wei of gas, `bonds` are the wei tied up meanwhile. `unpriced` exits are in no sum of wei.
    `missing` are sentences about what did not come out, or would not. `at` is root-chain time; `chain_id` and
    `contract` say where.
    """

    how: Rehearsal
    at: Timestamp
    chain_id: int
    contract: str
    outputs: int
    out: int
    value: Wei
    value_out: Wei
    seconds: Seconds
    cost: Wei
    bonds: Wei
    unpriced: int = 0
    missing: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything could get out."""
        return self.out == self.outputs and not self.missing

    @property
    def sentence(self) -> str:
        """The result in a sentence."""
        unpriced = f" (and {self.unpriced} exits of tokens without a price)" if self.unpriced else ""
        return (
            f"you could get out {self.out} of {self.outputs} outputs, {self.value_out} of {self.value} wei"
            f"{unpriced}, in {duration(self.seconds)}, for {self.cost} wei of gas and {self.bonds} wei of"
            " bonds that come back"
        )
