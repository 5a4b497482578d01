pragma solidity 0.5.17;

import "../lib/Only.sol";

/**
 * @notice A binary heap of exit priorities, smallest first; slot 0 stays unused so that the parent of i is i / 2.
 */
contract PriorityQueue is Only {
    address public framework;
    uint256[] private heap;

    constructor() public {
        framework = msg.sender;
        heap.push(0);
    }

    function currentSize() public view returns (uint256) {
        return heap.length - 1;
    }

    function heapList() external view returns (uint256[] memory) {
        return heap;
    }

    function getMin() external view returns (uint256) {
        require(currentSize() > 0, "Queue is empty");
        return heap[1];
    }

    function insert(uint256 priority) external onlyFrom(framework) {
        heap.push(priority);
        uint256 place = currentSize();
        while (place > 1 && heap[place / 2] > priority) {
            heap[place] = heap[place / 2];
            place /= 2;
        }
        heap[place] = priority;
    }

    function delMin() external onlyFrom(framework) returns (uint256 smallest) {
        require(currentSize() > 0, "Queue is empty");
        smallest = heap[1];
        uint256 moved = heap[currentSize()];
        heap.pop();
        uint256 size = currentSize();
        if (size == 0) {
            return smallest;
        }
        uint256 place = 1;
        uint256 child = 2;
        while (child <= size) {
            if (child < size && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= moved) {
                break;
            }
            heap[place] = heap[child];
            place = child;
            child = 2 * place;
        }
        heap[place] = moved;
    }
}
