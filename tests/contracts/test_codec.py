"""The ABI codec, given anything a contract or a liar may return."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.recorded import recorded_log
from plasma_guard.contracts.abis import Event, Function, ald, rootchain
from plasma_guard.contracts.ald.revisions import V1, V2
from plasma_guard.domain.errors import ContractError, MalformedError
from plasma_guard.domain.primitives import Address, Hash32

TABLES = [*vars(rootchain).values(), *vars(ald).values(), V1, V2]
RETURNING = [f for f in TABLES if isinstance(f, Function) and f._returns] + [
    V1.standard_exits,
    V2.standard_exits,
]
EVENTS = [e for e in TABLES if isinstance(e, Event)]
EVENTS += [r.exit_started for r in (V1, V2)] + [r.in_flight_exit_started for r in (V1, V2)]


@given(st.sampled_from(RETURNING), st.binary(max_size=300))
def test_any_result_decodes_or_is_a_contract_error(function: Function, result: bytes) -> None:
    """Garbage is named for what it is; nothing else is ever raised."""
    with suppress(ContractError):
        function.decode(result)


@given(
    st.sampled_from(EVENTS),
    st.lists(st.binary(min_size=32, max_size=32), max_size=4),
    st.binary(max_size=300),
)
def test_any_log_decodes_or_is_a_contract_error(event: Event, topics: list[bytes], data: bytes) -> None:
    """A log with the right first topic and anything else."""
    log = recorded_log(
        {
            "address": "0x" + "11" * 20,
            "topics": [str(event.topic), *(str(Hash32(topic)) for topic in topics)],
            "data": "0x" + data.hex(),
        }
    )
    with suppress(ContractError):
        event.decode(log)


def test_a_declaration_gives_the_signature_and_typed_fields() -> None:
    """Indexed fields come from topics, others from data, addresses and hashes with their own types."""
    event = Event("Thing(address indexed who, bytes32 what, uint256 indexed number)")
    assert event.signature == "Thing(address,bytes32,uint256)"
    log = recorded_log(
        {
            "address": "0x" + "11" * 20,
            "topics": [str(event.topic), "0x" + "22".rjust(64, "0"), "0x" + "07".rjust(64, "0")],
            "data": "0x" + "33" * 32,
        }
    )
    assert event.decode(log) == {
        "who": Address.parse("0x" + "22".rjust(40, "0")),
        "what": Hash32(b"\x33" * 32),
        "number": 7,
    }


@pytest.mark.parametrize("declaration", ["Thing", "Thing(", "Thing(uint256 a"])
def test_a_broken_declaration_is_a_programming_error(declaration: str) -> None:
    """Tables are checked when they are loaded."""
    with pytest.raises(ValueError, match="not an event declaration"):
        Event(declaration)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (rootchain.EXITS, (2**192,)),
        (rootchain.EXITS, (-1,)),
        (rootchain.EXITS, ("1",)),
        (rootchain.EXITS, ()),
        (rootchain.SUBMIT_BLOCK, (b"\x01" * 33,)),
        (rootchain.CHALLENGE_STANDARD_EXIT, (1, b"", 256, b"")),
    ],
)
def test_arguments_that_do_not_fit_are_refused(function: Function, arguments: tuple[object, ...]) -> None:
    """The error names the function and its signature; nothing is cut off."""
    with pytest.raises(MalformedError, match=function.name):
        function.encode(*arguments)
