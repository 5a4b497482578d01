"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="PLASMA_GUARD_CONFIG",
        help="The TOML file with the settings. Without it: ./plasma-guard.toml, then the usual places.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
GenerationOption = Annotated[
    str | None,
    typer.Option(
        "--generation",
        help="rootchain (v0.2), ald (v1) or ald-v2. Default: both rootchain and ald.",
        show_default=False,
    ),
]
