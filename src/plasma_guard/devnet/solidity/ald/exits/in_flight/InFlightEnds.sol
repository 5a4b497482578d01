pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "../../lib/Ether.sol";
import "./InFlightRules.sol";

/**
 * @notice Ends of in-flight exits: processed once per piggybacked token, or deleted when nobody piggybacked.
 */
contract InFlightEnds is InFlightRules {
    function processInFlightExit(uint256 exitId, address token, address payable initiator) public {
        InFlightExit storage exit = inFlight[exitId];
        if (exit.exitStartTimestamp == 0) {
            emitInFlightOmitted(exitId, token);
            return;
        }

        if (exit.isCanonical && !isAnyInputFinalizedByOtherExit(exitId)) {
            pay(exitId, token, outputPlace(0));
            finalizeInputs(exitId);
        } else {
            pay(exitId, token, inputPlace(0));
        }
        returnPiggybackBonds(exit, token, initiator);

        // Piggybacks of another token keep the exit, and the bond of its start, for that token's queue.
        if (exit.exitMap == 0) {
            returnEther(exit.bondOwner, exit.bondSize);
            remove(exitId);
            emitInFlightFinalized(exitId);
        }
    }

    function deleteInFlightExit(uint256 exitId) internal {
        InFlightExit storage exit = inFlight[exitId];
        requireStarted(exit);
        require(!inFirstPhase(exit), "Cannot delete in-flight exit still in first phase");
        require(exit.exitMap == 0, "The in-flight exit is already piggybacked");
        address payable owner = exit.bondOwner;
        uint256 bond = exit.bondSize;
        remove(exitId);
        Ether.mustSend(owner, bond, setup.safeGasStipend);
        emitInFlightDeleted(exitId);
    }

    function remove(uint256 exitId) private {
        delete inFlight[exitId];
    }

    function isAnyInputFinalizedByOtherExit(uint256 exitId) private view returns (bool) {
        InFlightExit storage exit = inFlight[exitId];
        bytes32[] memory ids = new bytes32[](slots());
        for (uint256 i = 0; i < ids.length; i++) {
            ids[i] = exit.inputs[i].outputId; // zero, which nothing finalizes, in unused places
        }
        return framework.isAnyInputFinalizedByOtherExit(ids, exitId);
    }

    // Pays the piggybacked ones of all inputs, or of all outputs, that no exit has paid before.
    function pay(uint256 exitId, address token, uint256 first) private {
        InFlightExit storage exit = inFlight[exitId];
        for (uint256 i = 0; i < slots(); i++) {
            WithdrawData storage slot = slotAt(exit, first + i);
            if (isPiggybackedIn(exit, first + i, token) && !framework.isOutputFinalized(slot.outputId)) {
                framework.flagOutputFinalized(slot.outputId, exitId);
                withdraw(token, slot.exitTarget, slot.amount);
                emitInFlightWithdrawn(exitId, first == 0, uint16(i));
            }
        }
    }

    // A canonical transaction spends all its inputs, those in other tokens too.
    function finalizeInputs(uint256 exitId) private {
        InFlightExit storage exit = inFlight[exitId];
        for (uint256 i = 0; i < slots(); i++) {
            if (exit.inputs[i].outputId != bytes32(0)) {
                framework.flagOutputFinalized(exit.inputs[i].outputId, exitId);
            }
        }
    }

    // The piggybacks are over: their bonds go back, whether their side was paid or the other.
    function returnPiggybackBonds(InFlightExit storage exit, address token, address payable initiator) private {
        for (uint256 place = 0; place < 2 * slots(); place++) {
            if (isPiggybackedIn(exit, place, token)) {
                WithdrawData storage slot = slotAt(exit, place);
                endPiggyback(exit, place);
                if (slot.piggybackBondSize > slot.bountySize) {
                    returnEther(slot.exitTarget, slot.piggybackBondSize - slot.bountySize);
                }
                payInFlightBounty(initiator, slot.bountySize);
            }
        }
    }

    function returnEther(address payable receiver, uint256 amount) private {
        if (!Ether.trySend(receiver, amount, setup.safeGasStipend)) {
            emit InFlightBondReturnFailed(receiver, amount);
        }
    }

    // What differs between revisions.
    function emitInFlightOmitted(uint256 exitId, address token) internal;
    function emitInFlightWithdrawn(uint256 exitId, bool isInput, uint16 index) internal;
    function emitInFlightFinalized(uint256 exitId) internal;
    function emitInFlightDeleted(uint256 exitId) internal;
    function payInFlightBounty(address payable receiver, uint256 amount) internal;
}
