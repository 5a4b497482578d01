pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "../framework/IExitGame.sol";
import "./ExitGameV2.sol";
import "./StandardExits.sol";
import "./in_flight/InFlightEnds.sol";
import "./in_flight/InFlightEventsV2.sol";
import "./in_flight/InFlightRouter.sol";

/**
 * @notice Revision 2.0: exit ids of 168 bits, events with the exiting transaction, bounties out of the bonds.
 */
contract PaymentExitGameV2 is IExitGame, InFlightRouter, StandardExits, ExitGameV2, InFlightEventsV2 {
    uint128 public constant INITIAL_BOND_SIZE = 0.0233 ether;
    uint128 public constant INITIAL_EXIT_BOUNTY_SIZE = 0.00535 ether;
    uint128 public constant INITIAL_IFE_BOND_SIZE = 0.0269 ether;
    uint128 public constant INITIAL_IFE_EXIT_BOUNTY_SIZE = 0;
    uint128 public constant INITIAL_PB_BOND_SIZE = 0.0309 ether;
    uint128 public constant INITIAL_PB_BOUNTY_SIZE = 0.025 ether;

    struct ChallengeStandardExitArgs {
        uint168 exitId;
        bytes exitingTx;
        bytes challengeTx;
        uint16 inputIndex;
        bytes witness;
        bytes32 senderData;
    }

    Setup private later;
    bool private initialized;

    event ExitStarted(address indexed owner, uint168 exitId, uint256 utxoPos, bytes outputTx);
    event ExitOmitted(uint168 indexed exitId);
    event ExitFinalized(uint168 indexed exitId);
    event BountyReturnFailed(address indexed receiver, uint256 amount);
    event StandardExitBondUpdated(uint128 bondSize, uint128 exitBountySize);
    event PiggybackBondUpdated(uint128 bondSize, uint128 exitBountySize);

    constructor(Setup memory setup) public {
        later = setup;
    }

    /** @notice Makes the exit game usable; until then every call to it reverts. */
    function init() external onlyFrom(IFramework(later.framework).getMaintainer()) {
        require(!initialized, "Exit game was already initialized");
        initialized = true;
        configure(later);
        standardExitBond = Bond.create(INITIAL_BOND_SIZE, INITIAL_EXIT_BOUNTY_SIZE);
        inFlightExitBond = Bond.create(INITIAL_IFE_BOND_SIZE, INITIAL_IFE_EXIT_BOUNTY_SIZE);
        piggybackBond = Bond.create(INITIAL_PB_BOND_SIZE, INITIAL_PB_BOUNTY_SIZE);
    }

    function challengeStandardExit(ChallengeStandardExitArgs memory args) public nonReentrant {
        challenge(
            Challenge({
                exitId: args.exitId,
                exitingTx: args.exitingTx,
                challengeTx: args.challengeTx,
                inputIndex: args.inputIndex,
                witness: args.witness,
                senderData: args.senderData
            })
        );
    }

    function deleteNonPiggybackedInFlightExit(uint168) external nonReentrant {
        delegate(msg.data);
    }

    function processExit(uint256 exitId, uint256, address token, address payable initiator)
        external
        onlyFrom(address(framework))
    {
        if (isStandardExit(exitId)) {
            processStandardExit(exitId, token, initiator);
        } else {
            bytes4 selector = InFlightEnds(0).processInFlightExit.selector;
            delegate(abi.encodeWithSelector(selector, exitId, token, initiator));
        }
    }

    function updateStartStandardExitBondSize(uint128 newBondSize, uint128 newExitBountySize)
        external
        onlyMaintainer
    {
        standardExitBond.update(newBondSize, newExitBountySize);
        emit StandardExitBondUpdated(newBondSize, newExitBountySize);
    }

    function updatePiggybackBondSize(uint128 newBondSize, uint128 newExitBountySize) external onlyMaintainer {
        piggybackBond.update(newBondSize, newExitBountySize);
        emit PiggybackBondUpdated(newBondSize, newExitBountySize);
    }

    function processStandardExitBountySize() external view returns (uint128) {
        return standardExitBond.bountyNow();
    }

    function processInFlightExitBountySize() external view returns (uint128) {
        return piggybackBond.bountyNow();
    }

    function standardExits(uint168[] calldata exitIds) external view returns (Exit[] memory data) {
        data = new Exit[](exitIds.length);
        for (uint256 i = 0; i < exitIds.length; i++) {
            data[i] = exits[exitIds[i]];
        }
    }

    function inFlightExits(uint168[] calldata exitIds) external view returns (InFlightExit[] memory data) {
        data = new InFlightExit[](exitIds.length);
        for (uint256 i = 0; i < exitIds.length; i++) {
            data[i] = inFlight[exitIds[i]];
        }
    }

    function getStandardExitId(bool isDeposit, bytes memory transaction, uint256 utxoPos)
        public
        pure
        returns (uint168)
    {
        Position.check(utxoPos, maxBlock());
        return uint168(standardExitId(isDeposit, transaction, utxoPos));
    }

    function getInFlightExitId(bytes memory transaction) public pure returns (uint168) {
        return uint168(inFlightExitId(transaction));
    }

    function emitStarted(uint256 exitId, StartStandardExitArgs memory args) internal {
        emit ExitStarted(msg.sender, uint168(exitId), args.utxoPos, args.rlpOutputTx);
    }

    function emitOmitted(uint256 exitId) internal {
        emit ExitOmitted(uint168(exitId));
    }

    function emitFinalized(uint256 exitId) internal {
        emit ExitFinalized(uint168(exitId));
    }

    function payBounty(address payable receiver, uint256 amount) internal {
        if (!Ether.trySend(receiver, amount, setup.safeGasStipend)) {
            emit BountyReturnFailed(receiver, amount);
        }
    }
}
