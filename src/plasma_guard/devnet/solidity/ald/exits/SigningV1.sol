pragma solidity 0.5.17;

import "./RevisionV1.sol";
import "./Signing.sol";

/**
 * @notice Revision 1.0 signs four input and four output slots, unused ones as structs of zeros.
 */
contract SigningV1 is Signing {
    uint256 private constant SLOTS = 4;
    bytes32 private constant TRANSACTION_TYPE = keccak256(
        "Transaction(uint256 txType,Input input0,Input input1,Input input2,Input input3,Output output0,Output output1,Output output2,Output output3,uint256 txData,bytes32 metadata)Input(uint256 blknum,uint256 txindex,uint256 oindex)Output(uint256 outputType,bytes20 outputGuard,address currency,uint256 amount)"
    );

    constructor(address framework) internal Signing(framework, "1") {}

    function rules() internal pure returns (PaymentTx.Rules memory) {
        return RevisionV1.rules();
    }

    function maxBlock() internal pure returns (uint256) {
        return RevisionV1.maxBlock();
    }

    function structHash(PaymentTx.Transaction memory transaction) internal pure returns (bytes32) {
        bytes32[] memory slots = new bytes32[](2 * SLOTS);
        PaymentTx.Output memory nothing;
        for (uint256 i = 0; i < SLOTS; i++) {
            slots[i] = inputHash(i < transaction.inputs.length ? transaction.inputs[i] : 0);
            slots[SLOTS + i] = outputHash(i < transaction.outputs.length ? transaction.outputs[i] : nothing);
        }
        return keccak256(
            abi.encodePacked(
                TRANSACTION_TYPE,
                transaction.txType,
                slots,
                uint256(0), // txData
                transaction.metadata
            )
        );
    }
}
