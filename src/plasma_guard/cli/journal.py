"""`plasma-guard journal`: what the guard saw, decided, sent and paid, case by case."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from plasma_guard.cli.options import ConfigOption, JsonOption
from plasma_guard.cli.output import print_json
from plasma_guard.domain.errors import ConfigurationError, JournalError

if TYPE_CHECKING:
    from plasma_guard.journal import JournalReader

T = TypeVar("T")

app = typer.Typer(
    no_args_is_help=True,
    help="Read the journal: cases, decisions, transactions, costs. Also while the daemon runs; never writes.",
)

JournalOption = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        help="The journal file; default: the one of the settings, which are not needed with this.",
        show_default=False,
    ),
]


@app.command("list")
def list_(
    config: ConfigOption = None,
    journal: JournalOption = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only cases that are not closed.")] = False,
    kind: Annotated[
        str | None, typer.Option(help="Only cases of this kind, such as standard_exit.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the cases: what they are about, how they stand, and what they have cost."""
    from plasma_guard.cli.case_json import case_document  # noqa: PLC0415 (a quick --help)
    from plasma_guard.cli.casebook import show_cases  # noqa: PLC0415 (same)
    from plasma_guard.domain.cases import Kind  # noqa: PLC0415 (same)

    if kind is not None and kind not in [known.value for known in Kind]:
        raise ConfigurationError(f"--kind: expected {', '.join(Kind)}, got {kind!r}")
    now, found = _read(config, journal, lambda reader: _with_time(reader, reader.histories()))
    wanted = [
        each
        for each in found
        if (each.case.is_open or not open_only) and kind in {None, each.case.key.kind.value}
    ]
    if as_json:
        print_json([case_document(each) for each in wanted])
    else:
        show_cases(wanted, now, total=len(found))


@app.command("show")
def show(
    number: Annotated[
        int, typer.Argument(metavar="CASE", help="A number out of `plasma-guard journal list`.")
    ],
    config: ConfigOption = None,
    journal: JournalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell one case from the first report to the end; a closed one as an incident report."""
    from plasma_guard.cli.case_json import history_document  # noqa: PLC0415 (a quick --help)
    from plasma_guard.cli.casebook import show_history  # noqa: PLC0415 (same)

    now, found = _read(config, journal, lambda reader: _with_time(reader, reader.history(number)))
    if found is None:
        raise JournalError(f"there is no case {number}: `plasma-guard journal list` shows those there are")
    if as_json:
        print_json(history_document(found))
    else:
        show_history(found, now)


@app.command("export")
def export(
    config: ConfigOption = None,
    journal: JournalOption = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="With signed transactions, which anybody can broadcast.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document instead of one line for each record.")
    ] = False,
) -> None:
    """Print everything in the journal as JSON lines, each with its `record`; it holds no secrets."""
    records = _read(config, journal, lambda reader: reader.dump(raw=raw))
    if as_json:
        document: dict[str, list[Any]] = {}
        for name, row in records:
            document.setdefault(name, []).append(row)
        print_json(document)
        return
    for name, row in records:
        sys.stdout.write(json.dumps({"record": name, **row}) + "\n")


def _read(config: Path | None, journal: Path | None, read: Callable[[JournalReader], Awaitable[T]]) -> T:
    """Read from the journal; one that is missing or of another chain is a matter of configuration."""

    async def reading() -> T:
        try:
            reader = _open(config, journal)
        except JournalError as error:
            raise ConfigurationError(str(error)) from error
        async with reader:
            return await read(reader)

    return asyncio.run(reading())


def _open(config: Path | None, journal: Path | None) -> JournalReader:
    from plasma_guard.cli.load import load  # noqa: PLC0415 (not needed with --journal)
    from plasma_guard.journal import read_journal  # noqa: PLC0415 (a quick --help)

    if journal is not None:
        return read_journal(journal)
    settings = load(config)
    root = settings.root_chain
    return read_journal(settings.journal.path, chain_id=root.chain_id, contract=root.contract)


async def _with_time(reader: JournalReader, read: Awaitable[T]) -> tuple[int, T]:
    """Return what is read with the time in root-chain seconds."""
    return await reader.now(), await read
