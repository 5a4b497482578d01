pragma solidity 0.5.17;

import "./FeeSpendingCondition.sol";
import "./SigningV1.sol";

contract FeeSpendingConditionV1 is FeeSpendingCondition, SigningV1 {
    constructor(address framework, uint256 feeTxType, uint256 feeOutputType, uint256 spendingTxType)
        public
        FeeSpendingCondition(feeTxType, feeOutputType, spendingTxType)
        SigningV1(framework)
    {}
}
