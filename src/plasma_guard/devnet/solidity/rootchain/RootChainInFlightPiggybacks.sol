pragma solidity 0.5.17;

import "./RootChainInFlightExits.sol";

/// @title Piggybacks: the owners of inputs and outputs join an in-flight exit.
contract RootChainInFlightPiggybacks is RootChainInFlightExits {
    constructor() internal {}

    /**
     * Joins the exit with slot 0-3 (inputs) or 4-7 (outputs); only the slot's owner may, in the first phase, with
     * exactly `piggybackBond` wei. A slot whose piggyback was challenged away can be piggybacked again, and if it
     * was the only one of its token, the exit is queued a second time.
     */
    function piggybackInFlightExit(bytes memory inFlightTx, uint8 outputIndex)
        public
        payable
        onlyWithValue(piggybackBond)
    {
        require(outputIndex < SLOTS);
        bytes32 txHash = keccak256(inFlightTx);
        bool isOutput = outputIndex >= MAX_INPUTS;
        if (isOutput) {
            // The exit id of a deposit's output would need its position, but deposits are not in flight.
            require(exits[standardExitId(txHash, outputIndex - MAX_INPUTS)].amount == 0);
        }
        InFlightExit storage exit = inFlightExitOf(inFlightTx);
        require(inFirstPhase(exit));
        require(!isPiggybacked(exit, outputIndex));

        if (isOutput) {
            exit.outputs[outputIndex - MAX_INPUTS] = inFlightTx.output(outputIndex - MAX_INPUTS);
        }
        RootChainTransaction.Output storage slot = slotOf(exit, outputIndex);
        require(slot.owner == msg.sender);
        if (!isQueued(exit, slot.token)) {
            enqueue(slot.token, exit.exitPriority);
        }
        exit.exitMap |= bit(outputIndex);
        emit InFlightExitPiggybacked(msg.sender, txHash, outputIndex);
    }

    /// Judged by the piggybacks there are now, not by the queue.
    function isQueued(InFlightExit storage exit, address token) private view returns (bool) {
        for (uint8 i = 0; i < SLOTS; i++) {
            if (isPiggybacked(exit, i) && slotOf(exit, i).token == token) {
                return true;
            }
        }
        return false;
    }
}
