"""Ids, priorities and Merkle proofs computed on chain equal the recorded ones."""

from __future__ import annotations

import itertools
from typing import Final

import pytest

from conformance.contracts_rootchain.replay import BOND, Chain
from conformance.contracts_rootchain.story import ACCOUNTS, MIN_EXIT_PERIOD
from vectors_loader import load

pytestmark = pytest.mark.asyncio(loop_scope="session")

POSITIONS: Final = load("rootchain", "positions")
MERKLE: Final = load("rootchain", "merkle")["cases"]


async def test_standard_exit_ids(chain: Chain) -> None:
    """The id of an exit depends on the transaction, the output index and, for a deposit, the position."""
    for case in POSITIONS["standard_exit_id"]:
        transaction = bytes.fromhex(case["unsigned_rlp"][2:])
        exit_id = await chain.read("getStandardExitId", transaction, int(case["utxo_pos"]))
        assert exit_id == int(case["exit_id"])


async def test_in_flight_exit_ids(chain: Chain) -> None:
    """The id of an in-flight exit depends on the transaction alone."""
    for case in POSITIONS["in_flight_exit_id"]:
        transaction = bytes.fromhex(case["unsigned_rlp"][2:])
        assert await chain.read("getInFlightExitId", transaction) == int(case["exit_id"])


async def test_fee_exit_ids(chain: Chain) -> None:
    """Fee exits are numbered, and the number gives the id."""
    for case in POSITIONS["fee_exit_id"]:
        assert await chain.read("getFeeExitId", int(case["fee_exit_number"])) == int(case["exit_id"])


async def test_priorities_unpack_into_time_id_and_flag(chain: Chain) -> None:
    """A priority holds maturity and exit id; the flag is bit 152, set for odd output indexes too."""
    for case in POSITIONS["priority"]:
        time, exit_id, flag = case["unpackExitId"]
        assert await chain.read("unpackExitId", int(case["priority"])) == (int(time), int(exit_id), flag)


async def test_standard_priorities_at_the_recorded_second(chain: Chain) -> None:
    """An exit started at the recorded second gets the recorded priority."""
    cases = [case for case in POSITIONS["priority"] if case["kind"] == "standard"]
    await chain.evm.set_next_timestamp(int(cases[0]["exitable_timestamp"]) - MIN_EXIT_PERIOD)
    await chain.evm.mine()
    for case in cases:
        arguments = (int(case["exit_id"]), int(case["utxo_pos"]))
        assert await chain.read("getStandardExitPriority", *arguments) == int(case["priority"])


@pytest.mark.parametrize(
    "case",
    [case for case in MERKLE if case["leaves_tx"] and case["proofs"]],
    ids=lambda case: case["leaf_count"],
)
async def test_recorded_proofs_start_exits_and_damaged_ones_do_not(
    chain: Chain, case: dict[str, object]
) -> None:
    """A recorded proof shows its transaction, at its index and undamaged only, in a block of that root."""
    leaves, proofs = case["leaves_tx"], case["proofs"]
    assert isinstance(leaves, list)
    assert isinstance(proofs, list)
    await chain.do(ACCOUNTS["operator"], "submitBlock", bytes.fromhex(str(case["root"])[2:]))
    for proof in proofs:
        index = proof["tx_index"]
        if index >= len(leaves):
            continue
        path = bytes.fromhex(proof["proof"][2:])
        position = 1000 * 10**9 + index * 10**4
        attempts = [(position, path), (position + 10**4, path), (position, path[:-1] + b"\0")]
        attempts += [(position, path[:480]), (position, path + bytes(32)), (position, path + bytes(1))]
        outcomes = [
            await _start_fails(chain, bytes.fromhex(leaves[index][2:]), *attempt) for attempt in attempts
        ]
        assert outcomes == [None, *itertools.repeat("empty_revert", 5)]


async def _start_fails(chain: Chain, transaction: bytes, position: int, proof: bytes) -> str | None:
    return await chain.fails(ACCOUNTS["alice"], "startStandardExit", position, transaction, proof, value=BOND)
