pragma solidity 0.5.17;

/**
 * @notice Decides whether one transaction spends an output of another: right input, signed by the output's owner.
 */
interface ISpendingCondition {
    /** @notice Returns true, or reverts with the reason why not; an input index out of range is an invalid opcode. */
    function verify(
        bytes calldata inputTx,
        uint256 utxoPos,
        bytes calldata spendingTx,
        uint16 inputIndex,
        bytes calldata signature
    )
        external
        view
        returns (bool);
}
