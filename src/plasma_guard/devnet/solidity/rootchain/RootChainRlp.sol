pragma solidity 0.5.17;

/**
 * @title RLP reading as lenient as the v0.2 root chain's.
 * @notice Lengths are taken from the headers and never checked against the enclosing item; canonical form is not
 * required. Only what the transaction decoder needs is here.
 */
library RootChainRlp {
    /// A slice of memory that holds one encoded item, header included.
    struct Item {
        uint256 start;
        uint256 length;
    }

    /// The whole byte string, taken as one item.
    function item(bytes memory encoded) internal pure returns (Item memory whole) {
        uint256 start;
        assembly {
            start := add(encoded, 32)
        }
        return Item(start, encoded.length);
    }

    /// The items of a list; anything that is not a list reverts without a reason.
    function list(Item memory self) internal pure returns (Item[] memory items) {
        require(self.length > 0 && firstByte(self.start) >= 0xc0);
        uint256 end = self.start + self.length;
        uint256 begin = self.start + headerLength(self.start);

        uint256 count = 0;
        for (uint256 at = begin; at < end; at += itemLength(at)) {
            count++;
        }
        items = new Item[](count);
        uint256 position = begin;
        for (uint256 i = 0; i < count; i++) {
            uint256 length = itemLength(position);
            items[i] = Item(position, length);
            position += length;
        }
    }

    /// A big-endian integer of at most 32 bytes; leading zeros are allowed, the empty string is zero.
    function integer(Item memory self) internal pure returns (uint256 value) {
        (uint256 start, uint256 length) = payload(self);
        require(length <= 32);
        if (length == 0) {
            return 0;
        }
        return load(start) >> (8 * (32 - length));
    }

    /// An address of exactly 20 bytes.
    function account(Item memory self) internal pure returns (address payable value) {
        (uint256 start, uint256 length) = payload(self);
        require(length == 20);
        return address(uint160(load(start) >> 96));
    }

    /// A copy of the whole item, header included.
    function encoding(Item memory self) internal pure returns (bytes memory copy) {
        copy = new bytes(self.length);
        uint256 from = self.start;
        for (uint256 offset = 0; offset < copy.length; offset += 32) {
            assembly {
                mstore(add(add(copy, 32), offset), mload(add(from, offset)))
            }
        }
    }

    function payload(Item memory self) private pure returns (uint256 start, uint256 length) {
        require(self.length > 0 && firstByte(self.start) < 0xc0);
        uint256 header = headerLength(self.start);
        return (self.start + header, itemLength(self.start) - header);
    }

    function headerLength(uint256 at) private pure returns (uint256) {
        uint256 first = firstByte(at);
        if (first < 0x80) {
            return 0;
        }
        if (first < 0xb8 || (first >= 0xc0 && first < 0xf8)) {
            return 1;
        }
        return 1 + lengthOfLength(first);
    }

    function itemLength(uint256 at) private pure returns (uint256) {
        uint256 first = firstByte(at);
        if (first < 0x80) {
            return 1;
        }
        if (first < 0xb8) {
            return 1 + first - 0x80;
        }
        if (first >= 0xc0 && first < 0xf8) {
            return 1 + first - 0xc0;
        }
        uint256 bytesOfLength = lengthOfLength(first);
        return 1 + bytesOfLength + (load(at + 1) >> (8 * (32 - bytesOfLength)));
    }

    function lengthOfLength(uint256 first) private pure returns (uint256) {
        return first < 0xc0 ? first - 0xb7 : first - 0xf7;
    }

    function firstByte(uint256 at) private pure returns (uint256) {
        return load(at) >> 248;
    }

    function load(uint256 at) private pure returns (uint256 word) {
        assembly {
            word := mload(at)
        }
    }
}
