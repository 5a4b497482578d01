pragma solidity 0.5.17;

import "./RootChainStandardExits.sol";

/// @title The start of an in-flight exit.
contract RootChainInFlightStarts is RootChainStandardExits {
    using RootChainRlp for RootChainRlp.Item;
    using RootChainRlp for bytes;
    using RootChainTransaction for RootChainTransaction.Input;

    uint256 private constant PROOF_LENGTH = 512;
    uint256 private constant SIGNATURE_LENGTH = 65;

    /// What an input transaction showed about one input.
    struct ProvenInput {
        uint256 position;
        RootChainTransaction.Output output;
        bool finalized;
    }

    struct TokenSum {
        address token;
        uint256 amount;
    }

    struct TokenSums {
        TokenSum[4] sums;
        uint256 used;
    }

    constructor() internal {}

    /**
     * Starts the exit of a transaction that may or may not be in a block, with exactly `inFlightExitBond` wei.
     * `inputTxs` is a list whose items are the input transactions' own lists, `inputTxsInclusionProofs` has
     * 512 bytes and `inFlightTxSigs` 65 bytes per input, all in the order of the inputs; what follows after the
     * last input's is not read. Too short a list burns the gas.
     */
    function startInFlightExit(
        bytes memory inFlightTx,
        bytes memory inputTxs,
        bytes memory inputTxsInclusionProofs,
        bytes memory inFlightTxSigs
    ) public payable onlyWithValue(inFlightExitBond) {
        InFlightExit storage exit = inFlightExitOf(inFlightTx);
        require(exit.exitStartTimestamp == 0);
        require(exit.exitMap & FINALIZED == 0);

        RootChainRlp.Item[] memory inputs = inputTxs.item().list();
        uint256[4] memory positions;
        uint256 youngest = 0;
        uint256 flags = 0;
        for (uint8 i = 0; i < MAX_INPUTS && inFlightTx.inputPosition(i) != 0; i++) {
            ProvenInput memory input = proveInput(
                inFlightTx,
                i,
                inputs[i].encoding(),
                inputTxsInclusionProofs,
                part(inFlightTxSigs, i, SIGNATURE_LENGTH)
            );
            for (uint8 j = 0; j < i; j++) {
                require(input.position != positions[j]);
            }
            positions[i] = input.position;
            exit.inputs[i] = input.output;
            if (input.position > youngest) {
                youngest = input.position;
            }
            if (input.finalized) {
                flags = INPUT_FINALIZED;
            }
        }
        requireCovered(exit, inFlightTx);

        exit.bondOwner = msg.sender;
        exit.exitStartTimestamp = block.timestamp | flags;
        exit.exitPriority = getInFlightExitPriority(inFlightTx, youngest);
        emit InFlightExitStarted(msg.sender, keccak256(inFlightTx));
    }

    /// A running standard exit of the input is removed on the way, and its bond paid to the caller.
    function proveInput(
        bytes memory inFlightTx,
        uint8 index,
        bytes memory inputTx,
        bytes memory proofs,
        bytes memory signature
    ) private returns (ProvenInput memory input) {
        input.position = inFlightTx.inputPosition(index);
        input.output = inputTx.output(input.position.outputIndex());
        require(isIncluded(inputTx, input.position, part(proofs, index, PROOF_LENGTH)));
        require(input.output.owner == inFlightTx.signerOf(signature));

        uint192 exitId = getStandardExitId(inputTx, input.position);
        if (exits[exitId].owner != address(0)) {
            removeExit(exitId, input.position);
        } else {
            input.finalized = exits[exitId].amount != 0;
        }
    }

    /**
     * Requires that no token's outputs are worth more than its inputs.
     * Empty slots count as ether and there is room for four tokens, so a transaction with inputs of four
     * tokens other than ether must fill all its outputs.
     */
    function requireCovered(InFlightExit storage exit, bytes memory inFlightTx) private view {
        TokenSums memory held;
        for (uint256 i = 0; i < MAX_INPUTS; i++) {
            sumOf(held, exit.inputs[i].token).amount += exit.inputs[i].amount;
        }
        RootChainTransaction.Transaction memory decoded = inFlightTx.decode();
        for (uint256 i = 0; i < MAX_INPUTS; i++) {
            TokenSum memory left = sumOf(held, decoded.outputs[i].token);
            require(left.amount >= decoded.outputs[i].amount);
            left.amount -= decoded.outputs[i].amount;
        }
    }

    function sumOf(TokenSums memory held, address token) private pure returns (TokenSum memory sum) {
        for (uint256 i = 0; i < held.used; i++) {
            if (held.sums[i].token == token) {
                return held.sums[i];
            }
        }
        require(held.used < MAX_INPUTS);
        sum = held.sums[held.used];
        sum.token = token;
        held.used++;
    }

    /// The part at `index` of equally long parts; reverts when it is not there in full.
    function part(bytes memory whole, uint256 index, uint256 length) private pure returns (bytes memory) {
        uint256 from = index * length;
        require(whole.length >= from + length);
        uint256 start;
        assembly {
            start := add(add(whole, 32), from)
        }
        return RootChainRlp.Item(start, length).encoding();
    }
}
