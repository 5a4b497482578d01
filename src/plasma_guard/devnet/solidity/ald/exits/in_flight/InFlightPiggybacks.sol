pragma solidity 0.5.17;
pragma experimental ABIEncoderV2;

import "./InFlightArgs.sol";
import "./InFlightRules.sol";

/**
 * @notice Piggybacks: the owner of an input or output asks to be paid, in the first phase.
 */
contract InFlightPiggybacks is InFlightRules {
    using Bond for Bond.Data;

    function piggybackInFlightExitOnInput(InFlightArgs.PiggybackInput memory args) public payable {
        InFlightExit storage exit = requireFirstPhase(args.inFlightTx);
        uint256 place = inputPlace(args.inputIndex);
        require(exit.inputs[place].outputId != bytes32(0), "Indexed input is empty");
        require(!isPiggybacked(exit, place), "Indexed input already piggybacked");
        piggyback(args.inFlightTx, place);
        emit InFlightExitInputPiggybacked(msg.sender, keccak256(args.inFlightTx), args.inputIndex);
    }

    function piggybackInFlightExitOnOutput(InFlightArgs.PiggybackOutput memory args) public payable {
        InFlightExit storage exit = requireFirstPhase(args.inFlightTx);
        uint256 place = outputPlace(args.outputIndex);
        require(exit.outputs[args.outputIndex].outputId != bytes32(0), "Indexed output is empty");
        require(!isPiggybacked(exit, place), "Indexed output already piggybacked");
        piggyback(args.inFlightTx, place);
        emit InFlightExitOutputPiggybacked(msg.sender, keccak256(args.inFlightTx), args.outputIndex);
    }

    function requireFirstPhase(bytes memory inFlightTx) private view returns (InFlightExit storage exit) {
        exit = exitOf(inFlightTx);
        require(exit.exitStartTimestamp != 0, "No in-flight exit to piggyback on");
        require(inFirstPhase(exit), "Piggyback is possible only in the first phase of the exit period");
    }

    function piggyback(bytes memory inFlightTx, uint256 place) private {
        InFlightExit storage exit = exitOf(inFlightTx);
        WithdrawData storage slot = slotAt(exit, place);
        require(slot.exitTarget == msg.sender, "Can be called only by the exit target");
        slot.bountySize = piggybackBond.bountyNow();
        slot.piggybackBondSize = msg.value;
        if (!waitsFor(exit, slot.token)) {
            (, uint256 blockTimestamp) = blockAt(exit.position);
            framework.enqueue(
                vaultIdOf(slot.token),
                slot.token,
                exitableAt(blockTimestamp),
                Position.txNumber(exit.position),
                inFlightExitId(inFlightTx)
            );
        }
        exit.exitMap |= 1 << place;
    }

    // Whether a piggyback has put the exit into the queue of a token; one entry there serves all.
    function waitsFor(InFlightExit storage exit, address token) private view returns (bool) {
        for (uint256 place = 0; place < 2 * slots(); place++) {
            if (isPiggybackedIn(exit, place, token)) {
                return true;
            }
        }
        return false;
    }
}
