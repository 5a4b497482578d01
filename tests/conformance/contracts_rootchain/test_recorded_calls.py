"""Every recorded call of the scope does on our RootChain what it did on the original, byte for byte."""

from __future__ import annotations

import pytest

from conformance.contracts_rootchain.replay import logs_at, lower, typed
from conformance.contracts_rootchain.story import (
    CALLDATA,
    CASES,
    NOT_REPLAYED,
    REFUSED,
    REPLAYED,
    REVERTS,
    REVERTS_NOT_REPLAYED,
    Story,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

# `init` is the deployment itself, which has to succeed for any other test to run.
SENT = [key for key in REPLAYED if key[0] != "init"]


def name_of(key: tuple[str, int]) -> str:
    return f"{key[0]}-{key[1]}"


@pytest.mark.parametrize("key", SENT, ids=name_of)
async def test_recorded_call_succeeds_with_the_recorded_events(story: Story, key: tuple[str, int]) -> None:
    """Topics and data of every event of the contract equal the recording, in the same order."""
    sent = story.calls[key].sent
    assert sent.succeeded
    assert sent.logs == logs_at(CALLDATA["root_chain"], CASES[key]["logs"])


@pytest.mark.parametrize("key", SENT, ids=name_of)
async def test_sender_gains_or_pays_the_recorded_wei(story: Story, key: tuple[str, int]) -> None:
    """Bonds, deposits and rewards are the recorded ones to the wei."""
    assert story.calls[key].sent.gain == int(CASES[key]["sender_balance_change_excluding_gas"])


@pytest.mark.parametrize("key", [key for key in SENT if CASES[key].get("reads_after")], ids=name_of)
async def test_state_after_the_call_reads_as_recorded(story: Story, key: tuple[str, int]) -> None:
    """Exits, blocks, in-flight entries and queues read the same after the call."""
    for read, recorded in zip(story.calls[key].reads, CASES[key]["reads_after"], strict=True):
        assert lower(read) == lower(recorded["result"]), recorded["call"]


@pytest.mark.parametrize("key", [key for key in SENT if "payouts" in CASES[key]], ids=name_of)
async def test_processing_pays_the_recorded_accounts(story: Story, key: tuple[str, int]) -> None:
    """Owners, operator and, for a misread exit, the zero address get the recorded wei; one exit leaves."""
    observed = story.calls[key]
    assert observed.payouts == {who: int(wei) for who, wei in CASES[key]["payouts"].items()}
    assert observed.queue_before is not None
    assert observed.queue_after == observed.queue_before - 1


async def test_processing_pops_challenged_exits_and_leaves_unripe_ones(story: Story) -> None:
    """Challenged exits leave the queue unpaid; with nothing mature the queue keeps its size."""
    popped, idle = story.calls["processExits", 0], story.calls["processExits", 18]
    assert popped.queue_before is not None
    assert popped.queue_after is not None
    assert popped.queue_after <= popped.queue_before - 3
    assert popped.payouts == {}
    assert idle.queue_before == idle.queue_after == 1


@pytest.mark.parametrize("key", list(NOT_REPLAYED), ids=name_of)
async def test_a_call_that_is_not_replayed_exists(story: Story, key: tuple[str, int]) -> None:
    """The list of exceptions names recorded calls only, and none that was sent after all."""
    assert key in CASES
    assert key not in story.calls


@pytest.mark.parametrize("key", REPLAYED, ids=name_of)
async def test_our_abi_encodes_the_recorded_calldata(story: Story, key: tuple[str, int]) -> None:
    """Name and argument types of our functions give the recorded calldata."""
    case = CASES[key]
    assert story.chain.encode(key[0], *typed(key[0], list(case["args"].values()))) == case["calldata"]


@pytest.mark.parametrize("index", REFUSED)
async def test_recorded_refusal_fails_in_the_same_way(story: Story, index: int) -> None:
    """Each refused call fails with the recorded kind and reason."""
    failure = story.refusals[index]
    assert failure is not None
    assert (failure.kind, failure.reason) == (REVERTS[index]["kind"], REVERTS[index]["reason"])


@pytest.mark.parametrize("index", [90, 92])
async def test_an_empty_queue_burns_nearly_all_gas(story: Story, index: int) -> None:
    """Processing an empty queue is an empty revert that costs 63/64 of the gas, as recorded."""
    failure = story.refusals[index]
    assert failure is not None
    assert abs(failure.gas_used - REVERTS[index]["gas_used"]) < 5_000


async def test_every_refusal_is_replayed_or_named(story: Story) -> None:
    """No recorded refusal of the scope is forgotten."""
    assert set(story.refusals) == set(REFUSED)
    assert set(REVERTS_NOT_REPLAYED).isdisjoint(story.refusals)
