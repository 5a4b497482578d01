"""`plasma-guard devnet`: a whole plasma chain on this machine, and a thief for it."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plasma_guard.cli.options import JsonOption
from plasma_guard.cli.output import err, facts, out, print_json
from plasma_guard.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from plasma_guard.devnet.connection import Connection
    from plasma_guard.devnet.network import Options

DEFAULT_FILE = Path(".cache/devnet.json")
DEFAULT_GENERATION = "ald"

app = typer.Typer(help="A whole plasma chain on this machine: root chain, contracts, operator, Watcher.")

FileOption = Annotated[
    Path, typer.Option("--connection", help="Where the running devnet writes its URLs and keys.")
]


@app.callback(invoke_without_command=True)
def devnet(
    context: typer.Context,
    generation: Annotated[
        str | None,
        typer.Option(help="rootchain (v0.2), ald (v1) or ald-v2. Default: ald.", show_default=False),
    ] = None,
    rpc: Annotated[
        str | None, typer.Option(help="Use this node instead of starting one.", show_default=False)
    ] = None,
    contracts: Annotated[
        Path | None,
        typer.Option(help="Use the contracts of this JSON file on --rpc.", show_default=False),
    ] = None,
    connection: FileOption = DEFAULT_FILE,
    as_json: JsonOption = False,
) -> None:
    """Start a devnet, print its URLs, addresses and keys, and run until stopped."""
    if context.invoked_subcommand is not None:
        return
    _, options = make_options(generation, rpc, contracts)
    asyncio.run(_serve(options, connection, as_json=as_json))


@app.command("attack")
def attack(
    name: Annotated[str, typer.Argument(metavar="ATTACK", help="A name out of `plasma-guard demo --list`.")],
    connection: FileOption = DEFAULT_FILE,
) -> None:
    """Commit a fraud on a running devnet, as a thief would by hand."""
    from plasma_guard.devnet.connection import Connection  # noqa: PLC0415 (the devnet is an extra)
    from plasma_guard.devnet.scenarios import SCENARIOS  # noqa: PLC0415 (same)

    attacks = [known for known, scenario in SCENARIOS.items() if scenario.is_attack]
    if name not in attacks:
        raise ConfigurationError(f"ATTACK: expected {', '.join(attacks)}, got {name!r}")
    asyncio.run(_attack(name, Connection.load(connection)))


def make_options(generation: str | None, rpc: str | None, contracts: Path | None) -> tuple[str, Options]:
    """Check what a devnet is asked to be; return the generation's name, and the options for it.

    With contracts that somebody else deployed, their file says the generation. Raises `ConfigurationError`.
    """
    try:
        from plasma_guard.devnet.deployment import Deployment  # noqa: PLC0415 (the devnet is an extra)
        from plasma_guard.devnet.network import REVISIONS, Options  # noqa: PLC0415 (same)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the devnet needs {error.name}: install the extra: pip install 'plasma-guard[devnet]'"
        ) from error
    if generation is not None and generation not in REVISIONS:
        raise ConfigurationError(f"--generation: expected {', '.join(REVISIONS)}, got {generation!r}")
    if (rpc is None) != (contracts is None):
        raise ConfigurationError("--rpc and --contracts: give both, or neither")
    if contracts is None:
        name = generation or DEFAULT_GENERATION
        return name, Options(REVISIONS[name])
    found = Deployment.load(contracts)
    names = {revision: name for name, revision in REVISIONS.items()}
    name = names[found.revision] if found.revision else found.generation
    if generation not in {None, name, found.generation}:
        raise ConfigurationError(
            f"--generation: {generation}, but the contracts of {contracts} are {name}; leave it out"
        )
    return name, Options(REVISIONS[name], rpc_url=rpc, contracts=contracts)


async def _serve(options: Options, file: Path, *, as_json: bool) -> None:
    from plasma_guard.devnet.network import network  # noqa: PLC0415 (the devnet is an extra)

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with network(options, tell=lambda text: err.print(text, markup=False)) as running:
        running.save(file)
        if as_json:
            print_json(_document(running))
        else:
            _show(running, file)
        try:
            await stop.wait()
        finally:
            running.forget(file)


async def _attack(name: str, connection: Connection) -> None:
    from plasma_guard.devnet.people import people_of  # noqa: PLC0415 (same)
    from plasma_guard.devnet.scenarios import SCENARIOS, commit  # noqa: PLC0415 (same)

    async with people_of(connection) as people:
        await commit(SCENARIOS[name], people, lambda who, text: out.print(f"{who}: {text}", markup=False))


def _document(connection: Connection) -> dict[str, object]:
    return {
        "generation": connection.revision,
        "contract": connection.contract,
        "chain_id": connection.chain_id,
        "rpc_url": connection.rpc_url,
        "watcher_url": connection.watcher_url,
        "operator_url": connection.operator_url,
        "keys": connection.keys,
    }


def _show(connection: Connection, file: Path) -> None:
    document = _document(connection)
    keys = document.pop("keys")
    assert isinstance(keys, dict)  # noqa: S101 (made just above)
    facts("devnet", document.items())
    facts("\nkeys, worth nothing anywhere else", keys.items())
    out.print(
        f"""
Guard it, in another terminal:
  export PRIVATE_KEY={keys["guard"]}
  export PLASMA_GUARD_ROOT_CHAIN__RPC={connection.rpc_url}
  export PLASMA_GUARD_ROOT_CHAIN__CHAIN_ID={connection.chain_id}
  export PLASMA_GUARD_ROOT_CHAIN__CONTRACT={connection.contract}
  export PLASMA_GUARD_ROOT_CHAIN__CONFIRMATIONS=2
  export PLASMA_GUARD_WATCHER__URL={connection.watcher_url}
  export PLASMA_GUARD_JOURNAL__PATH=.cache/devnet-journal.sqlite3
  plasma-guard run
Commit a fraud, in a third:
  plasma-guard devnet attack invalid-exit --connection {file}
Stop with Ctrl-C.""",
        markup=False,
    )
