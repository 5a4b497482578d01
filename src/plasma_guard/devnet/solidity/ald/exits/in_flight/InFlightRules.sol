pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "./InFlightState.sol";

/**
 * @notice What several of the in-flight calls check or compute.
 */
contract InFlightRules is InFlightState {
    struct Spend {
        bytes spentTx;
        uint256 utxoPos;
        bytes spendingTx;
        uint16 inputIndex;
        bytes witness;
    }

    function exitOf(bytes memory transaction) internal view returns (InFlightExit storage) {
        return inFlight[inFlightExitId(transaction)];
    }

    function requireStarted(InFlightExit storage exit) internal view {
        require(exit.exitStartTimestamp != 0, "In-flight exit does not exist");
    }

    function inFirstPhase(InFlightExit storage exit) internal view returns (bool) {
        return (now - exit.exitStartTimestamp) / (framework.minExitPeriod() / 2) < 1;
    }

    // How many inputs an exit has room for; it has as much for outputs.
    function slots() internal pure returns (uint256) {
        return rules().maxInputs;
    }

    // A place counts inputs and outputs through: it is the bit of the exit map that is set by a piggyback.
    function inputPlace(uint256 index) internal pure returns (uint256) {
        require(index < slots(), "Invalid input index");
        return index;
    }

    function outputPlace(uint256 index) internal pure returns (uint256) {
        require(index < slots(), "Invalid output index");
        return slots() + index;
    }

    function slotAt(InFlightExit storage exit, uint256 place) internal view returns (WithdrawData storage) {
        return place < slots() ? exit.inputs[place] : exit.outputs[place - slots()];
    }

    function isPiggybacked(InFlightExit storage exit, uint256 place) internal view returns (bool) {
        return exit.exitMap >> place & 1 == 1;
    }

    // Whether the queue of a token is about this place.
    function isPiggybackedIn(InFlightExit storage exit, uint256 place, address token)
        internal
        view
        returns (bool)
    {
        return isPiggybacked(exit, place) && slotAt(exit, place).token == token;
    }

    function endPiggyback(InFlightExit storage exit, uint256 place) internal {
        exit.exitMap &= ~(1 << place);
    }

    function outputIdAt(bytes memory transaction, uint256 utxoPos) internal view returns (bytes32) {
        Position.check(utxoPos, maxBlock());
        bool isDeposit = framework.isDeposit(Position.blockNumber(utxoPos));
        return PaymentTx.outputId(isDeposit, transaction, Position.outputIndex(utxoPos), utxoPos);
    }

    // A transaction that may challenge needs the protocol of the game, not a place in a block.
    function requireUsable(bytes memory transaction) internal view {
        assert(transaction.length != 0); // takes all gas, as it does on the public contracts
        requireMoreVp(transaction);
    }

    function requireSpends(Spend memory spend, uint256 spendingTxType) internal view {
        uint256 outputType = PaymentTx.outputTypeAt(spend.spentTx, Position.outputIndex(spend.utxoPos));
        ISpendingCondition condition = conditionOf(outputType, spendingTxType);
        require(address(condition) != address(0), "Spending condition contract not found");
        require(
            condition.verify(spend.spentTx, spend.utxoPos, spend.spendingTx, spend.inputIndex, spend.witness),
            "Spending condition failed"
        );
    }
}
