"""Client of a Watcher's HTTP API; what it returns is a claim, checked elsewhere before anything is spent."""

from plasma_guard.watcher.client import HttpWatcher, WatcherConfiguration

__all__ = ["HttpWatcher", "WatcherConfiguration"]
