"""`plasma-guard demo`: a fraud on a local chain, and the ordinary daemon that stops it."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plasma_guard.cli.devnet import make_options
from plasma_guard.cli.options import GenerationOption, JsonOption
from plasma_guard.cli.output import EXIT_WRONG, err, facts, out, print_json
from plasma_guard.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from plasma_guard.devnet.network import Options

COLOURS = {
    "thief": "red",
    "alice": "cyan",
    "bob": "cyan",
    "carol": "cyan",
    "operator": "magenta",
    "chain": "blue",
    "guard": "green",
    "devnet": "dim",
    "verdict": "bold",
}
WON = "{what}: transaction {tx} cost {gas_cost_wei} wei and won {bond_won_wei}"
SAID = {
    "guarding": "I guard this chain now",
    "an exit was started": "I see an exit of output {position} in block {block}",
    "proven, to be answered": "proven: {reason}",
    "out: our exit is paid": "{reason}",
    "held": "I hold: {reason}",
    "signed": "I sign {tx}: nonce {nonce}, at most {max_fee} wei per gas",
    "mined": "{tx} is mined in block {block}",
    "challenged: the fraudulent exit is stopped": WON,
    "challenged: the in-flight exit is not canonical any more": WON,
    "answered: the in-flight exit is canonical again": WON,
    "challenged: the spent piggyback is removed": WON,
    "joined: our own output is piggybacked": "{what}: transaction {tx} cost {gas_cost_wei} wei",
}
"""Which of the daemon's log lines are part of the story, and how they read there."""
SUMS = re.compile(r"; (what is at stake|\d+ wei are at stake).*$")
EVERY = "all"


def demo(
    generation: GenerationOption = None,
    rpc: Annotated[
        str | None, typer.Option(help="Use this node instead of starting one.", show_default=False)
    ] = None,
    contracts: Annotated[
        Path | None,
        typer.Option(help="Use the contracts of this JSON file on --rpc.", show_default=False),
    ] = None,
    scenario: Annotated[
        str, typer.Option(help="Which story to play: a name out of --list, or all.")
    ] = "invalid-exit",
    list_: Annotated[bool, typer.Option("--list", help="List the stories there are, and play none.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Commit a fraud on a local chain and watch the guard stop it; exit code 0 if the chain agrees."""
    from plasma_guard.telemetry.logs import configure_logging  # noqa: PLC0415 (a quick --help)

    configure_logging(level="error")  # the story says it all, and stdout is for its outcome
    names = [generation] if generation or contracts else ["rootchain", "ald"]
    plays = [make_options(name, rpc, contracts) for name in names]
    stories = _stories(scenario)
    if list_:
        _list(as_json=as_json)
        return
    results = [
        asyncio.run(_play(name, options, story, quiet=as_json, undo=len(stories) > 1))
        for name, options in plays
        for story in stories
    ]
    if as_json:
        print_json(results)
    elif len(results) > 1:
        _summarize(results)
    if not all(result["ok"] for result in results):
        raise typer.Exit(EXIT_WRONG)


def _stories(scenario: str) -> list[str]:
    from plasma_guard.devnet.scenarios import SCENARIOS  # noqa: PLC0415 (the devnet is an extra)

    if scenario not in {*SCENARIOS, EVERY}:
        raise ConfigurationError(f"--scenario: expected {', '.join(SCENARIOS)} or {EVERY}, got {scenario!r}")
    return list(SCENARIOS) if scenario == EVERY else [scenario]


def _list(*, as_json: bool) -> None:
    from plasma_guard.devnet.scenarios import SCENARIOS  # noqa: PLC0415 (same)

    titles = {name: scenario.title for name, scenario in SCENARIOS.items()}
    if as_json:
        print_json(titles)
    else:
        facts("scenarios", titles.items())


def _summarize(results: list[dict[str, Any]]) -> None:
    out.print()
    for result in results:
        mark = "[green]as it must be[/]" if result["ok"] else "[bold red]NOT AS IT MUST BE[/]"
        out.print(f"{result['generation']:<10} {result['scenario']:<24} {result['seconds']:5.1f} s  {mark}")


async def _play(name: str, options: Options, story: str, *, quiet: bool, undo: bool) -> dict[str, Any]:
    from plasma_guard.devnet.errors import DevnetError  # noqa: PLC0415 (the devnet is an extra)
    from plasma_guard.devnet.guarding import GuardProcess, stopping  # noqa: PLC0415 (same)
    from plasma_guard.devnet.network import network, undone  # noqa: PLC0415 (same)
    from plasma_guard.devnet.people import people_of  # noqa: PLC0415 (same)
    from plasma_guard.devnet.scenarios import SCENARIOS, Verdict, play  # noqa: PLC0415 (same)

    scenario = SCENARIOS[story]
    started = time.monotonic()
    tell = _teller(started, quiet=quiet)
    if not quiet:
        out.print(f"\n[bold]{scenario.title}: {story} on {name}[/]")
    with tempfile.TemporaryDirectory(prefix="plasma-guard-demo-") as directory:
        async with (
            undone(options.rpc_url if undo else None),
            network(scenario.options(options), tell=lambda text: tell("devnet", text)) as connection,
        ):
            process = GuardProcess(
                connection,
                Path(directory) / "guard",
                hear=lambda line: _retell(line, tell),
                env=scenario.settings,
            )
            async with stopping(process), people_of(connection) as people:
                try:
                    verdict = await play(scenario, people, process, tell)
                except DevnetError as error:  # the other stories are still to be played
                    verdict = Verdict(ok=False, sentences=(str(error),))
    for sentence in verdict.sentences:
        tell("verdict", sentence)
    tell("verdict", "everybody has what they must have" if verdict.ok else "NOT AS IT MUST BE")
    return {
        "scenario": story,
        "generation": name,
        "ok": verdict.ok,
        "seconds": round(time.monotonic() - started, 1),
        "verdict": list(verdict.sentences),
        **verdict.facts,
    }


def _teller(started: float, *, quiet: bool) -> Callable[[str, str], None]:
    def tell(who: str, what: str) -> None:
        console = err if quiet else out
        console.print(f"[dim]{time.monotonic() - started:5.1f} s[/]  [{COLOURS[who]}]{who:<9}[/]", end="")
        console.print(what, markup=False)

    return tell


def _retell(line: Mapping[str, Any], tell: Callable[[str, str], None]) -> None:
    sentence = SAID.get(str(line.get("event")))
    if sentence is not None:
        what = str(line["event"]).partition(":")[2].strip()
        # The sums are in the verdict; here they would drown the story.
        reason = SUMS.sub("", str(line.get("reason", "")))
        tell("guard", sentence.format_map({**line, "what": what, "reason": reason}))
    elif "alert" in line:
        tell("guard", f"alert: {line['event']}")
    elif line.get("level") in {"error", "warning"}:
        why = line.get("error") or line.get("reason")
        tell("guard", f"{line['level']}: {line.get('event')}" + (f": {why}" if why else ""))
