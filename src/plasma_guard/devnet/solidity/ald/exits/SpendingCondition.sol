pragma solidity 0.5.17;

import "./ISpendingCondition.sol";
import "./Signing.sol";

/**
 * @notice Spends of outputs of payments and deposits.
 */
contract SpendingCondition is ISpendingCondition, Signing {
    using PaymentTx for PaymentTx.Transaction;

    uint256 private inputTxType;
    uint256 private spendingTxType;

    constructor(uint256 _inputTxType, uint256 _spendingTxType) internal {
        inputTxType = _inputTxType;
        spendingTxType = _spendingTxType;
    }

    function verify(
        bytes calldata inputTxBytes,
        uint256 utxoPos,
        bytes calldata spendingTxBytes,
        uint16 inputIndex,
        bytes calldata signature
    )
        external
        view
        returns (bool)
    {
        PaymentTx.Transaction memory inputTx = PaymentTx.decode(inputTxBytes, rules());
        require(inputTx.txType == inputTxType, "Input tx is an unsupported payment tx type");

        PaymentTx.Transaction memory spendingTx = PaymentTx.decode(spendingTxBytes, rules());
        require(spendingTx.txType == spendingTxType, "The spending tx is an unsupported payment tx type");
        require(
            spendingTx.inputs[inputIndex] == utxoPos,
            "Spending tx points to the incorrect output UTXO position"
        );

        Position.check(utxoPos, maxBlock());
        requireSigned(spendingTx, signature, inputTx.output(Position.outputIndex(utxoPos)).owner);
        return true;
    }
}
