"""How many transactions a second the verifier takes on one core, beside bare recovery of their signatures.

Every transaction has one input and one output and spends what the block before created, so all that a block
can ask for is done: decoding, signing hash, signer, ledger, Merkle root, history on disk.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from coincurve import PublicKey

from bench.report import Row, row
from plasma_guard.domain.blocks import ChildBlock
from plasma_guard.domain.exits import ContractSet, DepositCreated, Generation
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL, UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Seconds, Timestamp, Wei
from plasma_guard.keys.signer import address_of
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.plasma.transaction import Output
from plasma_guard.verifier import Verifier
from plasma_guard.verifier.history import DiskHistory, History, MemoryHistory

TRANSACTIONS: Final = CHILD_BLOCK_INTERVAL - 1
"""In each block: as many as there can be deposits before the first one."""
TARGET: Final = 5_000
_TRACED_BLOCKS: Final = 8
_TRACED_TRANSACTIONS: Final = 250
_PROJECTED_BLOCKS: Final = 10_000
_ENTRY: Final = Address(bytes([1]) * 20)
_AMOUNT: Final = Wei(10**18)
_KEYS: Final = [number.to_bytes(32) for number in range(1, 101)]
_ACCOUNTS: Final = [address_of(key) for key in _KEYS]


@dataclass(frozen=True, slots=True)
class _Made:
    """A block as it was submitted, and of each signature the hash with r, s and parity."""

    block: ChildBlock
    signatures: list[tuple[bytes, bytes]]


async def measure(blocks: int, tell: Callable[[str], None]) -> list[Row]:
    """Return the rate of each generation, and what the spends take in memory."""
    rows = []
    for generation in Generation:
        rules = rules_for(generation)
        made = [_made(rules, number, TRANSACTIONS) for number in range(blocks + 1)]
        with DiskHistory(rules) as history:
            rates = _rates(_verifier(generation, TRANSACTIONS, history), made)
        rows.append(
            row(
                f"verifier: {generation}, blocks of {TRANSACTIONS}",
                "tx/s",
                [ours for ours, _ in rates],
                [bare for _, bare in rates],
                beside="bare recovery",
                least=TARGET,
                note=_grown(generation),
            )
        )
        tell(f"{generation}: {rows[-1].ours:.0f} tx/s")
    return rows


def _rates(verifier: Verifier, made: list[_Made]) -> list[tuple[float, float]]:
    """Return transactions per second of CPU time, verified and barely recovered, block by block.

    The first block warms up. Both use one thread, so CPU time is the time of one core whatever else runs.
    """
    rates = []
    for each in made:
        verified = _timed(partial(_take, verifier, each.block))
        recovered = _timed(partial(_recover, each.signatures))
        rates.append((TRANSACTIONS / verified, TRANSACTIONS / recovered))
    return rates[1:]


def _timed(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _take(verifier: Verifier, block: ChildBlock) -> None:
    assert verifier.apply_block(block.blknum, block.hash, Timestamp(block.blknum), block), "block refused"


def _recover(signatures: list[tuple[bytes, bytes]]) -> None:
    for digest, signature in signatures:
        PublicKey.from_signature_and_message(signature, digest, hasher=None)


def _grown(generation: Generation) -> str:
    """Return what memory the spends of many such blocks would take without a file, from a few small ones.

    With the history on disk nothing of them stays in memory: a growth there would be noise times thousands.
    """
    count = _TRACED_TRANSACTIONS
    made = [_made(rules_for(generation), number, count).block for number in range(_TRACED_BLOCKS + 1)]
    verifier = _verifier(generation, count, MemoryHistory())
    tracemalloc.start()
    try:
        _take(verifier, made[0])
        before, _ = tracemalloc.get_traced_memory()
        for block in made[1:]:
            _take(verifier, block)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    each = (after - before) / (_TRACED_BLOCKS * count)
    return (
        f"a spend and its transaction take {each:.0f} bytes where the history is kept in memory, those of"
        f" {_PROJECTED_BLOCKS} such blocks {each * TRANSACTIONS * _PROJECTED_BLOCKS / 1e9:.1f} GB;"
        " here it was on disk"
    )


def _verifier(generation: Generation, deposits: int, history: History) -> Verifier:
    """Return a verifier that knows a deposit for each transaction of the first block."""
    contracts = ContractSet(
        generation=generation,
        entry=_ENTRY,
        exit_game=Address(bytes([2]) * 20),
        min_exit_period=Seconds(604_800),
        eth_vault=Address(bytes([3]) * 20),
        erc20_vault=Address(bytes([4]) * 20),
    )
    verifier = Verifier(contracts, history=history)
    for number in range(deposits):
        verifier.apply_event(
            DepositCreated(
                depositor=_ACCOUNTS[number % len(_ACCOUNTS)],
                blknum=number + 1,
                token=ETH,
                amount=_AMOUNT,
                block_number=1,
                block_hash=Hash32(bytes(32)),
                tx_hash=Hash32(bytes(32)),
                log_index=number,
            )
        )
    return verifier


def _made(rules: PlasmaRules, number: int, count: int) -> _Made:
    """Make block `number`: every transaction hands what its namesake of the block before created on."""
    blknum = (number + 1) * CHILD_BLOCK_INTERVAL
    unsigned, signed, signatures = [], [], []
    for index in range(count):
        spent = (
            UtxoPosition(blknum - CHILD_BLOCK_INTERVAL, index, 0) if number else UtxoPosition(index + 1, 0, 0)
        )
        owner = (index + number) % len(_KEYS)
        tx = rules.encode([spent], [Output(_ACCOUNTS[(owner + 1) % len(_KEYS)], ETH, _AMOUNT)])
        decoded = rules.decode(tx)
        signature = rules.sign(decoded, _ENTRY, _KEYS[owner])
        unsigned.append(tx)
        signed.append(rules.encode_signed(tx, [signature]))
        parity = bytes([signature[64] - 27])
        signatures.append((bytes(rules.signing_hash(decoded, _ENTRY)), signature[:64] + parity))
    block = ChildBlock(blknum, rules.merkle_root(unsigned), tuple(signed))
    return _Made(block, signatures)
