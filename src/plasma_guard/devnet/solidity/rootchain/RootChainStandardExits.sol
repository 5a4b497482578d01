pragma solidity 0.5.17;

import "./RootChainInFlightExits.sol";

/// @title Standard exits, their challenge, and the operator's fee exits.
contract RootChainStandardExits is RootChainInFlightExits {
    constructor() internal {}

    /// Queues the exit of an included output; only its owner may, with exactly `standardExitBond` wei.
    function startStandardExit(uint192 utxoPos, bytes memory outputTx, bytes memory outputTxInclusionProof)
        public
        payable
        onlyWithValue(standardExitBond)
    {
        require(isIncluded(outputTx, utxoPos, outputTxInclusionProof));
        uint8 index = uint256(utxoPos).outputIndex();
        RootChainTransaction.Output memory output = outputTx.output(index);
        require(msg.sender == output.owner);

        uint192 exitId = getStandardExitId(outputTx, utxoPos);
        require(output.amount > 0);
        require(exits[exitId].amount == 0);
        claimOutput(outputTx, index);

        enqueue(output.token, getStandardExitPriority(exitId, utxoPos));
        exits[exitId] = Exit(output.owner, output.token, output.amount, utxoPos);
        emit ExitStarted(output.owner, exitId);
    }

    /**
     * Removes a running exit and pays its bond to the caller, at any time before it is processed.
     * The spend need not be included in a block; its owner's signature over it is enough.
     */
    function challengeStandardExit(
        uint192 exitId,
        bytes memory challengeTx,
        uint8 inputIndex,
        bytes memory challengeTxSig
    ) public {
        uint256 spent = challengeTx.inputPosition(inputIndex);
        require(spent == exits[exitId].position);
        require(exits[exitId].owner == challengeTx.signerOf(challengeTxSig));
        removeExit(exitId, spent);
    }

    /// Queues an exit of collected fees, which nobody can challenge.
    function startFeeExit(address token, uint256 amount)
        public
        payable
        onlyOperator
        onlyWithValue(standardExitBond)
    {
        require(hasToken(token));
        require(amount > 0);
        uint192 exitId = getFeeExitId(nextFeeExit);
        enqueue(token, getFeeExitPriority(exitId));
        exits[exitId] = Exit(operator, token, amount, uint192(nextFeeExit));
        nextFeeExit++;
        emit ExitStarted(operator, exitId);
    }

    function removeExit(uint192 exitId, uint256 utxoPos) internal {
        delete exits[exitId];
        msg.sender.transfer(standardExitBond);
        emit ExitChallenged(utxoPos);
    }

    /// Pays amount and bond to the owner; an exit that was challenged away is passed over in silence.
    function processStandardExit(uint192 exitId) internal {
        Exit storage exit = exits[exitId];
        if (exit.owner == address(0)) {
            return;
        }
        if (exit.token == address(0)) {
            exit.owner.transfer(exit.amount + standardExitBond);
        } else {
            require(RootChainToken(exit.token).transfer(exit.owner, exit.amount));
            exit.owner.transfer(standardExitBond);
        }
        delete exit.owner;
        delete exit.token;
        emit ExitFinalized(exitId);
    }
}
