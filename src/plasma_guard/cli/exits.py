"""`plasma-guard exits`: how the user's money would leave, leaves, and has left."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plasma_guard.cli.options import ConfigOption, JsonOption
from plasma_guard.cli.output import EXIT_WRONG, out, print_json, table
from plasma_guard.domain.errors import ConfigurationError, MalformedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from plasma_guard.config import Config
    from plasma_guard.domain.cases import Case, DecisionRecord
    from plasma_guard.domain.plan import ExitPlan
    from plasma_guard.domain.position import UtxoPosition
    from plasma_guard.domain.vault import VaultContents

app = typer.Typer(
    no_args_is_help=True, help="Take money off the plasma chain: plan it, start it, see it through."
)
EVERYTHING = "all"


@app.command("plan")
def plan(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show how everything in the vault would leave now, what it costs, and what would stay; sends nothing."""
    from plasma_guard.cli.exit_plan import plan_json, plan_table  # noqa: PLC0415 (a quick --help)

    made = asyncio.run(_planned(_settings(config)))
    if as_json:
        print_json(plan_json(made))
    else:
        out.print(plan_table(made))


@app.command("start")
def start(
    outputs: Annotated[
        list[str],
        typer.Argument(metavar="POS...|all", help="Utxo positions as `exits plan` shows them, or all."),
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have the guard take outputs out, also from a healthy chain; it carries them to the end."""
    from plasma_guard.daemon.mailbox import Mailbox  # noqa: PLC0415 (a quick --help)

    settings = _settings(config)
    positions = _positions(outputs)
    if positions is not None:
        _refuse_unknown(positions, _kept(settings))
    Mailbox(settings.mailbox_path).post(positions)
    wanted = [EVERYTHING] if positions is None else [str(position) for position in positions]
    if as_json:
        print_json({"asked_for": wanted})
    else:
        out.print(
            f"asked for: {', '.join(wanted)}. The running guard takes it up within seconds, and without one"
            " `plasma-guard run` does when it starts. Follow it with: plasma-guard exits list"
        )


@app.command("process")
def process(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Have the guard see through the exits of yours that run already, whoever started them.

    It joins, answers and processes the queue up to each, as it does for those it started itself.
    """
    from plasma_guard.daemon.mailbox import Mailbox  # noqa: PLC0415 (a quick --help)

    Mailbox(_settings(config).mailbox_path).post_running()
    if as_json:
        print_json({"asked_for": "running"})
    else:
        out.print(
            "asked for: every exit of yours that runs on the root chain is seen through to its payment. The"
            " running guard takes it up within seconds, and without one `plasma-guard run` does when it"
            " starts. Follow it with: plasma-guard exits list"
        )


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show every exit of our own, how far it is, and what comes next; exit code 1 if one was lost."""
    now, cases = asyncio.run(_own_exits(_settings(config).journal.path))
    rows = [_row(case, decisions, now) for case, decisions in cases]
    if as_json:
        print_json([_document(case, row, now) for (case, _), row in zip(cases, rows, strict=True)])
    elif not rows:
        out.print("no exit of our own was ever begun; see what could leave: plasma-guard exits plan")
    else:
        columns = ("case", "what", "of", "begun", "state", "time left", "what is next, or why it is over")
        table("our own exits", columns, (row.values() for row in rows))
    if any(row["state"] == "lost" for row in rows):
        sys.stderr.write("plasma-guard: an exit of our own was lost; its last line says why\n")
        raise typer.Exit(EXIT_WRONG)


@app.command("drill")
def drill(
    config: ConfigOption = None,
    copy: Annotated[
        bool,
        typer.Option(
            "--copy/--no-copy",
            help="Play every call on a local copy of the root chain, or only simulate the first calls.",
        ),
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Rehearse leaving with the whole vault; sends and signs nothing; exit code 1 if something would stay."""
    from plasma_guard.cli.exit_drill import drill_json, drill_lines, drilled  # noqa: PLC0415 (a quick --help)
    from plasma_guard.telemetry.logs import configure_logging  # noqa: PLC0415 (same)

    configure_logging(level="error")  # the result says it all
    result = asyncio.run(drilled(_settings(config), copy=copy))
    if as_json:
        print_json(drill_json(result))
    else:
        for line in drill_lines(result):
            out.print(line, markup=False)
    if not result.ok:
        raise typer.Exit(EXIT_WRONG)


app.command("status", help="The same as list.")(list_)


async def _planned(settings: Config) -> ExitPlan:
    import os  # noqa: PLC0415 (a quick --help)

    from plasma_guard.app import find_game, load_keys, make_chain, register_secrets  # noqa: PLC0415 (same)
    from plasma_guard.clock import SystemClock  # noqa: PLC0415 (same)
    from plasma_guard.daemon.plan_facts import plan_exits  # noqa: PLC0415 (same)
    from plasma_guard.leaving import plan_policy  # noqa: PLC0415 (same)
    from plasma_guard.vaulting import owners_of  # noqa: PLC0415 (same)

    register_secrets(settings)
    keys = {key.address: key.account.role for key in load_keys(settings, os.environ)}
    accounts = owners_of(settings, keys)
    contents = _kept(settings)
    async with make_chain(settings, SystemClock()) as chain:
        game = await find_game(settings, chain)
        return await plan_exits(
            contents, None, plan_policy(settings), chain=chain, game=game, accounts=accounts
        )


async def _own_exits(journal: Path) -> tuple[int, list[tuple[Case, Sequence[DecisionRecord]]]]:
    from plasma_guard.domain.cases import Kind  # noqa: PLC0415 (a quick --help)
    from plasma_guard.journal.reading import read_journal  # noqa: PLC0415 (same)

    async with read_journal(journal) as reader:
        cases = [case for case in await reader.cases() if case.key.kind is Kind.OWN_EXIT]
        return await reader.now(), [(case, await reader.decisions(case.id)) for case in cases]


def _document(case: Case, row: dict[str, Any], now: int) -> dict[str, Any]:
    """Return a row for machines: times in root-chain seconds; it can be paid `ripe_at` at the earliest."""
    ripe_in = case.ripe_at - now if case.is_open and case.ripe_at is not None else None
    return row | {"deadline": case.deadline, "ripe_at": case.ripe_at, "seconds_to_ripe": ripe_in}


def _row(case: Case, decisions: Sequence[DecisionRecord], now: int) -> dict[str, Any]:
    from datetime import UTC, datetime  # noqa: PLC0415 (a quick --help)

    last = decisions[-1] if decisions else None
    return {
        "case": case.id,
        "what": case.event.removeprefix("own_").replace("_", " "),
        "of": str(case.position),
        "begun": datetime.fromtimestamp(case.opened_at, UTC).strftime("%Y-%m-%d %H:%M"),
        "state": "under way" if case.closure is None else _ENDED.get(case.closure.value, case.closure.value),
        "left": time_left(case, now),
        "next": last.reason if last else "nothing is decided yet",
    }


_ENDED = {"won by us": "paid"}


def time_left(case: Case, now: int) -> str:
    """Say how long one of our own exits takes until it can be paid, or how long there is to start it."""
    from plasma_guard.domain.durations import duration  # noqa: PLC0415 (a quick --help)

    if not case.is_open or case.deadline is None:
        return "-"
    if case.ripe_at is None:
        left = case.deadline - now
        return f"start within {duration(left)}" if left > 0 else "late: start now"
    return f"ripe in {duration(case.ripe_at - now)}" if case.ripe_at >= now else "ripe: waits for its queue"


def _positions(outputs: Sequence[str]) -> tuple[UtxoPosition, ...] | None:
    from plasma_guard.domain.position import UtxoPosition  # noqa: PLC0415 (a quick --help)

    if list(outputs) == [EVERYTHING]:
        return None
    try:
        return tuple(UtxoPosition.decode(int(text)) for text in outputs)
    except (ValueError, MalformedError) as error:
        raise ConfigurationError(
            f"POS: expected whole numbers such as 1000000000000, or `all` alone, got {' '.join(outputs)}"
        ) from error


def _refuse_unknown(positions: Sequence[UtxoPosition], contents: VaultContents) -> None:
    held = {output.position for output in contents.outputs}
    unknown = [str(position) for position in positions if position not in held]
    if unknown:
        raise ConfigurationError(
            f"POS: the vault holds no output {', '.join(unknown)}; see `plasma-guard vault list`,"
            " and `plasma-guard vault refresh` for a new one"
        )


def _kept(settings: Config) -> VaultContents:
    from plasma_guard.vault.reading import contents_of  # noqa: PLC0415 (a quick --help)

    return contents_of(settings.vault_path)


def _settings(config: Path | None) -> Config:
    from plasma_guard.cli.load import load  # noqa: PLC0415 (a quick --help)

    return load(config)
