"""The exit contracts of every generation behind the `ExitGame` port; `probe` tells which one is deployed."""

from plasma_guard.contracts.probe import probe

__all__ = ["probe"]
