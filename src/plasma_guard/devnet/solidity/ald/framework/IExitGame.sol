pragma solidity 0.5.17;

/**
 * @notice What the framework calls on an exit game when one of its exits has come to the head of a queue.
 */
interface IExitGame {
    function processExit(uint256 exitId, uint256 vaultId, address token, address payable initiator) external;
}
