"""Answers of any shape: read exactly, or blamed on the endpoint, and nothing else ever happens."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_guard.chain import shapes
from plasma_guard.chain.failures import EndpointMisbehaved, RpcAnsweredError
from plasma_guard.chain.reverts import as_revert, reason
from plasma_guard.domain.primitives import Hash32

TX_HASH = Hash32(b"\x01" * 32)
HEX = st.one_of(
    st.binary(max_size=40).map(lambda data: "0x" + data.hex()),
    st.integers(min_value=0, max_value=2**260).map(hex),
    st.just(str(TX_HASH)),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), HEX),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "number",
    "hash",
    "timestamp",
    "parentHash",
    "address",
    "topics",
    "data",
    "blockNumber",
    "blockHash",
    "transactionHash",
    "logIndex",
    "status",
    "gasUsed",
    "effectiveGasPrice",
    "removed",
    "input",
]
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), JSON | HEX | st.lists(HEX, max_size=4))


@given(st.one_of(JSON, OBJECTS))
def test_any_answer_is_read_or_blamed_on_the_endpoint(answer: Any) -> None:
    """No answer raises anything but `EndpointMisbehaved`."""
    for read in (
        lambda: shapes.block(answer),
        lambda: shapes.log(answer),
        lambda: shapes.receipt(answer, TX_HASH),
        lambda: shapes.transaction_input(answer, TX_HASH),
        lambda: shapes.quantity(answer, "field"),
        lambda: shapes.data(answer, "field"),
        lambda: shapes.hash32(answer, "field"),
        lambda: shapes.sequence(answer, "field"),
    ):
        with suppress(EndpointMisbehaved):
            read()


@given(st.integers(), st.text(max_size=40), JSON)
def test_any_error_is_a_refusal_or_not(code: int, message: str, data: Any) -> None:
    """Neither the words nor the data of a node's error can break their reader."""
    revert = as_revert(RpcAnsweredError(code, message, data))
    assert revert is None or isinstance(revert.data, bytes)


@given(st.sampled_from(["08c379a0", "4e487b71", ""]), st.binary(max_size=140))
def test_any_revert_data_has_a_printable_reason_or_none(selector: str, body: bytes) -> None:
    """A contract can return anything."""
    told = reason(bytes.fromhex(selector) + body)
    assert told is None or told.isprintable()


@given(st.integers(min_value=0, max_value=2**256 - 1))
def test_quantities_are_read_exactly(value: int) -> None:
    """Up to 256 bits, in any letter case."""
    assert shapes.quantity(hex(value), "field") == value
    assert shapes.quantity("0X" + f"{value:X}", "field") == value


@pytest.mark.parametrize("value", ["0x", "12", "0x-1", "0x 1", "0x1_0", "0x" + "f" * 65, 1, 1.0, True, None])
def test_what_is_no_quantity_is_refused(value: object) -> None:
    """Python's own leniency about integers does not apply."""
    with pytest.raises(EndpointMisbehaved, match="field"):
        shapes.quantity(value, "field")
