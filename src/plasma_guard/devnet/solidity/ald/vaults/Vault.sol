pragma solidity 0.5.17;

import "../framework/IFramework.sol";
import "../lib/Merkle.sol";
import "../lib/Only.sol";

/**
 * @notice Holds deposited money; turns a deposit into a plasma block and pays out what a safe exit game says.
 */
contract Vault is Only {
    IFramework internal framework;
    address[2] public depositVerifiers; // in force, and next
    uint256 public newDepositVerifierMaturityTimestamp = 2 ** 255;

    event SetDepositVerifierCalled(address nextDepositVerifier);
    event DepositCreated(address indexed depositor, uint256 indexed blknum, address indexed token, uint256 amount);

    constructor(address _framework) internal {
        framework = IFramework(_framework);
    }

    modifier onlyFromNonQuarantinedExitGame() {
        require(
            framework.isExitGameSafeToUse(msg.sender),
            "Called from a non-registered or quarantined exit game contract"
        );
        _;
    }

    function setDepositVerifier(address verifier) external onlyFrom(framework.getMaintainer()) {
        require(verifier != address(0), "Cannot set an empty address as deposit verifier");
        if (depositVerifiers[0] == address(0)) {
            depositVerifiers[0] = verifier;
        } else {
            depositVerifiers[0] = getEffectiveDepositVerifier();
            depositVerifiers[1] = verifier;
            newDepositVerifierMaturityTimestamp = now + 2 * framework.minExitPeriod();
        }
        emit SetDepositVerifierCalled(verifier);
    }

    function getEffectiveDepositVerifier() public view returns (address) {
        return depositVerifiers[now < newDepositVerifierMaturityTimestamp ? 0 : 1];
    }

    function requireVerifier() internal view returns (address verifier) {
        verifier = getEffectiveDepositVerifier();
        require(verifier != address(0), "Deposit verifier has not been set");
    }

    function addDeposit(bytes memory depositTx, address token, uint256 amount) internal {
        uint256 blknum = framework.submitDepositBlock(Merkle.rootOfOne(depositTx));
        emit DepositCreated(msg.sender, blknum, token, amount);
    }
}
