pragma solidity 0.5.17;

import "./Registry.sol";

/**
 * @notice Holds the roots of plasma blocks: the operator's every thousandth number, deposits in between.
 */
contract Blocks is Registry {
    uint256 public constant CHILD_BLOCK_INTERVAL = 1000;

    struct Block {
        bytes32 root;
        uint256 timestamp;
    }

    address public authority;
    uint256 public nextChildBlock = CHILD_BLOCK_INTERVAL;
    uint256 public nextDeposit = 1;
    mapping(uint256 => Block) public blocks;

    event BlockSubmitted(uint256 blknum);

    constructor(address _authority) public {
        authority = _authority;
    }

    modifier onlyActivated() {
        requireActivated();
        _;
    }

    function childBlockInterval() external pure returns (uint256) {
        return CHILD_BLOCK_INTERVAL;
    }

    function nextDepositBlock() public view returns (uint256) {
        return nextChildBlock - CHILD_BLOCK_INTERVAL + nextDeposit;
    }

    function isDeposit(uint256 blockNumber) public view returns (bool) {
        require(blocks[blockNumber].timestamp != 0, "Block does not exist");
        return blockNumber % CHILD_BLOCK_INTERVAL != 0;
    }

    function submitBlock(bytes32 root) external onlyFrom(authority) onlyActivated {
        uint256 number = nextChildBlock;
        blocks[number] = Block(root, block.timestamp);
        nextChildBlock = number + CHILD_BLOCK_INTERVAL;
        nextDeposit = 1;
        emit BlockSubmitted(number);
    }

    function submitDepositBlock(bytes32 root)
        external
        onlyFromNonQuarantinedVault
        onlyActivated
        returns (uint256 number)
    {
        require(nextDeposit < CHILD_BLOCK_INTERVAL, "Exceeded limit of deposits per child block interval");
        number = nextDepositBlock();
        blocks[number] = Block(root, block.timestamp);
        nextDeposit++;
    }

    // Reverts while the revision does not accept blocks yet.
    function requireActivated() internal view;
}
