"""The committed artifacts belong to the Solidity sources on disk; no compiler is needed to see it."""

from __future__ import annotations

import pytest

from plasma_guard.devnet import artifacts
from plasma_guard.devnet.errors import DevnetError

NAMES = sorted(path.stem for path in artifacts.ARTIFACTS.glob("*.json"))
HINT = "the Solidity sources changed: run python tools/contracts/compile.py and commit its output"


@pytest.mark.parametrize("name", NAMES)
def test_artifact_records_the_hash_of_its_sources(name: str) -> None:
    """An artifact whose source, or any import of it, changed afterwards is noticed."""
    artifact = artifacts.load(name)
    assert artifact.source_sha256 == artifacts.source_hash(artifact.source), HINT


def test_every_source_with_code_has_an_artifact() -> None:
    """A contract that nobody compiled is noticed: each source is compiled somewhere."""
    compiled = {path for name in NAMES for path in artifacts.source_closure(artifacts.load(name).source)}
    present = {path.relative_to(artifacts.SOLIDITY).as_posix() for path in artifacts.SOLIDITY.rglob("*.sol")}
    assert present - compiled == set(), HINT


def test_artifacts_name_no_folder_of_the_machine_that_built_them() -> None:
    """Artifacts are the same wherever they are built: they hold relative source names only."""
    for name in NAMES:
        source = artifacts.load(name).source
        assert not source.startswith("/")
        assert ".." not in source


def test_a_missing_artifact_is_named() -> None:
    """Asking for an unknown contract says so, and what there is."""
    with pytest.raises(DevnetError, match="no compiled contract 'Nope'"):
        artifacts.load("Nope")


def test_linking_demands_every_library() -> None:
    """Creation code with a hole in it is never deployed."""
    link = artifacts.LinkReference(library="Lib", start=1, length=20)
    artifact = artifacts.Artifact("C", [], "0x73" + "00" * 20 + "30", (link,), "c.sol", "")
    with pytest.raises(DevnetError, match="library Lib"):
        artifact.linked({})
    assert artifact.linked({"Lib": "0x" + "ab" * 20}) == "0x73" + "ab" * 20 + "30"
