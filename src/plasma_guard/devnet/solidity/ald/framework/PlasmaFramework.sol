pragma solidity 0.5.17;

import "./Blocks.sol";
import "./ExitQueues.sol";

/**
 * @notice The one contract a guard must know: it leads to the exit games, the vaults, the blocks and the queues.
 */
contract PlasmaFramework is Blocks, ExitQueues {
    string public version;

    constructor(
        uint256 _minExitPeriod,
        uint256 _immuneVaults,
        uint256 _immuneExitGames,
        address _authority,
        address _maintainer
    )
        public
        Registry(_minExitPeriod, _immuneVaults, _immuneExitGames, _maintainer)
        Blocks(_authority)
    {}

    function getVersion() external view returns (string memory) {
        return version;
    }

    function setVersion(string calldata _version) external onlyFrom(getMaintainer()) {
        version = _version;
    }
}
