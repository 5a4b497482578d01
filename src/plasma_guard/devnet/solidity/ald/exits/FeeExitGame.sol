pragma solidity 0.5.17;

/**
 * @notice Fee transactions have no exits of their own: this contract only occupies their type.
 */
contract FeeExitGame {
    uint256 public constant txType = 3;
}
