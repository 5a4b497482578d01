pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "../lib/Bond.sol";
import "../lib/Ether.sol";
import "./ExitGame.sol";

/**
 * @notice Exits of one output whose transaction is in a block.
 */
contract StandardExits is ExitGame {
    using Bond for Bond.Data;
    using PaymentTx for PaymentTx.Transaction;

    struct StartStandardExitArgs {
        uint256 utxoPos;
        bytes rlpOutputTx;
        bytes outputTxInclusionProof;
    }

    struct Challenge {
        uint256 exitId;
        bytes exitingTx;
        bytes challengeTx;
        uint16 inputIndex;
        bytes witness;
        bytes32 senderData;
    }

    struct Exit {
        bool exitable;
        uint256 utxoPos;
        bytes32 outputId;
        address payable exitTarget;
        uint256 amount;
        uint256 bondSize;
        uint256 bountySize;
    }

    mapping(uint256 => Exit) internal exits;
    Bond.Data internal standardExitBond;

    event ExitChallenged(uint256 indexed utxoPos);
    event BondReturnFailed(address indexed receiver, uint256 amount);

    function startStandardExitBondSize() public view returns (uint128) {
        return standardExitBond.sizeNow();
    }

    function startStandardExit(StartStandardExitArgs memory args)
        public
        payable
        nonReentrant
        onlyWithValue(startStandardExitBondSize())
    {
        Position.check(args.utxoPos, maxBlock());
        PaymentTx.Transaction memory transaction = PaymentTx.decode(args.rlpOutputTx, rules());
        PaymentTx.Output memory output = transaction.output(Position.outputIndex(args.utxoPos));
        bool isDeposit = framework.isDeposit(Position.blockNumber(args.utxoPos));
        uint256 exitId = standardExitId(isDeposit, args.rlpOutputTx, args.utxoPos);
        bytes32 outputId = PaymentTx.outputId(
            isDeposit,
            args.rlpOutputTx,
            Position.outputIndex(args.utxoPos),
            args.utxoPos
        );

        require(transaction.txType == PAYMENT_TX, "Unsupported transaction type of the exit game");
        require(output.owner == msg.sender, "Only output owner can start an exit");
        (bool included, uint256 blockTimestamp) = isIncluded(
            args.rlpOutputTx,
            args.utxoPos,
            args.outputTxInclusionProof
        );
        require(included, "The transaction must be standard finalized");
        require(exits[exitId].amount == 0, "Exit has already started");
        require(!framework.isOutputFinalized(outputId), "Output is already spent");

        exits[exitId] = Exit({
            exitable: true,
            utxoPos: args.utxoPos,
            outputId: outputId,
            exitTarget: msg.sender,
            amount: output.amount,
            bondSize: msg.value,
            bountySize: standardExitBond.bountyNow()
        });
        framework.enqueue(
            vaultIdOf(output.token),
            output.token,
            // A deposit is trusted as soon as it is there: nobody else can have put it into a block.
            isDeposit ? now + framework.minExitPeriod() : exitableAt(blockTimestamp),
            Position.txNumber(args.utxoPos),
            exitId
        );
        emitStarted(exitId, args);
    }

    function challenge(Challenge memory args) internal {
        requireSender(args.senderData);
        uint256 challengeTxType = PaymentTx.typeOf(args.challengeTx);
        Exit memory exit = exits[args.exitId];
        require(exit.exitable, "The exit does not exist");
        requireMoreVp(args.challengeTx);

        uint256 outputIndex = Position.outputIndex(exit.utxoPos);
        uint256 outputType = PaymentTx.decode(args.exitingTx, rules()).output(outputIndex).outputType;
        ISpendingCondition condition = conditionOf(outputType, challengeTxType);
        require(address(condition) != address(0), "Spending condition contract not found");
        bool isDeposit = framework.isDeposit(Position.blockNumber(exit.utxoPos));
        require(
            PaymentTx.outputId(isDeposit, args.exitingTx, outputIndex, exit.utxoPos) == exit.outputId,
            "Invalid exiting tx causing outputId mismatch"
        );
        require(
            condition.verify(args.exitingTx, exit.utxoPos, args.challengeTx, args.inputIndex, args.witness),
            "Spending condition failed"
        );

        exits[args.exitId].exitable = false;
        Ether.mustSend(msg.sender, exit.bondSize, setup.safeGasStipend);
        emit ExitChallenged(exit.utxoPos);
    }

    function processStandardExit(uint256 exitId, address token, address payable initiator) internal {
        Exit memory exit = exits[exitId];
        delete exits[exitId];
        if (!exit.exitable || framework.isOutputFinalized(exit.outputId)) {
            emitOmitted(exitId);
            return;
        }

        framework.flagOutputFinalized(exit.outputId, exitId);
        if (exit.bondSize > exit.bountySize) {
            uint256 rest = exit.bondSize - exit.bountySize;
            if (!Ether.trySend(exit.exitTarget, rest, setup.safeGasStipend)) {
                emit BondReturnFailed(exit.exitTarget, rest);
            }
        }
        payBounty(initiator, exit.bountySize);
        withdraw(token, exit.exitTarget, exit.amount);
        emitFinalized(exitId);
    }

    // What differs between revisions.
    function emitStarted(uint256 exitId, StartStandardExitArgs memory args) internal;
    function emitOmitted(uint256 exitId) internal;
    function emitFinalized(uint256 exitId) internal;
    function payBounty(address payable receiver, uint256 amount) internal;
}
