"""Cases of the journal as people read them: a list, a case under way, an incident report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING

from plasma_guard.cli.output import facts, out, table
from plasma_guard.domain.cases import Case, Kind
from plasma_guard.domain.decisions import Closure
from plasma_guard.domain.durations import duration, wait
from plasma_guard.domain.transactions import Confirmed, Outcome, Receipt, Reverted, Unaffordable, WouldRevert

if TYPE_CHECKING:
    from plasma_guard.journal.history import AttemptRecord, CaseHistory, IntentRecord

ETHER = 10**18
GWEI = 10**9
ACT = "act"
STAKED = frozenset({Kind.OWN_PIGGYBACK, Kind.OWN_EXIT})
"""Cases whose bond is our own, and comes back."""
CLOSE = "close"
_Entry = tuple[int, "Step", str, str]


class Step(IntEnum):
    """The order of what can happen to a case within one second of root-chain time."""

    REPORTED = 0
    DECIDED = 1
    INTENDED = 2
    SIGNED = 3
    MARKED = 4
    OVER = 5
    CLOSED = 6


def show_cases(found: Sequence[CaseHistory], now: int, *, total: int) -> None:
    """Print cases as a table; `now` in root-chain seconds, `total` counts those left out too."""
    if not found:
        out.print(f"no cases{f' of this kind or state, out of {total}' if total else ' yet'}")
        return
    table(
        "",
        ("case", "kind", "exit id", "position", "state", "opened (UTC)", "left", "cost (ETH)", "sent"),
        [
            (
                each.case.id,
                _words(each.case.key.kind),
                _short(f"0x{each.case.key.exit_id:x}"),
                each.case.position,
                state(each.case),
                utc(each.case.opened_at)[:16],
                _left(each.case, now),
                _ether(each.cost),
                sum(len(intent.signed) for intent in each.intents),
            )
            for each in found
        ],
    )
    out.print(f"\n{len(found)} of {total} cases; `plasma-guard journal show CASE` tells one of them")


def show_history(history: CaseHistory, now: int) -> None:
    """Print one case: facts, transactions, and everything in order; `now` in root-chain seconds."""
    case = history.case
    subject = f"case {case.id}, {_words(case.key.kind)}: {state(case)}"
    facts("Incident report of " + subject if not case.is_open else subject.capitalize(), _facts(history, now))
    sent = [(intent, each) for intent in history.intents for each in intent.signed]
    if sent:
        _lines("Transactions", (line for intent, each in sent for line in _transaction(intent, each)))
    table("\nIn order", ("when (UTC)", "what", ""), _timeline(history))
    if history.events:
        logs = (
            f"{each['tx_hash']}\n  {_words(each['kind'])} in block {each['block_number']}"
            for each in history.events
        )
        _lines("Logs of the root chain", logs)


def utc(at: int) -> str:
    """Return root-chain seconds as a date and time."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _facts(history: CaseHistory, now: int) -> Iterator[tuple[str, object]]:
    case, position, tracked = history.case, history.case.position, history.tracked
    yield (
        "output",
        f"{position} (block {position.blknum}, transaction {position.txindex}, output {position.oindex})",
    )
    yield "exit id", f"0x{case.key.exit_id:x}"
    yield "start", case.key.start
    yield "contract", f"{case.key.contract} on chain {case.key.chain_id}"
    if tracked:
        yield "exit owner", tracked.owner
        yield "exit started", f"{utc(tracked.started_at)}, in block {tracked.started_block}"
    yield "opened", f"{utc(case.opened_at)}, on {case.event}"
    if case.ripe_at is not None:
        yield "can be paid", utc(case.ripe_at) + (f", {_left(case, now)}" if case.is_open else "")
    elif case.deadline is not None:
        left = f", {_left(case, now)} left" if case.is_open else ""
        yield "deadline", utc(case.deadline) + left
    if case.closed_at is not None:
        yield "closed", f"{utc(case.closed_at)}, {duration(max(0, case.closed_at - case.opened_at))} later"
    for proof in _evidence(history):
        yield "evidence", proof
    for call in dict.fromkeys(intent.candidate.purpose for intent in history.intents):
        yield "call", call
    if history.last_decision:
        yield "last word" if case.is_open else "result", _last_word(history)
    mined = sum(isinstance(intent.outcome, Confirmed | Reverted) for intent in history.intents)
    yield "cost", f"{history.cost} wei ({_ether(history.cost)} ETH) of gas, for {mined} mined transactions"
    if case.bond is not None:
        yield _bond_name(case), f"{case.bond} wei ({_ether(case.bond)} ETH)"


def _evidence(history: CaseHistory) -> Iterable[str]:
    """Return why it was acted, each reason once."""
    return dict.fromkeys(each.record.reason for each in history.decisions if each.record.verdict == ACT)


def _last_word(history: CaseHistory) -> str:
    last = history.last_decision
    assert last is not None  # noqa: S101 (asked for only then)
    return (
        f"{state(history.case)}: {last.reason}" if history.case.closure else f"{last.verdict}: {last.reason}"
    )


def _bond_name(case: Case) -> str:
    if case.key.kind in STAKED:
        return "bond staked"
    return "bond won" if case.closure is Closure.WON_BY_US else "bond"


def _timeline(history: CaseHistory) -> list[tuple[str, str, str]]:
    """Return everything in order of time, and of the steps that a case takes within a second."""
    entries = [*_seen(history), *_thought(history), *_done(history)]
    if (closed := history.case.closed_at) is not None:
        entries.append((closed, Step.CLOSED, "closed", state(history.case)))
    entries.sort(key=lambda entry: entry[:2])
    return [(utc(at).removesuffix(" UTC"), what, text) for at, _, what, text in entries]


def _seen(history: CaseHistory) -> Iterator[_Entry]:
    for each in history.observations:
        seen = each.observation
        again = f", last at {utc(each.last_at)}" if each.last_at > each.first_at else ""
        yield each.first_at, Step.REPORTED, "reported", f"{seen.kind}, by the {seen.source}{again}"


def _thought(history: CaseHistory) -> Iterator[_Entry]:
    for each in history.decisions:
        record = each.record
        step = Step.CLOSED if record.verdict == CLOSE else Step.DECIDED
        call = f" ({record.action})" if record.action else ""
        again = f", until {utc(record.at)}" if record.at > each.first_at else ""
        text = f"{record.reason}{call}, at block {record.block_number}{again}"
        yield each.first_at, step, f"decided: {record.verdict}", text


def _done(history: CaseHistory) -> Iterator[_Entry]:
    for intent in history.intents:
        budget = f"budget {intent.window.budget} wei, deadline {utc(intent.window.hard)}"
        call = f"{intent.candidate.purpose} from {intent.candidate.account}, {budget}"
        yield intent.at, Step.INTENDED, "intended", call
        for each in intent.signed:
            attempt, named = each.attempt, _short(str(each.attempt.hash))
            # The head it was priced at may be older than the one at which the intent was recorded.
            signed = max(each.at, intent.at)
            price = f"up to {_gwei(attempt.fees.max_fee)} gwei"
            yield signed, Step.SIGNED, "signed", f"{named}, nonce {attempt.nonce}, {price}"
            if each.marked_at is not None:
                yield max(each.marked_at, signed), Step.MARKED, attempt.status.value, named
        if intent.outcome is not None and intent.outcome_at is not None:
            name = type(intent.outcome).__name__.lower()
            yield intent.outcome_at, Step.OVER, name, told(intent.outcome)


def told(outcome: Outcome) -> str:
    """Say what became of an intent."""
    match outcome:
        case Confirmed(receipt):
            return (
                f"{_short(str(receipt.tx_hash))} in block {receipt.block_number}, {receipt.cost} wei of gas"
            )
        case Reverted(receipt):
            return _mined(receipt, "failed")
        case WouldRevert(reason):
            return f"not sent, its simulation fails: {reason}"
        case Unaffordable(sums):
            return f"not sent, it cannot be paid for: {sums}"


def _mined(receipt: Receipt, how: str) -> str:
    named = _short(str(receipt.tx_hash))
    return f"{named} {how} in block {receipt.block_number}, {receipt.cost} wei of gas"


def _transaction(intent: IntentRecord, record: AttemptRecord) -> Iterator[str]:
    """Yield the lines of one transaction: its whole hash, and what became of it."""
    attempt, outcome = record.attempt, intent.outcome
    prices = f"up to {_gwei(attempt.fees.max_fee)} gwei, tip {_gwei(attempt.fees.max_priority_fee)}"
    yield f"{attempt.hash}"
    yield f"  {attempt.status.value}: nonce {attempt.nonce}, {prices}, gas limit {attempt.gas_limit}"
    if isinstance(outcome, Confirmed | Reverted) and outcome.receipt.tx_hash == attempt.hash:
        receipt = outcome.receipt
        word = "succeeded" if receipt.success else "failed"
        paid = f"{receipt.gas_used} gas at {_gwei(receipt.gas_price)} gwei, {receipt.cost} wei"
        yield f"  {word} in block {receipt.block_number}: {paid}"


def _lines(title: str, lines: Iterable[str]) -> None:
    """Print lines that a narrow terminal may wrap, but that are never cut: hashes are to be copied."""
    out.print(f"\n{title}", style="italic")
    for line in lines:
        out.print(line, markup=False)


def state(case: Case) -> str:
    """Say how a case stands."""
    return str(case.closure or "open")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _left(case: Case, now: int) -> str:
    if not case.is_open or case.deadline is None:
        return ""
    if case.ripe_at is not None:
        words = wait(case.ripe_at - now)
        return words if words == "now" else f"in {words}"
    return duration(case.deadline - now) if case.deadline > now else "nothing"


def _short(text: str) -> str:
    return text if len(text) <= 13 else f"{text[:8]}…{text[-4:]}"  # noqa: PLR2004 (shorter than what is cut)


def _ether(wei: int) -> str:
    return f"{wei / ETHER:.6g}"


def _gwei(wei: int) -> str:
    return f"{wei / GWEI:.6g}"
