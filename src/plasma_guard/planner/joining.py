"""Which slots of an in-flight exit are joined, so that the money comes out whichever way canonicity falls.

A canonical exit pays its outputs, another one its inputs (RootChain: flagged; ald: isCanonical, and no input
finalized by another exit). An exit becomes non-canonical only when somebody shows another transaction, signed
by an input's owner, that spends that input. So our inputs are worth a bond only where another input's owner
can do that, or has done it; where all inputs are ours and were signed once, the outputs are certain.
"""

from dataclasses import dataclass

from plasma_guard.domain.exits import Side
from plasma_guard.domain.plan import Payout
from plasma_guard.domain.vault import KeptTransaction
from plasma_guard.planner.ledger import Ledger, Source


@dataclass(frozen=True, slots=True)
class Joined:
    """The slots to join; `already` says that some of ours are joined."""

    payouts: tuple[Payout, ...]
    already: bool
    notes: tuple[str, ...]


def slots_to_join(ledger: Ledger, tx: KeptTransaction, indexes: frozenset[int]) -> Joined:
    """Choose among the outputs `indexes`, which are ours and unspent, and our inputs."""
    sources = ledger.sources(tx)
    paid_before = [source for source in sources if ledger.is_paid(source.position)]
    outputs = [] if paid_before else _outputs(ledger, tx, indexes)
    inputs = [source for source in sources if _is_useful(ledger, tx, source, sources)]
    payouts = outputs + [_input_payout(tx, source) for source in inputs if _is_free(ledger, tx, source)]
    notes = [
        f"another exit has paid input {source.index}, so the outputs are not paid, only inputs"
        for source in paid_before
    ]
    notes += [
        f"input {source.index} is signed away twice: the exit may lose to the other transaction"
        for source in sources
        if ledger.spent_elsewhere(source.position, tx)
    ]
    return Joined(tuple(payouts), _is_joined(ledger, tx), tuple(notes))


def _outputs(ledger: Ledger, tx: KeptTransaction, indexes: frozenset[int]) -> list[Payout]:
    payouts = []
    for index in sorted(indexes):
        output = ledger.output_of(tx, index)
        slot = ledger.slot(tx.hash, Side.OUTPUT, index)
        if output is None or not ledger.is_ours(output) or (slot and (slot.piggybacked or slot.handled)):
            continue
        position = None
        if tx.position is not None:
            position = type(tx.position)(tx.position.blknum, tx.position.txindex, index)
        payouts.append(
            Payout(tx.hash, Side.OUTPUT, index, output.owner, output.token, output.amount, position)
        )
    return payouts


def _is_useful(ledger: Ledger, tx: KeptTransaction, ours: Source, sources: tuple[Source, ...]) -> bool:
    """Whether an input of ours can come to be paid: not if it was, nor if we signed it away elsewhere."""
    if not ledger.is_ours(ours.output) or ledger.is_paid(ours.position):
        return False
    if ledger.spent_elsewhere(ours.position, tx):
        return False
    entry = ledger.running(tx.hash)
    if entry is not None and not entry.canonical:
        return True
    if any(ledger.is_paid(each.position) for each in sources):
        return True
    if ledger.is_settled(tx):
        # Its inclusion answers every challenge.
        return False
    others = [each for each in sources if each.index != ours.index]
    return any(
        not ledger.is_ours(each.output) or ledger.spent_elsewhere(each.position, tx) for each in others
    )


def _is_free(ledger: Ledger, tx: KeptTransaction, source: Source) -> bool:
    slot = ledger.slot(tx.hash, Side.INPUT, source.index)
    return slot is None or not (slot.piggybacked or slot.handled)


def _input_payout(tx: KeptTransaction, source: Source) -> Payout:
    assert source.output is not None  # noqa: S101 (only inputs known to be ours get here)
    output = source.output
    return Payout(
        tx.hash, Side.INPUT, source.index, output.owner, output.token, output.amount, source.position
    )


def _is_joined(ledger: Ledger, tx: KeptTransaction) -> bool:
    entry = ledger.running(tx.hash)
    if entry is None:
        return False
    inputs = {source.index for source in ledger.sources(tx) if ledger.is_ours(source.output)}
    outputs = {i for i, output in enumerate(ledger.decode(tx.raw).outputs) if ledger.is_ours(output)}
    return any(
        slot.piggybacked and slot.index in (inputs if slot.side is Side.INPUT else outputs)
        for slot in entry.slots
    )
