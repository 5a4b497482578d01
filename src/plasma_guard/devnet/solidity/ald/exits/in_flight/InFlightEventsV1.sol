pragma solidity 0.5.17;

/**
 * @notice What in-flight exits of revision 1.0 log with its own exit ids.
 */
contract InFlightEventsV1 {
    event InFlightExitStarted(address indexed initiator, bytes32 indexed txHash);
    event InFlightExitChallenged(
        address indexed challenger,
        bytes32 indexed txHash,
        uint256 challengeTxPosition
    );
    event InFlightExitDeleted(uint160 indexed exitId);
    event InFlightExitOmitted(uint160 indexed exitId, address token);
    event InFlightExitInputWithdrawn(uint160 indexed exitId, uint16 inputIndex);
    event InFlightExitOutputWithdrawn(uint160 indexed exitId, uint16 outputIndex);

    constructor() internal {}
}
