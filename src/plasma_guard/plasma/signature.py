"""Signatures of 65 bytes: r, s, v."""

from coincurve import PrivateKey, PublicKey

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.primitives import Address
from plasma_guard.plasma.keccak import digest

LENGTH = 65
EMPTY = bytes(LENGTH)
"""What fills an unused signature slot of a signed rootchain v0.2 transaction."""
_V_BASE = 27
_HALF_ORDER = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0
_KEY_BYTES = 32


def sign(digest_: bytes, private_key: bytes) -> bytes:
    """Return r, s (low), v (27 or 28) by RFC 6979, so that signing twice gives the same bytes."""
    if len(private_key) != _KEY_BYTES:
        raise MalformedError(f"private key: expected {_KEY_BYTES} bytes, got {len(private_key)}")
    signature = PrivateKey(private_key).sign_recoverable(digest_, hasher=None)
    return signature[:64] + bytes([_V_BASE + signature[64]])


def recover(digest_: bytes, signature: bytes, *, strict: bool) -> Address:
    """Return the signer's address.

    Raises `MalformedError` for what the contracts cannot recover from. `strict` is ald's rule (ECDSA.recover:
    v is 27 or 28, s at most half the order); otherwise rootchain v0.2's (ECRecovery: v may be 0 or 1, any s).
    """
    if len(signature) != LENGTH:
        raise MalformedError(f"signature: expected {LENGTH} bytes, got {len(signature)}")
    v = signature[64]
    parity = v - _V_BASE if v >= _V_BASE or strict else v
    if parity not in (0, 1):
        allowed = "27 or 28" if strict else "27, 28, 0 or 1"
        raise MalformedError(f"signature: v must be {allowed}, got {v}")
    if strict and int.from_bytes(signature[32:64]) > _HALF_ORDER:
        raise MalformedError("signature: s is in the upper half of its range, which the contract refuses")
    try:
        key = PublicKey.from_signature_and_message(signature[:64] + bytes([parity]), digest_, hasher=None)
    except Exception as error:  # coincurve raises bare Exception when no key fits r and s
        raise MalformedError("signature: no public key fits r and s") from error
    return Address(digest(key.format(compressed=False)[1:])[12:])
