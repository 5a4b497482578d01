pragma solidity 0.5.17;

import "./RootChainBlocks.sol";

/// @title Exit ids, the time an exit matures, and the priority it is queued with.
contract RootChainExitIds is RootChainBlocks {
    uint8 private constant IN_FLIGHT_BIT = 152;

    constructor() internal {}

    /// Hash of the transaction (of transaction and position for a deposit) and, from bit 152 up, the output index.
    function getStandardExitId(bytes memory transaction, uint256 utxoPos) public pure returns (uint192) {
        bytes32 hash = isDeposit(utxoPos.blockNumber())
            ? keccak256(abi.encodePacked(transaction, utxoPos))
            : keccak256(transaction);
        return standardExitId(hash, utxoPos.outputIndex());
    }

    /// The top 105 bits of the transaction hash with bit 152 set.
    function getInFlightExitId(bytes memory transaction) public pure returns (uint192) {
        return uint192((uint256(keccak256(transaction)) >> 151) | (uint256(1) << IN_FLIGHT_BIT));
    }

    /// The id of the operator's fee exit with that number.
    function getFeeExitId(uint256 feeExitNum) public pure returns (uint192) {
        return standardExitId(keccak256(abi.encodePacked(feeExitNum)), 0);
    }

    /// When an exit of `utxoPos` started now would mature, in seconds; deposits have a shorter rule of their own.
    function getTxExitableTimestamp(uint256 utxoPos) public view returns (uint256) {
        uint256 byAge = blocks[utxoPos.blockNumber()].timestamp + 2 * minExitPeriod;
        uint256 byStart = block.timestamp + minExitPeriod;
        return byAge > byStart ? byAge : byStart;
    }

    function getDepositTxExitableTimestamp(uint256) public view returns (uint256) {
        return block.timestamp + minExitPeriod;
    }

    function getFeeExitPriority(uint192 feeExitId) public view returns (uint256) {
        return priorityOf(block.timestamp + 2 * minExitPeriod, 0, feeExitId);
    }

    function getStandardExitPriority(uint192 exitId, uint256 utxoPos) public view returns (uint256) {
        uint256 exitableAt = isDeposit(utxoPos.blockNumber())
            ? getDepositTxExitableTimestamp(utxoPos)
            : getTxExitableTimestamp(utxoPos);
        return priorityOf(exitableAt, utxoPos, exitId);
    }

    /// The deposit rule does not apply here, whatever the youngest input is.
    function getInFlightExitPriority(bytes memory transaction, uint256 youngestInput)
        public
        view
        returns (uint256)
    {
        return priorityOf(
            getTxExitableTimestamp(youngestInput),
            youngestInput,
            getInFlightExitId(transaction)
        );
    }

    /**
     * Splits a priority into the time it matures, the exit id and the in-flight flag.
     * The flag is read from bit 152, which is also the lowest bit of a standard exit's output index: a standard
     * exit of output 1 or 3 is taken for an in-flight exit. The v0.2 contracts behave so, and a guard must know.
     */
    function unpackExitId(uint256 priority)
        public
        pure
        returns (uint64 exitableTimestamp, uint192 exitId, bool inFlight)
    {
        return (uint64(priority >> 214), uint192(uint160(priority)), (priority >> IN_FLIGHT_BIT) & 1 == 1);
    }

    function standardExitId(bytes32 hash, uint8 outputIndex) internal pure returns (uint192) {
        return uint192((uint256(hash) >> 105) | (uint256(outputIndex) << 152));
    }

    function priorityOf(uint256 exitableAt, uint256 utxoPos, uint192 exitId) private pure returns (uint256) {
        return (exitableAt << 214) | (utxoPos.transactionPosition() << 160) | exitId;
    }
}
