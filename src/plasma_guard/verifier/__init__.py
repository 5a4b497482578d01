"""Own verifying Watcher: blocks and root-chain logs in, byzantine events and challenge data out.

`core`, `ledger`, `blocks` and the games are pure; `follower`, `child_chain` and `api` connect them.
"""

from plasma_guard.verifier.core import Margins, Verifier
from plasma_guard.verifier.local import LocalWatcher

__all__ = ["LocalWatcher", "Margins", "Verifier"]
