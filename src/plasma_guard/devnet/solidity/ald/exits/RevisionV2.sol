pragma solidity 0.5.17;

import "../lib/PaymentTx.sol";

/**
 * @notice The numbers of revision 2.0 that several of its contracts need.
 */
library RevisionV2 {
    // Block numbers up to here fit the 56 bits that a priority has for a transaction's number.
    function maxBlock() internal pure returns (uint256) {
        return 720575940378;
    }

    function rules() internal pure returns (PaymentTx.Rules memory) {
        return PaymentTx.Rules({maxInputs: 5, maxOutputs: 5, zeroAmounts: true});
    }
}
