pragma solidity 0.5.17;

/**
 * @notice A bond, and the part of it that rewards processing; a change comes into force after two days.
 */
library Bond {
    uint256 private constant WAITING_PERIOD = 2 days;

    struct Data {
        uint128 size;
        uint128 bounty;
        uint128 nextSize;
        uint128 nextBounty;
        uint64 changesAt;
    }

    function create(uint128 size, uint128 bounty) internal pure returns (Data memory) {
        return Data({size: size, bounty: bounty, nextSize: 0, nextBounty: 0, changesAt: 2 ** 63});
    }

    function sizeNow(Data storage self) internal view returns (uint128) {
        return now < self.changesAt ? self.size : self.nextSize;
    }

    function bountyNow(Data storage self) internal view returns (uint128) {
        return now < self.changesAt ? self.bounty : self.nextBounty;
    }

    function update(Data storage self, uint128 size, uint128 bounty) internal {
        require(size >= bounty, "The Bond size should be greater than or equal to the Bounty");
        uint128 current = sizeNow(self);
        require(size > 0, "Bond size cannot be zero");
        require(size >= current / 2, "Bond size is too low");
        require(uint256(size) <= uint256(current) * 2, "Bond size is too high");

        if (self.nextSize != 0 && now >= self.changesAt) {
            self.size = self.nextSize;
            self.bounty = self.nextBounty;
        }
        self.nextSize = size;
        self.nextBounty = bounty;
        self.changesAt = uint64(now + WAITING_PERIOD);
    }
}
