pragma solidity 0.5.17;

import "./ISpendingCondition.sol";
import "./Signing.sol";

/**
 * @notice Spends of what a block producer collected: the first output of a fee transaction.
 */
contract FeeSpendingCondition is ISpendingCondition, Signing {
    uint256 private feeTxType;
    uint256 private feeOutputType;
    uint256 private spendingTxType;

    constructor(uint256 _feeTxType, uint256 _feeOutputType, uint256 _spendingTxType) internal {
        feeTxType = _feeTxType;
        feeOutputType = _feeOutputType;
        spendingTxType = _spendingTxType;
    }

    function verify(
        bytes calldata feeTx,
        uint256 utxoPos,
        bytes calldata spendingTxBytes,
        uint16 inputIndex,
        bytes calldata signature
    )
        external
        view
        returns (bool)
    {
        Position.check(utxoPos, maxBlock());
        require(Position.outputIndex(utxoPos) == 0, "Fee claim output must be the first output of fee tx");
        PaymentTx.Output memory output = PaymentTx.outputAt(feeTx, 0, rules().zeroAmounts);
        require(PaymentTx.typeOf(feeTx) == feeTxType, "Unexpected tx type for fee transaction");
        require(output.outputType == feeOutputType, "Unexpected output type for fee claim output");

        PaymentTx.Transaction memory spendingTx = PaymentTx.decode(spendingTxBytes, rules());
        require(spendingTx.txType == spendingTxType, "Unexpected tx type for payment transaction");
        require(
            spendingTx.inputs[inputIndex] == utxoPos,
            "Payment tx points to the incorrect output UTXO position of the fee claim output"
        );
        requireSigned(spendingTx, signature, output.owner);
        return true;
    }
}
