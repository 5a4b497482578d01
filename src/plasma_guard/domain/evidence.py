"""What a Watcher offers as proof; nothing in it is believed before the local checks."""

from dataclasses import dataclass

from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.position import UtxoPosition


@dataclass(frozen=True, slots=True)
class StandardExitChallenge:
    """The answer of `utxo.get_challenge_data`: a transaction said to spend the exiting output.

    `exiting_tx` (unsigned RLP of the creating transaction) is None on rootchain v0.2, whose dialect lacks it;
    `challenge_tx` is unsigned RLP; `signature` the 65 bytes said to be by the output's owner over it.
    """

    position: UtxoPosition
    exit_id: ExitId
    challenge_tx: bytes
    input_index: int
    signature: bytes
    exiting_tx: bytes | None = None
