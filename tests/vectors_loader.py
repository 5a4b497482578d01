"""Golden data recorded from the real contracts."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

VECTORS = Path(__file__).parent / "vectors"


@cache
def load(generation: Literal["rootchain", "ald"], name: str) -> dict[str, Any]:
    """Return the file ``vectors/<generation>/<name>.json``, shared between tests: do not change it."""
    document: dict[str, Any] = json.loads((VECTORS / generation / f"{name}.json").read_text())
    return document
