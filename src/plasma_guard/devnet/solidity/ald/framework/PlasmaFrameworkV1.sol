pragma solidity 0.5.17;

import "./PlasmaFramework.sol";

/**
 * @notice Revision 1.0: exit ids of 160 bits; the operator switches block submission on once.
 */
contract PlasmaFrameworkV1 is PlasmaFramework {
    bool public isChildChainActivated;

    event ChildChainActivated(address authority);
    event ExitQueued(uint160 indexed exitId, uint256 priority);

    constructor(
        uint256 minExitPeriod,
        uint256 immuneVaults,
        uint256 immuneExitGames,
        address authority,
        address maintainer
    )
        public
        PlasmaFramework(minExitPeriod, immuneVaults, immuneExitGames, authority, maintainer)
    {}

    function activateChildChain() external onlyFrom(authority) {
        require(!isChildChainActivated, "Child chain already activated");
        isChildChainActivated = true;
        emit ChildChainActivated(authority);
    }

    function outputsFinalizations(bytes32 outputId) external view returns (uint160) {
        return uint160(finalizations[outputId]);
    }

    function processExits(uint256 vaultId, address token, uint160 topExitId, uint256 maxExitsToProcess)
        external
        nonReentrant
    {
        process(vaultId, token, topExitId, maxExitsToProcess);
    }

    function requireActivated() internal view {
        require(isChildChainActivated, "Child chain has not been activated by authority address yet");
    }

    function priorityOf(uint256 exitableAt, uint256 txNumber, uint256 exitId) internal pure returns (uint256) {
        return exitableAt << 214 | txNumber << 160 | exitId;
    }

    function exitableAtOf(uint256 priority) internal pure returns (uint256) {
        return priority >> 214;
    }

    function exitIdOf(uint256 priority) internal pure returns (uint256) {
        return uint160(priority);
    }

    function emitQueued(uint256 exitId, uint256 priority) internal {
        emit ExitQueued(uint160(exitId), priority);
    }
}
