"""Everything needed to act on a running devnet from another process."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from plasma_guard.devnet.errors import DevnetError

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE: Final = ("alice", "bob", "carol", "guard")


@dataclass(frozen=True, slots=True)
class Connection:
    """URLs, addresses and keys of a devnet.

    `keys` maps each person to a hex key worth nothing elsewhere; `tokens` are those anybody may mint.
    """

    revision: str
    contract: str
    chain_id: int
    min_exit_period: int
    rpc_url: str
    watcher_url: str
    operator_url: str
    keys: dict[str, str] = field(repr=False)
    tokens: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        """Write the connection to a file that only its owner can read."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=2)

    @staticmethod
    def forget(path: Path) -> None:
        """Remove the file, since nothing listens there any more."""
        path.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> Connection:
        """Read a connection; raise `DevnetError` when there is none or it is not one."""
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**content, "tokens": tuple(content.get("tokens", ()))})
        except FileNotFoundError as error:
            raise DevnetError(
                f"{path}: no devnet has written its connection there; start one with: plasma-guard devnet"
            ) from error
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DevnetError(f"{path}: is no devnet connection ({error}); start the devnet again") from error
