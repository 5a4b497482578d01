pragma solidity 0.5.17;

import "./RootChainInFlightExits.sol";

/// @title The payment and the end of in-flight exits.
contract RootChainInFlightEnds is RootChainInFlightExits {
    constructor() internal {}

    /**
     * Pays the piggybacked slots of one token and ends the exit when no slot is left to pay.
     * Inputs are paid when the exit is flagged, outputs when it is not; the other side gets its bonds back. An
     * exit that is queued once more after its end sends a bond to the zero address, and so does a standard exit
     * of an odd output index, whose entry here is empty.
     */
    function processInFlightExit(uint192 exitId, address token) internal {
        InFlightExit storage exit = inFlightExits[exitId];
        bool inputsExit = flagged(exit.exitStartTimestamp);
        for (uint8 i = 0; i < SLOTS; i++) {
            RootChainTransaction.Output storage slot = slotOf(exit, i);
            if (slot.token != token || !isPiggybacked(exit, i)) {
                continue;
            }
            exit.exitMap = (exit.exitMap & ~bit(i)) | bit(i + SLOTS);
            uint256 payment = piggybackBond;
            if ((i < MAX_INPUTS) == inputsExit) {
                if (token == address(0)) {
                    payment += slot.amount;
                } else {
                    require(RootChainToken(token).transfer(slot.owner, slot.amount));
                }
                emit InFlightExitFinalized(exitId, i);
            }
            slot.owner.transfer(payment);
        }
        if (exit.exitMap & (bit(SLOTS) - 1) == 0) {
            end(exit);
        }
    }

    /// The map stays, so that slots which were paid cannot exit again.
    function end(InFlightExit storage exit) private {
        exit.bondOwner.transfer(inFlightExitBond);
        exit.exitMap |= FINALIZED;
        delete exit.exitStartTimestamp;
        delete exit.exitPriority;
        delete exit.inputs;
        delete exit.outputs;
        delete exit.bondOwner;
        delete exit.oldestCompetitor;
    }
}
