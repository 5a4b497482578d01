pragma solidity 0.5.17;

import "../lib/PaymentTx.sol";
import "./Erc20.sol";

/**
 * @notice Accepts a deposit transaction: no inputs, one output, to the depositor, of what is really deposited.
 */
contract DepositVerifier {
    uint256 public constant depositTxType = 1;
    uint256 public constant supportedOutputType = 1;

    uint256 private maxInputs;
    uint256 private maxOutputs;
    bool private zeroAmounts;

    constructor(uint256 _maxInputs, uint256 _maxOutputs, bool _zeroAmounts) internal {
        maxInputs = _maxInputs;
        maxOutputs = _maxOutputs;
        zeroAmounts = _zeroAmounts;
    }

    function onlyOutput(bytes memory depositTx) internal view returns (PaymentTx.Output memory) {
        PaymentTx.Transaction memory decoded = PaymentTx.decode(
            depositTx,
            PaymentTx.Rules(maxInputs, maxOutputs, zeroAmounts)
        );
        require(decoded.txType == depositTxType, "Invalid transaction type");
        require(decoded.inputs.length == 0, "Deposit must have no inputs");
        require(decoded.outputs.length == 1, "Deposit must have exactly one output");
        return decoded.outputs[0];
    }

    function requireDepositor(PaymentTx.Output memory output, address sender) internal pure {
        require(output.outputType == supportedOutputType, "Invalid output type");
        require(output.owner == sender, "Depositor's address must match sender's address");
    }
}

contract EthDepositVerifier is DepositVerifier {
    constructor(uint256 maxInputs, uint256 maxOutputs, bool zeroAmounts)
        public
        DepositVerifier(maxInputs, maxOutputs, zeroAmounts)
    {}

    function verify(bytes calldata depositTx, uint256 amount, address sender) external view {
        PaymentTx.Output memory output = onlyOutput(depositTx);
        require(output.amount == amount, "Deposited value must match sent amount");
        require(output.token == address(0), "Output requires correct currency (ETH)");
        requireDepositor(output, sender);
    }
}

contract Erc20DepositVerifier is DepositVerifier {
    constructor(uint256 maxInputs, uint256 maxOutputs, bool zeroAmounts)
        public
        DepositVerifier(maxInputs, maxOutputs, zeroAmounts)
    {}

    function verify(bytes calldata depositTx, address sender, address vault)
        external
        view
        returns (address token, uint256 amount)
    {
        PaymentTx.Output memory output = onlyOutput(depositTx);
        require(output.token != address(0), "Invalid output currency (ETH)");
        requireDepositor(output, sender);
        require(
            IErc20(output.token).allowance(sender, vault) >= output.amount,
            "Tokens have not been approved"
        );
        return (output.token, output.amount);
    }
}
