pragma solidity 0.5.17;

import "./RootChainInFlightExits.sol";

/**
 * @title The canonicity game: competitors, and the proof that the exiting transaction came first.
 * @notice Positions are compared as they are given, output index included, although inclusion ignores it. Whoever
 * moved last owns the bond, and gets it when the exit ends.
 */
contract RootChainInFlightCanonicity is RootChainInFlightExits {
    constructor() internal {}

    /**
     * Shows another transaction that spends an input and has its owner's signature, in the first phase.
     * `competingTxPos` 0 claims no inclusion and counts as the youngest position there is; each further
     * competitor must be older than the one before.
     */
    function challengeInFlightExitNotCanonical(
        bytes memory inFlightTx,
        uint8 inFlightTxInputIndex,
        bytes memory competingTx,
        uint8 competingTxInputIndex,
        uint256 competingTxPos,
        bytes memory competingTxInclusionProof,
        bytes memory competingTxSig
    ) public {
        InFlightExit storage exit = inFlightExitOf(inFlightTx);
        require(inFirstPhase(exit));
        requireSpentBy(
            exit,
            inFlightTx,
            inFlightTxInputIndex,
            competingTx,
            competingTxInputIndex,
            competingTxSig
        );

        uint256 position = competingTxPos;
        if (position == 0) {
            position = ~uint256(0);
        } else {
            require(isIncluded(competingTx, position, competingTxInclusionProof));
        }
        require(exit.oldestCompetitor == 0 || exit.oldestCompetitor > position);

        exit.oldestCompetitor = position;
        exit.bondOwner = msg.sender;
        exit.exitStartTimestamp |= NON_CANONICAL;
        emit InFlightExitChallenged(msg.sender, keccak256(inFlightTx), position);
    }

    /// Shows that the exiting transaction is in a block and older than its oldest competitor, at any time.
    function respondToNonCanonicalChallenge(
        bytes memory inFlightTx,
        uint256 inFlightTxPos,
        bytes memory inFlightTxInclusionProof
    ) public {
        InFlightExit storage exit = inFlightExitOf(inFlightTx);
        require(exit.oldestCompetitor > inFlightTxPos);
        require(isIncluded(inFlightTx, inFlightTxPos, inFlightTxInclusionProof));

        exit.oldestCompetitor = inFlightTxPos;
        exit.bondOwner = msg.sender;
        exit.exitStartTimestamp &= ~NON_CANONICAL;
        emit InFlightExitChallengeResponded(msg.sender, keccak256(inFlightTx), inFlightTxPos);
    }
}
