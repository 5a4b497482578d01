pragma solidity 0.5.17;

/**
 * @notice Reads RLP strictly: whatever is not the one canonical encoding reverts.
 */
library Rlp {
    struct Item {
        uint256 start; // memory position of the first byte, prefix included
        uint256 size; // bytes, prefix included
    }

    function wrap(bytes memory encoded) internal pure returns (Item memory) {
        uint256 start;
        assembly { start := add(encoded, 32) }
        return Item(start, encoded.length);
    }

    function toList(Item memory item) internal pure returns (Item[] memory items) {
        require(isList(item), "Item is not a list");
        (uint256 size, uint256 header) = measure(item.start);
        require(size == item.size, "Decoded RLP length for list is invalid");

        uint256 end = item.start + size;
        items = new Item[](count(item.start + header, end));
        uint256 position = item.start + header;
        for (uint256 i = 0; i < items.length; i++) {
            (uint256 itemSize, ) = measure(position);
            items[i] = Item(position, itemSize);
            position += itemSize;
        }
    }

    function toUint(Item memory item) internal pure returns (uint256 value) {
        require(item.size > 0 && item.size <= 33, "Item length must be between 1 and 33 bytes");
        uint256 header = stringHeader(item, "Decoded item length must be equal to the input data length");
        uint256 length = item.size - header;
        uint256 word = wordAt(item.start + header);
        uint256 first = word >> 248;
        require(!(first == 0 && header == 0), "Scalar 0 should be encoded as 0x80");
        require(!(first == 0 && length > 1), "Leading zeros are invalid");
        return length == 0 ? 0 : word >> (8 * (32 - length));
    }

    function toBytes32(Item memory item) internal pure returns (bytes32) {
        require(item.size == 33, "Item length must be 33");
        uint256 header = stringHeader(item, "Decoded item length must be 33");
        return bytes32(wordAt(item.start + header));
    }

    function toAddress(Item memory item) internal pure returns (address) {
        require(item.size == 21, "Item length must be 21");
        uint256 header = stringHeader(item, "Decoded item length must be 21");
        return address(uint160(wordAt(item.start + header) >> 96));
    }

    function isList(Item memory item) internal pure returns (bool) {
        return item.size > 0 && wordAt(item.start) >> 248 >= 0xc0;
    }

    // Length of the prefix of a string item that must be as long as its own prefix says.
    function stringHeader(Item memory item, string memory otherwise) private pure returns (uint256) {
        require(!isList(item), "Item must not be a list");
        (uint256 size, uint256 header) = measure(item.start);
        require(size == item.size, otherwise);
        return header;
    }

    function count(uint256 position, uint256 end) private pure returns (uint256 items) {
        while (position < end) {
            (uint256 size, ) = measure(position);
            position += size;
            require(position <= end, "Invalid decoded length of RLP item found during counting items in a list");
            items++;
        }
    }

    // Size of the item at a memory position, prefix included, and the size of the prefix alone.
    function measure(uint256 position) private pure returns (uint256 size, uint256 header) {
        uint256 word = wordAt(position);
        uint256 prefix = word >> 248;
        if (prefix < 0x80) {
            return (1, 0);
        }
        if (prefix < 0xb8) {
            // A single byte below 0x80 is its own encoding and takes no prefix.
            require(prefix != 0x81 || (word >> 240) & 0xff >= 0x80, "Invalid short string encoding");
            return (prefix - 0x80 + 1, 1);
        }
        if (prefix < 0xc0) {
            return measureLong(
                word,
                prefix - 0xb7,
                "Invalid leading zeros in length of the length for a long string",
                "Invalid length for a long string"
            );
        }
        if (prefix < 0xf8) {
            return (prefix - 0xc0 + 1, 1);
        }
        return measureLong(
            word,
            prefix - 0xf7,
            "Invalid leading zeros in length of the length for a long list",
            "Invalid length for a long list"
        );
    }

    function measureLong(uint256 word, uint256 lengthBytes, string memory zeros, string memory short)
        private
        pure
        returns (uint256 size, uint256 header)
    {
        uint256 length = (word << 8) >> (8 * (32 - lengthBytes));
        require((word >> 240) & 0xff != 0, zeros);
        require(length > 55, short);
        return (length + lengthBytes + 1, lengthBytes + 1);
    }

    function wordAt(uint256 position) private pure returns (uint256 word) {
        assembly { word := mload(position) }
    }
}
