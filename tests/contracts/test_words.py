"""The quick codec of plain values and the general one never differ."""

from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError
from hypothesis import given
from hypothesis import strategies as st

from plasma_guard.contracts.abis import Function, ald, rootchain, words
from plasma_guard.contracts.ald.revisions import REVISIONS
from plasma_guard.domain.errors import ContractError, MalformedError

FUNCTIONS = [
    each
    for table in (ald, rootchain, *REVISIONS.values())
    for each in (getattr(table, name) for name in dir(table))
    if isinstance(each, Function)
]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "uint64": st.integers(0, 2**64 - 1),
    "uint256": st.integers(0, 2**256 - 1),
    "address": st.binary(min_size=20, max_size=20).map(lambda value: "0x" + value.hex()),
    "bytes32": st.binary(min_size=32, max_size=32),
}


def kinds() -> st.SearchStrategy[str]:
    """Return words, and tuples and fixed arrays of them, inside each other."""
    return st.recursive(
        st.sampled_from(sorted(VALUES)),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=4).map(lambda each: f"({','.join(each)})"),
            st.tuples(inner, st.integers(1, 3)).map(lambda each: f"{each[0]}[{each[1]}]"),
        ),
        max_leaves=6,
    )


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """Return types, and words that are mostly of these types."""
    types = draw(st.lists(kinds(), min_size=1, max_size=3))
    count = draw(st.integers(0, 3))
    if draw(st.booleans()):
        types = [f"({','.join(types)})[]"]
    edges = st.sampled_from([2, 2**64, 2**160])
    numbers = st.one_of(edges, st.integers(0, 1), st.integers(0, 2**64 - 1), st.integers(0, 2**256 - 1))
    body = draw(st.lists(numbers, max_size=40))
    head = [32, count] if types[0].endswith("[]") else []
    cut = draw(st.sampled_from([0, 0, 0, 1, 31]))
    data = b"".join(number.to_bytes(32) for number in [*head, *body])
    return types, data[: len(data) - cut]


@given(answers())
def test_what_it_reads_the_general_codec_reads_alike(answer: tuple[list[str], bytes]) -> None:
    """It may decline, but never read anything else, nor read what the other refuses."""
    types, data = answer
    try:
        found = words.decoder(types)(data)
    except words.NotPlain:
        return
    assert found == decode(types, data)


@given(st.data())
def test_what_is_well_formed_it_reads_itself(data: st.DataObject) -> None:
    """Otherwise it would only cost time."""
    types = data.draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4))
    values = tuple(data.draw(VALUES[kind]) for kind in types)
    assert words.decoder(types)(encode(types, values)) == values
    rows = data.draw(st.lists(st.tuples(*(VALUES[kind] for kind in types)), max_size=3))
    listed = f"({','.join(types)})[]"
    assert words.decoder([listed])(encode([listed], [rows])) == (tuple(rows),)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
@given(data=st.binary(max_size=700))
def test_no_answer_is_read_otherwise_by_any_function(function: Function, data: bytes) -> None:
    """Nor is one taken that the general codec refuses."""
    returns = function._returns
    try:
        expected = decode(returns, data)
    except (DecodingError, OverflowError, ValueError):
        with pytest.raises(ContractError):
            function.decode(data)
    else:
        assert function.decode(data) == expected


@given(
    st.sampled_from(["f(uint256)", "f(uint8,uint160)", "f(uint160[])", "f(bool)", "f(uint8[][])"]),
    st.lists(st.one_of(st.integers(-1, 2**256), st.booleans(), st.lists(st.integers(0, 2**161))), max_size=2),
)
def test_arguments_are_written_alike(signature: str, arguments: list[Any]) -> None:
    """Or refused alike: too many, too few, too large, of another type."""
    function = Function(signature)
    try:
        expected = encode(function._arguments, arguments)
    except (EncodingError, OverflowError, TypeError, ValueError):
        with pytest.raises(MalformedError):
            function.encode(*arguments)
    else:
        assert function.encode(*arguments) == function.selector + expected
