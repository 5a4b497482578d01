pragma solidity 0.5.17;

/**
 * @notice A utxo position is blockNumber * 10^9 + transactionIndex * 10^4 + outputIndex.
 */
library Position {
    uint256 private constant BLOCK = 10 ** 9;
    uint256 private constant TX = 10 ** 4;
    uint256 private constant MAX_TX_INDEX = 2 ** 16 - 1;

    /**
     * @param maxBlock the largest block number that still fits the priority of an exit
     */
    function check(uint256 utxoPos, uint256 maxBlock) internal pure {
        require(utxoPos / BLOCK <= maxBlock, "blockNum exceeds max size allowed in PlasmaFramework");
        require(txIndex(utxoPos) <= MAX_TX_INDEX, "txIndex exceeds the size of uint16");
    }

    function blockNumber(uint256 utxoPos) internal pure returns (uint256) {
        return utxoPos / BLOCK;
    }

    function txIndex(uint256 utxoPos) internal pure returns (uint256) {
        return (utxoPos % BLOCK) / TX;
    }

    function outputIndex(uint256 utxoPos) internal pure returns (uint256) {
        return utxoPos % TX;
    }

    /** @notice The transaction's number among all transactions: what orders exits of equal time. */
    function txNumber(uint256 utxoPos) internal pure returns (uint256) {
        return utxoPos / TX;
    }
}
