"""On a chain from before EIP-1559 there is one price, and all else is the same."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from plasma_guard.devnet.evm import Evm, EvmOptions
from plasma_guard.domain.transactions import Confirmed
from plasma_guard.sender import SenderSettings
from support.sending import CHAIN_ID, Bench, bench


@pytest.fixture
async def b(tmp_path: Path) -> AsyncIterator[Bench]:
    settings = SenderSettings(CHAIN_ID, confirmations=2)
    async with Evm(EvmOptions(hardfork="berlin")) as evm, bench(tmp_path, settings, evm) as made:
        yield made


async def test_a_call_is_sent_bumped_and_mined_with_a_gas_price(b: Bench) -> None:
    """Both fields of the record are the gas price; the bytes are not a typed transaction."""
    task = await b.submit(b.call())
    await b.turn(b.settings.bump_after)
    first, second = await b.journal.attempts()
    for attempt in (first, second):
        assert attempt.fees.max_fee == attempt.fees.max_priority_fee
        assert attempt.raw[0] >= 0xC0
    assert second.fees.max_fee * 8 >= first.fees.max_fee * 9
    await b.block(2)
    outcome = await task
    assert isinstance(outcome, Confirmed)
    assert outcome.receipt.tx_hash == second.hash
    assert second.nonce == first.nonce
