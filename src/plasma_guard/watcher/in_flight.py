"""Shapes of what a Watcher answers about in-flight exits; v0.2 leaves the input's own transaction out."""

from typing import Annotated

from pydantic import Field

from plasma_guard.domain.evidence import Competitor, Inclusion, InFlightData, InputSpend, OutputSpend
from plasma_guard.domain.watchers import KnownInFlightExit
from plasma_guard.plasma import rlp
from plasma_guard.watcher.shapes import (
    PROOF_BYTES,
    HexBytes,
    Index,
    Natural,
    Position,
    PositionOrNone,
    Shape,
    pieces,
)

Indexes = Annotated[list[Index], Field(max_length=16)]


class InFlightExitData(Shape):
    """One entry of `in_flight_exits` in the answer of `status.get`."""

    txbytes: HexBytes
    eth_height: Natural
    piggybacked_inputs: Indexes
    piggybacked_outputs: Indexes

    def known(self) -> KnownInFlightExit:
        """Return the entry in the form all dialects share."""
        return KnownInFlightExit(
            tx=self.txbytes,
            eth_height=self.eth_height,
            piggybacked_inputs=tuple(self.piggybacked_inputs),
            piggybacked_outputs=tuple(self.piggybacked_outputs),
        )


class StartData(Shape):
    """Answer of `in_flight_exit.get_data`: lists since v0.3, before that one string of everything each.

    v0.2's `input_txs` is the RLP list of the transactions themselves, filled up to four with empty strings.
    """

    in_flight_tx: HexBytes
    input_txs: HexBytes | Annotated[list[HexBytes], Field(max_length=16)]
    input_txs_inclusion_proofs: HexBytes | Annotated[list[HexBytes], Field(max_length=16)]

    def data(self) -> InFlightData:
        """Return the claim; raises `MalformedError` for a string that does not come apart."""
        txs, proofs = self.input_txs, self.input_txs_inclusion_proofs
        return InFlightData(
            tx=self.in_flight_tx,
            input_txs=_lists(txs) if isinstance(txs, bytes) else tuple(txs),
            proofs=pieces(proofs, PROOF_BYTES, "input_txs_inclusion_proofs")
            if isinstance(proofs, bytes)
            else tuple(proofs),
        )


def _lists(content: bytes) -> tuple[bytes, ...]:
    """Return the lists in an RLP list, each as it is encoded."""
    name = "input_txs"
    items = rlp.children(content, rlp.whole(content, name), name)
    return tuple(content[item.start : item.end] for item in items if item.is_list)


class CompetitorData(Shape):
    """Answer of `in_flight_exit.get_competitor`.

    A competitor in no block has position 0 and an empty proof; the documents say that both keys are absent.
    """

    in_flight_txbytes: HexBytes
    in_flight_input_index: Index
    competing_txbytes: HexBytes
    competing_input_index: Index
    competing_sig: HexBytes | None = None
    competing_tx_pos: PositionOrNone = None
    competing_proof: HexBytes | None = None
    input_tx: HexBytes | None = None
    input_utxo_pos: Position | None = None

    def competitor(self) -> Competitor:
        """Return the claim."""
        return Competitor(
            in_flight_tx=self.in_flight_txbytes,
            in_flight_input_index=self.in_flight_input_index,
            competing_tx=self.competing_txbytes,
            competing_input_index=self.competing_input_index,
            position=self.competing_tx_pos,
            proof=self.competing_proof or b"",
            signature=self.competing_sig,
            input_tx=self.input_tx,
            input_position=self.input_utxo_pos,
        )


class InclusionData(Shape):
    """Answer of `in_flight_exit.prove_canonical`."""

    in_flight_txbytes: HexBytes
    in_flight_tx_pos: Position
    in_flight_proof: HexBytes

    def inclusion(self) -> Inclusion:
        """Return the claim."""
        return Inclusion(self.in_flight_txbytes, self.in_flight_tx_pos, self.in_flight_proof)


class InputSpendData(Shape):
    """Answer of `in_flight_exit.get_input_challenge_data`; its signature can be null."""

    in_flight_txbytes: HexBytes
    in_flight_input_index: Index
    spending_txbytes: HexBytes
    spending_input_index: Index
    spending_sig: HexBytes | None = None
    input_tx: HexBytes | None = None
    input_utxo_pos: Position | None = None

    def spend(self) -> InputSpend:
        """Return the claim."""
        return InputSpend(
            in_flight_tx=self.in_flight_txbytes,
            in_flight_input_index=self.in_flight_input_index,
            spending_tx=self.spending_txbytes,
            spending_input_index=self.spending_input_index,
            signature=self.spending_sig,
            input_tx=self.input_tx,
            input_position=self.input_utxo_pos,
        )


class OutputSpendData(Shape):
    """Answer of `in_flight_exit.get_output_challenge_data`; its signature can be null."""

    in_flight_txbytes: HexBytes
    in_flight_output_pos: Position
    in_flight_proof: HexBytes
    spending_txbytes: HexBytes
    spending_input_index: Index
    spending_sig: HexBytes | None = None

    def spend(self) -> OutputSpend:
        """Return the claim."""
        return OutputSpend(
            in_flight_tx=self.in_flight_txbytes,
            output_position=self.in_flight_output_pos,
            proof=self.in_flight_proof,
            spending_tx=self.spending_txbytes,
            spending_input_index=self.spending_input_index,
            signature=self.spending_sig,
        )
