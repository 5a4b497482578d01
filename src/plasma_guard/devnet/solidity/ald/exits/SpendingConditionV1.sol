pragma solidity 0.5.17;

import "./SigningV1.sol";
import "./SpendingCondition.sol";

contract SpendingConditionV1 is SpendingCondition, SigningV1 {
    constructor(address framework, uint256 inputTxType, uint256 spendingTxType)
        public
        SpendingCondition(inputTxType, spendingTxType)
        SigningV1(framework)
    {}
}
