pragma solidity 0.5.17;

import "./ExitGame.sol";
import "./RevisionV1.sol";

/**
 * @notice The limits and exit ids of revision 1.0.
 */
contract ExitGameV1 is ExitGame {
    uint256 private constant HASH_BITS = 151; // of a hash in an exit id; the next bit marks in-flight exits

    constructor() internal {}

    function rules() internal pure returns (PaymentTx.Rules memory) {
        return RevisionV1.rules();
    }

    function maxBlock() internal pure returns (uint256) {
        return RevisionV1.maxBlock();
    }

    function standardExitId(bool isDeposit, bytes memory transaction, uint256 utxoPos)
        internal
        pure
        returns (uint256)
    {
        bytes32 hash = isDeposit ? keccak256(abi.encodePacked(transaction, utxoPos)) : keccak256(transaction);
        uint256 outputIndex = Position.outputIndex(utxoPos);
        require(outputIndex < 256, "ExitId overflows");
        return uint256(hash) >> (256 - HASH_BITS) | outputIndex << (HASH_BITS + 1);
    }

    function inFlightExitId(bytes memory transaction) internal pure returns (uint256) {
        return uint256(keccak256(transaction)) >> (256 - HASH_BITS) | 1 << HASH_BITS;
    }

    function isStandardExit(uint256 exitId) internal pure returns (bool) {
        return exitId >> HASH_BITS & 1 == 0;
    }
}
