pragma solidity 0.5.17;

import "../lib/Only.sol";

/**
 * @notice Knows the exit games and vaults; those registered late are quarantined, so that users can leave first.
 */
contract Registry is Only {
    uint8 private constant MVP = 1;
    uint8 private constant MORE_VP = 2;

    mapping(uint256 => address) public exitGames; // by transaction type
    mapping(address => uint256) public exitGameToTxType;
    mapping(uint256 => uint8) public protocols; // by transaction type
    mapping(uint256 => address) public vaults; // by vault id
    mapping(address => uint256) public vaultToId;

    uint256 public minExitPeriod;
    mapping(address => uint256) private quarantinedUntil;
    uint256 private immuneExitGames;
    uint256 private immuneVaults;
    address private maintainer;

    event ExitGameRegistered(uint256 txType, address exitGameAddress, uint8 protocol);
    event VaultRegistered(uint256 vaultId, address vaultAddress);

    constructor(uint256 _minExitPeriod, uint256 _immuneVaults, uint256 _immuneExitGames, address _maintainer)
        internal
    {
        minExitPeriod = _minExitPeriod;
        immuneVaults = _immuneVaults;
        immuneExitGames = _immuneExitGames;
        maintainer = _maintainer;
    }

    modifier onlyFromNonQuarantinedExitGame() {
        require(exitGameToTxType[msg.sender] != 0, "The call is not from a registered exit game contract");
        require(!isQuarantined(msg.sender), "ExitGame is quarantined");
        _;
    }

    modifier onlyFromNonQuarantinedVault() {
        require(vaultToId[msg.sender] != 0, "The call is not from a registered vault");
        require(!isQuarantined(msg.sender), "Vault is quarantined");
        _;
    }

    function getMaintainer() public view returns (address) {
        return maintainer;
    }

    function isExitGameSafeToUse(address exitGame) external view returns (bool) {
        return exitGameToTxType[exitGame] != 0 && !isQuarantined(exitGame);
    }

    function registerExitGame(uint256 txType, address exitGame, uint8 protocol) external onlyFrom(maintainer) {
        require(txType != 0, "Should not register with tx type 0");
        require(hasCode(exitGame), "Should not register with a non-contract address");
        require(exitGames[txType] == address(0), "The tx type is already registered");
        require(exitGameToTxType[exitGame] == 0, "The exit game contract is already registered");
        require(protocol == MVP || protocol == MORE_VP, "Invalid protocol value");

        exitGames[txType] = exitGame;
        exitGameToTxType[exitGame] = txType;
        protocols[txType] = protocol;
        immuneExitGames = admit(exitGame, 4 * minExitPeriod, immuneExitGames);
        emit ExitGameRegistered(txType, exitGame, protocol);
    }

    function registerVault(uint256 vaultId, address vault) external onlyFrom(maintainer) {
        require(vaultId != 0, "Should not register with vault ID 0");
        require(hasCode(vault), "Should not register with a non-contract address");
        require(vaults[vaultId] == address(0), "The vault ID is already registered");
        require(vaultToId[vault] == 0, "The vault contract is already registered");

        vaults[vaultId] = vault;
        vaultToId[vault] = vaultId;
        immuneVaults = admit(vault, 2 * minExitPeriod, immuneVaults);
        emit VaultRegistered(vaultId, vault);
    }

    function isQuarantined(address account) private view returns (bool) {
        return block.timestamp < quarantinedUntil[account];
    }

    // Uses up an immunity if one is left, else starts a quarantine; returns the immunities left.
    function admit(address account, uint256 quarantine, uint256 immunities) private returns (uint256) {
        if (immunities > 0) {
            return immunities - 1;
        }
        quarantinedUntil[account] = block.timestamp + quarantine;
        return 0;
    }

    function hasCode(address account) private view returns (bool) {
        uint256 size;
        assembly { size := extcodesize(account) }
        return size > 0;
    }
}
