pragma solidity 0.5.17;

import "./RootChainQueue.sol";
import "./RootChainTransaction.sol";

/// @title Everything a RootChain stores and announces.
contract RootChainState {
    struct Block {
        bytes32 root;
        uint256 timestamp;
    }

    /// Finalizing clears owner and token but keeps amount and position; a successful challenge clears everything.
    struct Exit {
        address payable owner;
        address token;
        uint256 amount;
        uint192 position;
    }

    /**
     * exitStartTimestamp: bit 255 currently non-canonical, bit 254 an input was finalized by a standard exit.
     * exitMap: bits 0-3 inputs and 4-7 outputs piggybacked, 8-15 the same slots exited, 255 finalized.
     */
    struct InFlightExit {
        uint256 exitStartTimestamp;
        uint256 exitPriority;
        uint256 exitMap;
        RootChainTransaction.Output[4] inputs;
        RootChainTransaction.Output[4] outputs;
        address payable bondOwner;
        uint256 oldestCompetitor;
    }

    uint256 public constant CHILD_BLOCK_INTERVAL = 1000;
    uint8 public constant MAX_INPUTS = 4;

    uint256 public standardExitBond = 31415926535 wei;
    uint256 public inFlightExitBond = 31415926535 wei;
    uint256 public piggybackBond = 31415926535 wei;

    uint256 public minExitPeriod;
    address payable public operator;
    uint256 public nextChildBlock;
    uint256 public nextDepositBlock;
    uint256 public nextFeeExit;

    mapping(uint256 => Block) public blocks;
    mapping(uint192 => Exit) public exits;
    mapping(uint192 => InFlightExit) public inFlightExits;
    mapping(address => RootChainQueue) public exitsQueues;

    event BlockSubmitted(uint256 blockNumber);
    event TokenAdded(address token);
    event DepositCreated(
        address indexed depositor,
        uint256 indexed blknum,
        address indexed token,
        uint256 amount
    );
    event ExitStarted(address indexed owner, uint192 exitId);
    event ExitFinalized(uint192 indexed exitId);
    event ExitChallenged(uint256 indexed utxoPos);
    event InFlightExitStarted(address indexed initiator, bytes32 txHash);
    event InFlightExitPiggybacked(address indexed owner, bytes32 txHash, uint8 outputIndex);
    event InFlightExitChallenged(address indexed challenger, bytes32 txHash, uint256 challengeTxPosition);
    event InFlightExitChallengeResponded(address challenger, bytes32 txHash, uint256 challengeTxPosition);
    /// Inputs and outputs alike are announced by their index 0-3: the log does not tell which it was.
    event InFlightExitOutputBlocked(address indexed challenger, bytes32 txHash, uint8 outputIndex);
    event InFlightExitFinalized(uint192 inFlightExitId, uint8 outputIndex);

    constructor() internal {}

    modifier onlyOperator() {
        require(msg.sender == operator);
        _;
    }

    modifier onlyWithValue(uint256 value) {
        require(msg.value == value);
        _;
    }

    /// Whether exits of `token` have a queue.
    function hasToken(address token) public view returns (bool) {
        return address(exitsQueues[token]) != address(0);
    }

    function enqueue(address token, uint256 priority) internal {
        require(hasToken(token));
        exitsQueues[token].insert(priority);
    }
}
