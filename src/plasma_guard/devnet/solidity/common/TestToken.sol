pragma solidity 0.5.17;

/**
 * @notice An ERC-20 token anybody may mint, with a switch that makes its transfers fail.
 */
contract TestToken {
    string public name;
    string public symbol;
    uint8 public constant decimals = 18;
    uint256 public totalSupply;
    bool public transfersFail;

    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(string memory _name, string memory _symbol) public {
        name = _name;
        symbol = _symbol;
    }

    function mint(address to, uint256 amount) external returns (bool) {
        totalSupply += amount;
        require(totalSupply >= amount, "Total supply overflows");
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
        return true;
    }

    /** @notice From now on, make every outgoing transfer revert, or stop doing so. */
    function setTransfersFail(bool fail) external {
        transfersFail = fail;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        _approve(msg.sender, spender, amount);
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        require(!transfersFail, "Transfers of this token fail");
        _move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        require(allowance[from][msg.sender] >= amount, "Allowance is too small");
        _move(from, to, amount);
        _approve(from, msg.sender, allowance[from][msg.sender] - amount);
        return true;
    }

    function _approve(address owner, address spender, uint256 amount) private {
        allowance[owner][spender] = amount;
        emit Approval(owner, spender, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        require(balanceOf[from] >= amount, "Balance is too small");
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }
}
