"""Which logs of RootChain v0.2 mean what."""

from collections.abc import Mapping
from typing import Any

from plasma_guard.contracts import events
from plasma_guard.contracts.abis import Event
from plasma_guard.contracts.abis import rootchain as abi
from plasma_guard.contracts.rootchain.slots import side_and_index
from plasma_guard.domain.blocks import Log
from plasma_guard.domain.exits import InFlightExitBlocked, InFlightExitPiggybacked, InFlightExitWithdrawn
from plasma_guard.domain.primitives import Address


def readers(root_chain: Address) -> events.Readers:
    """Return the readers of all exit, block and deposit logs of one contract."""
    table: list[tuple[Event, events.Build]] = [
        (abi.EXIT_STARTED, events.exit_started),
        (abi.EXIT_CHALLENGED, events.exit_challenged),
        (abi.EXIT_FINALIZED, events.exit_finalized),
        (abi.IN_FLIGHT_EXIT_STARTED, events.in_flight_exit_started),
        (abi.IN_FLIGHT_EXIT_PIGGYBACKED, _piggybacked),
        (abi.IN_FLIGHT_EXIT_CHALLENGED, events.in_flight_exit_challenged),
        (abi.IN_FLIGHT_EXIT_CHALLENGE_RESPONDED, events.in_flight_exit_responded),
        (abi.IN_FLIGHT_EXIT_OUTPUT_BLOCKED, _blocked),
        (abi.IN_FLIGHT_EXIT_FINALIZED, _withdrawn),
        (abi.BLOCK_SUBMITTED, events.block_submitted),
        (abi.DEPOSIT_CREATED, events.deposit_created),
    ]
    return {(root_chain, event.topic): (event, build) for event, build in table}


def _piggybacked(log: Log, fields: Mapping[str, Any]) -> InFlightExitPiggybacked:
    side, index = side_and_index(fields["outputIndex"])
    return events.piggybacked(
        log, owner=fields["owner"], plasma_tx_hash=fields["txHash"], side=side, index=index
    )


def _blocked(log: Log, fields: Mapping[str, Any]) -> InFlightExitBlocked:
    # The contract logs 0..3 for inputs and outputs alike.
    return events.in_flight_exit_blocked(log, fields, side=None, index=fields["outputIndex"])


def _withdrawn(log: Log, fields: Mapping[str, Any]) -> InFlightExitWithdrawn:
    side, index = side_and_index(fields["outputIndex"])
    return events.in_flight_exit_withdrawn(log, exit_id=fields["inFlightExitId"], side=side, index=index)
