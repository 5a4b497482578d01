"""Keccak-256, the hash of everything on both chains."""

from Crypto.Hash import keccak as _keccak

from plasma_guard.domain.primitives import Hash32


def keccak(data: bytes) -> Hash32:
    """Return the 32-byte Keccak-256 digest (the original padding, not SHA3-256's)."""
    return Hash32(_keccak.new(data=data, digest_bits=256).digest())
