pragma solidity 0.5.17;

import "./RootChainExitIds.sol";

/**
 * @title In-flight exits, as far as reads and the standard exit game meet them.
 * @notice No in-flight exit can be started yet, so every entry reads as zero, save for the finalized bit that a
 * misread standard exit leaves behind.
 */
contract RootChainInFlightExits is RootChainExitIds {
    uint256 private constant FINALIZED = uint256(1) << 255;

    constructor() internal {}

    /// Owner, token and amount of slot 0-3 (inputs) or 4-7 (outputs); zeros until known, invalid opcode above 7.
    function getInFlightExitOutput(bytes memory transaction, uint256 slot)
        public
        view
        returns (address, address, uint256)
    {
        InFlightExit storage exit = inFlightExits[getInFlightExitId(transaction)];
        RootChainTransaction.Output storage found = slot < MAX_INPUTS
            ? exit.inputs[slot]
            : exit.outputs[slot - MAX_INPUTS];
        return (found.owner, found.token, found.amount);
    }

    /// Whether a start timestamp carries either of the flags that make the inputs exitable.
    function flagged(uint256 value) public pure returns (bool) {
        return value >> 254 != 0;
    }

    /// Claims an output for a standard exit: refused when an in-flight exit of its transaction has it already.
    function claimOutput(bytes memory transaction, uint8 outputIndex) internal {
        InFlightExit storage exit = inFlightExits[getInFlightExitId(transaction)];
        if (exit.exitStartTimestamp == 0 && exit.exitMap & FINALIZED == 0) {
            return;
        }
        uint256 piggybacked = uint256(1) << (outputIndex + MAX_INPUTS);
        uint256 exited = piggybacked << (2 * MAX_INPUTS);
        require(exit.exitMap & (piggybacked | exited) == 0);
        exit.exitMap |= exited;
    }

    /**
     * Closes the entry and sends its bond to the bond owner.
     * For a standard exit of an odd output index the entry is empty, so the bond goes to the zero address.
     */
    function processInFlightExit(uint192 exitId) internal {
        InFlightExit storage exit = inFlightExits[exitId];
        exit.bondOwner.transfer(inFlightExitBond);
        exit.exitMap |= FINALIZED;
    }
}
