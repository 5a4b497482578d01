pragma solidity 0.5.17;

import "./RootChainExitIds.sol";

/// @title What every part of the in-flight exit game reads and marks: slots, flags and the first phase.
contract RootChainInFlightExits is RootChainExitIds {
    uint256 internal constant NON_CANONICAL = uint256(1) << 255;
    uint256 internal constant INPUT_FINALIZED = uint256(1) << 254;
    uint256 internal constant FINALIZED = uint256(1) << 255;
    uint8 internal constant SLOTS = 2 * MAX_INPUTS;

    constructor() internal {}

    /// Owner, token and amount of slot 0-3 (inputs) or 4-7 (outputs); zeros until known, invalid opcode above 7.
    function getInFlightExitOutput(bytes memory transaction, uint256 slot)
        public
        view
        returns (address, address, uint256)
    {
        RootChainTransaction.Output storage found = slotOf(inFlightExitOf(transaction), slot);
        return (found.owner, found.token, found.amount);
    }

    /// Whether a start timestamp carries either of the flags that make the inputs exitable.
    function flagged(uint256 value) public pure returns (bool) {
        return value & (NON_CANONICAL | INPUT_FINALIZED) != 0;
    }

    function inFlightExitOf(bytes memory transaction) internal view returns (InFlightExit storage) {
        return inFlightExits[getInFlightExitId(transaction)];
    }

    function slotOf(InFlightExit storage exit, uint256 slot)
        internal
        view
        returns (RootChainTransaction.Output storage)
    {
        return slot < MAX_INPUTS ? exit.inputs[slot] : exit.outputs[slot - MAX_INPUTS];
    }

    /// Slots above 7 are no error here: they name bits of the map that mean something else.
    function isPiggybacked(InFlightExit storage exit, uint8 slot) internal view returns (bool) {
        return exit.exitMap & bit(slot) != 0;
    }

    /**
     * Whether piggybacks and canonicity challenges are still taken: less than half the exit period since the start.
     * The flag of a finalized input stays in the timestamp and puts the start out of reach, so such an exit
     * never has a first phase.
     */
    function inFirstPhase(InFlightExit storage exit) internal view returns (bool) {
        uint256 startedAt = exit.exitStartTimestamp & ~NON_CANONICAL;
        return (block.timestamp - startedAt) / (minExitPeriod / 2) == 0;
    }

    /// Requires that another transaction spends the same input and that the input's owner signed it.
    function requireSpentBy(
        InFlightExit storage exit,
        bytes memory inFlightTx,
        uint8 inputIndex,
        bytes memory otherTx,
        uint8 otherInputIndex,
        bytes memory signature
    ) internal view {
        require(keccak256(inFlightTx) != keccak256(otherTx));
        require(inFlightTx.inputPosition(inputIndex) == otherTx.inputPosition(otherInputIndex));
        require(exit.inputs[inputIndex].owner == otherTx.signerOf(signature));
    }

    /// Claims an output for a standard exit: refused when an in-flight exit of its transaction has it already.
    function claimOutput(bytes memory transaction, uint8 outputIndex) internal {
        InFlightExit storage exit = inFlightExitOf(transaction);
        if (exit.exitStartTimestamp == 0 && exit.exitMap & FINALIZED == 0) {
            return;
        }
        uint8 slot = outputIndex + MAX_INPUTS;
        require(exit.exitMap & (bit(slot) | bit(slot + SLOTS)) == 0);
        exit.exitMap |= bit(slot + SLOTS);
    }

    function bit(uint8 index) internal pure returns (uint256) {
        return uint256(1) << index;
    }
}
