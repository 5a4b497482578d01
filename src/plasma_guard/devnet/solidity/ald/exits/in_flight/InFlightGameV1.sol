pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "../ExitGameV1.sol";
import "./InFlightCanonicity.sol";
import "./InFlightEnds.sol";
import "./InFlightEventsV1.sol";
import "./InFlightPiggybacks.sol";
import "./InFlightSpends.sol";
import "./InFlightStarts.sol";

/**
 * @notice In-flight exits of revision 1.0: code for the exit game to run by delegatecall, useless when called directly.
 */
contract InFlightGameV1 is
    InFlightStarts,
    InFlightPiggybacks,
    InFlightCanonicity,
    InFlightSpends,
    InFlightEnds,
    ExitGameV1,
    InFlightEventsV1
{
    function deleteNonPiggybackedInFlightExit(uint160 exitId) public {
        deleteInFlightExit(exitId);
    }

    function emitInFlightStarted(InFlightArgs.Start memory args) internal {
        emit InFlightExitStarted(msg.sender, keccak256(args.inFlightTx));
    }

    function emitInFlightChallenged(InFlightArgs.NotCanonical memory args, uint256 position) internal {
        emit InFlightExitChallenged(msg.sender, keccak256(args.inFlightTx), position);
    }

    function emitInFlightDeleted(uint256 exitId) internal {
        emit InFlightExitDeleted(uint160(exitId));
    }

    function emitInFlightOmitted(uint256 exitId, address token) internal {
        emit InFlightExitOmitted(uint160(exitId), token);
    }

    function emitInFlightWithdrawn(uint256 exitId, bool isInput, uint16 index) internal {
        if (isInput) {
            emit InFlightExitInputWithdrawn(uint160(exitId), index);
        } else {
            emit InFlightExitOutputWithdrawn(uint160(exitId), index);
        }
    }

    function emitInFlightFinalized(uint256) internal {} // this revision has no such event

    function payInFlightBounty(address payable, uint256) internal {} // this revision has none
}
