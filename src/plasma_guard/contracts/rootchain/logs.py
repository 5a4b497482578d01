"""Which logs of RootChain v0.2 mean what."""

from collections.abc import Mapping
from typing import Any

from plasma_guard.contracts import events
from plasma_guard.contracts.abis import Event
from plasma_guard.contracts.abis import rootchain as abi
from plasma_guard.domain.blocks import Log
from plasma_guard.domain.exits import InFlightExitPiggybacked, Side
from plasma_guard.domain.primitives import Address

FIRST_OUTPUT_SLOT = 4
"""Piggybacks count inputs as 0..3 and outputs as 4..7."""


def readers(root_chain: Address) -> events.Readers:
    """Return the readers of all exit, block and deposit logs of one contract."""
    table: list[tuple[Event, events.Build]] = [
        (abi.EXIT_STARTED, events.exit_started),
        (abi.EXIT_CHALLENGED, events.exit_challenged),
        (abi.EXIT_FINALIZED, events.exit_finalized),
        (abi.IN_FLIGHT_EXIT_STARTED, events.in_flight_exit_started),
        (abi.IN_FLIGHT_EXIT_PIGGYBACKED, _piggybacked),
        (abi.BLOCK_SUBMITTED, events.block_submitted),
        (abi.DEPOSIT_CREATED, events.deposit_created),
    ]
    return {(root_chain, event.topic): (event, build) for event, build in table}


def _piggybacked(log: Log, fields: Mapping[str, Any]) -> InFlightExitPiggybacked:
    slot = fields["outputIndex"]
    return events.piggybacked(
        log,
        owner=fields["owner"],
        plasma_tx_hash=fields["txHash"],
        side=Side.INPUT if slot < FIRST_OUTPUT_SLOT else Side.OUTPUT,
        index=slot % FIRST_OUTPUT_SLOT,
    )
