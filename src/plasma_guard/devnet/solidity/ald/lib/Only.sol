pragma solidity 0.5.17;

/**
 * @notice Guards of functions that one caller, or one exact value, may enter.
 */
contract Only {
    modifier onlyFrom(address caller) {
        require(msg.sender == caller, "Caller address is unauthorized");
        _;
    }

    modifier onlyWithValue(uint256 value) {
        require(msg.value == value, "Input value must match msg.value");
        _;
    }
}
