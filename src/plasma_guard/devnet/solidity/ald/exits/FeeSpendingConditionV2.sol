pragma solidity 0.5.17;

import "./FeeSpendingCondition.sol";
import "./SigningV2.sol";

contract FeeSpendingConditionV2 is FeeSpendingCondition, SigningV2 {
    constructor(address framework, uint256 feeTxType, uint256 feeOutputType, uint256 spendingTxType)
        public
        FeeSpendingCondition(feeTxType, feeOutputType, spendingTxType)
        SigningV2(framework)
    {}
}
