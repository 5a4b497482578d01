"""What an exit plan looks like: a table for people, a document for machines."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from plasma_guard.domain.actions import StartStandardExit
from plasma_guard.domain.durations import wait
from plasma_guard.domain.plan import (
    BadBlock,
    BadExit,
    ExitPlan,
    PlannedExit,
    Timing,
    Trouble,
    Underway,
)
from plasma_guard.domain.primitives import ETH, Address, Wei
from plasma_guard.domain.vault import HeldOutput

_STYLE = {Timing.IN_TIME: "green", Timing.LATE: "red", Timing.UNBOUND: ""}
_LATE = (
    "Late: it queues behind what is wrong, so it is paid only if the contract has enough left by then; the"
    " sooner it starts, the more stands behind it."
)


def plan_table(plan: ExitPlan) -> RenderableType:
    """Return a plan to be printed; its columns fit a terminal of 100."""
    parts: list[RenderableType] = [Text(_headline(plan), style="bold")]
    if not (plan.exits or plan.left or plan.underway):
        return Group(*parts, Text("The vault holds no outputs: there is nothing to take out."))
    if plan.exits:
        parts += [Text(), _exits(plan)]
    notes = [(number, note) for number, each in enumerate(plan.exits, 1) for note in each.notes]
    parts += [Text(f"{number}: {note}", style="dim") for number, note in notes]
    if any(each.timing is Timing.LATE for each in plan.exits):
        parts.append(Text(_LATE, style="red"))
    parts += [Text(), _totals(plan)]
    if plan.underway:
        parts += [Text(), _underway(plan)]
    if plan.left:
        parts += [Text(), _left(plan)]
    return Group(*parts)


def _headline(plan: ExitPlan) -> str:
    match plan.trouble:
        case BadBlock(blknum=blknum):
            why = f"plasma block {blknum} is bad or withheld"
        case BadExit(position=position, exitable_at=exitable_at):
            when = wait(exitable_at - plan.at)
            why = f"a fraudulent exit at {position} stands unchallenged, and is ripe in {when}"
        case _:
            why = "nothing is known to be wrong"
    if plan.deadline is None:
        return f"Exit plan: {why}; no deadline"
    return f"Exit plan: {why}; the first exit must be mined within {wait(plan.deadline - plan.at)}"


def _exits(plan: ExitPlan) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("", justify="right")
    table.add_column("output", overflow="fold", min_width=15)
    table.add_column("holds", overflow="fold", justify="right")
    table.add_column("ETH", justify="right", no_wrap=True)
    table.add_column("call", no_wrap=True)
    table.add_column("within", justify="right", no_wrap=True)
    table.add_column("ripe in", justify="right", no_wrap=True)
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("bond", justify="right", no_wrap=True)
    table.add_column("timing")
    for number, each in enumerate(plan.exits, 1):
        timing = str(each.timing) if each.funded else f"{each.timing}\nunfunded"
        table.add_row(
            str(number),
            "\n".join(_name(output) for output in each.outputs) or "-",
            "\n".join(amount(output.token, output.amount) for output in each.outputs) or "-",
            "?" if each.value is None else ether(each.value),
            "\n".join(_calls(each)),
            wait(each.window.hard - plan.at) if each.timing is Timing.IN_TIME else "-",
            wait(each.exitable_at - plan.at),
            ether(each.cost),
            ether(each.bonds),
            Text(timing, style=_STYLE[each.timing] if each.funded else "yellow"),
        )
    return table


def _totals(plan: ExitPlan) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _sums(plan):
        table.add_row(name, value)
    return table


def _sums(plan: ExitPlan) -> Iterator[tuple[str, str]]:
    leaving = sum(len(each.outputs) for each in plan.exits)
    total = leaving + len(plan.left) + len(plan.underway)
    unpriced = sum(each.value is None for each in plan.exits)
    more = f", and {unpriced} without a price" if unpriced else ""
    yield (
        "out",
        f"{leaving} of {total} outputs by {len(plan.exits)} exits, worth {ether(plan.value)} ETH{more}",
    )
    yield "cost", f"{ether(plan.cost)} ETH of gas and bounties, at {plan.gas_price / 10**9:.4g} gwei"
    if plan.tied_until is not None:
        until = wait(plan.tied_until - plan.at)
        yield "bonds", f"{ether(plan.bonds)} ETH, back when the exits are paid, the last in {until} or later"
    yield "needed", f"{ether(plan.needed)} ETH on the accounts for all of it"
    if plan.queues:
        yield "queues", f"to be opened first: {', '.join(_token(token) for token in plan.queues)}"
    unfunded = sum(not each.funded for each in plan.exits)
    if unfunded:
        yield "unfunded", f"{unfunded} exits, for which the accounts lack ETH: the most valuable go first"
    for account, lacking in plan.shortfalls.items():
        yield "missing", f"top up {account} by {ether(lacking)} ETH ({lacking} wei)"


def _underway(plan: ExitPlan) -> Table:
    table = Table(title="under way", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in ("output", "holds", "by", "ripe in"):
        table.add_column(column, overflow="fold")
    for each in plan.underway:
        ripe = "?" if each.exitable_at is None else wait(each.exitable_at - plan.at)
        output = each.output
        table.add_row(_name(output), amount(output.token, output.amount), str(each.way), ripe)
    return table


def _left(plan: ExitPlan) -> Table:
    table = Table(title="stays", title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("output", overflow="fold", min_width=13)
    table.add_column("holds", overflow="fold", justify="right")
    table.add_column("why", overflow="fold")
    for each in plan.left:
        output = each.output
        table.add_row(_name(output), amount(output.token, output.amount), Text(each.reason))
    return table


def _name(output: HeldOutput) -> str:
    """Its position where it has one: what `exits start` takes."""
    if output.position is not None:
        return str(output.position)
    return f"{str(output.tx_hash)[:10]}…:{output.index}"


def _calls(each: PlannedExit) -> list[str]:
    start = [] if each.start is None else [each.start.name]
    return start + [f"piggyback {joined.side} {joined.index}" for joined in each.piggybacks]


def ether(wei: int) -> str:
    """Return wei as ETH with five significant digits, never rounded to nothing."""
    return "0" if not wei else f"{wei / 10**18:.5g}"


def amount(token: Address, units: Wei) -> str:
    """Return an amount with its token; units of a token as they are, as its decimals are not known here."""
    return f"{ether(units)} ETH" if token == ETH else f"{units} of {_token(token)}"


def _token(token: Address) -> str:
    return "ETH" if token == ETH else f"{str(token)[:8]}…"


def plan_json(plan: ExitPlan) -> dict[str, Any]:
    """Return a plan as a document: amounts in wei or token units, times in root-chain seconds."""
    return {
        "at": plan.at,
        "trouble": _trouble(plan.trouble),
        "deadline": plan.deadline,
        "exits": [_exit(each) for each in plan.exits],
        "underway": [_under_way(each) for each in plan.underway],
        "left": [{**_output(each.output), "reason": each.reason} for each in plan.left],
        "queues_to_open": _strings(plan.queues),
        "gas_price_wei": plan.gas_price,
        "value_wei": plan.value,
        "cost_wei": plan.cost,
        "bonds_wei": plan.bonds,
        "bonds_tied_until": plan.tied_until,
        "needed_wei": plan.needed,
        "missing_wei": plan.missing,
        "top_up_wei": {str(account): wei for account, wei in plan.shortfalls.items()},
    }


def _trouble(trouble: Trouble | None) -> dict[str, Any] | None:
    match trouble:
        case BadBlock(blknum=blknum, submitted_at=submitted_at):
            return {"kind": "bad_block", "blknum": blknum, "submitted_at": submitted_at}
        case BadExit(position=position, exitable_at=exitable_at, tokens=tokens):
            return {
                "kind": "bad_exit",
                "position": position.encode(),
                "exitable_at": exitable_at,
                "tokens": _strings(sorted(tokens)),
            }
        case _:
            return None


def _exit(each: PlannedExit) -> dict[str, Any]:
    standard = each.start if isinstance(each.start, StartStandardExit) else None
    return {
        "exit_id": each.exit_id,
        "way": str(each.way),
        "account": str(each.account),
        "position": None if standard is None else standard.position.encode(),
        "calls": ([] if each.start is None else [each.start.name])
        + [f"{joined.name} {joined.side} {joined.index}" for joined in each.piggybacks],
        "outputs": [_output(output) for output in each.outputs],
        "pays": [
            {
                "side": str(slot.side),
                "index": slot.index,
                "owner": str(slot.owner),
                "token": str(slot.token),
                "amount": slot.amount,
            }
            for slot in each.payouts
        ],
        "timing": str(each.timing),
        "soft": each.window.soft,
        "hard": each.window.hard,
        "exitable_at": each.exitable_at,
        "value_wei": each.value,
        "gas": each.gas,
        "cost_wei": each.cost,
        "bonds_wei": each.bonds,
        "budget_wei": each.window.budget,
        "funded": each.funded,
        "notes": list(each.notes),
    }


def _under_way(each: Underway) -> dict[str, Any]:
    return {
        **_output(each.output),
        "exit_id": each.exit_id,
        "way": str(each.way),
        "exitable_at": each.exitable_at,
    }


def _output(output: HeldOutput) -> dict[str, Any]:
    return {
        "position": None if output.position is None else output.position.encode(),
        "tx_hash": str(output.tx_hash),
        "index": output.index,
        "owner": str(output.owner),
        "token": str(output.token),
        "amount": output.amount,
    }


def _strings(values: Iterable[object]) -> list[str]:
    return [str(value) for value in values]
