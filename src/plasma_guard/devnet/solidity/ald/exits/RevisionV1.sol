pragma solidity 0.5.17;

import "../lib/PaymentTx.sol";

/**
 * @notice The numbers of revision 1.0 that several of its contracts need.
 */
library RevisionV1 {
    // Block numbers up to here fit the 54 bits that a priority has for a transaction's number.
    function maxBlock() internal pure returns (uint256) {
        return 180143985094;
    }

    function rules() internal pure returns (PaymentTx.Rules memory) {
        return PaymentTx.Rules({maxInputs: 4, maxOutputs: 4, zeroAmounts: false});
    }
}
