pragma solidity 0.5.17;

import "./Rlp.sol";

/**
 * @notice Decodes transactions: [txType, inputs, outputs, txData, metadata], output = [type, [owner, token, amount]].
 */
library PaymentTx {
    using Rlp for bytes;
    using Rlp for Rlp.Item;

    /** @notice What one revision of the contracts accepts. */
    struct Rules {
        uint256 maxInputs;
        uint256 maxOutputs;
        bool zeroAmounts;
    }

    struct Output {
        uint256 outputType;
        address payable owner;
        address token;
        uint256 amount;
    }

    struct Transaction {
        uint256 txType;
        uint256[] inputs;
        Output[] outputs;
        bytes32 metadata;
    }

    // Every kind of transaction has this form; what is inside outputs and inputs depends on the type.
    struct Frame {
        uint256 txType;
        Rlp.Item[] inputs;
        uint256[] outputTypes;
        Rlp.Item[] outputs;
        Rlp.Item txData;
        bytes32 metadata;
    }

    /** @notice The type of any well-formed transaction. */
    function typeOf(bytes memory encoded) internal pure returns (uint256) {
        return decodeFrame(encoded).txType;
    }

    /** @notice The type of one output of any well-formed transaction. */
    function outputTypeAt(bytes memory encoded, uint256 index) internal pure returns (uint256) {
        Frame memory frame = decodeFrame(encoded);
        require(index < frame.outputs.length, "Output index out of bounds");
        return frame.outputTypes[index];
    }

    /** @notice One output of any well-formed transaction, if it has the form of payment outputs. */
    function outputAt(bytes memory encoded, uint256 index, bool zeroAmounts) internal pure returns (Output memory) {
        Frame memory frame = decodeFrame(encoded);
        require(index < frame.outputs.length, "Output index out of bounds");
        return decodeOutput(frame.outputTypes[index], frame.outputs[index], zeroAmounts);
    }

    function decode(bytes memory encoded, Rules memory rules) internal pure returns (Transaction memory decoded) {
        Frame memory frame = decodeFrame(encoded);
        require(frame.inputs.length <= rules.maxInputs, "Transaction inputs num exceeds limit");
        require(frame.outputs.length != 0, "Transaction cannot have 0 outputs");
        require(frame.outputs.length <= rules.maxOutputs, "Transaction outputs num exceeds limit");

        decoded.txType = frame.txType;
        decoded.metadata = frame.metadata;
        decoded.inputs = new uint256[](frame.inputs.length);
        for (uint256 i = 0; i < frame.inputs.length; i++) {
            decoded.inputs[i] = uint256(frame.inputs[i].toBytes32());
            require(decoded.inputs[i] != 0, "Null input not allowed");
        }
        decoded.outputs = new Output[](frame.outputs.length);
        for (uint256 i = 0; i < frame.outputs.length; i++) {
            decoded.outputs[i] = decodeOutput(frame.outputTypes[i], frame.outputs[i], rules.zeroAmounts);
        }
        require(frame.txData.toUint() == 0, "txData must be 0");
    }

    function output(Transaction memory transaction, uint256 index) internal pure returns (Output memory) {
        require(index < transaction.outputs.length, "Output index out of bounds");
        return transaction.outputs[index];
    }

    /** @notice What identifies an output: with its position for a deposit, since deposits may have equal bytes. */
    function outputId(bool isDeposit, bytes memory encoded, uint256 outputIndex, uint256 utxoPos)
        internal
        pure
        returns (bytes32)
    {
        return isDeposit
            ? keccak256(abi.encodePacked(encoded, outputIndex, utxoPos))
            : keccak256(abi.encodePacked(encoded, outputIndex));
    }

    function decodeFrame(bytes memory encoded) private pure returns (Frame memory frame) {
        Rlp.Item[] memory fields = encoded.wrap().toList();
        require(fields.length == 5, "Invalid encoding of transaction");
        frame.txType = fields[0].toUint();
        require(frame.txType > 0, "Transaction type must not be 0");

        Rlp.Item[] memory outputs = fields[2].toList();
        frame.outputTypes = new uint256[](outputs.length);
        frame.outputs = new Rlp.Item[](outputs.length);
        for (uint256 i = 0; i < outputs.length; i++) {
            Rlp.Item[] memory pair = outputs[i].toList();
            require(pair.length == 2, "Output must have 2 items");
            frame.outputTypes[i] = pair[0].toUint();
            frame.outputs[i] = pair[1];
            require(frame.outputTypes[i] != 0, "Output type must not be 0");
        }
        frame.metadata = fields[4].toBytes32();
        frame.inputs = fields[1].toList();
        frame.txData = fields[3];
    }

    function decodeOutput(uint256 outputType, Rlp.Item memory data, bool zeroAmounts)
        private
        pure
        returns (Output memory decoded)
    {
        Rlp.Item[] memory fields = data.toList();
        require(fields.length == 3, "Output data must have 3 items");
        decoded.outputType = outputType;
        decoded.owner = address(uint160(fields[0].toAddress()));
        decoded.token = fields[1].toAddress();
        decoded.amount = fields[2].toUint();
        require(zeroAmounts || decoded.amount != 0, "Output amount must not be 0");
        require(decoded.owner != address(0), "Output outputGuard must not be 0");
    }
}
