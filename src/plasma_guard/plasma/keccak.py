"""Keccak-256, the hash of everything on both chains."""

from Crypto.Hash.keccak import Keccak_Hash

from plasma_guard.domain.primitives import Hash32

_BYTES = 32


def digest(data: bytes) -> bytes:
    """Return the Keccak-256 of `data` (original padding, not SHA3-256's) as plain bytes."""
    return Keccak_Hash(data, _BYTES, update_after_digest=False).digest()


def keccak(data: bytes) -> Hash32:
    """Return the Keccak-256 of `data` as a value of the vocabulary."""
    return Hash32(digest(data))
