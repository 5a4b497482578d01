pragma solidity 0.5.17;

import "../lib/PaymentTx.sol";
import "../lib/Position.sol";

/**
 * @notice Hashes transactions as their signers do, and recovers who signed.
 */
contract Signing {
    bytes32 internal constant INPUT_TYPE = keccak256("Input(uint256 blknum,uint256 txindex,uint256 oindex)");
    bytes32 internal constant OUTPUT_TYPE = keccak256(
        "Output(uint256 outputType,bytes20 outputGuard,address currency,uint256 amount)"
    );
    bytes32 private constant DOMAIN_TYPE = keccak256(
        "EIP712Domain(string name,string version,address verifyingContract,bytes32 salt)"
    );
    bytes32 private constant SALT = 0xfad5c7f626d80f9256ef01929f3beb96e058b8b4b0e3fe52d84f054c0e2a7a83;
    // Half of the curve's order: a signature with a larger s is the malleable twin of another one.
    uint256 private constant MAX_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    bytes32 private domainSeparator;

    constructor(address framework, string memory version) internal {
        domainSeparator = keccak256(
            abi.encode(DOMAIN_TYPE, keccak256("OMG Network"), keccak256(bytes(version)), framework, SALT)
        );
    }

    function requireSigned(PaymentTx.Transaction memory transaction, bytes memory signature, address owner)
        internal
        view
    {
        address signer = recover(signingHash(transaction), signature);
        require(signer != address(0), "Failed to recover the signer from the signature");
        require(signer == owner, "Tx is not signed correctly");
    }

    function signingHash(PaymentTx.Transaction memory transaction) private view returns (bytes32) {
        return keccak256(abi.encodePacked("\x19\x01", domainSeparator, structHash(transaction)));
    }

    function inputHash(uint256 utxoPos) internal pure returns (bytes32) {
        Position.check(utxoPos, maxBlock());
        return keccak256(
            abi.encode(
                INPUT_TYPE,
                Position.blockNumber(utxoPos),
                Position.txIndex(utxoPos),
                Position.outputIndex(utxoPos)
            )
        );
    }

    function outputHash(PaymentTx.Output memory output) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(OUTPUT_TYPE, output.outputType, bytes20(address(output.owner)), output.token, output.amount)
        );
    }

    function recover(bytes32 digest, bytes memory signature) private pure returns (address) {
        if (signature.length != 65) {
            return address(0);
        }
        bytes32 r;
        uint256 s;
        uint8 v;
        assembly {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
        if (s > MAX_S || (v != 27 && v != 28)) {
            return address(0);
        }
        return ecrecover(digest, v, r, bytes32(s));
    }

    function rules() internal pure returns (PaymentTx.Rules memory);
    function maxBlock() internal pure returns (uint256);
    function structHash(PaymentTx.Transaction memory transaction) internal pure returns (bytes32);
}
