"""What differs between PaymentExitGame 1.0.x and 2.0.0, and nothing else."""

from dataclasses import dataclass

from plasma_guard.contracts.abis import Event, Function
from plasma_guard.domain.exits import Generation

_STANDARD_EXIT = "bool,uint256,bytes32,address,uint256,uint256"
_SLOT = "bytes32,address,address,uint256,uint256"


@dataclass(frozen=True, slots=True)
class Revision:
    """The functions and events whose signatures differ."""

    generation: Generation
    challenge_standard_exit: Function
    standard_exits: Function
    in_flight_exits: Function
    delete_non_piggybacked: Function
    process_exits: Function
    process_exits_takes_sender: bool
    exit_started: Event
    exit_finalized: Event
    in_flight_exit_started: Event
    in_flight_starts_are_logged: bool
    in_flight_exit_challenged: Event
    in_flight_exit_input_withdrawn: Event
    in_flight_exit_output_withdrawn: Event
    in_flight_exit_omitted: Event
    in_flight_exit_deleted: Event
    in_flight_exit_finalized: Event | None


def _in_flight_exits(id_type: str, slot: str, slots: int) -> Function:
    """Return the read whose answer has a fixed number of input and output slots, used or not."""
    sides = f"({slot})[{slots}],({slot})[{slots}]"
    return Function(
        f"inFlightExits({id_type}[])",
        f"(bool,uint64,uint256,uint256,{sides},address,uint256,uint256)[]",
    )


V1 = Revision(
    generation=Generation.ALD_V1,
    challenge_standard_exit=Function("challengeStandardExit((uint160,bytes,bytes,uint16,bytes,bytes32))"),
    standard_exits=Function("standardExits(uint160[])", f"({_STANDARD_EXIT})[]"),
    in_flight_exits=_in_flight_exits("uint160", _SLOT, 4),
    delete_non_piggybacked=Function("deleteNonPiggybackedInFlightExit(uint160)"),
    process_exits=Function("processExits(uint256,address,uint160,uint256)"),
    process_exits_takes_sender=False,
    exit_started=Event("ExitStarted(address indexed owner, uint160 exitId)"),
    exit_finalized=Event("ExitFinalized(uint160 indexed exitId)"),
    in_flight_exit_started=Event("InFlightExitStarted(address indexed initiator, bytes32 indexed txHash)"),
    in_flight_starts_are_logged=False,
    in_flight_exit_challenged=Event(
        "InFlightExitChallenged(address indexed challenger, bytes32 indexed txHash,"
        " uint256 challengeTxPosition)"
    ),
    in_flight_exit_input_withdrawn=Event(
        "InFlightExitInputWithdrawn(uint160 indexed exitId, uint16 inputIndex)"
    ),
    in_flight_exit_output_withdrawn=Event(
        "InFlightExitOutputWithdrawn(uint160 indexed exitId, uint16 outputIndex)"
    ),
    in_flight_exit_omitted=Event("InFlightExitOmitted(uint160 indexed exitId, address token)"),
    in_flight_exit_deleted=Event("InFlightExitDeleted(uint160 indexed exitId)"),
    in_flight_exit_finalized=None,
)
V2 = Revision(
    generation=Generation.ALD_V2,
    challenge_standard_exit=Function("challengeStandardExit((uint168,bytes,bytes,uint16,bytes,bytes32))"),
    standard_exits=Function("standardExits(uint168[])", f"({_STANDARD_EXIT},uint256)[]"),
    in_flight_exits=_in_flight_exits("uint168", f"{_SLOT},uint256", 5),
    delete_non_piggybacked=Function("deleteNonPiggybackedInFlightExit(uint168)"),
    process_exits=Function("processExits(uint256,address,uint168,uint256,bytes32)"),
    process_exits_takes_sender=True,
    exit_started=Event("ExitStarted(address indexed owner, uint168 exitId, uint256 utxoPos, bytes outputTx)"),
    exit_finalized=Event("ExitFinalized(uint168 indexed exitId)"),
    # The exit game's own ABI still declares the short forms of revision 1; its library emits these two.
    in_flight_exit_started=Event(
        "InFlightExitStarted(address indexed initiator, bytes32 indexed txHash, bytes inFlightTx,"
        " uint256[] inputUtxosPos, bytes[] inFlightTxWitnesses, bytes[] inputTxs)"
    ),
    in_flight_starts_are_logged=True,
    in_flight_exit_challenged=Event(
        "InFlightExitChallenged(address indexed challenger, bytes32 indexed txHash,"
        " uint256 challengeTxPosition, uint16 inFlightTxInputIndex, bytes challengeTx,"
        " uint16 challengeTxInputIndex, bytes challengeTxWitness)"
    ),
    in_flight_exit_input_withdrawn=Event(
        "InFlightExitInputWithdrawn(uint168 indexed exitId, uint16 inputIndex)"
    ),
    in_flight_exit_output_withdrawn=Event(
        "InFlightExitOutputWithdrawn(uint168 indexed exitId, uint16 outputIndex)"
    ),
    in_flight_exit_omitted=Event("InFlightExitOmitted(uint168 indexed exitId, address token)"),
    in_flight_exit_deleted=Event("InFlightExitDeleted(uint168 indexed exitId)"),
    in_flight_exit_finalized=Event("InFlightExitFinalized(uint168 indexed exitId)"),
)
REVISIONS = {revision.generation: revision for revision in (V1, V2)}

UNSAFE_CHALLENGE = Function("challengeStandardExit((uint160,bytes,bytes,uint16,bytes))")
"""The call of 1.0.0, which lacks senderData; the guard does not speak that revision."""
