pragma solidity 0.5.17;

import "./RootChainRlp.sol";

/**
 * @title Payment transactions of the v0.2 generation: four padded inputs, four padded outputs, optional metadata.
 * @notice A short input or output list, and an index above three, run into an invalid opcode; nearly every other
 * refusal is a revert without a reason.
 */
library RootChainTransaction {
    using RootChainRlp for RootChainRlp.Item;
    using RootChainRlp for bytes;

    uint256 internal constant SLOTS = 4;
    uint256 private constant BLOCK_OFFSET = 1000000000;
    uint256 private constant TX_OFFSET = 10000;

    bytes32 private constant DOMAIN_TYPE = keccak256(
        "EIP712Domain(string name,string version,address verifyingContract,bytes32 salt)"
    );
    bytes32 private constant DOMAIN_SALT = 0xfad5c7f626d80f9256ef01929f3beb96e058b8b4b0e3fe52d84f054c0e2a7a83;
    bytes32 private constant INPUT_TYPE = keccak256("Input(uint256 blknum,uint256 txindex,uint256 oindex)");
    bytes32 private constant OUTPUT_TYPE = keccak256("Output(address owner,address currency,uint256 amount)");
    // One literal: the compiler does not join them in a constant expression.
    bytes32 private constant TRANSACTION_TYPE = keccak256("Transaction(Input input0,Input input1,Input input2,Input input3,Output output0,Output output1,Output output2,Output output3,bytes32 metadata)Input(uint256 blknum,uint256 txindex,uint256 oindex)Output(address owner,address currency,uint256 amount)");

    struct Input {
        uint256 blknum;
        uint256 txindex;
        uint256 oindex;
    }

    struct Output {
        address payable owner;
        address token;
        uint256 amount;
    }

    struct Transaction {
        Input[SLOTS] inputs;
        Output[SLOTS] outputs;
        bytes32 metadata;
    }

    /// Decodes the unsigned encoding; an empty slot may only be followed by empty slots.
    function decode(bytes memory encoded) internal pure returns (Transaction memory decoded) {
        RootChainRlp.Item[] memory parts = encoded.item().list();
        require(parts.length == 2 || parts.length == 3);
        if (parts.length == 3) {
            decoded.metadata = bytes32(parts[2].integer());
        }

        RootChainRlp.Item[] memory inputs = parts[0].list();
        RootChainRlp.Item[] memory outputs = parts[1].list();
        bool inputsEnded = false;
        bool outputsEnded = false;
        for (uint256 i = 0; i < SLOTS; i++) {
            Input memory input = decodeInput(inputs[i]);
            if (input.blknum == 0 && input.txindex == 0 && input.oindex == 0) {
                inputsEnded = true;
            } else {
                require(!inputsEnded, "Gaps in inputs are not allowed ");
            }
            decoded.inputs[i] = input;

            Output memory output = decodeOutput(outputs[i]);
            if (output.owner == address(0) && output.token == address(0) && output.amount == 0) {
                outputsEnded = true;
            } else {
                require(!outputsEnded, "Gaps in outputs are not allowed ");
            }
            decoded.outputs[i] = output;
        }
    }

    /// The utxo position spent by the input at `index`; zero for an empty slot.
    function inputPosition(bytes memory encoded, uint8 index) internal pure returns (uint256) {
        return position(decode(encoded).inputs[index]);
    }

    /// Numbers beyond what a position has room for carry over, and wrap at 256 bits.
    function position(Input memory input) internal pure returns (uint256) {
        return input.blknum * BLOCK_OFFSET + input.txindex * TX_OFFSET + input.oindex;
    }

    /// The output at `index`, all zero for an empty slot.
    function output(bytes memory encoded, uint8 index) internal pure returns (Output memory) {
        return decode(encoded).outputs[index];
    }

    /// The EIP-712 digest that input owners sign, bound to this contract and to no chain id.
    function signingHash(bytes memory encoded) internal view returns (bytes32) {
        Transaction memory decoded = decode(encoded);
        bytes32 domain = keccak256(
            abi.encode(DOMAIN_TYPE, keccak256("OMG Network"), keccak256("1"), address(this), DOMAIN_SALT)
        );
        bytes32 body = keccak256(
            abi.encodePacked(
                TRANSACTION_TYPE,
                hashInputs(decoded.inputs),
                hashOutputs(decoded.outputs),
                decoded.metadata
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, body));
    }

    /// Who signed the transaction; anything that is not a signature reverts, so nobody is never the answer.
    function signerOf(bytes memory encoded, bytes memory signature) internal view returns (address) {
        return recover(signingHash(encoded), signature);
    }

    /// The signer of `digest`: 65 bytes r, s, v with v of 0, 1, 27 or 28; anything else reverts.
    function recover(bytes32 digest, bytes memory signature) internal pure returns (address signer) {
        require(signature.length == 65);
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
        if (v < 27) {
            v += 27;
        }
        require(v == 27 || v == 28);
        signer = ecrecover(digest, v, r, s);
        require(signer != address(0));
    }

    function blockNumber(uint256 utxoPos) internal pure returns (uint256) {
        return utxoPos / BLOCK_OFFSET;
    }

    function transactionIndex(uint256 utxoPos) internal pure returns (uint256) {
        return (utxoPos % BLOCK_OFFSET) / TX_OFFSET;
    }

    /// The output index truncated to eight bits: position x + 256 names the same output as x.
    function outputIndex(uint256 utxoPos) internal pure returns (uint8) {
        return uint8(utxoPos % TX_OFFSET);
    }

    /// The position of the transaction, in units of one transaction.
    function transactionPosition(uint256 utxoPos) internal pure returns (uint256) {
        return utxoPos / TX_OFFSET;
    }

    function decodeInput(RootChainRlp.Item memory encoded) private pure returns (Input memory) {
        RootChainRlp.Item[] memory fields = encoded.list();
        return Input(fields[0].integer(), fields[1].integer(), fields[2].integer());
    }

    function decodeOutput(RootChainRlp.Item memory encoded) private pure returns (Output memory) {
        RootChainRlp.Item[] memory fields = encoded.list();
        return Output(fields[0].account(), fields[1].account(), fields[2].integer());
    }

    function hashInputs(Input[SLOTS] memory inputs) private pure returns (bytes memory hashes) {
        for (uint256 i = 0; i < SLOTS; i++) {
            bytes32 hash = keccak256(
                abi.encode(INPUT_TYPE, inputs[i].blknum, inputs[i].txindex, inputs[i].oindex)
            );
            hashes = abi.encodePacked(hashes, hash);
        }
    }

    function hashOutputs(Output[SLOTS] memory outputs) private pure returns (bytes memory hashes) {
        for (uint256 i = 0; i < SLOTS; i++) {
            bytes32 hash = keccak256(
                abi.encode(OUTPUT_TYPE, outputs[i].owner, outputs[i].token, outputs[i].amount)
            );
            hashes = abi.encodePacked(hashes, hash);
        }
    }
}
