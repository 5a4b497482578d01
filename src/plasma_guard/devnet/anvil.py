"""Anvil is the local EVM; its binary comes from a locked npm package and is kept in the user's cache."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from plasma_guard.devnet import node_packages
from plasma_guard.devnet.errors import DevnetError

if TYPE_CHECKING:
    from collections.abc import Callable

ANVIL_VERSION: Final = "1.7.1"
ANVIL_VARIABLE: Final = "PLASMA_GUARD_ANVIL"
_MACHINES: Final = {"x86_64": "amd64", "amd64": "amd64", "arm64": "arm64", "aarch64": "arm64"}


def ensure_anvil(progress: Callable[[str], None]) -> Path:
    """Return an anvil program: the one ``PLASMA_GUARD_ANVIL`` names, the cached one or a fresh one.

    ``progress`` receives one sentence before a slow step. Raises `DevnetError` when there is no such
    program, no build for this machine, or npm fails.
    """
    named = os.environ.get(ANVIL_VARIABLE)
    if named:
        return _executable(Path(named), f"{ANVIL_VARIABLE} names a file that cannot be run: {named}")
    folder = node_packages.install(f"anvil-{ANVIL_VERSION}", Path(__file__).parent / "npm", progress)
    build = f"{sys.platform}-{_MACHINES.get(platform.machine().lower(), platform.machine())}"
    binary = folder / "node_modules" / "@foundry-rs" / f"anvil-{build}" / "bin" / "anvil"
    return _executable(
        binary,
        f"npm installed no anvil for {build} into {folder}; remove that folder and try again, "
        f"or set {ANVIL_VARIABLE} to an anvil program of your own",
    )


def _executable(path: Path, otherwise: str) -> Path:
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise DevnetError(otherwise)
    return path
