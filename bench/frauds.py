"""Frauds made of real bytes and real signatures, as many as wanted: Alice exits deposits she has spent."""

from __future__ import annotations

from typing import Any, Final

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Judgement, TrackedExit
from plasma_guard.domain.exits import ContractSet, ExitId, ExitStatus, Generation, StandardExit
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Seconds, Timestamp, Wei
from plasma_guard.keys.signer import address_of
from plasma_guard.plasma.rules import rules_for
from plasma_guard.plasma.transaction import Output

RULES: Final = rules_for(Generation.ALD_V1)
CONTRACTS: Final = ContractSet(
    generation=Generation.ALD_V1,
    entry=Address(bytes([1]) * 20),
    exit_game=Address(bytes([2]) * 20),
    min_exit_period=Seconds(604_800),
    eth_vault=Address(bytes([3]) * 20),
    erc20_vault=Address(bytes([4]) * 20),
)
NOW: Final = Timestamp(1_700_000_000)
HEAD: Final = BlockStamp(20_000_000, Hash32(bytes([7]) * 32), NOW, Hash32(bytes([6]) * 32))
VALIDATED: Final = 1_000_000
_KEY: Final = bytes([5]) * 32
ALICE: Final = address_of(_KEY)
_AMOUNT: Final = Wei(10**18)


def next_head() -> BlockStamp:
    """Return the block after `HEAD`."""
    return BlockStamp(HEAD.number + 1, Hash32(bytes([8]) * 32), Timestamp(NOW + 12), HEAD.hash)


def position(blknum: int) -> UtxoPosition:
    """Return the output of a deposit."""
    return UtxoPosition(blknum, 0, 0)


def entry(blknum: int) -> StandardExit:
    """Return the contract's entry for the exit of a deposit."""
    deposit = RULES.deposit(ALICE, ETH, _AMOUNT)
    return StandardExit(
        exit_id=RULES.standard_exit_id(deposit, position(blknum)),
        status=ExitStatus.RUNNING,
        position=position(blknum),
        owner=ALICE,
        amount=_AMOUNT,
        output_id=RULES.output_id(deposit, position(blknum)),
        bond=Wei(14 * 10**15),
    )


def tracked(blknum: int) -> TrackedExit:
    """Return the exit as the guard's own scan has found it."""
    return TrackedExit(
        exit_id=ExitId(entry(blknum).exit_id),
        start=f"0x{blknum:064x}/0",
        position=position(blknum),
        owner=ALICE,
        started_block=HEAD.number - 20,
        started_at=Timestamp(NOW - 240),
        judgement=Judgement.UNVERIFIED,
        running=True,
    )


def challenge(blknum: int) -> dict[str, Any]:
    """Return what a Watcher answers to `utxo.get_challenge_data`."""
    spend = RULES.encode([position(blknum)], [Output(Address(bytes([9]) * 20), ETH, _AMOUNT)])
    signature = RULES.sign(RULES.decode(spend), CONTRACTS.entry, _KEY)
    return {
        "exit_id": entry(blknum).exit_id,
        "exiting_tx": "0x" + RULES.deposit(ALICE, ETH, _AMOUNT).hex(),
        "input_index": 0,
        "sig": "0x" + signature.hex(),
        "txbytes": "0x" + spend.hex(),
    }


def event(blknum: int) -> dict[str, Any]:
    """Return the `invalid_exit` event of a Watcher v1.0 for the exit of a deposit."""
    return {
        "event": "invalid_exit",
        "details": {
            "amount": _AMOUNT,
            "currency": str(ETH),
            "eth_height": HEAD.number - 20,
            "name": "invalid_exit",
            "owner": str(ALICE),
            "root_chain_txhash": f"0x{blknum:064x}",
            "scheduled_finalization_time": NOW + 2 * CONTRACTS.min_exit_period,
            "spending_txhash": f"0x{blknum + 1:064x}",
            "utxo_pos": position(blknum).encode(),
        },
    }


def status(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the data of a healthy Watcher's `status.get` with these events."""
    names = ("block_getter", "exit_processor", "depositor", "in_flight_exit_processor", "root_chain_height")
    return {
        "byzantine_events": events,
        "contract_addr": {
            "plasma_framework": str(CONTRACTS.entry),
            "payment_exit_game": str(CONTRACTS.exit_game),
            "eth_vault": str(CONTRACTS.eth_vault),
            "erc20_vault": str(CONTRACTS.erc20_vault),
        },
        "eth_syncing": False,
        "in_flight_exits": [],
        "last_mined_child_block_number": VALIDATED,
        "last_mined_child_block_timestamp": NOW - 60,
        "last_seen_eth_block_number": HEAD.number,
        "last_seen_eth_block_timestamp": NOW,
        "last_validated_child_block_number": VALIDATED,
        "last_validated_child_block_timestamp": NOW - 60,
        "services_synced_heights": [{"height": HEAD.number - 12, "service": name} for name in names],
    }
