"""`plasma-guard demo`: a fraud on a local chain, and the ordinary daemon that stops it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plasma_guard.cli.devnet import make_options
from plasma_guard.cli.options import GenerationOption, JsonOption
from plasma_guard.cli.output import EXIT_WRONG, err, out, print_json

if TYPE_CHECKING:
    from plasma_guard.devnet.network import Options

COLOURS = {"thief": "red", "chain": "blue", "guard": "green", "devnet": "dim", "verdict": "bold"}
SETTLED = "challenged: the fraudulent exit is stopped"
SAID = {
    "guarding": "I guard this chain now",
    "an exit was started": "I see an exit of output {position} in block {block}",
    "proven, to be answered": "proven: {reason}",
    SETTLED: ("challenged in {tx}: cost {gas_cost_wei} wei, won {bond_won_wei} wei"),
}
"""Which of the daemon's log lines are part of the story, and how they read there."""


def demo(
    generation: GenerationOption = None,
    rpc: Annotated[
        str | None, typer.Option(help="Use this node instead of starting one.", show_default=False)
    ] = None,
    contracts: Annotated[
        Path | None,
        typer.Option(help="Use the contracts of this JSON file on --rpc.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Exit a spent output on a local chain and watch the guard stop it; exit code 0 if the chain agrees."""
    names = [generation] if generation or contracts else ["rootchain", "ald"]
    plays = [make_options(name, rpc, contracts) for name in names]
    results = [asyncio.run(_play(name, options, quiet=as_json)) for name, options in plays]
    if as_json:
        print_json(results)
    if not all(result["ok"] for result in results):
        raise typer.Exit(EXIT_WRONG)


async def _play(name: str, options: Options, *, quiet: bool) -> dict[str, Any]:
    from plasma_guard.devnet.guarding import GuardProcess, guarding  # noqa: PLC0415 (the devnet is an extra)
    from plasma_guard.devnet.network import network  # noqa: PLC0415 (same)
    from plasma_guard.devnet.people import people_of  # noqa: PLC0415 (same)
    from plasma_guard.devnet.scenarios import play  # noqa: PLC0415 (same)

    started = time.monotonic()
    tell = _teller(started, quiet=quiet)
    if not quiet:
        out.print(f"\n[bold]A spent output is exited: {name}[/]")
    with tempfile.TemporaryDirectory(prefix="plasma-guard-demo-") as directory:
        async with network(options, tell=lambda text: tell("devnet", text)) as connection:
            process = GuardProcess(
                connection, Path(directory) / "guard", hear=lambda line: _retell(line, tell)
            )
            async with guarding(process), people_of(connection) as people:
                await process.ready()
                verdict = await play(
                    people,
                    people["guard"].address,
                    tell,
                    settled=lambda: process.until_said(SETTLED),
                )
    for sentence in verdict.sentences:
        tell("verdict", sentence)
    tell("verdict", "the fraud failed" if verdict.ok else "NOT AS IT MUST BE")
    return {
        "generation": name,
        "ok": verdict.ok,
        "seconds": round(time.monotonic() - started, 1),
        "verdict": list(verdict.sentences),
        **verdict.facts,
    }


def _teller(started: float, *, quiet: bool) -> Callable[[str, str], None]:
    def tell(who: str, what: str) -> None:
        console = err if quiet else out
        console.print(f"[dim]{time.monotonic() - started:5.1f} s[/]  [{COLOURS[who]}]{who:<8}[/]", end="")
        console.print(what, markup=False)

    return tell


def _retell(line: Mapping[str, Any], tell: Callable[[str, str], None]) -> None:
    sentence = SAID.get(str(line.get("event")))
    if sentence is not None:
        tell("guard", sentence.format_map(line))
    elif line.get("level") in {"error", "warning"}:
        tell(
            "guard",
            f"{line.get('level')}: {line.get('event')} {line.get('error') or line.get('reason') or ''}",
        )
