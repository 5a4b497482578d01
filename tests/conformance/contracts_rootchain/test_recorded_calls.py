"""Every recorded call does on our RootChain what it did on the original, byte for byte."""

from __future__ import annotations

import pytest

from conformance.contracts_rootchain.replay import logs_at, lower, typed
from conformance.contracts_rootchain.story import CALLDATA, CASES, REVERTS, Story

pytestmark = pytest.mark.asyncio(loop_scope="session")

# `init` is the deployment itself, which has to succeed for any other test to run.
SENT = [key for key in CASES if key[0] != "init"]


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
    """Owners, operator and, for a misread exit, the zero address get the recorded wei."""
    assert story.calls[key].payouts == {who: int(wei) for who, wei in CASES[key]["payouts"].items()}


@pytest.mark.parametrize("key", [key for key in SENT if key[0] == "processExits"], ids=name_of)
async def test_processing_finds_and_leaves_the_recorded_queue(story: Story, key: tuple[str, int]) -> None:
    """Queues are as long as recorded before and after: nothing more and nothing less was queued or popped."""
    observed, case = story.calls[key], CASES[key]
    sizes = (observed.queue_before, observed.queue_after)
    assert sizes == (case["queue_size_before"], case["queue_size_after"])


async def test_challenged_exits_leave_the_queue_unpaid(story: Story) -> None:
    """The first processing pops four exits that were challenged away; nobody is paid."""
    popped = story.calls["processExits", 0]
    assert popped.payouts == {}
    assert popped.sent.logs == ()


@pytest.mark.parametrize("key", list(CASES), ids=name_of)
async def test_our_abi_encodes_the_recorded_calldata(story: Story, key: tuple[str, int]) -> None:
    """Name and argument types of our functions give the recorded calldata."""
    case = CASES[key]
    assert story.chain.encode(key[0], *typed(key[0], list(case["args"].values()))) == case["calldata"]


@pytest.mark.parametrize("index", list(REVERTS))
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


async def test_nothing_recorded_is_left_out(story: Story) -> None:
    """Every recorded call and every recorded refusal is played, and each call once."""
    assert set(story.calls) == set(SENT)
    assert set(story.refusals) == set(REVERTS)
