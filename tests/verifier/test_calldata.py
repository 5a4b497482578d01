"""Transactions and signatures are found in a call, whoever forwarded it and however it is laid out."""

import pytest

from plasma_guard.verifier.calldata import signatures_in, transactions_in
from verifier.in_flight_world import InFlightWorld, calldata
from verifier.world import ALICE, BOB


@pytest.mark.parametrize("before", [b"", b"\x00", bytes(4), bytes(68), b"\xff" * 33, bytes(31) + b"\x41"])
def test_found_at_any_offset(game: InFlightWorld, before: bytes) -> None:
    """What stands in front, an outer call's selector and arguments, does not matter."""
    decoded = game.rules.decode_signed(game.spend(game.deposit(ALICE, 10), ALICE, BOB))
    inside = before + calldata(decoded.tx.raw, decoded.signatures[0])
    assert [tx.raw for tx in transactions_in(game.rules, inside)] == [decoded.tx.raw]
    assert decoded.signatures[0] in signatures_in(inside)


def test_a_transaction_at_the_very_end(game: InFlightWorld) -> None:
    """A transaction may end with the call; one that is cut short is none."""
    raw = game.raw(game.spend(game.deposit(ALICE, 10), ALICE, BOB))
    inside = len(raw).to_bytes(32) + raw
    assert [tx.raw for tx in transactions_in(game.rules, inside)] == [raw]
    assert list(transactions_in(game.rules, inside[:-1])) == []


def test_what_is_no_transaction_is_passed_over(game: InFlightWorld) -> None:
    """Lists that are none of this generation's transactions, and signed forms, are skipped."""
    signed = game.spend(game.deposit(ALICE, 10), ALICE, BOB)
    raw = game.raw(signed)
    inside = calldata(b"\xc0", b"\xc2\xc0\xc0", b"\xf8\xff", raw, b"\xc1")
    assert [tx.raw for tx in transactions_in(game.rules, inside)] == [raw]
    assert signatures_in(b"") == []
    assert list(transactions_in(game.rules, b"")) == []


def test_signatures_may_lie_next_to_each_other(game: InFlightWorld) -> None:
    """Every string of 65 bytes is found, in order, also several in a row."""
    signatures = [bytes([n]) * 65 for n in (1, 2, 3)]
    assert signatures_in(calldata(*signatures)) == signatures
