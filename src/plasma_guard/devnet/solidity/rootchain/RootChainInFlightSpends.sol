pragma solidity 0.5.17;

import "./RootChainInFlightExits.sol";

/**
 * @title Challenges of piggybacked slots that were spent by another transaction.
 * @notice Both pay one piggyback bond at once, work until the exit is processed, and do not want the spend included.
 */
contract RootChainInFlightSpends is RootChainInFlightExits {
    constructor() internal {}

    /// Removes the piggyback of an input that another transaction spends too.
    function challengeInFlightExitInputSpent(
        bytes memory inFlightTx,
        uint8 inFlightTxInputIndex,
        bytes memory spendingTx,
        uint8 spendingTxInputIndex,
        bytes memory spendingTxSig
    ) public {
        InFlightExit storage exit = inFlightExitOf(inFlightTx);
        require(isPiggybacked(exit, inFlightTxInputIndex));
        requireSpentBy(
            exit,
            inFlightTx,
            inFlightTxInputIndex,
            spendingTx,
            spendingTxInputIndex,
            spendingTxSig
        );
        removePiggyback(exit, inFlightTxInputIndex);
        emit InFlightExitOutputBlocked(msg.sender, keccak256(inFlightTx), inFlightTxInputIndex);
    }

    /// Removes the piggyback of an output that was spent; the exiting transaction must be in a block.
    function challengeInFlightExitOutputSpent(
        bytes memory inFlightTx,
        uint256 inFlightTxOutputPos,
        bytes memory inFlightTxInclusionProof,
        bytes memory spendingTx,
        uint8 spendingTxInputIndex,
        bytes memory spendingTxSig
    ) public {
        InFlightExit storage exit = inFlightExitOf(inFlightTx);
        uint8 index = inFlightTxOutputPos.outputIndex();
        require(isPiggybacked(exit, index + MAX_INPUTS));
        require(isIncluded(inFlightTx, inFlightTxOutputPos, inFlightTxInclusionProof));
        require(inFlightTxOutputPos == spendingTx.inputPosition(spendingTxInputIndex));
        require(inFlightTx.output(index).owner == spendingTx.signerOf(spendingTxSig));
        removePiggyback(exit, index + MAX_INPUTS);
        emit InFlightExitOutputBlocked(msg.sender, keccak256(inFlightTx), index);
    }

    function removePiggyback(InFlightExit storage exit, uint8 slot) private {
        exit.exitMap &= ~bit(slot);
        msg.sender.transfer(piggybackBond);
    }
}
