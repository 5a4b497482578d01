"""What a user needs to leave the plasma chain: what can exit, and what each exit takes."""

from dataclasses import dataclass

from plasma_guard.domain.errors import WatcherRefused
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.plasma.transaction import Output, SignedTransaction
from plasma_guard.verifier.known import KnownTransactions
from plasma_guard.verifier.ledger import Ledger
from plasma_guard.verifier.standard_exits import StandardExits


@dataclass(frozen=True, slots=True)
class ExitData:
    """What starting a standard exit takes: unsigned transaction and 512 bytes of Merkle proof.

    `signatures` are the transaction's, empty for a deposit; only the v0.2 dialect shows them.
    """

    position: UtxoPosition
    tx: bytes
    proof: bytes
    signatures: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class InFlightExitData:
    """What starting an in-flight exit takes; item i of each tuple is about input i. Transactions unsigned.

    `signatures` are those of the signed transaction, on rootchain v0.2 with its padding to four.
    """

    tx: bytes
    signatures: tuple[bytes, ...]
    input_txs: tuple[bytes, ...]
    proofs: tuple[bytes, ...]
    positions: tuple[UtxoPosition, ...]


class WaysOut:
    """Answers from the ledger."""

    def __init__(self, ledger: Ledger, known: KnownTransactions, exits: StandardExits) -> None:
        self._ledger = ledger
        self._known = known
        self._exits = exits

    def exit_data(self, position: UtxoPosition) -> ExitData:
        """Return what an exit of the output takes; raises `WatcherRefused` for an output there is none of.

        Like a Watcher, it answers for a deposit only while it is unspent, but for any output of a block.
        """
        tx = self._ledger.creating_tx(position)
        if tx is None or (position.is_deposit and self._ledger.unspent(position) is None):
            raise WatcherRefused("exit:invalid", "Utxo was spent or does not exist.")
        signed = self._ledger.transaction(position)
        signatures = () if signed is None else signed.signatures
        return ExitData(position, tx, self._ledger.proof(position), signatures)

    def in_flight_data(self, signed: SignedTransaction) -> InFlightExitData:
        """Return what an in-flight exit of the transaction takes; raises `WatcherRefused`.

        Like a Watcher, it refuses when an input is a deposit that is spent, be it by this very transaction.
        """
        input_txs = []
        for position in signed.tx.inputs:
            if position.is_deposit and self._ledger.output(position) and not self._ledger.unspent(position):
                raise WatcherRefused(
                    "in_flight_exit:deposit_input_spent_ife_unsupported",
                    "Retrieving IFE data of a transaction with a spent deposit is unsupported.",
                )
            creating_tx = self._ledger.creating_tx(position)
            if creating_tx is None:
                raise WatcherRefused(
                    "in_flight_exit:tx_for_input_not_found", "No transaction that created input."
                )
            input_txs.append(creating_tx)
        return InFlightExitData(
            tx=signed.tx.raw,
            signatures=signed.signatures,
            input_txs=tuple(input_txs),
            proofs=tuple(map(self._ledger.proof, signed.tx.inputs)),
            positions=signed.tx.inputs,
        )

    def exitable_utxos(self, address: Address) -> list[tuple[UtxoPosition, Output]]:
        """Return the unspent outputs of an address whose exit nobody could challenge, oldest first.

        Left out is what exits already, and what a transaction spends that the root chain has shown.
        """
        return sorted(
            (position, output)
            for position, output in self._ledger.owned_by(address)
            if not self._exits.is_exiting(position) and self._known.spending(position, address) is None
        )
