"""Imports point one way; adapters meet only where they are put together."""

import ast
from collections.abc import Iterator
from pathlib import Path

import plasma_guard

ROOT = Path(plasma_guard.__file__).parent
LAYERS = ["domain", "plasma", "planner", "ports", "reactions", "daemon", "app", "cli"]
"""Each may import only itself and what stands to its left."""
BESIDE = {
    "doctor": "app",
    "explaining": "app",
    "drilling": "app",
    "vaulting": "app",
    "leaving": "app",
    "clock": "domain",
    "config": "domain",
    "__main__": "cli",
}
"""Modules that live on the level of a layer without being in its folder."""
ADAPTERS = {"watcher", "verifier", "chain", "contracts", "sender", "keys", "journal", "vault", "telemetry"}
ADAPTERS_MAY = {"domain", "plasma", "ports"}
ONLY_IN = {
    "web3": {"chain", "contracts", "devnet"},
    "httpx": {"telemetry", "chain", "devnet", "cli"},
    "pydantic": {"watcher", "reactions", "config", "daemon", "explaining"},
    "pydantic_settings": {"config"},
    "sqlalchemy": {"journal", "vault"},
    "alembic": {"journal"},
    "typer": {"cli"},
    "rich": {"cli"},
    "prometheus_client": {"telemetry"},
    "tenacity": {"watcher", "telemetry"},
}


def room(module: str) -> str:
    return module.split(".")[1]


def imports() -> Iterator[tuple[str, str, str]]:
    """Yield (file, its room, what it imports) for every import, those inside functions too."""
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT)
        ours = relative.parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                names = [
                    f"{module}.{alias.name}" if module == "plasma_guard" else module for alias in node.names
                ]
            else:
                continue
            for name in names:
                yield str(relative), ours, name


def internal() -> Iterator[tuple[str, str, str]]:
    for file, ours, name in imports():
        if name.startswith("plasma_guard."):
            yield file, ours, room(name)


def test_imports_point_to_the_left() -> None:
    """A layer knows nothing of the layers above it."""
    rank = {layer: number for number, layer in enumerate(LAYERS)}
    rank |= {module: rank[layer] for module, layer in BESIDE.items()}
    wrong = [
        f"{file} imports {theirs}"
        for file, ours, theirs in internal()
        if ours in rank and theirs in rank and rank[theirs] > rank[ours]
    ]
    assert wrong == []


def test_adapters_know_the_core_and_never_each_other() -> None:
    """What implements a port can be replaced without looking at any other."""
    wrong = [
        f"{file} imports {theirs}"
        for file, ours, theirs in internal()
        if ours in ADAPTERS and theirs not in ADAPTERS_MAY | {ours}
    ]
    assert wrong == []


def test_the_core_names_no_adapter() -> None:
    """Only the composition root, the commands and the devnet name concrete adapters."""
    core = {"domain", "plasma", "planner", "ports", "reactions", "daemon"}
    wrong = [
        f"{file} imports {theirs}" for file, ours, theirs in internal() if ours in core and theirs in ADAPTERS
    ]
    assert wrong == []


def test_only_commands_import_the_devnet() -> None:
    """The production image has no devnet, and must not miss it."""
    wrong = [
        file
        for file, ours, theirs in internal()
        if theirs == "devnet"
        and ours != "devnet"
        and file not in {"cli/demo.py", "cli/devnet.py", "cli/exit_drill.py"}
    ]
    assert wrong == []


def test_domain_is_standard_library_only() -> None:
    """The vocabulary depends on nothing that can change under it."""
    import sys  # noqa: PLC0415 (for its list of the standard library only)

    wrong = [
        f"{file} imports {name}"
        for file, ours, name in imports()
        if ours == "domain"
        and not name.startswith("plasma_guard.domain")
        and name.split(".")[0] not in sys.stdlib_module_names
    ]
    assert wrong == []


def test_libraries_stay_in_their_rooms() -> None:
    """Replacing a library is work in one place."""
    wrong = [
        f"{file} imports {name}"
        for file, ours, name in imports()
        if (top := name.split(".")[0]) in ONLY_IN and ours not in ONLY_IN[top]
    ]
    assert wrong == []
