pragma solidity 0.5.17;

import "./PlasmaFramework.sol";

/**
 * @notice Revision 2.0: exit ids of 168 bits; processing names its caller, who is paid a bounty.
 */
contract PlasmaFrameworkV2 is PlasmaFramework {
    event ExitQueued(uint168 indexed exitId, uint256 priority);

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

    function outputsFinalizations(bytes32 outputId) external view returns (uint168) {
        return uint168(finalizations[outputId]);
    }

    function processExits(
        uint256 vaultId,
        address token,
        uint168 topExitId,
        uint256 maxExitsToProcess,
        bytes32 senderData
    )
        external
        nonReentrant
    {
        require(senderData == keccak256(abi.encodePacked(msg.sender)), "Incorrect SenderData");
        process(vaultId, token, topExitId, maxExitsToProcess);
    }

    function requireActivated() internal view {} // no such switch any more

    function priorityOf(uint256 exitableAt, uint256 txNumber, uint256 exitId) internal pure returns (uint256) {
        return exitableAt << 224 | txNumber << 168 | exitId;
    }

    function exitableAtOf(uint256 priority) internal pure returns (uint256) {
        return priority >> 224;
    }

    function exitIdOf(uint256 priority) internal pure returns (uint256) {
        return uint168(priority);
    }

    function emitQueued(uint256 exitId, uint256 priority) internal {
        emit ExitQueued(uint168(exitId), priority);
    }
}
