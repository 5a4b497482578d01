pragma solidity 0.5.17;

import "./IExitGame.sol";
import "./PriorityQueue.sol";
import "./Registry.sol";

/**
 * @notice Orders the exits of each token by priority, and remembers which outputs have been paid out.
 */
contract ExitQueues is Registry {
    mapping(bytes32 => PriorityQueue) public exitsQueues;
    mapping(bytes32 => address) public delegations; // the exit game behind each priority
    mapping(bytes32 => uint256) internal finalizations; // the exit that paid each output id
    bool private locked;

    event ExitQueueAdded(uint256 vaultId, address token);
    event ProcessedExitsNum(uint256 processedNum, uint256 vaultId, address token);

    modifier nonReentrant() {
        require(!locked, "Reentrant call");
        locked = true;
        _;
        locked = false;
    }

    // The lock is one for all exit games.
    function activateNonReentrant() external onlyFromNonQuarantinedExitGame {
        require(!locked, "Reentrant call");
        locked = true;
    }

    function deactivateNonReentrant() external onlyFromNonQuarantinedExitGame {
        assert(locked);
        locked = false;
    }

    function hasExitQueue(uint256 vaultId, address token) public view returns (bool) {
        return address(exitsQueues[queueKey(vaultId, token)]) != address(0);
    }

    function addExitQueue(uint256 vaultId, address token) external {
        require(vaultId != 0, "Vault ID must not be 0");
        require(!hasExitQueue(vaultId, token), "Exit queue exists");
        exitsQueues[queueKey(vaultId, token)] = new PriorityQueue();
        emit ExitQueueAdded(vaultId, token);
    }

    function getNextExit(uint256 vaultId, address token) external view returns (uint256) {
        return exitsQueues[queueKey(vaultId, token)].getMin();
    }

    function enqueue(uint256 vaultId, address token, uint256 exitableAt, uint256 txNumber, uint256 exitId)
        external
        onlyFromNonQuarantinedExitGame
    {
        require(
            hasExitQueue(vaultId, token),
            "The queue for the (vaultId, token) pair is not yet added to the Plasma framework"
        );
        uint256 priority = priorityOf(exitableAt, txNumber, exitId);
        bytes32 key = delegationKey(priority, vaultId, token);
        require(delegations[key] == address(0), "The same priority is already enqueued");
        delegations[key] = msg.sender;
        exitsQueues[queueKey(vaultId, token)].insert(priority);
        emitQueued(exitId, priority);
    }

    function isOutputFinalized(bytes32 outputId) external view returns (bool) {
        return finalizations[outputId] != 0;
    }

    function isAnyInputFinalizedByOtherExit(bytes32[] calldata outputIds, uint256 exitId)
        external
        view
        returns (bool)
    {
        for (uint256 i = 0; i < outputIds.length; i++) {
            uint256 by = finalizations[outputIds[i]];
            if (by != 0 && by != exitId) {
                return true;
            }
        }
        return false;
    }

    function flagOutputFinalized(bytes32 outputId, uint256 exitId) external onlyFromNonQuarantinedExitGame {
        flag(outputId, exitId);
    }

    function batchFlagOutputsFinalized(bytes32[] calldata outputIds, uint256 exitId)
        external
        onlyFromNonQuarantinedExitGame
    {
        for (uint256 i = 0; i < outputIds.length; i++) {
            flag(outputIds[i], exitId);
        }
    }

    function process(uint256 vaultId, address token, uint256 topExitId, uint256 max) internal {
        require(hasExitQueue(vaultId, token), "The token is not yet added to the Plasma framework");
        PriorityQueue queue = exitsQueues[queueKey(vaultId, token)];
        require(queue.currentSize() > 0, "Exit queue is empty");
        require(
            topExitId == 0 || exitIdOf(queue.getMin()) == topExitId,
            "Top exit ID of the queue is different to the one specified"
        );

        uint256 processed = 0;
        while (processed < max && queue.currentSize() > 0) {
            uint256 priority = queue.getMin();
            if (exitableAtOf(priority) >= block.timestamp) {
                break;
            }
            bytes32 key = delegationKey(priority, vaultId, token);
            address exitGame = delegations[key];
            delete delegations[key];
            queue.delMin();
            processed++;
            IExitGame(exitGame).processExit(exitIdOf(priority), vaultId, token, msg.sender);
        }
        emit ProcessedExitsNum(processed, vaultId, token);
    }

    function flag(bytes32 outputId, uint256 exitId) private {
        require(outputId != bytes32(0), "Should not flag with empty outputId");
        if (finalizations[outputId] == 0) {
            finalizations[outputId] = exitId;
        }
    }

    function queueKey(uint256 vaultId, address token) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(vaultId, token));
    }

    function delegationKey(uint256 priority, uint256 vaultId, address token) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(priority, vaultId, token));
    }

    // A priority is time, transaction number and exit id, in this order; their widths are the revision's.
    function priorityOf(uint256 exitableAt, uint256 txNumber, uint256 exitId) internal pure returns (uint256);
    function exitableAtOf(uint256 priority) internal pure returns (uint256);
    function exitIdOf(uint256 priority) internal pure returns (uint256);
    function emitQueued(uint256 exitId, uint256 priority) internal;
}
