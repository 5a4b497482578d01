"""PlasmaFramework + PaymentExitGame, revisions 1 and 2."""

from plasma_guard.contracts.ald.exit_game import AldExitGame

__all__ = ["AldExitGame"]
