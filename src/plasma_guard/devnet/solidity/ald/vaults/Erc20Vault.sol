pragma solidity 0.5.17;

import "./DepositVerifier.sol";
import "./Erc20.sol";
import "./Vault.sol";

contract Erc20Vault is Vault {
    event Erc20Withdrawn(address indexed receiver, address indexed token, uint256 amount);

    constructor(address framework) public Vault(framework) {}

    function deposit(bytes calldata depositTx) external {
        (address token, uint256 amount) = Erc20DepositVerifier(requireVerifier()).verify(
            depositTx,
            msg.sender,
            address(this)
        );
        Erc20.safeTransferFrom(token, msg.sender, address(this), amount);
        addDeposit(depositTx, token, amount);
    }

    function withdraw(address payable receiver, address token, uint256 amount)
        external
        onlyFromNonQuarantinedExitGame
    {
        Erc20.safeTransfer(token, receiver, amount);
        emit Erc20Withdrawn(receiver, token, amount);
    }
}
