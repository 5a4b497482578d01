"""A small plasma chain under one generation's rules: accounts that deposit, pay and exit, and a verifier."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coincurve import PrivateKey

from plasma_guard.domain.blocks import BlockStamp, ChildBlock
from plasma_guard.domain.exits import (
    ContractSet,
    DepositCreated,
    ExitChallenged,
    ExitFinalized,
    ExitId,
    ExitStarted,
    ExitStatus,
    Generation,
    StandardExit,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Seconds, Timestamp, Wei
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.rules import rules_for
from plasma_guard.plasma.transaction import Output
from plasma_guard.verifier import Margins, Verifier
from plasma_guard.verifier.core import Progress
from plasma_guard.verifier.game import Facts

GENERATIONS = list(Generation)
CONTRACT = Address(b"\xc0" * 20)
PERIOD = Seconds(600)
SLA = 10
NOBODY = Hash32(bytes(32))


@dataclass(frozen=True)
class Account:
    """A key pair."""

    key: bytes

    @property
    def address(self) -> Address:
        public = PrivateKey(self.key).public_key.format(compressed=False)
        return Address(keccak(public[1:])[12:])


ALICE, BOB, CAROL, MALLORY = (Account(keccak(name)) for name in (b"alice", b"bob", b"carol", b"mallory"))


class World:
    """Makes events and blocks, in order, and feeds them to the verifier. One root-chain block a second."""

    def __init__(self, generation: Generation, **margins: int) -> None:
        self.contracts = ContractSet(
            generation=generation,
            entry=CONTRACT,
            exit_game=Address(b"\xe6" * 20),
            min_exit_period=PERIOD,
            eth_vault=Address(b"\x01" * 20),
            erc20_vault=Address(b"\x02" * 20),
        )
        self.rules = rules_for(generation)
        self.verifier = Verifier(self.contracts, Margins(**({"sla": SLA} | margins)))
        self.height = 100
        self._logs = 0
        self._deposits = 0
        self._next_blknum = 1000
        self.blocks: dict[int, ChildBlock] = {}
        self.root_hash: dict[int, Hash32] = {}

    @property
    def where(self) -> dict[str, Any]:
        self._logs += 1
        return {
            "block_number": self.height,
            "block_hash": Hash32(keccak(b"block%d" % self.height)),
            "tx_hash": Hash32(keccak(b"tx%d" % self._logs)),
            "log_index": self._logs,
        }

    def at(self, height: int | None = None) -> Timestamp:
        return Timestamp(1_600_000_000 + (self.height if height is None else height))

    def wait(self, blocks: int = 1) -> None:
        self.height += blocks
        tip = BlockStamp(self.height, NOBODY, self.at(), NOBODY)
        self.verifier.advance(Progress(tip=tip, last_mined_blknum=self._next_blknum - 1000))

    def deposit(self, owner: Account, amount: int, token: Address = ETH) -> UtxoPosition:
        self._deposits += 1
        blknum = self._next_blknum - 1000 + self._deposits
        event = DepositCreated(owner.address, blknum, token, Wei(amount), **self.where)
        self.verifier.apply_event(event)
        return UtxoPosition(blknum, 0, 0)

    def pay(
        self,
        inputs: Sequence[tuple[UtxoPosition, Account]],
        outputs: Sequence[tuple[Account, int]],
        token: Address = ETH,
    ) -> bytes:
        unsigned = self.rules.encode(
            [position for position, _ in inputs],
            [Output(account.address, token, Wei(amount)) for account, amount in outputs],
        )
        tx = self.rules.decode(unsigned)
        signatures = [self.rules.sign(tx, CONTRACT, signer.key) for _, signer in inputs]
        return self.rules.encode_signed(unsigned, signatures)

    def raw(self, signed: bytes) -> bytes:
        return self.rules.decode_signed(signed).tx.raw

    def block_of(self, *signed: bytes, raws: Sequence[bytes] | None = None) -> ChildBlock:
        raws = [self.raw(each) for each in signed] if raws is None else raws
        return ChildBlock(self._next_blknum, self.rules.merkle_root(raws), signed)

    def submit(self, block: ChildBlock, root: Hash32 | None = None) -> bool:
        """Give the verifier a block as if `root` (by default its own) had been submitted for it."""
        blknum = self._next_blknum
        self._next_blknum += 1000
        self._deposits = 0
        self.blocks[blknum] = block
        return self.verifier.apply_block(blknum, root or block.hash, self.at(), block)

    def block(self, *signed: bytes) -> int:
        """Have the operator include transactions; return the block's number."""
        block = self.block_of(*signed)
        assert self.submit(block)
        return block.blknum

    def exit_id(self, position: UtxoPosition) -> ExitId:
        creating_tx = self.verifier.ledger.creating_tx(position)
        return ExitId(7) if creating_tx is None else self.rules.standard_exit_id(creating_tx, position)

    def start_exit(
        self,
        position: UtxoPosition,
        owner: Account,
        *,
        status: ExitStatus = ExitStatus.RUNNING,
        amount: int = 1,
    ) -> ExitStarted:
        exit_id = self.exit_id(position)
        event = ExitStarted(exit_id, owner.address, position=position, **self.where)
        entry = StandardExit(event.exit_id, status, position, owner.address, ETH, Wei(amount))
        self.verifier.apply_event(event, Facts(entry=entry, at=self.at()))
        self.wait()
        return event

    def challenge(self, position: UtxoPosition) -> None:
        self.verifier.apply_event(ExitChallenged(position, **self.where))
        self.wait()

    def finalize(self, position: UtxoPosition) -> None:
        event = ExitFinalized(self.exit_id(position), **self.where)
        self.verifier.apply_event(event)
        self.wait()

    def events(self) -> list[tuple[str, object]]:
        """Return (name, position or block number) of every event, in the order listed."""
        return [
            (event.name, event.details.get("utxo_pos", event.details.get("blknum")))
            for event in self.verifier.byzantine_events()
        ]


def ie(position: UtxoPosition) -> tuple[str, object]:
    return ("invalid_exit", position.encode())


def ue(position: UtxoPosition) -> tuple[str, object]:
    return ("unchallenged_exit", position.encode())
