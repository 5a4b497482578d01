"""Compiled contracts are committed as JSON, one file per contract, and loaded by name.

`tools/contracts/compile.py` writes them; their recorded source hash ties each to the Solidity on disk.
"""

from __future__ import annotations

import functools
import hashlib
import json
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from plasma_guard.devnet.errors import DevnetError

SOLIDITY: Final = Path(__file__).parent / "solidity"
ARTIFACTS: Final = Path(__file__).parent / "artifacts"
_IMPORT: Final = re.compile(r'^\s*import\s+(?:\{[^}]*\}\s*from\s+)?"([^"]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LinkReference:
    """A place in the creation code, in bytes, where the address of a deployed library goes."""

    library: str
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract: its ABI and creation code (hex with 0x; zeros where libraries are linked)."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: str
    links: tuple[LinkReference, ...]
    source: str
    source_sha256: str

    def linked(self, libraries: dict[str, str]) -> str:
        """Return the creation code with library addresses put in place; raise when one is missing."""
        code = bytearray.fromhex(self.bytecode[2:])
        for link in self.links:
            if link.library not in libraries:
                raise DevnetError(
                    f"{self.name} needs the address of the library {link.library}; deploy it first"
                )
            code[link.start : link.start + link.length] = bytes.fromhex(libraries[link.library][2:])
        return "0x" + code.hex()


@functools.cache
def load(name: str) -> Artifact:
    """Return the committed artifact of a contract; raise `DevnetError` when there is none of this name."""
    path = ARTIFACTS / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in ARTIFACTS.glob("*.json")))
        raise DevnetError(f"there is no compiled contract {name!r}; there are: {known}")
    raw = json.loads(path.read_text(encoding="utf-8"))
    return Artifact(
        name=name,
        abi=raw["abi"],
        bytecode=raw["bytecode"],
        links=tuple(LinkReference(**link) for link in raw["links"]),
        source=raw["source"],
        source_sha256=raw["source_sha256"],
    )


def source_closure(source: str) -> tuple[str, ...]:
    """Return a source and everything it imports, sorted, as paths relative to the Solidity folder."""
    found: set[str] = set()
    waiting = [source]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        text = (SOLIDITY / current).read_text(encoding="utf-8")
        folder = posixpath.dirname(current)
        waiting += [posixpath.normpath(posixpath.join(folder, path)) for path in _IMPORT.findall(text)]
    return tuple(sorted(found))


def source_hash(source: str) -> str:
    """Return the SHA-256 (hex) over the names and contents of a source and everything it imports."""
    digest = hashlib.sha256()
    for path in source_closure(source):
        content = (SOLIDITY / path).read_bytes()
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
