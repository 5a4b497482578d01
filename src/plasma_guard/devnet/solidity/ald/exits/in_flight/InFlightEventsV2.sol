pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

/**
 * @notice What in-flight exits of revision 2.0 log with its own exit ids and with whole transactions.
 */
contract InFlightEventsV2 {
    event InFlightExitStarted(
        address indexed initiator,
        bytes32 indexed txHash,
        bytes inFlightTx,
        uint256[] inputUtxosPos,
        bytes[] inFlightTxWitnesses,
        bytes[] inputTxs
    );
    event InFlightExitChallenged(
        address indexed challenger,
        bytes32 indexed txHash,
        uint256 challengeTxPosition,
        uint16 inFlightTxInputIndex,
        bytes challengeTx,
        uint16 challengeTxInputIndex,
        bytes challengeTxWitness
    );
    event InFlightExitDeleted(uint168 indexed exitId);
    event InFlightExitOmitted(uint168 indexed exitId, address token);
    event InFlightExitInputWithdrawn(uint168 indexed exitId, uint16 inputIndex);
    event InFlightExitOutputWithdrawn(uint168 indexed exitId, uint16 outputIndex);
    event InFlightExitFinalized(uint168 indexed exitId);
    event InFlightBountyReturnFailed(address indexed receiver, uint256 amount);

    constructor() internal {}
}
