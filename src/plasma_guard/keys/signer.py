"""The signer that holds a key in this process."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, SupportsIndex

import coincurve
import rlp

from plasma_guard.domain.errors import MalformedError, PolicyViolation
from plasma_guard.domain.primitives import Address, Hash32, shorten
from plasma_guard.keys.allowance import Allowance
from plasma_guard.keys.policy import SigningPolicy
from plasma_guard.plasma.keccak import digest, keccak
from plasma_guard.plasma.rlp import encode_integer, encode_list, encode_string

KEY_LENGTH = 32
_DYNAMIC_FEE = 2
_FIELDS = frozenset(
    {
        "type",
        "chainId",
        "nonce",
        "to",
        "value",
        "data",
        "gas",
        "gasPrice",
        "maxFeePerGas",
        "maxPriorityFeePerGas",
    }
)


class LocalSigner:
    """Implements the Signer port; shows its address and nothing else of the key, and cannot be pickled."""

    __slots__ = ("__key", "__policy", "_address", "_allowance")

    def __init__(
        self, key: bytes, policy: SigningPolicy, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Hold a 32-byte private key; raises `MalformedError` when the curve has no such key."""
        self._address = address_of(key)
        self.__key = coincurve.PrivateKey(key)
        self.__policy = policy
        self._allowance = Allowance(policy.max_gas_cost_per_day, clock)

    @property
    def address(self) -> Address:
        """The account."""
        return self._address

    def sign_transaction(self, transaction: Mapping[str, object]) -> tuple[bytes, Hash32]:
        """Return (raw bytes, hash) of a transaction in JSON-RPC's field names, with integers and bytes.

        EIP-1559 when `maxFeePerGas` is given, with `gasPrice` a transaction from before it. Raises
        `PolicyViolation` for what this signer must not sign, and when what came out is not what went in.
        """
        wanted = _normalized(transaction)
        legacy = "gasPrice" in wanted
        max_fee = wanted["gasPrice"] if legacy else wanted["maxFeePerGas"]
        nonce, worst = wanted["nonce"], wanted["gas"] * max_fee
        self.__policy.check(
            self._address,
            to=wanted["to"],
            value=wanted["value"],
            data=wanted["data"],
            gas=wanted["gas"],
            max_fee=max_fee,
            chain_id=wanted["chainId"],
        )
        self._allowance.check(nonce, worst)
        raw = _signed(wanted, self.__key)
        _verify(raw, wanted, self._address)
        self._allowance.note(nonce, worst)
        return raw, keccak(raw)

    def __repr__(self) -> str:
        return f"LocalSigner({self._address})"

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a signer cannot be pickled or copied: it would take the key with it")


def address_of(key: bytes) -> Address:
    """Return the address of a private key; raises `MalformedError` without showing one that is none."""
    if len(key) != KEY_LENGTH:
        raise MalformedError(f"private key: expected {KEY_LENGTH} bytes, got {len(key)}")
    try:
        public = coincurve.PublicKey.from_valid_secret(key)
    except ValueError:
        raise MalformedError("private key: out of range: the curve has no key of this value") from None
    return _address(public)


def _normalized(transaction: Mapping[str, object]) -> dict[str, Any]:
    """Return a copy with exactly the expected fields and plain types."""
    unknown = transaction.keys() - _FIELDS
    prices = {"gasPrice"} if "gasPrice" in transaction else {"maxFeePerGas", "maxPriorityFeePerGas"}
    required = {"chainId", "nonce", "value", "data", "gas", "to"} | prices
    missing = required - transaction.keys()
    if unknown or missing or transaction.keys() - required - {"type"}:
        extra = sorted(transaction.keys() - required)
        raise PolicyViolation(f"transaction fields: missing {sorted(missing)}, not expected {extra}")
    wanted: dict[str, Any] = {}
    for name in required - {"to", "data"}:
        value = transaction[name]
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**256:
            raise MalformedError(f"{name}: expected an integer of 0..2^256-1, got {shorten(value)}")
        wanted[name] = int(value)
    to, data = transaction["to"], transaction["data"]
    if to is not None and not isinstance(to, bytes):
        raise MalformedError(f"to: expected 20 bytes, got {shorten(to)}")
    if not isinstance(data, bytes):
        raise MalformedError(f"data: expected bytes, got {type(data).__name__}")
    wanted["to"] = None if to is None else Address(to)
    wanted["data"] = bytes(data)
    if "gasPrice" not in wanted:
        wanted["type"] = _DYNAMIC_FEE
    return wanted


def _signed(wanted: dict[str, Any], key: coincurve.PrivateKey) -> bytes:
    """Return the signed bytes: EIP-1559, or EIP-155 for a transaction from before it."""
    call = [
        encode_integer(wanted["gas"]),
        encode_string(wanted["to"] or b""),
        encode_integer(wanted["value"]),
        encode_string(wanted["data"]),
    ]
    chain_id, nonce = wanted["chainId"], encode_integer(wanted["nonce"])
    if "gasPrice" in wanted:
        items = [nonce, encode_integer(wanted["gasPrice"]), *call]
        for_this_chain = [encode_integer(each) for each in (chain_id, 0, 0)]
        parity, r, s = _signature(encode_list([*items, *for_this_chain]), key)
        return encode_list([*items, encode_integer(35 + 2 * chain_id + parity), r, s])
    prices = [encode_integer(wanted[each]) for each in ("maxPriorityFeePerGas", "maxFeePerGas")]
    items = [encode_integer(chain_id), nonce, *prices, *call, encode_list(())]
    parity, r, s = _signature(bytes([_DYNAMIC_FEE]) + encode_list(items), key)
    return bytes([_DYNAMIC_FEE]) + encode_list([*items, encode_integer(parity), r, s])


def _signature(preimage: bytes, key: coincurve.PrivateKey) -> tuple[int, bytes, bytes]:
    """Return parity, and r and s encoded; by RFC 6979, so that signing twice gives the same bytes."""
    signature = key.sign_recoverable(digest(preimage), hasher=None)
    r, s = (encode_integer(_number(part)) for part in (signature[:32], signature[32:64]))
    return signature[64], r, s


def _verify(raw: bytes, wanted: dict[str, Any], account: Address) -> None:
    """Read the signed bytes back: their sender and every field must be those asked for."""
    read, signing_hash, signature = _read_back(raw)
    try:
        public = coincurve.PublicKey.from_signature_and_message(signature, signing_hash, hasher=None)
    except ValueError:
        raise PolicyViolation("signed transaction: has no valid signature; nothing left the signer") from None
    if _address(public) != account:
        raise PolicyViolation("signed transaction: recovers to another account; nothing left the signer")
    changed = sorted(name for name in wanted if name != "type" and read.get(name) != wanted[name])
    if read["accessList"]:
        changed.append("accessList")
    if changed:
        raise PolicyViolation(f"signed transaction: differs from what was asked for in {', '.join(changed)}")


def _read_back(raw: bytes) -> tuple[dict[str, Any], bytes, bytes]:
    """Return (fields, signing hash, 65 bytes r|s|v) of EIP-1559 bytes, or of EIP-155 bytes from before it.

    Read by other code than wrote them, so that one mistake cannot hide the other.
    """
    if raw[0] == _DYNAMIC_FEE:
        chain_id, nonce, tip, max_fee, gas, to, value, data, access_list, parity, r, s = rlp.decode(raw[1:])
        unsigned = [chain_id, nonce, tip, max_fee, gas, to, value, data, access_list]
        preimage = bytes([_DYNAMIC_FEE]) + rlp.encode(unsigned)
        prices = {"maxFeePerGas": _number(max_fee), "maxPriorityFeePerGas": _number(tip)}
        fields = {"chainId": _number(chain_id), "accessList": access_list, **prices}
        recovery_id = _number(parity)
    else:
        nonce, price, gas, to, value, data, v, r, s = rlp.decode(raw)
        # EIP-155: v = 35 or 36 + 2 * chain id.
        chain_id, recovery_id = divmod(_number(v) - 35, 2)
        preimage = rlp.encode([nonce, price, gas, to, value, data, chain_id, 0, 0])
        fields = {"chainId": chain_id, "accessList": [], "gasPrice": _number(price)}
    fields |= {"nonce": _number(nonce), "gas": _number(gas), "to": to, "value": _number(value), "data": data}
    return fields, digest(preimage), r.rjust(32, b"\0") + s.rjust(32, b"\0") + bytes([recovery_id & 3])


def _number(digits: bytes) -> int:
    return int.from_bytes(digits, "big")


def _address(public: coincurve.PublicKey) -> Address:
    return Address(digest(public.format(compressed=False)[1:])[-20:])
