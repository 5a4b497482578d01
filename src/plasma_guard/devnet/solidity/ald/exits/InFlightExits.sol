pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "../lib/Bond.sol";
import "./ExitGame.sol";

/**
 * @notice Exits of transactions that may not be in a block: so far the state and its readers, no calls.
 */
contract InFlightExits is ExitGame {
    using Bond for Bond.Data;

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

    event IFEBondUpdated(uint128 bondSize);

    function startIFEBondSize() public view returns (uint128) {
        return inFlightExitBond.sizeNow();
    }

    function piggybackBondSize() public view returns (uint128) {
        return piggybackBond.sizeNow();
    }

    function updateStartIFEBondSize(uint128 newBondSize) external onlyMaintainer {
        inFlightExitBond.update(newBondSize, 0);
        emit IFEBondUpdated(newBondSize);
    }
}
