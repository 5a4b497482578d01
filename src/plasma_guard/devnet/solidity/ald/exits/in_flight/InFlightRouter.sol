pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "./InFlightArgs.sol";
import "./InFlightState.sol";

/**
 * @notice The doors to in-flight exits: each locks, checks the bond, and leaves the rest to the in-flight game.
 */
contract InFlightRouter is InFlightState {
    using Bond for Bond.Data;

    uint16 public constant BOND_LOWER_BOUND_DIVISOR = 2;
    uint16 public constant BOND_UPPER_BOUND_MULTIPLIER = 2;

    event IFEBondUpdated(uint128 bondSize);

    function startInFlightExit(InFlightArgs.Start calldata)
        external
        payable
        nonReentrant
        onlyWithValue(startIFEBondSize())
    {
        delegate(msg.data);
    }

    function piggybackInFlightExitOnInput(InFlightArgs.PiggybackInput calldata)
        external
        payable
        nonReentrant
        onlyWithValue(piggybackBondSize())
    {
        delegate(msg.data);
    }

    function piggybackInFlightExitOnOutput(InFlightArgs.PiggybackOutput calldata)
        external
        payable
        nonReentrant
        onlyWithValue(piggybackBondSize())
    {
        delegate(msg.data);
    }

    function challengeInFlightExitNotCanonical(InFlightArgs.NotCanonical calldata) external nonReentrant {
        delegate(msg.data);
    }

    function respondToNonCanonicalChallenge(bytes calldata, uint256, bytes calldata) external nonReentrant {
        delegate(msg.data);
    }

    function challengeInFlightExitInputSpent(InFlightArgs.InputSpent calldata) external nonReentrant {
        delegate(msg.data);
    }

    function challengeInFlightExitOutputSpent(InFlightArgs.OutputSpent calldata) external nonReentrant {
        delegate(msg.data);
    }

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

    // Runs a function of the in-flight game on the state of this contract, and fails as it fails.
    function delegate(bytes memory data) internal {
        (bool success, bytes memory answer) = setup.inFlightGame.delegatecall(data);
        if (!success) {
            assembly { revert(add(answer, 32), mload(answer)) }
        }
    }
}
