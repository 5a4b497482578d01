pragma solidity 0.5.17;

/**
 * @notice What exit games and vaults call on the framework; the same in every revision.
 */
interface IFramework {
    function activateNonReentrant() external;
    function deactivateNonReentrant() external;
    function enqueue(uint256 vaultId, address token, uint256 exitableAt, uint256 txNumber, uint256 exitId) external;
    function flagOutputFinalized(bytes32 outputId, uint256 exitId) external;
    function submitDepositBlock(bytes32 root) external returns (uint256 number);
    function blocks(uint256 number) external view returns (bytes32 root, uint256 timestamp);
    function getMaintainer() external view returns (address);
    function isAnyInputFinalizedByOtherExit(bytes32[] calldata outputIds, uint256 exitId)
        external
        view
        returns (bool);
    function isDeposit(uint256 number) external view returns (bool);
    function isExitGameSafeToUse(address exitGame) external view returns (bool);
    function isOutputFinalized(bytes32 outputId) external view returns (bool);
    function minExitPeriod() external view returns (uint256);
    function protocols(uint256 txType) external view returns (uint8);
    function vaults(uint256 vaultId) external view returns (address);
}
