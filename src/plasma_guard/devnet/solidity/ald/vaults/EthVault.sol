pragma solidity 0.5.17;

import "../lib/Ether.sol";
import "./DepositVerifier.sol";
import "./Vault.sol";

contract EthVault is Vault {
    uint256 public safeGasStipend;

    event EthWithdrawn(address indexed receiver, uint256 amount);
    event WithdrawFailed(address indexed receiver, uint256 amount);

    constructor(address framework, uint256 _safeGasStipend) public Vault(framework) {
        safeGasStipend = _safeGasStipend;
    }

    function deposit(bytes calldata depositTx) external payable {
        EthDepositVerifier(requireVerifier()).verify(depositTx, msg.value, msg.sender);
        addDeposit(depositTx, address(0), msg.value);
    }

    function withdraw(address payable receiver, uint256 amount) external onlyFromNonQuarantinedExitGame {
        if (Ether.trySend(receiver, amount, safeGasStipend)) {
            emit EthWithdrawn(receiver, amount);
        } else {
            emit WithdrawFailed(receiver, amount);
        }
    }
}
