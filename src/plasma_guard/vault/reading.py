"""A vault read without any connection: its file says itself which chain and contract it is of."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from plasma_guard.domain.errors import VaultError
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.primitives import Address, Timestamp
from plasma_guard.domain.vault import VaultContents
from plasma_guard.plasma.rules import rules_for
from plasma_guard.vault import bundle
from plasma_guard.vault.checking import problems
from plasma_guard.vault.draft import Draft
from plasma_guard.vault.records import Binding, State
from plasma_guard.vault.store import Store


def open_file(path: Path) -> Store:
    """Open a vault for reading only; raises `VaultError` for one that is missing or is none."""
    if not path.exists():
        raise VaultError(f"there is no vault at {path} yet: fill it with plasma-guard vault refresh")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT chain_id, contract, generation FROM binding").fetchone()
        bound = Binding(row[0], Address(row[1]), str(Generation(row[2])))
    except (sqlite3.Error, TypeError, ValueError) as error:
        raise VaultError(f"{path} is no vault of plasma-guard, or damaged: {error}") from error
    return Store(path, bound, rules_for(Generation(bound.generation)), writing=False)


def contents_of(path: Path) -> VaultContents:
    """Return what a vault holds."""
    return _draft(open_file(path)).contents()


def bundle_of(path: Path) -> dict[str, Any]:
    """Return the bundle of a vault."""
    store = open_file(path)
    draft = _draft(store)
    return bundle.write(store.bound, draft, Timestamp(draft.progress.get("refreshed_at", 0)))


def check_file(path: Path) -> list[str]:
    """Return what does not prove itself against the roots on file."""
    store = open_file(path)
    stored = store.load()
    rules = rules_for(Generation(store.bound.generation))
    outputs = [own for own in stored.outputs.values() if own.state is State.HELD]
    return list(problems(rules, store.bound.contract, stored.records.values(), outputs, stored.blocks))


def _draft(store: Store) -> Draft:
    return Draft(store.load())
