"""What the EIP-712 hashes of all generations have in common."""

from functools import lru_cache

from plasma_guard.domain.primitives import Address
from plasma_guard.plasma.keccak import digest

_DOMAIN_TYPE = digest(b"EIP712Domain(string name,string version,address verifyingContract,bytes32 salt)")
_NAME = digest(b"OMG Network")
_SALT = bytes.fromhex("fad5c7f626d80f9256ef01929f3beb96e058b8b4b0e3fe52d84f054c0e2a7a83")

INPUT_STRUCT = b"Input(uint256 blknum,uint256 txindex,uint256 oindex)"
INPUT_TYPE = digest(INPUT_STRUCT)


@lru_cache(maxsize=64)
def domain_separator(version: str, verifying_contract: Address) -> bytes:
    """Return the domain's hash; it has no chain id, the contract's address alone tells chains apart."""
    return digest(_DOMAIN_TYPE + _NAME + digest(version.encode()) + left_padded(verifying_contract) + _SALT)


def left_padded(address: bytes) -> bytes:
    """Return an `address` as a 32-byte word."""
    return address.rjust(32, b"\0")


def word(value: int) -> bytes:
    """Return a `uint256` as a 32-byte word."""
    return value.to_bytes(32)


def input_hash(blknum: int, txindex: int, oindex: int) -> bytes:
    """Return the hash of the struct Input."""
    return digest(INPUT_TYPE + word(blknum) + word(txindex) + word(oindex))


EMPTY_INPUT = input_hash(0, 0, 0)


def signing_hash(domain: bytes, struct: bytes) -> bytes:
    """Return what is signed: keccak256(0x1901, domain separator, struct hash)."""
    return digest(b"\x19\x01" + domain + struct)
