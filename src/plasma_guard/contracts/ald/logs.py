"""Which logs of the framework, the vaults and the exit game mean what."""

from collections.abc import Mapping
from typing import Any

from plasma_guard.contracts import events
from plasma_guard.contracts.abis import Event
from plasma_guard.contracts.abis import ald as abi
from plasma_guard.contracts.ald.revisions import Revision
from plasma_guard.domain.blocks import Log
from plasma_guard.domain.exits import ContractSet, InFlightExitPiggybacked, Side


def readers(contracts: ContractSet, revision: Revision) -> events.Readers:
    """Return the readers of all exit, block and deposit logs; exit logs come from the exit game alone."""
    exits: list[tuple[Event, events.Build]] = [
        (revision.exit_started, events.exit_started),
        (abi.EXIT_CHALLENGED, events.exit_challenged),
        (revision.exit_finalized, events.exit_finalized),
        (revision.in_flight_exit_started, events.in_flight_exit_started),
        (abi.IN_FLIGHT_EXIT_INPUT_PIGGYBACKED, _input_piggybacked),
        (abi.IN_FLIGHT_EXIT_OUTPUT_PIGGYBACKED, _output_piggybacked),
    ]
    table: dict[Any, tuple[Event, events.Build]] = {
        (contracts.exit_game, event.topic): (event, build) for event, build in exits
    }
    table[contracts.entry, abi.BLOCK_SUBMITTED.topic] = (abi.BLOCK_SUBMITTED, events.block_submitted)
    for vault in (contracts.eth_vault, contracts.erc20_vault):
        if vault is not None:
            table[vault, abi.DEPOSIT_CREATED.topic] = (abi.DEPOSIT_CREATED, events.deposit_created)
    return table


def _input_piggybacked(log: Log, fields: Mapping[str, Any]) -> InFlightExitPiggybacked:
    return events.piggybacked(
        log,
        owner=fields["exitTarget"],
        plasma_tx_hash=fields["txHash"],
        side=Side.INPUT,
        index=fields["inputIndex"],
    )


def _output_piggybacked(log: Log, fields: Mapping[str, Any]) -> InFlightExitPiggybacked:
    return events.piggybacked(
        log,
        owner=fields["exitTarget"],
        plasma_tx_hash=fields["txHash"],
        side=Side.OUTPUT,
        index=fields["outputIndex"],
    )
