"""What a Watcher says, in one form for all its dialects. Claims, not facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Timestamp, Wei


@dataclass(frozen=True, slots=True)
class ByzantineEvent:
    """One entry of `byzantine_events`, not yet interpreted; `details` without the repeated name."""

    name: str
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ExitableUtxo:
    """One entry of `account.get_exitable_utxos`; `amount` in wei or token units."""

    position: UtxoPosition
    owner: Address
    token: Address
    amount: Wei


@dataclass(frozen=True, slots=True)
class KnownInFlightExit:
    """One entry of `in_flight_exits` in a status answer; `tx` is unsigned RLP."""

    tx: bytes
    eth_height: int
    piggybacked_inputs: tuple[int, ...]
    piggybacked_outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WatcherStatus:
    """One answer of `status.get`.

    Heights and times are None where the dialect has none. `contract_addresses` maps the names of the answer
    (`plasma_framework`, `payment_exit_game`, `eth_vault`, `erc20_vault`; `root_chain` for the one-string
    form).
    """

    events: tuple[ByzantineEvent, ...]
    last_validated_blknum: int
    last_mined_blknum: int
    last_seen_eth_block: int | None = None
    last_seen_eth_time: Timestamp | None = None
    eth_syncing: bool = False
    services: Mapping[str, int] = field(default_factory=dict)
    contract_addresses: Mapping[str, Address] = field(default_factory=dict)
    version: str | None = None
    in_flight_exits: tuple[KnownInFlightExit, ...] = ()
