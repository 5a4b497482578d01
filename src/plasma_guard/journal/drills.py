"""What the last rehearsal of leaving showed: a small file beside the journal, which no command may lock."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from plasma_guard.domain.drill import Drill
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.primitives import Timestamp

PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class DrillRecord:
    """When (root-chain time) leaving was rehearsed, on which chain and contract, and what came out."""

    at: Timestamp
    chain_id: int
    contract: str
    ok: bool
    sentence: str


def record_drill(path: Path, drill: Drill) -> None:
    """Keep a result in place of the one before; on disk when it returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "at": drill.at,
        "chain_id": drill.chain_id,
        "contract": drill.contract,
        "ok": drill.ok,
        "sentence": drill.sentence,
    }
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(draft, "w", encoding="utf-8", opener=_private) as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def last_drill(path: Path) -> DrillRecord | None:
    """Return the newest result, None if there is none; raises `MalformedError` naming a file that is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        record = DrillRecord(
            Timestamp(int(found["at"])),
            int(found["chain_id"]),
            str(found["contract"]),
            found["ok"] is True,
            str(found["sentence"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedError(
            f"{path}: not a result of `exits drill`; remove it and rehearse again"
        ) from error
    return record


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE)
