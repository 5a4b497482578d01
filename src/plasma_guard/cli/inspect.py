"""`plasma-guard inspect`: what bytes and numbers of the plasma chain mean."""

from dataclasses import asdict
from typing import Annotated

import typer

from plasma_guard.cli.options import JsonOption
from plasma_guard.cli.output import EXIT_WRONG, facts, flatten, out, print_json
from plasma_guard.domain.errors import ConfigurationError, MalformedError

app = typer.Typer(no_args_is_help=True, help="Explain a transaction or a position; needs no connection.")


@app.command("tx")
def tx(
    raw: Annotated[str, typer.Argument(metavar="BYTES", help="0x hex: a transaction, signed or unsigned.")],
    contract: Annotated[
        str | None,
        typer.Option(
            help="RootChain or PlasmaFramework address: also tells signing hashes and signers.",
            show_default=False,
        ),
    ] = None,
    position: Annotated[
        int | None,
        typer.Option(
            "--pos",
            help="Position of any of its outputs: also tells exit ids and output ids.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Decode a transaction by the rules of each generation."""
    from plasma_guard.domain.position import UtxoPosition  # noqa: PLC0415 (a quick --help)
    from plasma_guard.domain.primitives import Address, parse_hex  # noqa: PLC0415 (same)
    from plasma_guard.plasma.inspect import inspect_transaction  # noqa: PLC0415 (same)

    try:
        findings = inspect_transaction(
            parse_hex(raw, "BYTES"),
            Address.parse(contract) if contract else None,
            UtxoPosition.decode(position) if position is not None else None,
        )
    except MalformedError as error:
        raise ConfigurationError(str(error)) from error
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            _show(asdict(finding))
    if all(finding.problem for finding in findings):
        raise typer.Exit(EXIT_WRONG)


@app.command("pos")
def pos(
    number: Annotated[int, typer.Argument(metavar="N", help="An encoded utxo position.")],
    as_json: JsonOption = False,
) -> None:
    """Split a utxo position into its parts."""
    from plasma_guard.plasma.inspect import inspect_position  # noqa: PLC0415 (a quick --help)

    try:
        finding = asdict(inspect_position(number))
    except MalformedError as error:
        raise ConfigurationError(str(error)) from error
    if as_json:
        print_json(finding)
    else:
        facts(f"position {number}", finding.items())


def _show(finding: dict[str, object]) -> None:
    generation, problem = finding.pop("generation"), finding.pop("problem")
    if problem:
        out.print(f"{generation}: not a transaction there: {problem}\n", markup=False)
        return
    rows: list[tuple[str, object]] = []
    for name, value in finding.items():
        if isinstance(value, tuple):
            for index, each in enumerate(value):
                rows += [
                    (f"{name}[{index}].{leaf}", said) for leaf, said in flatten(each) if said is not None
                ]
        elif value is not None:
            rows.append((name, value))
    facts(str(generation), rows)
    out.print()
