"""From a planned or a running exit to the event that carries it to its payment.

Everything that an exit takes goes into its event: from then on it needs neither vault nor Watcher.
"""

from collections.abc import Iterable, Mapping, Sequence

from plasma_guard.domain.actions import StartStandardExit
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.plan import Payout, PlannedExit, Timing, Underway, Way
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL, UtxoPosition
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.domain.vault import KeptTransaction, VaultContents
from plasma_guard.reactions.own_exit import OwnExit
from plasma_guard.reactions.own_in_flight_exit import OwnInFlightExit, OwnSlot
from plasma_guard.reactions.own_standard_exit import OwnStandardExit

SEEN_THROUGH = "its owner asked to see it through"


def event_of(exit_: PlannedExit, contents: VaultContents, at: BlockStamp, reason: str) -> OwnExit:
    """Return the event of an exit to be started, or to be joined where it runs."""
    hard = exit_.window.hard if exit_.timing is Timing.IN_TIME else None
    start = exit_.start
    if isinstance(start, StartStandardExit):
        return OwnStandardExit(
            txbytes=start.output_tx,
            account=exit_.account,
            asked_at=at.timestamp,
            hard=hard,
            reason=reason,
            utxo_pos=start.position,
            proof=start.proof,
        )
    tx = contents.transactions[exit_.payouts[0].tx_hash]
    return OwnInFlightExit(
        txbytes=tx.raw,
        account=exit_.account,
        asked_at=at.timestamp,
        hard=hard,
        reason=reason,
        slots=_slots(tx, exit_.payouts),
        input_txs=start.input_txs if start else (),
        input_positions=start.input_positions if start else (),
        proofs=start.proofs if start else (),
        signatures=start.signatures if start else (),
        included=tx.position,
        proof=tx.proof,
    )


def events_of_running(
    running: Iterable[Underway], contents: VaultContents, starts: Mapping[ExitId, Timestamp]
) -> list[OwnExit]:
    """Return the events of exits that run already; `starts` says when each standard exit was started.

    One that the own scan has not reached yet is left out.
    """
    events: list[OwnExit] = []
    joined: dict[ExitId, list[Underway]] = {}
    for each in running:
        if each.way is not Way.STANDARD:
            joined.setdefault(each.exit_id, []).append(each)
        elif each.exit_id in starts:
            events.append(_standard(each, contents, starts[each.exit_id]))
    return events + [event for group in joined.values() for event in _in_flight(group, contents)]


def _standard(running: Underway, contents: VaultContents, started_at: Timestamp) -> OwnStandardExit:
    output = running.output
    creating = contents.creating(output)
    assert creating is not None and output.position is not None  # noqa: S101, PT018 (it is held, and in a block)
    return OwnStandardExit(
        txbytes=creating.raw,
        account=output.owner,
        asked_at=started_at,
        reason=SEEN_THROUGH,
        utxo_pos=output.position,
        proof=creating.proof,
    )


def _in_flight(group: Sequence[Underway], contents: VaultContents) -> list[OwnInFlightExit]:
    paid = [each.payout for each in group if each.payout is not None]
    started_at = group[0].started_at
    if not paid or started_at is None:
        return []
    tx = contents.transactions[paid[0].tx_hash]
    return [
        OwnInFlightExit(
            txbytes=tx.raw,
            account=paid[0].owner,
            asked_at=started_at,
            reason=SEEN_THROUGH,
            slots=_slots(tx, paid),
            included=tx.position,
            proof=tx.proof,
        )
    ]


def _slots(tx: KeptTransaction, payouts: Iterable[Payout]) -> tuple[OwnSlot, ...]:
    return tuple(
        OwnSlot(
            side=paid.side,
            index=paid.index,
            owner=paid.owner,
            token=paid.token,
            amount=paid.amount,
            position=paid.position or _place(tx, paid.index),
        )
        for paid in payouts
    )


def _place(tx: KeptTransaction, index: int) -> UtxoPosition:
    """Return where an output is; one in no known block gets a stand-in, of which only the index counts."""
    place = tx.position or UtxoPosition(CHILD_BLOCK_INTERVAL, 0, 0)
    return UtxoPosition(place.blknum, place.txindex, index)
