"""What a person asks of a guard that runs: exits to start, or a look at those that are ripe."""

from dataclasses import dataclass
from enum import StrEnum

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32, Timestamp, shorten


@dataclass(frozen=True, slots=True, order=True)
class InFlightOutput:
    """Output `index` of a transaction that is in no known block."""

    tx_hash: Hash32
    index: int

    def __str__(self) -> str:
        return f"{self.tx_hash}/{self.index}"


OutputName = UtxoPosition | InFlightOutput
"""Which output somebody means; as text a position, or TXHASH/INDEX."""


class Errand(StrEnum):
    """What is asked."""

    START = "start"
    """Take outputs off the plasma chain."""
    PROCESS = "process"
    """Look at every exit of ours now, and have paid what is ripe."""


@dataclass(frozen=True, slots=True)
class Request:
    """Something asked once; `id` makes it the same request after a crash.

    `outputs` are those to start exits of, empty for all that are worth it. `asked_at` is in root-chain
    seconds.
    """

    id: str
    errand: Errand
    asked_at: Timestamp
    outputs: tuple[OutputName, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a request, in sentences: what is under way now, and what was refused and why."""

    accepted: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def output_name(text: str) -> OutputName:
    """Read a position or TXHASH/INDEX; raises `MalformedError` that names both shapes."""
    tx_hash, slash, index = text.partition("/")
    try:
        if slash:
            return InFlightOutput(Hash32.parse(tx_hash), _whole(index))
        return UtxoPosition.decode(_whole(text))
    except ValueError as error:
        raise MalformedError(
            "expected a utxo position such as 1000000000000, or TXHASH/INDEX for an output in no block;"
            f" got {shorten(text)} ({error})"
        ) from error


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("not a whole number")
    return int(text)
