"""Shapes of a Watcher's answers, in every dialect from v0.1 to v1; strict about types, deaf to extra keys."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, PlainValidator, RootModel, ValidationError

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.evidence import ExitData, FoundTransaction, StandardExitChallenge
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Timestamp, Wei, shorten
from plasma_guard.domain.watchers import ByzantineEvent, ExitableUtxo, WatcherStatus
from plasma_guard.watcher.in_flight import InFlightExitData
from plasma_guard.watcher.shapes import (
    SIGNATURE_BYTES,
    HexAddress,
    HexBytes,
    Index,
    Label,
    Natural,
    Position,
    Shape,
    pieces,
)

MALFORMED = "malformed"
"""Name given to an entry of `byzantine_events` that has not the shape of an event."""

_EVENT_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_MANY = 100_000
"""Entries of a list that is not bounded by what it lists; the size of the body bounds it first."""


class Envelope(Shape):
    """What every JSON answer is wrapped in; `version` is absent from the health refusal."""

    success: bool
    data: Any
    version: Label | None = None
    service_name: Label | None = None


class Refusal(Shape):
    """`data` of an envelope whose `success` is false."""

    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:!?-]{1,200}$")]
    description: str | None = None
    messages: Any = None


class ServiceHeight(Shape):
    """Up to which root-chain block one listener of the Watcher has worked."""

    service: Label
    height: Natural


class StatusData(Shape):
    """Answer of `status.get`; its events stay raw, as each kind is read by the reaction that knows it."""

    byzantine_events: list[Any]
    last_validated_child_block_number: Natural
    last_mined_child_block_number: Natural
    last_seen_eth_block_number: Natural | None = None
    last_seen_eth_block_timestamp: Natural | None = None
    eth_syncing: bool
    services_synced_heights: list[ServiceHeight] = Field(default_factory=list, max_length=1000)
    in_flight_exits: list[InFlightExitData] = Field(default_factory=list, max_length=_MANY)
    contract_addr: HexAddress | Annotated[dict[Label, HexAddress], Field(max_length=100)] | None = None

    def status(self, version: str | None) -> WatcherStatus:
        """Return the answer in the form all dialects share."""
        seen_at = self.last_seen_eth_block_timestamp
        return WatcherStatus(
            events=tuple(map(event, self.byzantine_events)),
            last_validated_blknum=self.last_validated_child_block_number,
            last_mined_blknum=self.last_mined_child_block_number,
            last_seen_eth_block=self.last_seen_eth_block_number,
            last_seen_eth_time=None if seen_at is None else Timestamp(seen_at),
            eth_syncing=self.eth_syncing,
            services={each.service: each.height for each in self.services_synced_heights},
            contract_addresses=self._addresses(),
            version=version,
            in_flight_exits=tuple(each.known() for each in self.in_flight_exits),
        )

    def _addresses(self) -> Mapping[str, Address]:
        if self.contract_addr is None:
            return {}
        if isinstance(self.contract_addr, Address):
            return {"root_chain": self.contract_addr}
        return self.contract_addr


class ChallengeData(Shape):
    """Answer of `utxo.get_challenge_data`; `exiting_tx` is absent before v0.3."""

    exit_id: Natural
    exiting_tx: HexBytes | None = None
    input_index: Index
    sig: HexBytes
    txbytes: HexBytes

    def challenge(self, position: UtxoPosition) -> StandardExitChallenge:
        """Return the claim about the output that was asked for."""
        return StandardExitChallenge(
            position=position,
            exit_id=ExitId(self.exit_id),
            challenge_tx=self.txbytes,
            input_index=self.input_index,
            signature=self.sig,
            exiting_tx=self.exiting_tx,
        )


class ExitProofData(Shape):
    """Answer of `utxo.get_exit_data`."""

    utxo_pos: Position
    txbytes: HexBytes
    proof: HexBytes
    sigs: HexBytes = b""

    def exit_data(self) -> ExitData:
        """Return the claim; v0.2 has its signatures one after the other."""
        return ExitData(self.utxo_pos, self.txbytes, self.proof, pieces(self.sigs, SIGNATURE_BYTES, "sigs"))


class ContainingBlock(Shape):
    """The block of a transaction in the answer of `transaction.get`."""

    blknum: Natural


class TransactionData(Shape):
    """Answer of `transaction.get`, which only the informational mode has; here `txbytes` is signed."""

    block: ContainingBlock
    txindex: Natural
    txbytes: HexBytes

    def found(self) -> FoundTransaction:
        """Return the claim."""
        return FoundTransaction(self.txbytes, UtxoPosition(self.block.blknum, self.txindex, 0))


class UtxoData(Shape):
    """One entry of `account.get_exitable_utxos`."""

    utxo_pos: Position
    owner: HexAddress
    currency: HexAddress
    amount: Natural

    def utxo(self) -> ExitableUtxo:
        """Return the entry in the form all dialects share."""
        return ExitableUtxo(self.utxo_pos, self.owner, self.currency, Wei(self.amount))


def _utxo(value: object) -> ExitableUtxo:
    """Read one entry and keep only what it says: a hundred thousand models would take far more memory."""
    try:
        return UtxoData.model_validate(value).utxo()
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"])) or "entry"
        raise MalformedError(f"{field}: {first['msg']}") from None


Utxo = Annotated[ExitableUtxo, PlainValidator(_utxo)]


class UtxosData(RootModel[Annotated[list[Utxo], Field(max_length=_MANY)]]):
    """Answer of `account.get_exitable_utxos`."""


class ConfigurationData(Shape):
    """Answer of `configuration.get`, which exists from v0.4 on."""

    contract_semver: Label
    network: Label
    deposit_finality_margin: Natural
    exit_processor_sla_margin: Natural


def event(entry: object) -> ByzantineEvent:
    """Return one entry of `byzantine_events`; a malformed one is kept as such and spoils no other."""
    if isinstance(entry, dict):
        name, details = entry.get("event"), entry.get("details")
        if isinstance(name, str) and isinstance(details, dict) and _EVENT_NAME.fullmatch(name):
            if details.get("name") == name:
                del details["name"]
            return ByzantineEvent(name, details)
    return ByzantineEvent(MALFORMED, {"entry": shorten(entry, 200)})
