"""Who can still join an in-flight exit, and which of those who did claim what is spent."""

from collections.abc import Iterator

from plasma_guard.domain.errors import WatcherRefused
from plasma_guard.domain.evidence import InputSpend, OutputSpend
from plasma_guard.domain.exits import Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.domain.watchers import ByzantineEvent
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.verifier.in_flight_exits import UNKNOWN_IFE, InFlightExits, InFlightExitState, Slot
from plasma_guard.verifier.known import KnownTransactions, Spending
from plasma_guard.verifier.ledger import Ledger

PIGGYBACK_AVAILABLE = "piggyback_available"
INVALID_PIGGYBACK = "invalid_piggyback"
UNCHALLENGED_PIGGYBACK = "unchallenged_piggyback"
_OUT_OF_RANGE = "piggybacked_index_out_of_range"
_NOT_SPENT = "no_double_spend_on_particular_piggyback"


class Piggybacks:
    """Judges the piggybacks of the known in-flight exits; `sla_margin` in root-chain blocks, from the start.

    An input is wrongly claimed when another transaction spends it, an output when its transaction is in a
    block and anything spends it. That stays true after it was paid out.
    """

    def __init__(
        self,
        rules: PlasmaRules,
        ledger: Ledger,
        known: KnownTransactions,
        exits: InFlightExits,
        *,
        sla_margin: int,
    ) -> None:
        self._rules = rules
        self._ledger = ledger
        self._known = known
        self._exits = exits
        self._sla_margin = sla_margin

    def events(self, tip: int) -> Iterator[ByzantineEvent]:
        """Return what can be joined and what was wrongly joined; a late exit has two of the latter."""
        for exit_ in self._exits:
            wrong = self._wrong(exit_)
            if wrong:
                details = {
                    "txbytes": "0x" + exit_.tx.raw.hex(),
                    "inputs": [index for side, index in wrong if side is Side.INPUT],
                    "outputs": [index for side, index in wrong if side is Side.OUTPUT],
                }
                yield ByzantineEvent(INVALID_PIGGYBACK, details)
                if self._is_late(exit_, tip):
                    yield ByzantineEvent(UNCHALLENGED_PIGGYBACK, details)
            if exit_.active and self._ledger.inclusion(exit_.tx) is None:
                yield from self._available(exit_)

    def must_halt(self, tip: int) -> bool:
        """Tell whether a wrong piggyback has stood longer than the margin."""
        return any(self._is_late(exit_, tip) and self._wrong(exit_) for exit_ in self._exits)

    def input_spend(self, tx: bytes, index: int) -> InputSpend:
        """Return what else spends a piggybacked input; raises `WatcherRefused` when none is known."""
        action = "get_input_challenge_data"
        exit_ = self._asked(action, tx, index, self._rules.max_inputs)
        spending = self._spending_of(exit_, (Side.INPUT, index))
        if spending is None:
            raise WatcherRefused(f"{action}:{_NOT_SPENT}")
        return InputSpend(
            in_flight_tx=exit_.tx.raw,
            in_flight_input_index=index,
            spending_tx=spending.tx.raw,
            spending_input_index=spending.input_index,
            signature=spending.signature,
            input_tx=exit_.inputs[index].creating_tx,
            input_position=exit_.inputs[index].position,
        )

    def output_spend(self, tx: bytes, index: int) -> OutputSpend:
        """Return what spends a piggybacked output; raises `WatcherRefused` when none is known."""
        action = "get_output_challenge_data"
        exit_ = self._asked(action, tx, index, self._rules.max_outputs)
        position = self._output_position(exit_, index)
        spending = self._spending_of(exit_, (Side.OUTPUT, index))
        if position is None or spending is None:
            raise WatcherRefused(f"{action}:{_NOT_SPENT}")
        return OutputSpend(
            in_flight_tx=exit_.tx.raw,
            output_position=position,
            proof=self._ledger.proof(position),
            spending_tx=spending.tx.raw,
            spending_input_index=spending.input_index,
            signature=spending.signature,
        )

    def _asked(self, action: str, tx: bytes, index: int, limit: int) -> InFlightExitState:
        if index >= limit:
            raise WatcherRefused(f"{action}:{_OUT_OF_RANGE}")
        exit_ = self._exits.get(tx)
        if exit_ is None:
            raise WatcherRefused(f"{action}:{UNKNOWN_IFE}")
        return exit_

    def _available(self, exit_: InFlightExitState) -> Iterator[ByzantineEvent]:
        taken = exit_.piggybacked | exit_.blocked | exit_.paid
        owners: dict[Side, list[Address | None]] = {
            Side.INPUT: [each.owner for each in exit_.inputs],
            Side.OUTPUT: [each.owner for each in exit_.tx.outputs],
        }
        free = {
            side: [
                {"address": str(owner), "index": index}
                for index, owner in enumerate(of_side)
                if owner is not None and (side, index) not in taken
            ]
            for side, of_side in owners.items()
        }
        if any(free.values()):
            yield ByzantineEvent(
                PIGGYBACK_AVAILABLE,
                {
                    "txbytes": "0x" + exit_.tx.raw.hex(),
                    "available_inputs": free[Side.INPUT],
                    "available_outputs": free[Side.OUTPUT],
                },
            )

    def _wrong(self, exit_: InFlightExitState) -> list[Slot]:
        """Return the slots that are claimed, or were paid, although spent."""
        claimed = exit_.piggybacked | exit_.paid
        return [slot for slot in sorted(claimed) if self._spending_of(exit_, slot) is not None]

    def _spending_of(self, exit_: InFlightExitState, slot: Slot) -> Spending | None:
        """Return what spends a claimed slot, None for one that is not claimed or not spent."""
        side, index = slot
        if slot not in exit_.piggybacked | exit_.paid:
            return None
        if side is Side.INPUT:
            if index >= len(exit_.inputs) or (owner := exit_.inputs[index].owner) is None:
                return None
            return self._known.spending(exit_.inputs[index].position, owner, other_than=exit_.tx.raw)
        position = self._output_position(exit_, index)
        if position is None:
            return None
        return self._known.spending(position, exit_.tx.outputs[index].owner)

    def _output_position(self, exit_: InFlightExitState, index: int) -> UtxoPosition | None:
        """Return where an output is on the plasma chain, None while its transaction is in no block."""
        included = self._ledger.inclusion(exit_.tx)
        if included is None or index >= len(exit_.tx.outputs):
            return None
        return UtxoPosition(included.blknum, included.txindex, index)

    def _is_late(self, exit_: InFlightExitState, tip: int) -> bool:
        return exit_.eth_height + self._sla_margin <= tip
