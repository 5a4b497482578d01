"""The command line's entry: commands, errors and exit codes."""

import sys
from typing import Annotated, NoReturn

import typer

from plasma_guard.cli.output import EXIT_USAGE, EXIT_WRONG
from plasma_guard.domain.errors import ConfigurationError, GuardError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Watches a plasma chain and challenges fraud, or exits with your funds, before the deadline.",
)


def main() -> NoReturn:
    """Run the command line; every expected error is one message on stderr, never a traceback."""
    _register()
    try:
        app(prog_name="plasma-guard", standalone_mode=True)
    except ConfigurationError as error:
        for problem in error.problems:
            sys.stderr.write(f"plasma-guard: {problem}\n")
        sys.exit(EXIT_USAGE)
    except GuardError as error:
        sys.stderr.write(f"plasma-guard: {error}\n")
        sys.exit(EXIT_WRONG)
    sys.exit(0)


def _register() -> None:
    """Add each command; the modules import what they need only when their command runs."""
    from plasma_guard.cli import (  # noqa: PLC0415 (see above)
        check,
        demo,
        devnet,
        exits,
        explain,
        inspect,
        journal,
        run,
        status,
        vault,
    )

    app.command("run")(run.run)
    app.command("check")(check.check)
    app.command("status")(status.status)
    app.command("explain")(explain.explain)
    app.add_typer(journal.app, name="journal")
    app.add_typer(inspect.app, name="inspect")
    app.add_typer(vault.app, name="vault")
    app.add_typer(exits.app, name="exits")
    app.command("demo")(demo.demo)
    app.add_typer(devnet.app, name="devnet")


def _version(asked: bool) -> None:
    if not asked:
        return
    from importlib.metadata import version  # noqa: PLC0415 (needed for this option only)

    typer.echo(f"plasma-guard {version('plasma-guard')}")
    raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that come before a command."""
    del version
