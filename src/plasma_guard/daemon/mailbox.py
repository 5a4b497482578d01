"""How a command tells a running guard what its user wants: one small file per wish, in a private directory.

A file is enough: it survives a restart of either side, needs no open port, and who may write it may read the
key's place as well.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.position import UtxoPosition

PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Wish:
    """Outputs to take out by hand, None for all; `name` is the file it is kept in.

    `running`: what is wished is that the exits that run already are seen through to their payment.
    """

    name: str
    positions: tuple[UtxoPosition, ...] | None
    running: bool = False


class Mailbox:
    """A directory of wishes; `post` puts one in, `done` takes it out once it is carried over elsewhere."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def post(self, positions: Iterable[UtxoPosition] | None) -> None:
        """Wish for outputs to be taken out, None for all; on disk when it returns."""
        self._post({"exit": None if positions is None else [position.encode() for position in positions]})

    def post_running(self) -> None:
        """Wish for the exits that run to be seen through; on disk when it returns."""
        self._post({"exit": [], "running": True})

    def _post(self, wish: Mapping[str, object]) -> None:
        self._path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        draft = self._path / f".{uuid4().hex}"
        with draft.open("x") as file:
            json.dump(wish, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._path / f"{uuid4().hex}.json")

    def wishes(self) -> list[Wish]:
        """Return what waits, oldest first; raises `MalformedError` naming the file that is none of ours."""
        found = []
        for file in sorted(self._path.glob("*.json"), key=lambda each: each.stat().st_mtime_ns):
            try:
                wish = json.loads(file.read_text())
                wanted, running = wish["exit"], bool(wish.get("running"))
                positions = None if wanted is None else tuple(UtxoPosition.decode(each) for each in wanted)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise MalformedError(f"{file}: not a wish of `exits start`; remove it") from error
            found.append(Wish(file.name, positions, running))
        return found

    def done(self, wish: Wish) -> None:
        """Take a wish out."""
        (self._path / wish.name).unlink(missing_ok=True)
