pragma solidity 0.5.17;

/**
 * @notice The trees of plasma blocks: leaves are keccak(0x00, transaction), nodes keccak(0x01, left, right).
 */
library Merkle {
    uint256 internal constant DEPTH = 16;
    byte private constant LEAF = 0x00;
    byte private constant NODE = 0x01;

    function includes(bytes32 root, bytes memory transaction, uint256 index, bytes memory proof)
        internal
        pure
        returns (bool)
    {
        require(proof.length != 0, "Merkle proof must not be empty");
        require(proof.length % 32 == 0, "Length of Merkle proof must be a multiple of 32");
        require(index < 2 ** (proof.length / 32), "Index does not match the length of the proof");

        bytes32 node = leaf(transaction);
        uint256 place = index;
        for (uint256 offset = 32; offset <= proof.length; offset += 32) {
            bytes32 sibling;
            assembly { sibling := mload(add(proof, offset)) }
            node = place % 2 == 0 ? parent(node, sibling) : parent(sibling, node);
            place /= 2;
        }
        return node == root;
    }

    /** @notice The root of a block with one transaction. */
    function rootOfOne(bytes memory transaction) internal pure returns (bytes32 root) {
        root = leaf(transaction);
        bytes32 empty = keccak256(abi.encodePacked(LEAF, bytes32(0)));
        for (uint256 level = 0; level < DEPTH; level++) {
            root = parent(root, empty);
            empty = parent(empty, empty);
        }
    }

    function leaf(bytes memory transaction) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(LEAF, transaction));
    }

    function parent(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(NODE, left, right));
    }
}
