"""The operator of the devnet, over HTTP and against real contracts of every generation."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from plasma_guard.domain.exits import ExitStatus
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Hash32, Wei
from plasma_guard.verifier import Margins, Verifier
from plasma_guard.verifier.child_chain import BlockUnavailableError, HttpBlockSource
from plasma_guard.verifier.fees import encode_fee_claim
from verifier.net import FRIEND, USER, Net, network


@pytest_asyncio.fixture
async def net(revision: str) -> AsyncIterator[Net]:
    """A devnet of one revision with its operator listening."""
    async with network(revision) as started:
        yield started


async def test_a_deposit_can_be_spent_and_its_block_is_submitted_and_served(net: Net) -> None:
    """A payment lands where the receipt says; `block.get` serves its block by the root on chain."""
    deposit = await net.deposit()
    signed = net.signed(deposit, USER, FRIEND)
    answer = await net.submit(signed)
    assert answer["success"]
    assert (answer["data"]["blknum"], answer["data"]["txindex"]) == (1000, 0)
    unsigned = net.rules.decode_signed(signed).tx
    assert answer["data"]["txhash"] == str(unsigned.hash)
    produced = await net.operator.step(net.game, net.chain)
    assert produced is not None
    submitted = await net.game.plasma_block(1000, await net.chain.head())
    assert submitted is not None
    assert submitted.root == produced.root == net.rules.merkle_root([unsigned.raw])
    async with HttpBlockSource(net.url) as source:
        block = await source.block(submitted.root)
    assert (block.blknum, block.transactions) == (1000, (signed,))


async def test_transactions_of_one_block_may_build_on_each_other(net: Net) -> None:
    """An output can be spent before its block is submitted; all of it goes into one block."""
    deposit = await net.deposit()
    assert (await net.submit(net.signed(deposit, USER, FRIEND)))["success"]
    second = await net.submit(net.signed(UtxoPosition(1000, 0, 0), FRIEND, USER))
    assert (second["data"]["blknum"], second["data"]["txindex"]) == (1000, 1)
    block = await net.operator.produce_block()
    assert block is not None
    assert len(block.transactions) == 2


async def test_unsound_transactions_are_refused_by_name(net: Net) -> None:
    """Unknown, spent, stolen or overdrawn inputs and bytes that are no transaction each have their code."""
    deposit = await net.deposit()
    spend = net.signed(deposit, USER, FRIEND)
    refused = {
        net.signed(UtxoPosition(7, 0, 0), USER, FRIEND): "submit:utxo_not_found",
        net.signed(deposit, FRIEND, FRIEND): "submit:unauthorized_spend",
        net.signed(deposit, USER, FRIEND, 11): "submit:amounts_do_not_add_up",
        b"\xc0": "submit:malformed_transaction",
        net.rules.encode_signed(
            net.rules.deposit(USER.address, ETH, Wei(1)), []
        ): "submit:amounts_do_not_add_up",
    }
    if net.rules.generation.is_ald:
        fees = encode_fee_claim(USER.address, ETH, Wei(1), bytes(32))
        refused[fees] = "submit:transaction_not_supported"
    for signed, code in refused.items():
        answer = await net.submit(signed)
        assert (answer["success"], answer["data"]["code"]) == (False, code)
    assert (await net.submit(spend))["success"]
    assert (await net.submit(spend))["data"]["code"] == "submit:utxo_not_found"


async def test_an_exiting_output_cannot_be_spent(net: Net) -> None:
    """Once an exit is started, the operator takes no spend of its output."""
    deposit = await net.deposit()
    verifier = Verifier(net.game.contracts, Margins())
    for event in await net.game.root_chain_events(0, (await net.chain.head()).number):
        verifier.apply_event(event)
    await net.start_exit(verifier, deposit)
    await net.operator.step(net.game, net.chain)
    assert (await net.submit(net.signed(deposit, USER, FRIEND)))["data"]["code"] == "submit:utxo_not_found"
    tx = verifier.ledger.creating_tx(deposit)
    assert tx is not None
    exit_id = net.rules.standard_exit_id(tx, deposit)
    [entry] = await net.game.standard_exits([exit_id], await net.chain.head())
    assert entry.status is ExitStatus.RUNNING


async def test_a_failed_submission_is_repeated_with_the_same_block(net: Net) -> None:
    """While the root chain cannot be reached, transactions keep coming; no block is lost or made twice."""
    deposit, other = await net.deposit(), await net.deposit()
    await net.submit(net.signed(deposit, USER, FRIEND))
    net.submitting = False
    with pytest.raises(ConnectionError):
        await net.operator.produce_block()
    later = await net.submit(net.signed(other, USER, FRIEND))
    assert later["data"]["blknum"] == 2000
    net.submitting = True
    first, second = await net.operator.produce_block(), await net.operator.produce_block()
    assert first is not None
    assert second is not None
    assert net.roots == [first.root, first.root, second.root]
    head = await net.chain.head()
    for block in (first, second):
        submitted = await net.game.plasma_block(block.blknum, head)
        assert submitted is not None
        assert submitted.root == block.root


async def test_a_forced_transaction_is_included_unchecked_and_the_block_is_served(net: Net) -> None:
    """What the ledger refuses is under the submitted root all the same; only other bytes are refused."""
    deposit = await net.deposit()
    theft = net.signed(deposit, FRIEND, FRIEND)
    assert (await net.submit(theft))["data"]["code"] == "submit:unauthorized_spend"
    assert (await net.ask("/operator.force", {"transaction": "0x" + theft.hex()}))["data"]["blknum"] == 1000
    refused = await net.ask("/operator.force", {"transaction": "0xc0"})
    assert refused["data"]["code"] == "submit:malformed_transaction"
    block = await net.operator.produce_block()
    assert block is not None
    async with HttpBlockSource(net.url) as source:
        assert (await source.block(block.root)).transactions == (theft,)
    assert (await net.submit(net.signed(deposit, USER, FRIEND)))["success"]


async def test_withheld_blocks_are_submitted_and_shown_to_nobody(net: Net) -> None:
    """Blocks from before stay visible."""
    first, second = await net.deposit(), await net.deposit()
    await net.submit(net.signed(first, USER, FRIEND))
    before = await net.operator.produce_block()
    assert (await net.ask("/operator.withhold", {}))["success"]
    await net.submit(net.signed(second, USER, FRIEND))
    hidden = await net.operator.produce_block()
    assert before is not None
    assert hidden is not None
    submitted = await net.game.plasma_block(hidden.blknum, await net.chain.head())
    assert submitted is not None
    assert submitted.root == hidden.root
    async with HttpBlockSource(net.url) as source:
        assert (await source.block(before.root)).blknum == before.blknum
        with pytest.raises(BlockUnavailableError, match="get_block:not_found"):
            await source.block(hidden.root)


async def test_no_empty_blocks_are_made(net: Net) -> None:
    """Without transactions nothing is submitted: equal roots could not be told apart by `block.get`."""
    assert await net.operator.step(net.game, net.chain) is None
    assert net.roots == []


async def test_other_requests_are_refused(net: Net) -> None:
    """Unknown roots, wrong parameters and other paths are answered with the child chain's envelope."""
    asked = {
        "get_block:not_found": await net.ask("/block.get", {"hash": "0x" + "00" * 32}),
        "operation:bad_request": await net.ask("/block.get", {"hash": "0x00"}),
        "operation:not_found": await net.ask("/block.all", {}),
    }
    for code, answer in asked.items():
        assert (answer["success"], answer["data"]["code"]) == (False, code)
        assert answer["service_name"] == "child_chain"
    wrong_ones: list[object] = [[], {}, {"transaction": 5}, {"transaction": "0x 00"}]
    for wrong in wrong_ones:
        assert (await net.ask("/transaction.submit", wrong))["data"]["code"] == "operation:bad_request"
    async with HttpBlockSource(net.url) as source:
        with pytest.raises(BlockUnavailableError, match="get_block:not_found"):
            await source.block(Hash32(bytes(32)))
