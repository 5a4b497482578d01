pragma solidity 0.5.17;

import "./RootChainInFlightCanonicity.sol";
import "./RootChainInFlightEnds.sol";
import "./RootChainInFlightPiggybacks.sol";
import "./RootChainInFlightSpends.sol";
import "./RootChainInFlightStarts.sol";

/**
 * @title The monolithic root chain contract of the v0.2 generation.
 * @notice It shows a guard the interface, the rules and the bugs of the contract that ran under that name.
 */
contract RootChain is
    RootChainInFlightStarts,
    RootChainInFlightPiggybacks,
    RootChainInFlightCanonicity,
    RootChainInFlightSpends,
    RootChainInFlightEnds
{
    /// Makes the caller the operator, sets the exit period (seconds) and opens the ether queue; works once.
    function init(uint256 exitPeriod) public {
        _initOperator();
        minExitPeriod = exitPeriod;
        nextChildBlock = CHILD_BLOCK_INTERVAL;
        nextDepositBlock = 1;
        nextFeeExit = 1;
        exitsQueues[address(0)] = new RootChainQueue();
    }

    /// Makes the caller the operator, once; it is public on the original too.
    function _initOperator() public {
        require(operator == address(0));
        operator = msg.sender;
    }

    /// Opens the exit queue of a token; anyone may.
    function addToken(address token) public {
        require(!hasToken(token));
        exitsQueues[token] = new RootChainQueue();
        emit TokenAdded(token);
    }

    /// The head of the queue of `token`; an empty queue burns the gas, an unknown token reverts.
    function getNextExit(address token) public view returns (uint64, uint192, bool) {
        return unpackExitId(exitsQueues[token].getMin());
    }

    /**
     * Pays out up to `exitsToProcess` matured exits of `token`, smallest priority first.
     * A `topExitId` other than zero must be the head. An unripe head is no error: nothing happens.
     */
    function processExits(address token, uint192 topExitId, uint256 exitsToProcess) public {
        (uint64 exitableAt, uint192 exitId, bool inFlight) = getNextExit(token);
        require(topExitId == exitId || topExitId == 0);
        RootChainQueue queue = exitsQueues[token];

        for (uint256 left = exitsToProcess; exitableAt < block.timestamp && left > 0; left--) {
            queue.delMin();
            if (inFlight) {
                processInFlightExit(exitId, token);
            } else {
                processStandardExit(exitId);
            }
            if (queue.currentSize() == 0) {
                return;
            }
            (exitableAt, exitId, inFlight) = getNextExit(token);
        }
    }
}
