"""What differs between PaymentExitGame 1.0.x and 2.0.0, and nothing else."""

from dataclasses import dataclass

from plasma_guard.contracts.abis import Event, Function
from plasma_guard.domain.exits import Generation

_STANDARD_EXIT = "bool,uint256,bytes32,address,uint256,uint256"


@dataclass(frozen=True, slots=True)
class Revision:
    """The functions and events whose signatures differ."""

    generation: Generation
    challenge_standard_exit: Function
    standard_exits: Function
    process_exits: Function
    process_exits_takes_sender: bool
    exit_started: Event
    exit_finalized: Event
    in_flight_exit_started: Event


V1 = Revision(
    generation=Generation.ALD_V1,
    challenge_standard_exit=Function("challengeStandardExit((uint160,bytes,bytes,uint16,bytes,bytes32))"),
    standard_exits=Function("standardExits(uint160[])", f"({_STANDARD_EXIT})[]"),
    process_exits=Function("processExits(uint256,address,uint160,uint256)"),
    process_exits_takes_sender=False,
    exit_started=Event("ExitStarted(address indexed owner, uint160 exitId)"),
    exit_finalized=Event("ExitFinalized(uint160 indexed exitId)"),
    in_flight_exit_started=Event("InFlightExitStarted(address indexed initiator, bytes32 indexed txHash)"),
)
V2 = Revision(
    generation=Generation.ALD_V2,
    challenge_standard_exit=Function("challengeStandardExit((uint168,bytes,bytes,uint16,bytes,bytes32))"),
    standard_exits=Function("standardExits(uint168[])", f"({_STANDARD_EXIT},uint256)[]"),
    process_exits=Function("processExits(uint256,address,uint168,uint256,bytes32)"),
    process_exits_takes_sender=True,
    exit_started=Event("ExitStarted(address indexed owner, uint168 exitId, uint256 utxoPos, bytes outputTx)"),
    exit_finalized=Event("ExitFinalized(uint168 indexed exitId)"),
    # The exit game's own ABI still declares the short form of revision 1; its library emits this one.
    in_flight_exit_started=Event(
        "InFlightExitStarted(address indexed initiator, bytes32 indexed txHash, bytes inFlightTx,"
        " uint256[] inputUtxosPos, bytes[] inFlightTxWitnesses, bytes[] inputTxs)"
    ),
)
REVISIONS = {revision.generation: revision for revision in (V1, V2)}

UNSAFE_CHALLENGE = Function("challengeStandardExit((uint160,bytes,bytes,uint16,bytes))")
"""The call of 1.0.0, which lacks senderData; the guard does not speak that revision."""
