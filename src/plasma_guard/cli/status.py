"""`plasma-guard status`: what the running daemon says of itself."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from plasma_guard.cli.options import ConfigOption, JsonOption
from plasma_guard.cli.output import EXIT_WRONG, facts, flatten, print_json, table
from plasma_guard.domain.durations import wait
from plasma_guard.domain.errors import ConfigurationError


def status(
    config: ConfigOption = None,
    url: Annotated[
        str | None,
        typer.Option(help="Where the daemon serves; default: from the settings.", show_default=False),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Only whether its loops turn: exit code 0 or 1, for probes.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask the running daemon; exit code 0 when it is ready, 1 when it is not or does not answer."""
    base = url or _from_settings(config)
    if live:
        code, _ = _get(base, "/live")
        raise typer.Exit(0 if code == 200 else EXIT_WRONG)  # noqa: PLR2004 (HTTP's own number)
    _, document = _get(base, "/status")
    if as_json:
        print_json(document)
    else:
        _show(document)
    raise typer.Exit(0 if document["ready"] else EXIT_WRONG)


def _from_settings(config: Path | None) -> str:
    from plasma_guard.cli.load import load  # noqa: PLC0415 (not needed with --url)

    server = load(config).server
    if not server.enabled:
        raise ConfigurationError("server.enabled: false, so the daemon answers nobody; enable it to ask it")
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"http://{host}:{server.port}"


def _get(base: str, path: str) -> tuple[int, dict[str, Any]]:
    import httpx  # noqa: PLC0415 (a quick --help)

    try:
        # The daemon is on this machine: the environment's proxies have nothing to do with it.
        response = httpx.get(base.rstrip("/") + path, timeout=5, trust_env=False)
        document = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        sys.stderr.write(
            f"plasma-guard: no daemon answers at {base} ({type(error).__name__}); is it running there?\n"
        )
        raise typer.Exit(EXIT_WRONG) from error
    return response.status_code, document


def _show(document: dict[str, Any]) -> None:
    exits, cases, own = document.pop("exits"), document.pop("cases"), document.pop("own_exits")
    reasons = document.pop("not_ready")
    accounts, endpoints = document.pop("accounts"), document.pop("endpoints", [])
    facts("plasma-guard", flatten(document))
    for component, reason in reasons.items():
        facts("", [(f"not ready: {component}", reason)])
    if accounts:
        table(
            "\naccounts", ("address", "balance (wei)"), [(a["address"], a["balance_wei"]) for a in accounts]
        )
    table(
        "\nendpoints of the root chain",
        ("endpoint", "condition", "last problem"),
        [(e["endpoint"], e["condition"], e["problem"] or "") for e in endpoints],
    )
    facts("\nexits", [("running", exits["running"]), ("unverified", exits["unverified"])])
    if exits["unverified_exits"]:
        table(
            "\nunverified exits: no fresh Watcher has judged them",
            ("position", "owner", "age (s)"),
            [(e["position"], e["owner"], e["age_seconds"]) for e in exits["unverified_exits"]],
        )
    if own:
        table(
            "\nour own exits under way",
            ("case", "position", "ripe in"),
            [(each["case"], each["position"], _ripe_in(each["seconds_to_ripe"])) for each in own],
        )
    facts("\ncases", [("open", cases["open"])])
    if cases["open_cases"]:
        table(
            "\nopen cases",
            ("case", "position", "verdict", "reason"),
            [(c["id"], c["position"], c["verdict"], c["reason"]) for c in cases["open_cases"]],
        )


def _ripe_in(seconds: int | None) -> str:
    return "not started yet" if seconds is None else wait(seconds)
