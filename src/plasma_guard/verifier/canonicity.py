"""Whether an in-flight transaction is the oldest that spends its inputs, and who can prove what about it."""

from collections.abc import Iterator

from plasma_guard.domain.errors import WatcherRefused
from plasma_guard.domain.evidence import Competitor, Inclusion
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.watchers import ByzantineEvent
from plasma_guard.verifier.in_flight_exits import UNKNOWN_IFE, InFlightExits, InFlightExitState
from plasma_guard.verifier.known import KnownTransactions, Spending
from plasma_guard.verifier.ledger import Ledger

NON_CANONICAL_IFE = "non_canonical_ife"
UNCHALLENGED_NON_CANONICAL_IFE = "unchallenged_non_canonical_ife"
INVALID_IFE_CHALLENGE = "invalid_ife_challenge"
_INFINITELY_YOUNG = 2**256


class Canonicity:
    """Judges the known in-flight exits; `sla_margin` in root-chain blocks.

    A competitor is viable when it is older than everything that would refute it: than the transaction's own
    place in a block, and than the oldest competitor the contract has. One in no block is younger than both.
    """

    def __init__(
        self,
        ledger: Ledger,
        known: KnownTransactions,
        exits: InFlightExits,
        *,
        sla_margin: int,
    ) -> None:
        self._ledger = ledger
        self._known = known
        self._exits = exits
        self._sla_margin = sla_margin

    def events(self, tip: int) -> Iterator[ByzantineEvent]:
        """Return what is wrong about canonicity at root-chain height `tip`; a late exit has two events."""
        for exit_ in self._exits:
            details = {"txbytes": "0x" + exit_.tx.raw.hex()}
            if self._is_non_canonical(exit_):
                yield ByzantineEvent(NON_CANONICAL_IFE, details)
                if self._is_late(exit_, tip):
                    yield ByzantineEvent(UNCHALLENGED_NON_CANONICAL_IFE, details)
            if self._answer(exit_) is not None:
                yield ByzantineEvent(INVALID_IFE_CHALLENGE, details)

    def must_halt(self, tip: int) -> bool:
        """Tell whether a non-canonical exit has stood longer than the margin."""
        return any(self._is_late(exit_, tip) and self._is_non_canonical(exit_) for exit_ in self._exits)

    def competitor(self, tx: bytes) -> Competitor:
        """Return the oldest viable competitor of an in-flight exit; raises `WatcherRefused` without one."""
        exit_ = self._exits.get(tx)
        if exit_ is None:
            raise WatcherRefused(f"get_competitor:{UNKNOWN_IFE}")
        oldest = min(self._competitors(exit_), key=lambda found: _age(found[1].position), default=None)
        if oldest is None:
            raise WatcherRefused("get_competitor:competitor_not_found")
        index, spending = oldest
        if not self._is_viable(exit_, spending.position):
            raise WatcherRefused("get_competitor:no_viable_competitor_found")
        return Competitor(
            in_flight_tx=exit_.tx.raw,
            in_flight_input_index=index,
            competing_tx=spending.tx.raw,
            competing_input_index=spending.input_index,
            position=spending.position,
            proof=b"" if spending.position is None else self._ledger.proof(spending.position),
            signature=spending.signature,
            input_tx=exit_.inputs[index].creating_tx,
            input_position=exit_.inputs[index].position,
        )

    def inclusion(self, tx: bytes) -> Inclusion:
        """Return what answers the challenge of an exit; raises `WatcherRefused` when nothing is to answer."""
        exit_ = self._exits.get(tx)
        if exit_ is None:
            raise WatcherRefused(f"prove_canonical:{UNKNOWN_IFE}")
        position = self._answer(exit_)
        if position is None:
            raise WatcherRefused("prove_canonical:no_viable_canonical_proof_found")
        return Inclusion(exit_.tx.raw, position, self._ledger.proof(position))

    def _competitors(self, exit_: InFlightExitState) -> Iterator[tuple[int, Spending]]:
        """Iterate over the other transactions that spend an input, each with the input's index."""
        for index, input_ in enumerate(exit_.inputs):
            if input_.owner is not None:
                for spending in self._known.spendings(input_.position, input_.owner):
                    if spending.tx.raw != exit_.tx.raw:
                        yield index, spending

    def _is_non_canonical(self, exit_: InFlightExitState) -> bool:
        return any(self._is_viable(exit_, spending.position) for _, spending in self._competitors(exit_))

    def _is_viable(self, exit_: InFlightExitState, position: UtxoPosition | None) -> bool:
        own = self._ledger.inclusion(exit_.tx)
        if position is None:
            return own is None and exit_.competitor is None
        return position.encode() < min(
            _age(own), _INFINITELY_YOUNG if exit_.competitor is None else exit_.competitor
        )

    def _answer(self, exit_: InFlightExitState) -> UtxoPosition | None:
        """Return the transaction's own place when that refutes the challenge that stands."""
        if exit_.canonical or exit_.competitor is None:
            return None
        own = self._ledger.inclusion(exit_.tx)
        return own if own is not None and own.encode() < exit_.competitor else None

    def _is_late(self, exit_: InFlightExitState, tip: int) -> bool:
        return exit_.eth_height + self._sla_margin <= tip


def _age(position: UtxoPosition | None) -> int:
    return _INFINITELY_YOUNG if position is None else position.encode()
