pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "../framework/IExitGame.sol";
import "./ExitGameV1.sol";
import "./StandardExits.sol";
import "./in_flight/InFlightEnds.sol";
import "./in_flight/InFlightEventsV1.sol";
import "./in_flight/InFlightRouter.sol";

/**
 * @notice Revision 1.0: exit ids of 160 bits, short events, no bounties.
 */
contract PaymentExitGameV1 is IExitGame, InFlightRouter, StandardExits, ExitGameV1, InFlightEventsV1 {
    uint128 public constant INITIAL_BOND_SIZE = 0.014 ether;
    uint128 public constant INITIAL_IFE_BOND_SIZE = 0.037 ether;
    uint128 public constant INITIAL_PB_BOND_SIZE = 0.028 ether;
    uint256 private constant SLOTS_V1 = 4;

    struct ChallengeStandardExitArgs {
        uint160 exitId;
        bytes exitingTx;
        bytes challengeTx;
        uint16 inputIndex;
        bytes witness;
        bytes32 senderData;
    }

    struct StandardExitData {
        bool exitable;
        uint256 utxoPos;
        bytes32 outputId;
        address payable exitTarget;
        uint256 amount;
        uint256 bondSize;
    }

    struct InFlightWithdrawData {
        bytes32 outputId;
        address payable exitTarget;
        address token;
        uint256 amount;
        uint256 piggybackBondSize;
    }

    struct InFlightExitData {
        bool isCanonical;
        uint64 exitStartTimestamp;
        uint256 exitMap;
        uint256 position;
        InFlightWithdrawData[SLOTS_V1] inputs;
        InFlightWithdrawData[SLOTS_V1] outputs;
        address payable bondOwner;
        uint256 bondSize;
        uint256 oldestCompetitorPosition;
    }

    event ExitStarted(address indexed owner, uint160 exitId);
    event ExitOmitted(uint160 indexed exitId);
    event ExitFinalized(uint160 indexed exitId);
    event StandardExitBondUpdated(uint128 bondSize);
    event PiggybackBondUpdated(uint128 bondSize);

    constructor(Setup memory setup) public {
        configure(setup);
        standardExitBond = Bond.create(INITIAL_BOND_SIZE, 0);
        inFlightExitBond = Bond.create(INITIAL_IFE_BOND_SIZE, 0);
        piggybackBond = Bond.create(INITIAL_PB_BOND_SIZE, 0);
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

    function deleteNonPiggybackedInFlightExit(uint160) external nonReentrant {
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

    function updateStartStandardExitBondSize(uint128 newBondSize) external onlyMaintainer {
        standardExitBond.update(newBondSize, 0);
        emit StandardExitBondUpdated(newBondSize);
    }

    function updatePiggybackBondSize(uint128 newBondSize) external onlyMaintainer {
        piggybackBond.update(newBondSize, 0);
        emit PiggybackBondUpdated(newBondSize);
    }

    function standardExits(uint160[] calldata exitIds) external view returns (StandardExitData[] memory data) {
        data = new StandardExitData[](exitIds.length);
        for (uint256 i = 0; i < exitIds.length; i++) {
            Exit memory exit = exits[exitIds[i]];
            data[i] = StandardExitData({
                exitable: exit.exitable,
                utxoPos: exit.utxoPos,
                outputId: exit.outputId,
                exitTarget: exit.exitTarget,
                amount: exit.amount,
                bondSize: exit.bondSize
            });
        }
    }

    function inFlightExits(uint160[] calldata exitIds) external view returns (InFlightExitData[] memory data) {
        data = new InFlightExitData[](exitIds.length);
        for (uint256 i = 0; i < exitIds.length; i++) {
            InFlightExit memory exit = inFlight[exitIds[i]];
            data[i].isCanonical = exit.isCanonical;
            data[i].exitStartTimestamp = exit.exitStartTimestamp;
            data[i].exitMap = exit.exitMap;
            data[i].position = exit.position;
            data[i].bondOwner = exit.bondOwner;
            data[i].bondSize = exit.bondSize;
            data[i].oldestCompetitorPosition = exit.oldestCompetitorPosition;
            for (uint256 slot = 0; slot < SLOTS_V1; slot++) {
                data[i].inputs[slot] = withoutBounty(exit.inputs[slot]);
                data[i].outputs[slot] = withoutBounty(exit.outputs[slot]);
            }
        }
    }

    function getStandardExitId(bool isDeposit, bytes memory transaction, uint256 utxoPos)
        public
        pure
        returns (uint160)
    {
        Position.check(utxoPos, maxBlock());
        return uint160(standardExitId(isDeposit, transaction, utxoPos));
    }

    function getInFlightExitId(bytes memory transaction) public pure returns (uint160) {
        return uint160(inFlightExitId(transaction));
    }

    function withoutBounty(WithdrawData memory data) private pure returns (InFlightWithdrawData memory) {
        return InFlightWithdrawData({
            outputId: data.outputId,
            exitTarget: data.exitTarget,
            token: data.token,
            amount: data.amount,
            piggybackBondSize: data.piggybackBondSize
        });
    }

    function emitStarted(uint256 exitId, StartStandardExitArgs memory) internal {
        emit ExitStarted(msg.sender, uint160(exitId));
    }

    function emitOmitted(uint256 exitId) internal {
        emit ExitOmitted(uint160(exitId));
    }

    function emitFinalized(uint256 exitId) internal {
        emit ExitFinalized(uint160(exitId));
    }

    function payBounty(address payable, uint256) internal {} // this revision has none
}
