pragma solidity 0.5.17;

/// @title The unsalted Merkle tree of depth 16 that the v0.2 generation commits its blocks to.
library RootChainMerkle {
    uint256 private constant DEPTH = 16;

    /// The root that `proof` leads to; the proof's length is free as long as it is made of whole words.
    function rootFrom(bytes32 leaf, uint256 index, bytes memory proof) internal pure returns (bytes32 node) {
        require(proof.length % 32 == 0);
        node = leaf;
        for (uint256 offset = 32; offset <= proof.length; offset += 32) {
            bytes32 sibling;
            assembly {
                sibling := mload(add(proof, offset))
            }
            node = index % 2 == 0 ? parent(node, sibling) : parent(sibling, node);
            index /= 2;
        }
    }

    /// The root of a block that holds one transaction only, as every deposit block does.
    function singleLeafRoot(bytes32 leaf) internal pure returns (bytes32 node) {
        node = leaf;
        bytes32 empty = keccak256(abi.encodePacked(bytes32(0)));
        for (uint256 level = 0; level < DEPTH; level++) {
            node = parent(node, empty);
            empty = parent(empty, empty);
        }
    }

    function parent(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(left, right));
    }
}
