pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "../ExitGameV2.sol";
import "./InFlightCanonicity.sol";
import "./InFlightEnds.sol";
import "./InFlightEventsV2.sol";
import "./InFlightPiggybacks.sol";
import "./InFlightSpends.sol";
import "./InFlightStarts.sol";

/**
 * @notice In-flight exits of revision 2.0: code for the exit game to run by delegatecall, useless when called directly.
 */
contract InFlightGameV2 is
    InFlightStarts,
    InFlightPiggybacks,
    InFlightCanonicity,
    InFlightSpends,
    InFlightEnds,
    ExitGameV2,
    InFlightEventsV2
{
    function deleteNonPiggybackedInFlightExit(uint168 exitId) public {
        deleteInFlightExit(exitId);
    }

    function emitInFlightStarted(InFlightArgs.Start memory args) internal {
        emit InFlightExitStarted(
            msg.sender,
            keccak256(args.inFlightTx),
            args.inFlightTx,
            args.inputUtxosPos,
            args.inFlightTxWitnesses,
            args.inputTxs
        );
    }

    function emitInFlightChallenged(InFlightArgs.NotCanonical memory args, uint256 position) internal {
        emit InFlightExitChallenged(
            msg.sender,
            keccak256(args.inFlightTx),
            position,
            args.inFlightTxInputIndex,
            args.competingTx,
            args.competingTxInputIndex,
            args.competingTxWitness
        );
    }

    function emitInFlightDeleted(uint256 exitId) internal {
        emit InFlightExitDeleted(uint168(exitId));
    }

    function emitInFlightOmitted(uint256 exitId, address token) internal {
        emit InFlightExitOmitted(uint168(exitId), token);
    }

    function emitInFlightWithdrawn(uint256 exitId, bool isInput, uint16 index) internal {
        if (isInput) {
            emit InFlightExitInputWithdrawn(uint168(exitId), index);
        } else {
            emit InFlightExitOutputWithdrawn(uint168(exitId), index);
        }
    }

    function emitInFlightFinalized(uint256 exitId) internal {
        emit InFlightExitFinalized(uint168(exitId));
    }

    function payInFlightBounty(address payable receiver, uint256 amount) internal {
        if (!Ether.trySend(receiver, amount, setup.safeGasStipend)) {
            emit InFlightBountyReturnFailed(receiver, amount);
        }
    }
}
