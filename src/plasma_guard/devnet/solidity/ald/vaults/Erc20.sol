pragma solidity 0.5.17;

interface IErc20 {
    function transfer(address to, uint256 amount) external returns (bool);
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
    function allowance(address owner, address spender) external view returns (uint256);
}

/**
 * @notice Calls tokens of both kinds: those that answer true, and those that answer nothing.
 */
library Erc20 {
    function safeTransfer(address token, address to, uint256 amount) internal {
        mustCall(token, abi.encodeWithSelector(IErc20(token).transfer.selector, to, amount));
    }

    function safeTransferFrom(address token, address from, address to, uint256 amount) internal {
        mustCall(token, abi.encodeWithSelector(IErc20(token).transferFrom.selector, from, to, amount));
    }

    function mustCall(address token, bytes memory data) private {
        uint256 size;
        assembly { size := extcodesize(token) }
        require(size > 0, "SafeERC20: call to non-contract");
        (bool success, bytes memory answer) = token.call(data);
        require(success, "SafeERC20: low-level call failed");
        require(answer.length == 0 || abi.decode(answer, (bool)), "SafeERC20: ERC20 operation did not succeed");
    }
}
