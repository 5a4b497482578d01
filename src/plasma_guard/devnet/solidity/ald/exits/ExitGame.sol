pragma solidity 0.5.17;

import "../framework/IFramework.sol";
import "../lib/Merkle.sol";
import "../lib/Only.sol";
import "../lib/PaymentTx.sol";
import "../lib/Position.sol";
import "../vaults/Erc20Vault.sol";
import "../vaults/EthVault.sol";
import "./ISpendingCondition.sol";

/**
 * @notice What standard and in-flight exits share: the contracts around them, and the checks of plasma transactions.
 */
contract ExitGame is Only {
    uint8 private constant MORE_VP = 2;
    uint256 private constant PAYMENT_OUTPUT = 1;
    uint256 private constant FEE_OUTPUT = 2;
    uint256 internal constant PAYMENT_TX = 1;

    struct Setup {
        address framework;
        uint256 ethVaultId;
        uint256 erc20VaultId;
        address paymentCondition;
        address feeCondition;
        uint256 safeGasStipend;
        address inFlightGame;
    }

    Setup internal setup;
    IFramework internal framework;

    constructor() internal {}

    // The lock is the framework's, which also refuses a quarantined exit game here.
    modifier nonReentrant() {
        lock();
        _;
        unlock();
    }

    modifier onlyMaintainer() {
        require(msg.sender == framework.getMaintainer(), "Caller address is unauthorized");
        _;
    }

    function configure(Setup memory _setup) internal {
        require(IFramework(_setup.framework).vaults(_setup.ethVaultId) != address(0), "Invalid ETH vault");
        require(IFramework(_setup.framework).vaults(_setup.erc20VaultId) != address(0), "Invalid ERC20 vault");
        setup = _setup;
        framework = IFramework(_setup.framework);
    }

    // Functions, because a modifier's body is copied into everything it guards.
    function lock() private {
        framework.activateNonReentrant();
    }

    function unlock() private {
        framework.deactivateNonReentrant();
    }

    function vaultIdOf(address token) internal view returns (uint256) {
        return token == address(0) ? setup.ethVaultId : setup.erc20VaultId;
    }

    function withdraw(address token, address payable receiver, uint256 amount) internal {
        address vault = framework.vaults(vaultIdOf(token));
        if (token == address(0)) {
            EthVault(vault).withdraw(receiver, amount);
        } else {
            Erc20Vault(vault).withdraw(receiver, token, amount);
        }
    }

    // The contract that decides about a spend, or zero: outputs of a type are spent by payments only.
    function conditionOf(uint256 outputType, uint256 spendingTxType) internal view returns (ISpendingCondition) {
        if (spendingTxType != PAYMENT_TX) {
            return ISpendingCondition(0);
        }
        if (outputType == PAYMENT_OUTPUT) {
            return ISpendingCondition(setup.paymentCondition);
        }
        return ISpendingCondition(outputType == FEE_OUTPUT ? setup.feeCondition : address(0));
    }

    function requireMoreVp(bytes memory transaction) internal view {
        require(
            framework.protocols(PaymentTx.typeOf(transaction)) == MORE_VP,
            "MoreVpFinalization: not a MoreVP protocol tx"
        );
    }

    // The block of a position; both values are zero when there is none.
    function blockAt(uint256 utxoPos) internal view returns (bytes32 root, uint256 timestamp) {
        return framework.blocks(Position.blockNumber(utxoPos));
    }

    function isIncluded(bytes memory transaction, uint256 utxoPos, bytes memory proof)
        internal
        view
        returns (bool included, uint256 blockTimestamp)
    {
        requireMoreVp(transaction);
        bytes32 root;
        (root, blockTimestamp) = blockAt(utxoPos);
        require(root != bytes32(0), "Failed to get the root hash of the block num");
        included = Merkle.includes(root, transaction, Position.txIndex(utxoPos), proof);
    }

    function requireSender(bytes32 senderData) internal view {
        require(senderData == keccak256(abi.encodePacked(msg.sender)), "Incorrect senderData");
    }

    // An exit becomes exitable once its transaction is two periods old, and one period after it was started.
    function exitableAt(uint256 blockTimestamp) internal view returns (uint256) {
        uint256 period = framework.minExitPeriod();
        uint256 byAge = blockTimestamp + 2 * period;
        uint256 byStart = now + period;
        return byAge > byStart ? byAge : byStart;
    }

    // What differs between revisions.
    function rules() internal pure returns (PaymentTx.Rules memory);
    function maxBlock() internal pure returns (uint256);
    function standardExitId(bool isDeposit, bytes memory transaction, uint256 utxoPos)
        internal
        pure
        returns (uint256);
    function inFlightExitId(bytes memory transaction) internal pure returns (uint256);
    function isStandardExit(uint256 exitId) internal pure returns (bool);
}
