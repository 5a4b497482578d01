"""Shapes of a Watcher's answers, in every dialect from v0.1 to v1; strict about types, deaf to extra keys."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.evidence import StandardExitChallenge
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Timestamp, shorten
from plasma_guard.domain.watchers import ByzantineEvent, WatcherStatus

MALFORMED = "malformed"
"""Name given to an entry of `byzantine_events` that has not the shape of an event."""

_HEX = re.compile("0[xX](?:[0-9a-fA-F]{2})*")
_EVENT_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_BYTES_LIMIT = 100_000
"""Far above any transaction: at most five inputs and outputs fit in some 600 bytes."""


def _bytes(value: object) -> bytes:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise MalformedError(f"expected 0x and an even number of hex digits, got {shorten(value)}")
    if len(value) > 2 * _BYTES_LIMIT:
        raise MalformedError(f"expected at most {_BYTES_LIMIT} bytes, got {len(value) // 2 - 1}")
    return bytes.fromhex(value[2:])


def _address(value: object) -> Address:
    return Address(_bytes(value))


HexBytes = Annotated[bytes, PlainValidator(_bytes)]
HexAddress = Annotated[Address, PlainValidator(_address)]
Natural = Annotated[int, Field(ge=0, lt=2**256)]
Label = Annotated[str, Field(max_length=100, pattern=r"^[ -~]*$")]
"""Short printable ASCII: names and versions."""


class Shape(BaseModel):
    """Base of all answers: JSON types are taken as they are, an integer in quotes is not an integer."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


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
    services_synced_heights: Annotated[list[ServiceHeight], Field(max_length=1000)] = []
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
    input_index: Annotated[int, Field(ge=0, lt=256)]
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
