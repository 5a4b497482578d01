"""`plasma-guard explain`: an event in, the decision and its reasons out."""

import asyncio
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from plasma_guard.cli.options import ConfigOption, JsonOption
from plasma_guard.cli.output import facts, out, print_json
from plasma_guard.domain.errors import ConfigurationError


def explain(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="JSON: an event, a list, or a status.get answer; - for stdin."),
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the guard would do about an event, and why; nothing is sent."""
    from plasma_guard.cli.load import load  # noqa: PLC0415 (a quick --help)
    from plasma_guard.explaining import events_of, explain  # noqa: PLC0415 (same)
    from plasma_guard.telemetry.logs import configure_logging  # noqa: PLC0415 (same)

    configure_logging(level="error")  # the explanations below say it all

    events = events_of(_read(file))
    explanations = asyncio.run(explain(load(config), events, os.environ))
    if as_json:
        print_json([asdict(each) for each in explanations])
        return
    for each in explanations:
        facts(
            each.event,
            [
                ("verdict", each.verdict),
                *(("because" if i == 0 else "", r) for i, r in enumerate(each.reasons)),
            ],
        )
        out.print()
    if not explanations:
        out.print("no events in there: nothing to decide")


def _read(file: Path) -> object:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise ConfigurationError(f"FILE {file}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ConfigurationError(f"FILE {file}: is not JSON ({error})") from error
    except RecursionError as error:
        raise ConfigurationError(f"FILE {file}: is nested too deeply to be an event") from error
