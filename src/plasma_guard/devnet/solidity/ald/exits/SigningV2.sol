pragma solidity 0.5.17;

import "./RevisionV2.sol";
import "./Signing.sol";

/**
 * @notice Revision 2.0 signs inputs and outputs as arrays.
 */
contract SigningV2 is Signing {
    bytes32 private constant TRANSACTION_TYPE = keccak256(
        "Transaction(uint256 txType,Input[] inputs,Output[] outputs,uint256 txData,bytes32 metadata)Input(uint256 blknum,uint256 txindex,uint256 oindex)Output(uint256 outputType,bytes20 outputGuard,address currency,uint256 amount)"
    );

    constructor(address framework) internal Signing(framework, "2") {}

    function rules() internal pure returns (PaymentTx.Rules memory) {
        return RevisionV2.rules();
    }

    function maxBlock() internal pure returns (uint256) {
        return RevisionV2.maxBlock();
    }

    function structHash(PaymentTx.Transaction memory transaction) internal pure returns (bytes32) {
        bytes32[] memory inputs = new bytes32[](transaction.inputs.length);
        for (uint256 i = 0; i < inputs.length; i++) {
            inputs[i] = inputHash(transaction.inputs[i]);
        }
        bytes32[] memory outputs = new bytes32[](transaction.outputs.length);
        for (uint256 i = 0; i < outputs.length; i++) {
            outputs[i] = outputHash(transaction.outputs[i]);
        }
        return keccak256(
            abi.encode(
                TRANSACTION_TYPE,
                transaction.txType,
                keccak256(abi.encodePacked(inputs)),
                keccak256(abi.encodePacked(outputs)),
                uint256(0), // txData
                transaction.metadata
            )
        );
    }
}
