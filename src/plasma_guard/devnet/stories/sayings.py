"""The guard's own sentences that stories wait for."""

from typing import Final

STOPPED: Final = "challenged: the fraudulent exit is stopped"
NOT_CANONICAL: Final = "challenged: the in-flight exit is not canonical any more"
CANONICAL_AGAIN: Final = "answered: the in-flight exit is canonical again"
REMOVED: Final = "challenged: the spent piggyback is removed"
JOINED: Final = "joined: our own output is piggybacked"
OUT = "out: our exit is paid"
STEP = "a step is done"
VAULT = "the vault is up to date"
