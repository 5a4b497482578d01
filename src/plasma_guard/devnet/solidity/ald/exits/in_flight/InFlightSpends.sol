pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "../../lib/Ether.sol";
import "./InFlightArgs.sol";
import "./InFlightRules.sol";

/**
 * @notice Challenges of piggybacks whose input or output has another spender: they win the piggyback bond.
 */
contract InFlightSpends is InFlightRules {
    function challengeInFlightExitInputSpent(InFlightArgs.InputSpent memory args) public {
        requireSender(args.senderData);
        InFlightExit storage exit = exitOf(args.inFlightTx);
        requireStarted(exit);
        uint256 place = inputPlace(args.inFlightTxInputIndex);
        require(isPiggybacked(exit, place), "The indexed input has not been piggybacked");
        require(
            keccak256(args.inFlightTx) != keccak256(args.challengingTx),
            "The challenging transaction is the same as the in-flight transaction"
        );
        require(
            exit.inputs[place].outputId == outputIdAt(args.inputTx, args.inputUtxoPos),
            "Spent input is not the same as piggybacked input"
        );
        requireUsable(args.challengingTx);
        requireSpends(
            Spend({
                spentTx: args.inputTx,
                utxoPos: args.inputUtxoPos,
                spendingTx: args.challengingTx,
                inputIndex: args.challengingTxInputIndex,
                witness: args.challengingTxWitness
            }),
            PaymentTx.typeOf(args.challengingTx)
        );

        stopPiggyback(exit, place);
        emit InFlightExitInputBlocked(msg.sender, keccak256(args.inFlightTx), args.inFlightTxInputIndex);
    }

    function challengeInFlightExitOutputSpent(InFlightArgs.OutputSpent memory args) public {
        requireSender(args.senderData);
        InFlightExit storage exit = exitOf(args.inFlightTx);
        requireStarted(exit);
        Position.check(args.outputUtxoPos, maxBlock());
        uint256 index = Position.outputIndex(args.outputUtxoPos);
        uint256 place = outputPlace(index);
        require(isPiggybacked(exit, place), "Output is not piggybacked");
        (bool included, ) = isIncluded(args.inFlightTx, args.outputUtxoPos, args.inFlightTxInclusionProof);
        require(
            included,
            "In-flight transaction must be standard finalized (included in Plasma) to be able to spend"
        );
        requireUsable(args.challengingTx);
        requireSpends(
            Spend({
                spentTx: args.inFlightTx,
                utxoPos: args.outputUtxoPos,
                spendingTx: args.challengingTx,
                inputIndex: args.challengingTxInputIndex,
                witness: args.challengingTxWitness
            }),
            PaymentTx.typeOf(args.challengingTx)
        );

        stopPiggyback(exit, place);
        emit InFlightExitOutputBlocked(msg.sender, keccak256(args.inFlightTx), uint16(index));
    }

    function stopPiggyback(InFlightExit storage exit, uint256 place) private {
        endPiggyback(exit, place);
        Ether.mustSend(msg.sender, slotAt(exit, place).piggybackBondSize, setup.safeGasStipend);
    }
}
