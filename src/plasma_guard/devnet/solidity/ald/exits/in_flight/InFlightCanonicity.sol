pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "./InFlightArgs.sol";
import "./InFlightRules.sol";

/**
 * @notice Decides whether outputs or inputs are paid: the older of two transactions with a common input wins.
 */
contract InFlightCanonicity is InFlightRules {
    // The position of a competitor that is in no block: younger than all that are.
    uint256 private constant NOT_INCLUDED = uint256(-1);

    function challengeInFlightExitNotCanonical(InFlightArgs.NotCanonical memory args) public {
        InFlightExit storage exit = exitOf(args.inFlightTx);
        require(args.inFlightTxInputIndex < slots(), "Input index out of bounds");
        requireStarted(exit);
        require(inFirstPhase(exit), "Canonicity challenge phase for this exit has ended");
        require(
            keccak256(args.inFlightTx) != keccak256(args.competingTx),
            "The competitor transaction is the same as transaction in-flight"
        );
        require(
            outputIdAt(args.inputTx, args.inputUtxoPos) == exit.inputs[args.inFlightTxInputIndex].outputId,
            "Provided inputs data does not point to the same outputId from the in-flight exit"
        );
        requireSpends(
            Spend({
                spentTx: args.inputTx,
                utxoPos: args.inputUtxoPos,
                spendingTx: args.competingTx,
                inputIndex: args.competingTxInputIndex,
                witness: args.competingTxWitness
            }),
            PAYMENT_TX
        );

        uint256 position = requirePosition(args);
        require(
            exit.oldestCompetitorPosition == 0 || exit.oldestCompetitorPosition > position,
            "Competing transaction is not older than already known competitor"
        );
        exit.oldestCompetitorPosition = position;
        exit.bondOwner = msg.sender;
        exit.isCanonical = false;
        emitInFlightChallenged(args, position);
    }

    function respondToNonCanonicalChallenge(
        bytes memory inFlightTx,
        uint256 inFlightTxPos,
        bytes memory inFlightTxInclusionProof
    )
        public
    {
        InFlightExit storage exit = exitOf(inFlightTx);
        requireStarted(exit);
        require(inFlightTxPos > 0, "In-flight transaction position must not be 0");
        require(
            exit.oldestCompetitorPosition > inFlightTxPos,
            "In-flight transaction must be older than competitors to respond to non-canonical challenge"
        );
        Position.check(inFlightTxPos, maxBlock());
        (bytes32 root, ) = blockAt(inFlightTxPos);
        require(root != bytes32(0), "Failed to get the block root hash of the tx position");
        require(Position.outputIndex(inFlightTxPos) == 0, "Output index of txPos has to be 0");
        require(
            Merkle.includes(root, inFlightTx, Position.txIndex(inFlightTxPos), inFlightTxInclusionProof),
            "Transaction is not included in block of Plasma chain"
        );

        exit.oldestCompetitorPosition = inFlightTxPos;
        exit.isCanonical = true;
        exit.bondOwner = msg.sender;
        emit InFlightExitChallengeResponded(msg.sender, keccak256(inFlightTx), inFlightTxPos);
    }

    function requirePosition(InFlightArgs.NotCanonical memory args) private view returns (uint256) {
        if (args.competingTxPos == 0) {
            requireUsable(args.competingTx);
            return NOT_INCLUDED;
        }
        Position.check(args.competingTxPos, maxBlock());
        require(Position.outputIndex(args.competingTxPos) == 0, "OutputIndex of competingTxPos should be 0");
        (bool included, ) = isIncluded(args.competingTx, args.competingTxPos, args.competingTxInclusionProof);
        require(included, "Competing tx is not standard finalized with the given tx position");
        return args.competingTxPos;
    }

    // What differs between revisions.
    function emitInFlightChallenged(InFlightArgs.NotCanonical memory args, uint256 position) internal;
}
