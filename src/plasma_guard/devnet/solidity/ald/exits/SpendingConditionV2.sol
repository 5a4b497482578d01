pragma solidity 0.5.17;

import "./SigningV2.sol";
import "./SpendingCondition.sol";

contract SpendingConditionV2 is SpendingCondition, SigningV2 {
    constructor(address framework, uint256 inputTxType, uint256 spendingTxType)
        public
        SpendingCondition(inputTxType, spendingTxType)
        SigningV2(framework)
    {}
}
