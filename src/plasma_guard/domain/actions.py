"""One frozen value per thing the guard can do on the root chain; `contracts` turns them into calldata."""

from dataclasses import dataclass
from typing import ClassVar

from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.position import UtxoPosition


@dataclass(frozen=True, slots=True)
class ChallengeStandardExit:
    """Show the transaction that spends the exiting output; pays its bond to the caller at once.

    `exiting_tx` may be None only on rootchain v0.2, whose call does not take it.
    """

    name: ClassVar[str] = "challengeStandardExit"

    exit_id: ExitId
    position: UtxoPosition
    challenge_tx: bytes
    input_index: int
    signature: bytes
    exiting_tx: bytes | None = None


Action = ChallengeStandardExit
"""Grows into a union as reactions are added."""
