pragma solidity 0.5.17;

import "./RootChainMerkle.sol";
import "./RootChainState.sol";
import "./RootChainTransaction.sol";

/// What the root chain asks of an ERC-20 token.
interface RootChainToken {
    function transfer(address to, uint256 amount) external returns (bool);
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

/// @title Child chain blocks, deposits and the proof that a transaction is in a block.
contract RootChainBlocks is RootChainState {
    using RootChainTransaction for bytes;
    using RootChainTransaction for uint256;

    constructor() internal {}

    /// Records the operator's next block; deposits start counting anew behind it.
    function submitBlock(bytes32 blockRoot) public onlyOperator {
        uint256 blknum = nextChildBlock;
        blocks[blknum] = Block(blockRoot, block.timestamp);
        nextChildBlock += CHILD_BLOCK_INTERVAL;
        nextDepositBlock = 1;
        emit BlockSubmitted(blknum);
    }

    /// Takes ether in exchange for a deposit block that holds `depositTx`, the unsigned encoding.
    function deposit(bytes memory depositTx) public payable {
        require(nextDepositBlock < CHILD_BLOCK_INTERVAL);
        RootChainTransaction.Transaction memory decoded = depositTx.decode();
        require(decoded.outputs[0].amount == msg.value);
        require(decoded.outputs[0].token == address(0));
        createDeposit(depositTx, decoded);
    }

    /// Takes approved tokens in exchange for a deposit block; the token need not have an exit queue.
    function depositFrom(bytes memory depositTx) public {
        require(nextDepositBlock < CHILD_BLOCK_INTERVAL);
        RootChainTransaction.Transaction memory decoded = depositTx.decode();
        RootChainToken token = RootChainToken(decoded.outputs[0].token);
        require(token.transferFrom(msg.sender, address(this), decoded.outputs[0].amount));
        createDeposit(depositTx, decoded);
    }

    /// The number that the next deposit block will get.
    function getDepositBlockNumber() public view returns (uint256) {
        return nextChildBlock - CHILD_BLOCK_INTERVAL + nextDepositBlock;
    }

    function createDeposit(bytes memory depositTx, RootChainTransaction.Transaction memory decoded) private {
        // The token was called in between and may have come back here.
        require(nextDepositBlock < CHILD_BLOCK_INTERVAL);
        for (uint256 i = 0; i < MAX_INPUTS; i++) {
            require(decoded.inputs[i].blknum == 0);
            require(i == 0 || decoded.outputs[i].amount == 0);
        }

        uint256 blknum = getDepositBlockNumber();
        blocks[blknum] = Block(RootChainMerkle.singleLeafRoot(keccak256(depositTx)), block.timestamp);
        RootChainTransaction.Output memory output = decoded.outputs[0];
        emit DepositCreated(output.owner, blknum, output.token, output.amount);
        nextDepositBlock++;
    }

    function isDeposit(uint256 blknum) internal pure returns (bool) {
        return blknum % CHILD_BLOCK_INTERVAL != 0;
    }

    /// The output index of `utxoPos` plays no part; of a transaction index above 65535 only 16 bits count.
    function isIncluded(bytes memory transaction, uint256 utxoPos, bytes memory proof)
        internal
        view
        returns (bool)
    {
        bytes32 leaf = keccak256(transaction);
        bytes32 root = RootChainMerkle.rootFrom(leaf, utxoPos.transactionIndex(), proof);
        return root == blocks[utxoPos.blockNumber()].root;
    }
}
