pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "./InFlightArgs.sol";
import "./InFlightRules.sol";

/**
 * @notice Starts of in-flight exits: anybody may, with every input's transaction, position, proof and signature.
 */
contract InFlightStarts is InFlightRules {
    function startInFlightExit(InFlightArgs.Start memory args) public payable {
        PaymentTx.Transaction memory transaction = PaymentTx.decode(args.inFlightTx, rules());
        bytes32[] memory inputIds = inputIdsOf(args);
        InFlightExit storage exit = exitOf(args.inFlightTx);
        require(exit.exitStartTimestamp == 0, "There is an active in-flight exit from this transaction");
        requireInputsMatch(args, transaction);
        requireInputsIncluded(args);
        PaymentTx.Output[] memory inputs = requireInputsSpent(args);
        requireNothingCreated(inputs, transaction.outputs);

        exit.isCanonical = true;
        exit.bondOwner = msg.sender;
        exit.bondSize = msg.value;
        exit.position = youngest(args.inputUtxosPos);
        exit.exitStartTimestamp = uint64(now);
        for (uint256 i = 0; i < inputs.length; i++) {
            fill(exit.inputs[i], inputIds[i], inputs[i]);
        }
        for (uint256 i = 0; i < transaction.outputs.length; i++) {
            bytes32 outputId = PaymentTx.outputId(false, args.inFlightTx, i, 0);
            fill(exit.outputs[i], outputId, transaction.outputs[i]);
        }
        emitInFlightStarted(args);
    }

    function inputIdsOf(InFlightArgs.Start memory args) private view returns (bytes32[] memory ids) {
        require(args.inputUtxosPos.length <= slots(), "Too many transactions provided");
        for (uint256 i = 0; i < args.inputUtxosPos.length; i++) {
            Position.check(args.inputUtxosPos[i], maxBlock());
        }
        require(
            args.inputTxs.length == args.inputUtxosPos.length,
            "Number of input transactions does not match number of provided input utxos positions"
        );
        ids = new bytes32[](args.inputTxs.length);
        for (uint256 i = 0; i < ids.length; i++) {
            ids[i] = outputIdAt(args.inputTxs[i], args.inputUtxosPos[i]);
        }
    }

    function requireInputsMatch(InFlightArgs.Start memory args, PaymentTx.Transaction memory transaction)
        private
        pure
    {
        require(transaction.txType == PAYMENT_TX, "Unsupported transaction type of the exit game");
        uint256 count = transaction.inputs.length;
        require(args.inputTxs.length != 0, "In-flight transaction must have inputs");
        require(
            args.inputTxs.length == count,
            "Number of input transactions does not match number of in-flight transaction inputs"
        );
        require(
            args.inputTxsInclusionProofs.length == count,
            "Number of input transactions inclusion proofs does not match the number of in-flight transaction inputs"
        );
        require(
            args.inFlightTxWitnesses.length == count,
            "Number of input transaction witnesses does not match the number of in-flight transaction inputs"
        );
        for (uint256 i = 0; i < count; i++) {
            for (uint256 j = i + 1; j < count; j++) {
                require(
                    transaction.inputs[i] != transaction.inputs[j],
                    "In-flight transaction must have unique inputs"
                );
            }
        }
    }

    function requireInputsIncluded(InFlightArgs.Start memory args) private view {
        for (uint256 i = 0; i < args.inputTxs.length; i++) {
            (bool included, ) = isIncluded(
                args.inputTxs[i],
                args.inputUtxosPos[i],
                args.inputTxsInclusionProofs[i]
            );
            require(included, "Input transaction is not standard finalized");
        }
    }

    function requireInputsSpent(InFlightArgs.Start memory args)
        private
        view
        returns (PaymentTx.Output[] memory inputs)
    {
        inputs = new PaymentTx.Output[](args.inputTxs.length);
        for (uint16 i = 0; i < inputs.length; i++) {
            requireSpends(
                Spend({
                    spentTx: args.inputTxs[i],
                    utxoPos: args.inputUtxosPos[i],
                    spendingTx: args.inFlightTx,
                    inputIndex: i,
                    witness: args.inFlightTxWitnesses[i]
                }),
                PAYMENT_TX
            );
            inputs[i] = PaymentTx.outputAt(
                args.inputTxs[i],
                Position.outputIndex(args.inputUtxosPos[i]),
                rules().zeroAmounts
            );
        }
    }

    // What inputs have more than outputs, of any token, is the fee.
    function requireNothingCreated(PaymentTx.Output[] memory inputs, PaymentTx.Output[] memory outputs)
        private
        pure
    {
        for (uint256 i = 0; i < outputs.length; i++) {
            address token = outputs[i].token;
            require(sumOf(inputs, token) >= sumOf(outputs, token), "Invalid state transition");
        }
    }

    function sumOf(PaymentTx.Output[] memory outputs, address token) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < outputs.length; i++) {
            if (outputs[i].token == token) {
                require(sum + outputs[i].amount >= sum, "SafeMath: addition overflow");
                sum += outputs[i].amount;
            }
        }
    }

    function youngest(uint256[] memory positions) private pure returns (uint256 position) {
        for (uint256 i = 0; i < positions.length; i++) {
            if (positions[i] > position) {
                position = positions[i];
            }
        }
    }

    function fill(WithdrawData storage slot, bytes32 outputId, PaymentTx.Output memory output) private {
        slot.outputId = outputId;
        slot.exitTarget = output.owner;
        slot.token = output.token;
        slot.amount = output.amount;
    }

    // What differs between revisions.
    function emitInFlightStarted(InFlightArgs.Start memory args) internal;
}
