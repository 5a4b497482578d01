pragma solidity 0.5.17;

import "./ExitGame.sol";
import "./RevisionV2.sol";

/**
 * @notice The limits and exit ids of revision 2.0.
 */
contract ExitGameV2 is ExitGame {
    uint256 private constant HASH_BITS = 167; // of a hash in an exit id; the next bit marks in-flight exits

    constructor() internal {}

    function rules() internal pure returns (PaymentTx.Rules memory) {
        return RevisionV2.rules();
    }

    function maxBlock() internal pure returns (uint256) {
        return RevisionV2.maxBlock();
    }

    function standardExitId(bool isDeposit, bytes memory transaction, uint256 utxoPos)
        internal
        pure
        returns (uint256)
    {
        bytes32 id = PaymentTx.outputId(isDeposit, transaction, Position.outputIndex(utxoPos), utxoPos);
        return uint256(id) >> (256 - HASH_BITS);
    }

    function inFlightExitId(bytes memory transaction) internal pure returns (uint256) {
        return uint256(keccak256(transaction)) >> (256 - HASH_BITS) | 1 << HASH_BITS;
    }

    function isStandardExit(uint256 exitId) internal pure returns (bool) {
        return exitId >> HASH_BITS & 1 == 0;
    }
}
