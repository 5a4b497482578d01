"""`plasma-guard vault`: what the guard keeps so that its user can leave, and what is missing."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plasma_guard.cli.options import ConfigOption, JsonOption
from plasma_guard.cli.output import EXIT_WRONG, facts, out, print_json, table
from plasma_guard.domain.errors import ConfigurationError, EvidenceError, MalformedError

if TYPE_CHECKING:
    from plasma_guard.config import Config
    from plasma_guard.domain.blocks import BlockStamp
    from plasma_guard.domain.vault import HeldOutput, VaultContents
    from plasma_guard.vault import SqlVault

app = typer.Typer(
    no_args_is_help=True, help="What it takes to leave the plasma chain, kept on disk; and what is missing."
)
_LARGEST_BUNDLE = 1 << 30
_TABLE = 1000
"""Rows up to which columns are aligned, which takes all of them in memory."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A vault, and the newest root-chain block."""

    vault: SqlVault
    at: BlockStamp


@app.command("refresh")
def refresh(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Bring the vault up to date; a running guard does that by itself."""

    async def work(opened: _Open) -> tuple[Any, VaultContents]:
        return await opened.vault.refresh(opened.at), await opened.vault.contents()

    done, contents = _online(config, work)
    if as_json:
        print_json(
            {
                "new_transactions": done.transactions,
                "new_outputs": done.outputs,
                "gone": done.gone,
                "troubles": list(done.troubles),
                **_document(contents),
            }
        )
    else:
        lacking = sum(bool(output.missing) for output in contents.outputs)
        out.print(
            f"{len(contents.outputs)} outputs held ({done.outputs} new, {done.gone} gone), of which {lacking}"
            f" lack something for a way out; {len(contents.transactions)} transactions. Details:"
            " plasma-guard vault list"
        )
    for trouble in done.troubles:
        sys.stderr.write(f"plasma-guard: {trouble}\n")
    if any(output.stuck for output in contents.outputs):
        raise typer.Exit(EXIT_WRONG)


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show what is held, what is missing, and since when; asks nobody."""
    contents = _kept(config)
    if as_json:
        print_json(_document(contents))
    else:
        _show(contents)


@app.command("verify")
def verify(
    config: ConfigOption = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Against the roots on file, not those on the root chain.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Prove everything again; exit code 1 when something does not prove itself."""
    if offline:
        from plasma_guard.vault.reading import check_file  # noqa: PLC0415 (a quick --help)

        found = check_file(_path(config))
    else:
        found = _online(config, lambda opened: opened.vault.check(opened.at))
    if as_json:
        print_json({"ok": not found, "problems": found})
    for problem in found:
        sys.stderr.write(f"plasma-guard: {problem}\n")
    if found:
        raise typer.Exit(EXIT_WRONG)
    if not as_json:
        against = "the roots on file" if offline else "the root chain"
        out.print(f"everything proves itself against {against}")


@app.command("export")
def export(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="Where to write; without it, to the output.", show_default=False
        ),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a bundle that another machine can exit from; asks nobody."""
    from plasma_guard.vault.reading import bundle_of  # noqa: PLC0415 (a quick --help)

    document = bundle_of(_path(config))
    if file is None:
        print_json(document)
        return
    text = json.dumps(document, indent=1)
    partial = file.with_name(file.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    except OSError as error:
        raise ConfigurationError(f"FILE: {file} cannot be written ({error.strerror})") from error
    summary = {
        "file": str(file),
        "outputs": len(document["outputs"]),
        "transactions": len(document["transactions"]),
    }
    if as_json:
        print_json(summary)
    else:
        facts("exported", summary.items())


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle of plasma-guard vault export.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a bundle in: all of it, after everything in it is proven against the root chain, or nothing."""
    document = _bundle(file)

    async def work(opened: _Open) -> tuple[int, VaultContents]:
        return await opened.vault.take_in(document, opened.at), await opened.vault.contents()

    try:
        new, contents = _online(config, work)
    except (EvidenceError, MalformedError) as error:
        raise ConfigurationError(f"{file}: {error}") from error
    if as_json:
        print_json({"new_outputs": new, **_document(contents)})
    else:
        out.print(f"{new} outputs that were not held before; {len(contents.outputs)} are held now")


@app.command("track")
def track(
    transaction: Annotated[
        str,
        typer.Argument(
            metavar="TXBYTES|FILE", help="A signed transaction as 0x hex, or a file that holds it."
        ),
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a transaction of yours that may not be in a block yet, so that it can be exited in flight."""
    content = _transaction(transaction)
    try:
        kept = _online(config, lambda opened: opened.vault.track(content, opened.at))
    except EvidenceError as error:
        raise ConfigurationError(f"TXBYTES: {error}") from error
    found = {
        "txhash": str(kept.hash),
        "signatures_checked": kept.is_signed,
        "inputs": [str(source) for source in kept.sources],
    }
    if as_json:
        print_json(found)
    else:
        facts("kept, as long as it is in no block", found.items())


def _online(path: Path | None, work: Callable[[_Open], Coroutine[Any, Any, Any]]) -> Any:
    """Open the vault with everything it is filled from, and work on it."""

    async def run() -> Any:
        async with _opened(_settings(path)) as opened:
            return await work(opened)

    return asyncio.run(run())


@asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[_Open]:
    from plasma_guard.app import (  # noqa: PLC0415 (a quick --help)
        find_game,
        first_block,
        load_keys,
        make_chain,
        make_watcher,
        register_secrets,
    )
    from plasma_guard.clock import SystemClock  # noqa: PLC0415 (same)
    from plasma_guard.vaulting import Sources, owners_of, vault_of  # noqa: PLC0415 (same)

    register_secrets(config)
    clock = SystemClock()
    keys = [] if config.mode == "observe" else load_keys(config, os.environ)
    owners = owners_of(config, {key.address: key.account.role for key in keys})
    if not owners:
        raise ConfigurationError(
            "accounts: none is an owner with a known address, so there are no outputs to keep; give an"
            ' account the role "owner", or watch an address with role = "watch-only"'
        )
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(make_chain(config, clock))
        watcher = await stack.enter_async_context(make_watcher(config))
        game = await find_game(config, chain)
        began = await first_block(config, chain, game)
        sources = Sources(chain, game, watcher)
        vault = await stack.enter_async_context(vault_of(config, sources, clock, owners, began))
        yield _Open(vault, await chain.head())


def _settings(path: Path | None) -> Config:
    from plasma_guard.cli.load import load  # noqa: PLC0415 (a quick --help)
    from plasma_guard.telemetry.logs import configure_logging  # noqa: PLC0415 (same)

    config = load(path)
    configure_logging(config.logging.format, "error")
    return config


def _path(config: Path | None) -> Path:
    return _settings(config).vault_path


def _kept(config: Path | None) -> VaultContents:
    from plasma_guard.vault.reading import contents_of  # noqa: PLC0415 (a quick --help)

    return contents_of(_path(config))


def _bundle(file: Path) -> object:
    try:
        if file.stat().st_size > _LARGEST_BUNDLE:
            raise ConfigurationError(f"FILE: {file} is larger than {_LARGEST_BUNDLE} bytes, no bundle is")
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"FILE: {file} cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"FILE: {file} is not JSON: expected a bundle of vault export") from error


def _transaction(given: str) -> bytes:
    """Read hex, or a file of it: as text, or the bytes themselves."""
    from plasma_guard.domain.primitives import parse_hex  # noqa: PLC0415 (a quick --help)

    text = given
    if not given.startswith(("0x", "0X")):
        try:
            content = Path(given).read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"TXBYTES|FILE: expected 0x hex or the path of a file; {given[:80]} cannot be read"
                f" ({error.strerror})"
            ) from error
        try:
            text = content.decode("ascii").strip()
        except UnicodeDecodeError:
            return content
    try:
        return parse_hex(text if text.startswith(("0x", "0X")) else "0x" + text, "TXBYTES")
    except MalformedError as error:
        raise ConfigurationError(str(error)) from error


def _document(contents: VaultContents) -> dict[str, Any]:
    return {
        "outputs": [_row(contents, output) for output in contents.outputs],
        "transactions": len(contents.transactions) + len(contents.twins),
    }


def _row(contents: VaultContents, output: HeldOutput) -> dict[str, Any]:
    creating = contents.creating(output)
    return {
        "position": str(output.position) if output.position else None,
        "txhash": str(output.tx_hash),
        "index": output.index,
        "owner": str(output.owner),
        "currency": str(output.token),
        "amount": str(output.amount),
        "source": str(creating.source) if creating else None,
        "spent_by": str(output.spent_by) if output.spent_by else None,
        "stuck": output.stuck,
        "missing": list(output.missing),
        "missing_since": output.missing_since,
        "doubt": output.doubt,
    }


def _show(contents: VaultContents) -> None:
    columns = ("position", "amount", "token", "ways out")
    rows = (_cells(output) for output in contents.outputs)
    if len(contents.outputs) <= _TABLE:
        table("outputs", columns, rows)
    else:
        for cells in (columns, *rows):
            sys.stdout.write("  ".join(cells) + "\n")
    for output in contents.outputs:
        name = output.position or output.tx_hash
        for word in output.missing:
            out.print(f"{name}: missing since {output.missing_since}: {word}", markup=False)
        if output.spent_by:
            out.print(f"{name}: spent by {output.spent_by}, which is in no known block", markup=False)
        if output.doubt:
            out.print(f"{name}: {output.doubt}", markup=False)


def _cells(output: HeldOutput) -> tuple[str, ...]:
    return (
        str(output.position or f"in flight: {output.tx_hash}/{output.index}"),
        str(output.amount),
        str(output.token) if any(output.token) else "ETH (wei)",
        _ways(output),
    )


def _ways(output: HeldOutput) -> str:
    if output.stuck:
        return "NONE"
    return "one lacks something" if output.missing else "complete"
