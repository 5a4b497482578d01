pragma solidity 0.5.17;

/**
 * @notice Sends ether with little gas, so that a receiver's code can do no harm.
 */
library Ether {
    function trySend(address payable receiver, uint256 amount, uint256 gasStipend) internal returns (bool success) {
        (success, ) = receiver.call.gas(gasStipend).value(amount)("");
    }

    function mustSend(address payable receiver, uint256 amount, uint256 gasStipend) internal {
        require(trySend(receiver, amount, gasStipend), "SafeEthTransfer: failed to transfer ETH");
    }
}
