"""Exit data of our own outputs, on disk: all that leaving takes when operator and Watcher are gone."""

from plasma_guard.vault.refreshing import Settings
from plasma_guard.vault.store import Store
from plasma_guard.vault.vault import SqlVault, open_store

__all__ = ["Settings", "SqlVault", "Store", "open_store"]
