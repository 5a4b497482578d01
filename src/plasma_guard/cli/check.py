"""`plasma-guard check`: every line pass, warn or fail, and what to do about a failure."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import typer

from plasma_guard.cli.options import ConfigOption, JsonOption
from plasma_guard.cli.output import EXIT_USAGE, EXIT_WRONG, out, print_json

if TYPE_CHECKING:
    from plasma_guard.doctor import Finding


def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Compare the settings with the real chain, contracts, Watcher, keys and balances; send nothing."""
    from plasma_guard.cli.load import load  # noqa: PLC0415 (a quick --help)
    from plasma_guard.doctor import Finding, examine  # noqa: PLC0415 (same)
    from plasma_guard.domain.errors import ConfigurationError  # noqa: PLC0415 (same)
    from plasma_guard.telemetry.logs import configure_logging  # noqa: PLC0415 (same)

    configure_logging(level="error")  # the table below says it all
    try:
        settings = load(config)
    except ConfigurationError as error:
        findings = [Finding("configuration", ok=False, found=each) for each in error.problems]
        _show(findings, as_json=as_json)
        raise typer.Exit(EXIT_USAGE) from error
    findings = asyncio.run(examine(settings, os.environ))
    _show(findings, as_json=as_json)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(EXIT_WRONG)


def _show(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "ok": all(finding.ok for finding in findings),
                "checks": [
                    {
                        "name": finding.name,
                        "ok": finding.ok,
                        "warning": finding.is_warning,
                        "found": finding.found,
                    }
                    for finding in findings
                ],
            }
        )
        return
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark, style = ("pass", "green") if finding.ok else ("FAIL", "bold red")
        if finding.is_warning:
            mark, style = "warn", "bold yellow"
        out.print(f"[{style}]{mark}[/]  {finding.name:<{width}}  ", end="")
        out.print(finding.found, markup=False)
