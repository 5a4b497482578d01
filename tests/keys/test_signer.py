"""The signer keeps its key to itself and signs only what its policy lists."""

import copy
import pickle
from dataclasses import replace
from typing import Any

import pytest
from coincurve import PrivateKey
from eth_account import Account
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from plasma_guard.domain.errors import GuardError, MalformedError, PolicyViolation
from plasma_guard.domain.primitives import Address, Hash32, Wei
from plasma_guard.keys import LocalSigner, SigningPolicy
from plasma_guard.keys import signer as module
from support.clock import FakeClock

KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
ACCOUNT = Address.parse("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266")
GAME = Address(b"\x11" * 20)
CHALLENGE, START = b"\x01\x02\x03\x04", b"\x05\x06\x07\x08"
BOND = Wei(31 * 10**15)
POLICY = SigningPolicy(
    chain_id=31337, calls={GAME: {CHALLENGE: {Wei(0)}, START: {BOND}}}, max_gas_cost=Wei(10**17)
)


def transaction(**changes: Any) -> dict[str, Any]:
    return {
        "chainId": 31337,
        "nonce": 3,
        "to": GAME,
        "value": 0,
        "data": CHALLENGE + b"\x99" * 64,
        "gas": 300_000,
        "maxFeePerGas": 10**11,
        "maxPriorityFeePerGas": 10**9,
        **changes,
    }


def legacy(**changes: Any) -> dict[str, Any]:
    fields = transaction(gasPrice=10**11, **changes)
    del fields["maxFeePerGas"], fields["maxPriorityFeePerGas"]
    return fields


@pytest.fixture
def signer() -> LocalSigner:
    return LocalSigner(KEY, POLICY)


@pytest.mark.parametrize("fields", [transaction(), legacy()])
def test_an_allowed_call_is_signed_by_the_account(signer: LocalSigner, fields: dict[str, Any]) -> None:
    """Both kinds of transaction recover to the account, and the hash is that of the bytes."""
    raw, tx_hash = signer.sign_transaction(fields)
    assert Address.parse(Account.recover_transaction(raw)) == ACCOUNT == signer.address
    assert isinstance(tx_hash, Hash32)
    assert (raw[0] == 2) == ("gasPrice" not in fields)


def test_the_same_transaction_is_signed_to_the_same_bytes(signer: LocalSigner) -> None:
    """Deterministic signatures: signing again after a crash makes no second transaction."""
    assert signer.sign_transaction(transaction()) == signer.sign_transaction(transaction())


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"chainId": 1}, "chain id 1"),
        ({"to": Address(b"\x22" * 20)}, "not among the contracts"),
        ({"to": None}, "contract creation"),
        ({"data": b"\xa9\x05\x9c\xbb" + bytes(64)}, "0xa9059cbb"),
        ({"data": b""}, "the function 0x "),
        ({"data": CHALLENGE[:3]}, "0x010203"),
        ({"value": 1}, "1 wei"),
        ({"data": START, "value": int(BOND) + 1}, "exactly these are allowed: 31000000000000000"),
        ({"data": START, "value": 0}, "exactly these"),
        ({"gas": 1_000_001}, "gas cost"),
        ({"to": ACCOUNT, "data": b"", "value": 1}, "not among the contracts"),
        ({"to": ACCOUNT, "data": b"\x01"}, "not among the contracts"),
    ],
)
@pytest.mark.parametrize("form", [transaction, legacy])
def test_everything_else_is_refused(
    signer: LocalSigner, form: Any, changes: dict[str, Any], rule: str
) -> None:
    """Another chain, contract, function, value or price never gets a signature."""
    with pytest.raises(PolicyViolation, match=rule) as caught:
        signer.sign_transaction(form(**changes))
    assert isinstance(caught.value, GuardError)


def test_a_bond_of_the_exact_value_and_an_empty_self_transfer_are_allowed(signer: LocalSigner) -> None:
    """The first starts an exit, the second frees a nonce."""
    signer.sign_transaction(transaction(data=START, value=int(BOND)))
    signer.sign_transaction(transaction(to=ACCOUNT, data=b""))


@pytest.mark.parametrize(
    "changes",
    [{"accessList": []}, {"gasPrice": 1}, {"authorizationList": []}, {"type": 4, "blobVersionedHashes": []}],
)
def test_fields_the_policy_does_not_know_are_refused(signer: LocalSigner, changes: dict[str, Any]) -> None:
    """An authorization list, for one, would hand the account to somebody."""
    with pytest.raises(PolicyViolation, match="fields"):
        signer.sign_transaction(transaction(**changes))


@pytest.mark.parametrize(
    ("name", "value"),
    [("nonce", "3"), ("nonce", -1), ("value", 2**256), ("gas", True), ("to", "0x11"), ("data", "0x")],
)
def test_fields_of_a_wrong_type_are_named(signer: LocalSigner, name: str, value: object) -> None:
    """Nothing is guessed from text."""
    with pytest.raises(MalformedError, match=f"^{name}"):
        signer.sign_transaction(transaction(**{name: value}))


@pytest.mark.parametrize("form", [transaction, legacy])
def test_bytes_that_are_not_what_was_asked_for_do_not_leave(
    signer: LocalSigner, form: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong key, an edited field: both are found by reading the signed bytes back."""
    honest = module._signed

    def lie(key: bytes = KEY, **changes: Any) -> None:
        monkeypatch.setattr(
            module, "_signed", lambda wanted, _: honest({**wanted, **changes}, PrivateKey(key))
        )

    lie(key=b"\x01" * 32)
    with pytest.raises(PolicyViolation, match="another account"):
        signer.sign_transaction(form())
    for name, value in (("nonce", 4), ("to", b"\x22" * 20), ("value", 5), ("data", b""), ("gas", 21_001)):
        changed: dict[str, Any] = {name: value}
        lie(**changed)
        with pytest.raises(PolicyViolation, match=f"differs from what was asked for in {name}"):
            signer.sign_transaction(form())


@given(
    st.sampled_from([transaction, legacy]),
    st.integers(1, 2**256 - 1).map(lambda key: key.to_bytes(32)),
    st.integers(0, 2**64 - 2),
    st.binary(max_size=300),
)
def test_the_bytes_are_those_of_another_library(form: Any, key: bytes, nonce: int, data: bytes) -> None:
    """To the last bit, whatever the key, so that there is nothing to choose between the two."""
    try:
        signer = LocalSigner(key, POLICY)
    except MalformedError:  # the curve has no such key
        return
    fields = form(nonce=nonce, data=CHALLENGE + data)
    raw, tx_hash = signer.sign_transaction(fields)
    signed = Account.from_key(key).sign_transaction(fields)
    assert (raw, tx_hash) == (signed.raw_transaction, signed.hash)


def test_the_signer_shows_and_gives_away_nothing_of_the_key(signer: LocalSigner) -> None:
    """Neither repr nor str shows it; pickling and copying are refused."""
    assert repr(signer) == str(signer) == f"LocalSigner({ACCOUNT})"
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            take(signer)
    assert not hasattr(signer, "__dict__")


@given(st.binary(min_size=0, max_size=64))
def test_a_key_of_any_shape_is_held_or_refused_without_being_shown(key: bytes) -> None:
    """The message of a refusal has no part of it."""
    try:
        LocalSigner(key, POLICY)
    except MalformedError as error:
        assert len(key) < 4 or key.hex() not in str(error)  # noqa: PT017 : either result is right
    else:
        assert len(key) == 32


def signer_of(**changes: Any) -> tuple[LocalSigner, FakeClock]:
    clock = FakeClock()
    return LocalSigner(KEY, replace(POLICY, **changes), clock.monotonic), clock


COST = 300_000 * 10**11
"""What `transaction` costs at worst, in wei."""


@pytest.mark.parametrize("form", [transaction, legacy])
def test_a_day_has_a_cap_of_its_own_and_then_begins_anew(form: Any) -> None:
    """The signer's own count: no outcome that somebody reports makes room."""
    signer, clock = signer_of(max_gas_cost_per_day=Wei(2 * COST))
    for nonce in (3, 4):
        signer.sign_transaction(form(nonce=nonce))
    with pytest.raises(PolicyViolation, match=f"{3 * COST} wei in 24 hours"):
        signer.sign_transaction(form(nonce=5))
    with pytest.raises(PolicyViolation, match="24 hours"):
        signer.sign_transaction(form(nonce=5, to=ACCOUNT, data=b""))
    clock.advance(86_400)
    signer.sign_transaction(form(nonce=5))


def test_replacements_count_once_and_with_the_dearest() -> None:
    """Only one transaction of a nonce is ever mined."""
    signer, _ = signer_of(max_gas_cost_per_day=Wei(2 * COST))
    signer.sign_transaction(transaction(nonce=4))
    for price in (10**11, 10**11, 10**10, 10**11):
        signer.sign_transaction(transaction(maxFeePerGas=price))
    with pytest.raises(PolicyViolation, match="24 hours"):
        signer.sign_transaction(transaction(maxFeePerGas=10**11 + 1))


def test_a_call_that_pays_another_sender_is_not_signed() -> None:
    """Where calldata names who gets the bond, it must be this account."""
    signer, _ = signer_of(bound={CHALLENGE: 36})
    own = transaction(data=CHALLENGE + bytes(32) + keccak(ACCOUNT))
    signer.sign_transaction(own)
    for data in (CHALLENGE + bytes(32) + keccak(GAME), CHALLENGE + bytes(32), CHALLENGE):
        with pytest.raises(PolicyViolation, match="names another recipient"):
            signer.sign_transaction({**own, "data": data})
