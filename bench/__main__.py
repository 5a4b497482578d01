"""`python -m bench [names]`: run benchmarks one after the other and print one table."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench import (
    burst,
    feereplay,
    flood,
    leave,
    massexit,
    mixed,
    plan,
    reaction,
    startup,
    vault,
    verifier,
)
from bench.report import Row, show
from plasma_guard.devnet.errors import DevnetError

NAMES: Final = {
    "reaction": "from the Watcher's answer to the accepted challenge, against omg-js; overhead comes with it",
    "startup": "from the start of the process to its first poll",
    "idle": "resident memory while nothing happens",
    "flood": "a status answer with 10,000 events, and one that is too large",
    "mixed": "a status answer with 1,000 events of all kinds, decided",
    "burst": "1,000 frauds at once: blocks until all are answered, and answers a second, against omg-js",
    "fees": "challenges priced through three storms of the fee market: what lands, and at which price",
    "vault": "10,000 outputs into a vault: questions, bytes, memory; and once more with nothing new",
    "verifier": "transactions a second that the own verifier takes, of each generation",
    "plan": "an exit plan for 1,000 outputs",
    "leave": "1,000 outputs leave at once: blocks until all exits are started, also across a kill -9",
    "massexit": "100,000 exits compete for the queue: when each is processed, at a share of the gas",
}


def main() -> int:
    """Run what the arguments ask for; return 0, or 1 when one fails or misses its target."""
    arguments = _arguments()
    progress = Console(stderr=True)
    benches = _benches(arguments)
    rows: list[Row] = []
    failed: list[str] = []
    for name in arguments.names or NAMES:
        tell = partial(_tell, progress, name)
        try:
            rows += asyncio.run(benches[name](tell))
        except (DevnetError, RuntimeError, TimeoutError) as error:
            tell(f"FAILED: {type(error).__name__} {error}")
            failed.append(name)
    if arguments.json:
        print(json.dumps([each.document() for each in rows], indent=2))
    else:
        show(rows, Console())
    return int(bool(failed) or any(each.met is False for each in rows))


def _benches(
    arguments: argparse.Namespace,
) -> dict[str, Callable[[Callable[[str], None]], Coroutine[Any, Any, list[Row]]]]:
    return {
        "reaction": partial(reaction.measure, arguments.runs),
        "startup": partial(startup.startup, arguments.starts),
        "idle": partial(startup.idle, arguments.idle_seconds),
        "flood": partial(flood.measure, arguments.floods),
        "mixed": partial(mixed.measure, arguments.floods),
        "burst": partial(burst.measure, arguments.frauds, tuple(arguments.windows)),
        "fees": partial(feereplay.measure, arguments.cases),
        "vault": partial(vault.measure, arguments.outputs),
        "verifier": partial(verifier.measure, arguments.blocks),
        "plan": partial(plan.measure, arguments.planned, arguments.plans),
        "leave": partial(leave.measure, arguments.leaving, max(arguments.windows)),
        "massexit": partial(massexit.measure, arguments.exits, arguments.plot),
    }


def _tell(console: Console, name: str, text: str) -> None:
    console.print(f"{name}: {text}", markup=False, style="dim")


def _arguments() -> argparse.Namespace:
    known = "\n".join(f"  {name:<9} {what}" for name, what in NAMES.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"Benchmarks of plasma-guard; all of them without a name:\n{known}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--json", action="store_true", help="print JSON, with every single sample")
    parser.add_argument("--runs", type=int, default=15, help="reactions of each side (15)")
    parser.add_argument("--starts", type=int, default=10, help="cold starts (10)")
    parser.add_argument("--idle-seconds", type=float, default=60, help="how long to idle (60)")
    parser.add_argument(
        "--floods", type=int, default=5, help="processes that get a flood, or a mixed answer (5)"
    )
    parser.add_argument("--blocks", type=int, default=7, help="blocks of each generation (7)")
    parser.add_argument("--frauds", type=int, default=1000, help="frauds at once (1000)")
    parser.add_argument(
        "--windows", type=int, nargs="+", default=[1000], help="transactions in flight at most (1000)"
    )
    parser.add_argument("--cases", type=int, default=10_000, help="calls priced through storms (10000)")
    parser.add_argument("--outputs", type=int, default=10_000, help="outputs in the vault (10000)")
    parser.add_argument("--planned", type=int, default=1_000, help="outputs of a vault to plan for (1000)")
    parser.add_argument("--plans", type=int, default=7, help="plans of each generation (7)")
    parser.add_argument("--leaving", type=int, default=998, help="outputs that leave at once (998)")
    parser.add_argument("--exits", type=int, default=massexit.EXITS, help="exits that compete (100000)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="where to write the plot of massexit, SVG")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        parser.error(f"NAME: expected {', '.join(NAMES)}, got {', '.join(unknown)}")
    counts = (arguments.runs, arguments.starts, arguments.floods, arguments.blocks, arguments.cases)
    if min(*counts, arguments.outputs, arguments.planned, arguments.plans, arguments.exits) < 1:
        parser.error("every count: expected 1 or more")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
