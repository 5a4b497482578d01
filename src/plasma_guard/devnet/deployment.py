"""A deployment is what a scenario or a test needs to know about freshly deployed contracts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, cast

from plasma_guard.devnet.errors import DevnetError

Revision = Literal["ald-v1", "ald-v2", "rootchain"]
Generation = Literal["ald", "rootchain"]
REVISIONS: Final[tuple[Revision, ...]] = ("ald-v1", "ald-v2", "rootchain")
_REQUIRED: Final = ("generation", "address", "operator_key", "funded_key")


@dataclass(frozen=True, slots=True)
class Deployment:
    """Deployed plasma contracts: ``address`` is the PlasmaFramework (ald) or the RootChain (rootchain).

    ``operator_key`` may submit blocks and ``funded_key`` holds ether (both hex private keys). The rest is
    known when the contracts were deployed by this package and empty otherwise: it can be read on chain.
    ``block_number`` is a root-chain block from which every event of the contracts can be read.
    """

    generation: Generation
    address: str
    operator_key: str = field(repr=False)
    funded_key: str = field(repr=False)
    revision: Revision | None = None
    tokens: tuple[str, ...] = ()
    block_number: int = 0

    def to_json(self) -> str:
        """Return the deployment as JSON, with its keys: they hold nothing outside the local chain."""
        content = {
            "generation": self.generation,
            "address": self.address,
            "operator_key": self.operator_key,
            "funded_key": self.funded_key,
            "revision": self.revision,
            "tokens": list(self.tokens),
            "block_number": self.block_number,
        }
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def load(cls, path: Path) -> Deployment:
        """Return the deployment a file describes; raise `DevnetError` naming what is wrong with it."""
        try:
            return cls.from_json(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise DevnetError(f"{path}: cannot be read as a file of contracts: {error}") from error

    @classmethod
    def from_json(cls, text: str) -> Deployment:
        """Return the deployment a JSON text describes; raise `DevnetError` naming the field that is wrong."""
        try:
            raw = json.loads(text)
        except json.JSONDecodeError as error:
            raise DevnetError(f"the deployment is not JSON: {error}") from error
        missing = [
            name for name in _REQUIRED if not isinstance(raw, dict) or not isinstance(raw.get(name), str)
        ]
        if missing:
            raise DevnetError(f"the deployment needs a text for each of: {', '.join(missing)}")
        if raw["generation"] not in ("ald", "rootchain"):
            raise DevnetError(f"generation must be 'ald' or 'rootchain', not {raw['generation']!r}")
        revision = raw.get("revision")
        if revision is not None and revision not in REVISIONS:
            raise DevnetError(f"revision must be one of {', '.join(REVISIONS)}, not {revision!r}")
        return cls(
            generation=cast("Generation", raw["generation"]),
            address=raw["address"],
            operator_key=raw["operator_key"],
            funded_key=raw["funded_key"],
            revision=revision,
            tokens=tuple(raw.get("tokens", ())),
            block_number=int(raw.get("block_number", 0)),
        )
