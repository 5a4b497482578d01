"""Which logs of the framework, the vaults and the exit game mean what."""

from collections.abc import Mapping
from typing import Any

from plasma_guard.contracts import events
from plasma_guard.contracts.abis import Event
from plasma_guard.contracts.abis import ald as abi
from plasma_guard.contracts.ald.revisions import Revision
from plasma_guard.domain.blocks import Log
from plasma_guard.domain.exits import (
    ContractSet,
    InFlightExitBlocked,
    InFlightExitEnded,
    InFlightExitPiggybacked,
    InFlightExitWithdrawn,
    Side,
)


def readers(contracts: ContractSet, revision: Revision) -> events.Readers:
    """Return the readers of all exit, block and deposit logs; exit logs come from the exit game alone."""
    exits: list[tuple[Event, events.Build]] = [
        (revision.exit_started, events.exit_started),
        (abi.EXIT_CHALLENGED, events.exit_challenged),
        (revision.exit_finalized, events.exit_finalized),
        (revision.in_flight_exit_started, events.in_flight_exit_started),
        (abi.IN_FLIGHT_EXIT_INPUT_PIGGYBACKED, _piggybacked(Side.INPUT)),
        (abi.IN_FLIGHT_EXIT_OUTPUT_PIGGYBACKED, _piggybacked(Side.OUTPUT)),
        (revision.in_flight_exit_challenged, events.in_flight_exit_challenged),
        (abi.IN_FLIGHT_EXIT_CHALLENGE_RESPONDED, events.in_flight_exit_responded),
        (abi.IN_FLIGHT_EXIT_INPUT_BLOCKED, _blocked(Side.INPUT)),
        (abi.IN_FLIGHT_EXIT_OUTPUT_BLOCKED, _blocked(Side.OUTPUT)),
        (revision.in_flight_exit_input_withdrawn, _withdrawn(Side.INPUT)),
        (revision.in_flight_exit_output_withdrawn, _withdrawn(Side.OUTPUT)),
        (revision.in_flight_exit_omitted, _ended(deleted=False)),
        (revision.in_flight_exit_deleted, _ended(deleted=True)),
    ]
    if revision.in_flight_exit_finalized is not None:
        exits.append((revision.in_flight_exit_finalized, _ended(deleted=False)))
    table: dict[Any, tuple[Event, events.Build]] = {
        (contracts.exit_game, event.topic): (event, build) for event, build in exits
    }
    table[contracts.entry, abi.BLOCK_SUBMITTED.topic] = (abi.BLOCK_SUBMITTED, events.block_submitted)
    for vault in (contracts.eth_vault, contracts.erc20_vault):
        if vault is not None:
            table[vault, abi.DEPOSIT_CREATED.topic] = (abi.DEPOSIT_CREATED, events.deposit_created)
    return table


def _piggybacked(side: Side) -> events.Build:
    def build(log: Log, fields: Mapping[str, Any]) -> InFlightExitPiggybacked:
        return events.piggybacked(
            log,
            owner=fields["exitTarget"],
            plasma_tx_hash=fields["txHash"],
            side=side,
            index=fields[f"{side}Index"],
        )

    return build


def _blocked(side: Side) -> events.Build:
    def build(log: Log, fields: Mapping[str, Any]) -> InFlightExitBlocked:
        return events.in_flight_exit_blocked(log, fields, side=side, index=fields[f"{side}Index"])

    return build


def _withdrawn(side: Side) -> events.Build:
    def build(log: Log, fields: Mapping[str, Any]) -> InFlightExitWithdrawn:
        return events.in_flight_exit_withdrawn(
            log, exit_id=fields["exitId"], side=side, index=fields[f"{side}Index"]
        )

    return build


def _ended(*, deleted: bool) -> events.Build:
    def build(log: Log, fields: Mapping[str, Any]) -> InFlightExitEnded:
        return events.in_flight_exit_ended(log, fields, deleted=deleted)

    return build
