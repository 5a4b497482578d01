pragma solidity 0.5.17;

/**
 * @title A binary min-heap of exit priorities, one per token, written to by its RootChain only.
 * @notice Reading or popping the head of an empty queue runs into an invalid opcode and burns the gas given to it.
 */
contract RootChainQueue {
    address private owner;
    uint256[] private heap;

    modifier onlyOwner() {
        require(msg.sender == owner);
        _;
    }

    constructor() public {
        owner = msg.sender;
    }

    /// Adds an element; equal elements may be queued more than once.
    function insert(uint256 element) external onlyOwner {
        heap.push(element);
        uint256 at = heap.length - 1;
        while (at > 0) {
            uint256 above = (at - 1) / 2;
            if (heap[above] <= element) {
                break;
            }
            heap[at] = heap[above];
            at = above;
        }
        heap[at] = element;
    }

    /// Removes and returns the smallest element.
    function delMin() external onlyOwner returns (uint256 smallest) {
        smallest = heap[0];
        uint256 moved = heap[heap.length - 1];
        heap.pop();
        uint256 size = heap.length;
        if (size == 0) {
            return smallest;
        }
        uint256 at = 0;
        while (2 * at + 1 < size) {
            uint256 child = 2 * at + 1;
            if (child + 1 < size && heap[child + 1] < heap[child]) {
                child++;
            }
            if (moved <= heap[child]) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = moved;
    }

    function getMin() external view returns (uint256) {
        return heap[0];
    }

    function currentSize() external view returns (uint256) {
        return heap.length;
    }
}
