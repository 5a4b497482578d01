pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "../../lib/Bond.sol";
import "../ExitGame.sol";

/**
 * @notice The state of exits of transactions that may not be in a block, and what both revisions log.
 *
 * Two contracts work on this state: the exit game holds it, and lends it to the in-flight game by delegatecall.
 * Both must have it in the same place, so both inherit it before anything else that has state.
 */
contract InFlightState is ExitGame {
    // Room for the revision with the most inputs and outputs.
    uint256 internal constant SLOTS = 5;

    struct WithdrawData {
        bytes32 outputId;
        address payable exitTarget;
        address token;
        uint256 amount;
        uint256 piggybackBondSize;
        uint256 bountySize;
    }

    struct InFlightExit {
        bool isCanonical;
        uint64 exitStartTimestamp;
        uint256 exitMap;
        uint256 position;
        WithdrawData[SLOTS] inputs;
        WithdrawData[SLOTS] outputs;
        address payable bondOwner;
        uint256 bondSize;
        uint256 oldestCompetitorPosition;
    }

    mapping(uint256 => InFlightExit) internal inFlight;
    Bond.Data internal inFlightExitBond;
    Bond.Data internal piggybackBond;

    event InFlightExitInputPiggybacked(address indexed exitTarget, bytes32 indexed txHash, uint16 inputIndex);
    event InFlightExitOutputPiggybacked(address indexed exitTarget, bytes32 indexed txHash, uint16 outputIndex);
    event InFlightExitChallengeResponded(
        address indexed challenger,
        bytes32 indexed txHash,
        uint256 challengeTxPosition
    );
    event InFlightExitInputBlocked(address indexed challenger, bytes32 indexed txHash, uint16 inputIndex);
    event InFlightExitOutputBlocked(address indexed challenger, bytes32 indexed txHash, uint16 outputIndex);
    event InFlightBondReturnFailed(address indexed receiver, uint256 amount);
}
