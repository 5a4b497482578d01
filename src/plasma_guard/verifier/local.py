"""The verifier in this process, behind the port that remote Watchers are behind."""

from plasma_guard.domain.errors import WatcherNotReady, WatcherRefused
from plasma_guard.domain.evidence import (
    Competitor,
    ExitData,
    FoundTransaction,
    Inclusion,
    InFlightData,
    InputSpend,
    OutputSpend,
    StandardExitChallenge,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.domain.watchers import ExitableUtxo, WatcherStatus
from plasma_guard.verifier.core import Verifier


class LocalWatcher:
    """Implements the Watcher port over a `Verifier`; `WatcherNotReady` until the root chain was read."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def status(self) -> WatcherStatus:
        """Return the verifier's status."""
        if self._verifier.progress.tip is None:
            raise WatcherNotReady("own verifier: the root chain has not been read yet")
        return self._verifier.status()

    async def challenge_data(self, position: UtxoPosition) -> StandardExitChallenge:
        """Return the verifier's challenge; `WatcherRefused` when it knows no exit or no spend."""
        return self._verifier.challenge_data(position)

    async def competitor(self, in_flight_tx: bytes) -> Competitor:
        """Return the oldest viable competitor; `WatcherRefused` when there is none."""
        return self._verifier.canonicity.competitor(in_flight_tx)

    async def inclusion(self, in_flight_tx: bytes) -> Inclusion:
        """Return what answers a challenge; `WatcherRefused` when there is nothing to answer."""
        return self._verifier.canonicity.inclusion(in_flight_tx)

    async def input_spend(self, in_flight_tx: bytes, index: int) -> InputSpend:
        """Return what else spends a piggybacked input; `WatcherRefused` when nothing does."""
        return self._verifier.piggybacks.input_spend(in_flight_tx, index)

    async def output_spend(self, in_flight_tx: bytes, index: int) -> OutputSpend:
        """Return what spends a piggybacked output; `WatcherRefused` when nothing does."""
        return self._verifier.piggybacks.output_spend(in_flight_tx, index)

    async def exitable_utxos(self, owner: Address) -> list[ExitableUtxo]:
        """Return the outputs of an owner that nothing spends and that do not exit yet."""
        return [
            ExitableUtxo(position, output.owner, output.token, output.amount)
            for position, output in self._verifier.ways_out.exitable_utxos(owner)
        ]

    async def exit_data(self, position: UtxoPosition) -> ExitData:
        """Return what an exit of an output takes; `WatcherRefused` when there is no such output."""
        found = self._verifier.ways_out.exit_data(position)
        return ExitData(found.position, found.tx, found.proof, found.signatures)

    async def in_flight_data(self, signed: bytes) -> InFlightData:
        """Return what an in-flight exit takes; `WatcherRefused` for inputs not known and spent deposits."""
        found = self._verifier.ways_out.in_flight_data(self._verifier.rules.decode_signed(signed))
        return InFlightData(found.tx, found.input_txs, found.proofs)

    async def transaction(self, tx_hash: Hash32) -> FoundTransaction:
        """Return a transaction of a block with its signatures; `WatcherRefused` when there is none."""
        found = self._verifier.ledger.find(tx_hash)
        position = None if found is None else self._verifier.ledger.inclusion(found.tx)
        if found is None or position is None:
            raise WatcherRefused("transaction:not_found", "There is no such transaction.")
        return FoundTransaction(found.raw, position)
