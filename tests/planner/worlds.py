"""Vaults and root chains for the planner, built as the scenario reads: real transactions, made-up proofs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.exits import (
    Bonds,
    ContractSet,
    ExitStatus,
    Generation,
    InFlightExit,
    InFlightSlot,
    Side,
    StandardExit,
)
from plasma_guard.domain.plan import BadBlock, ExitPlan, PlannedExit, Trouble
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Seconds, Timestamp, Wei
from plasma_guard.domain.vault import HeldOutput, KeptTransaction, VaultContents
from plasma_guard.planner import ChainFacts, PlanPolicy, QueueFacts, plan
from plasma_guard.plasma.rules import rules_for
from plasma_guard.plasma.transaction import Output

PERIOD = Seconds(1000)
NOW = Timestamp(1_000_000)
ALICE, ALSO_ALICE, BOB = (Address(bytes([n]) * 20) for n in (1, 2, 3))
TOKEN = Address(bytes([7]) * 20)
ETHER = Wei(10**18)
GWEI = Wei(10**9)
BONDS = Bonds(Wei(14 * 10**15), Wei(37 * 10**15), Wei(28 * 10**15))


@dataclass(frozen=True)
class Coin:
    """An output: which transaction made it, and where it lies or is said to lie."""

    tx: KeptTransaction
    position: UtxoPosition
    output: Output


def pay(owner: Address, amount: int = ETHER, token: Address = ETH) -> Output:
    """Return an output."""
    return Output(owner, token, Wei(amount))


@dataclass
class World:
    """Everything that happened, in order; `contents` and `facts` are what a vault and a root chain know."""

    generation: Generation = Generation.ALD_V1
    now: Timestamp = NOW
    txs: list[KeptTransaction] = field(default_factory=list)
    times: dict[int, Timestamp] = field(default_factory=dict)
    standard: dict[UtxoPosition, StandardExit] = field(default_factory=dict)
    in_flight: dict[Hash32, InFlightExit] = field(default_factory=dict)
    finalized: set[UtxoPosition] = field(default_factory=set)
    forgotten: set[Hash32] = field(default_factory=set)
    doubts: dict[Hash32, str] = field(default_factory=dict)
    places: dict[int, UtxoPosition] = field(default_factory=dict)

    def deposit(
        self,
        owner: Address = ALICE,
        amount: int = ETHER,
        token: Address = ETH,
        *,
        blknum: int,
        ago: int = 5000,
    ) -> Coin:
        """Make a deposit block, `ago` seconds ago."""
        rules = rules_for(self.generation)
        raw = rules.deposit(owner, token, Wei(amount))
        position = UtxoPosition(blknum, 0, 0)
        tx = KeptTransaction(rules.decode(raw).hash, raw, (), position=position, proof=b"p" * 512)
        self.times[blknum] = Timestamp(self.now - ago)
        self.txs.append(tx)
        return Coin(tx, position, pay(owner, amount, token))

    def payment(
        self,
        spent: Sequence[Coin],
        outputs: Sequence[Output],
        *,
        blknum: int | None = None,
        ago: int | None = None,
        txindex: int = 0,
        signed: bool = True,
        proven: bool = True,
    ) -> list[Coin]:
        """Make a payment in block `blknum`, or in flight: then in a block that nobody shows."""
        rules = rules_for(self.generation)
        raw = rules.encode([coin.position for coin in spent], outputs)
        placed = None if blknum is None else UtxoPosition(blknum, txindex, 0)
        tx = KeptTransaction(
            hash=rules.decode(raw).hash,
            raw=raw,
            sources=tuple(coin.position for coin in spent),
            signatures=(b"s" * 65,) * len(spent) if signed else (),
            position=placed,
            proof=b"q" * 512 if placed and proven else b"",
        )
        if blknum is not None:
            self.times.setdefault(blknum, Timestamp(self.now - (5000 if ago is None else ago)))
        self.txs.append(tx)
        where = placed or UtxoPosition(900_000 + 1000 * len(self.txs), txindex, 0)
        self.places[id(tx)] = where
        return [Coin(tx, UtxoPosition(where.blknum, txindex, i), output) for i, output in enumerate(outputs)]

    def exits(
        self, coin: Coin, status: ExitStatus = ExitStatus.RUNNING, owner: Address | None = None
    ) -> None:
        """Let a standard exit of an output be there."""
        exit_id = rules_for(self.generation).standard_exit_id(coin.tx.raw, coin.position)
        owner = owner or coin.output.owner
        self.standard[coin.position] = StandardExit(exit_id, status, coin.position, owner)

    def starts(self, tx: KeptTransaction, *, ago: int = 10, **changes: Any) -> None:
        """Let somebody have started a transaction's in-flight exit; `joined` are the piggybacked slots."""
        joined: set[tuple[Side, int]] = changes.pop("joined", set())
        handled: set[tuple[Side, int]] = changes.pop("handled", set())
        outputs = rules_for(self.generation).decode(tx.raw).outputs
        sides = [(Side.INPUT, i) for i in range(len(tx.sources))]
        sides += [(Side.OUTPUT, i) for i in range(len(outputs))]
        self.in_flight[tx.hash] = InFlightExit(
            **{
                "exit_id": rules_for(self.generation).in_flight_exit_id(tx.raw),
                "status": ExitStatus.RUNNING,
                "started_at": Timestamp(self.now - ago),
                "slots": tuple(
                    InFlightSlot(side, i, (side, i) in joined, (side, i) in handled) for side, i in sides
                ),
                **changes,
            }
        )

    def contents(self, accounts: frozenset[Address] = frozenset({ALICE, ALSO_ALICE})) -> VaultContents:
        """Return what a vault holds: our outputs that no transaction in a block spends."""
        kept = [tx for tx in self.txs if tx.hash not in self.forgotten]
        gone = {position for tx in self.txs if tx.position for position in tx.sources}
        waiting = {position: tx.hash for tx in self.txs if not tx.position for position in tx.sources}
        rules, outputs = rules_for(self.generation), []
        for tx in self.txs:
            for index, output in enumerate(rules.decode(tx.raw).outputs):
                where = tx.position or self.places[id(tx)]
                at = UtxoPosition(where.blknum, where.txindex, index)
                if output.owner in accounts and at not in gone:
                    outputs.append(
                        HeldOutput(
                            tx_hash=tx.hash,
                            index=index,
                            owner=output.owner,
                            token=output.token,
                            amount=output.amount,
                            position=at if tx.position else None,
                            spent_by=waiting.get(at),
                            doubt=self.doubts.get(tx.hash),
                        )
                    )
        first = {tx.hash: tx for tx in reversed(kept)}
        twins = tuple(tx for tx in kept if first[tx.hash] is not tx)
        return VaultContents(tuple(outputs), first, twins)

    def facts(self, **changes: Any) -> ChainFacts:
        """Return the root chain."""
        accounts = changes.pop("accounts", frozenset({ALICE, ALSO_ALICE}))
        return ChainFacts(
            **{
                "at": BlockStamp(100, Hash32(bytes(32)), self.now, Hash32(bytes(32))),
                "contracts": ContractSet(self.generation, ALICE, ALICE, PERIOD),
                "bonds": BONDS,
                "gas_price": Wei(10 * GWEI),
                "accounts": accounts,
                "balances": dict.fromkeys(accounts, Wei(1000 * ETHER)),
                "block_times": self.times,
                "standard_exits": self.standard,
                "finalized": frozenset(self.finalized),
                "in_flight": self.in_flight,
                "queues": {ETH: QueueFacts(exists=True), TOKEN: QueueFacts(exists=True)},
                **changes,
            }
        )

    def plan(
        self, trouble: Trouble | None = None, policy: PlanPolicy | None = None, **changes: Any
    ) -> ExitPlan:
        """Plan with all of this."""
        facts = self.facts(**changes)
        return plan(self.contents(), facts, trouble, policy or PlanPolicy(lead=Seconds(100)))

    def bad_block(self, blknum: int, ago: int = 10) -> BadBlock:
        """Let block `blknum` be bad, submitted `ago` seconds ago."""
        return BadBlock(blknum, self.times.setdefault(blknum, Timestamp(self.now - ago)))


def only(planned: ExitPlan) -> PlannedExit:
    """Return the plan's one exit; nothing may be left or under way."""
    (exit_,) = planned.exits
    assert planned.left == ()
    assert planned.underway == ()
    return exit_


def slots(exit_: PlannedExit) -> set[tuple[Side, int]]:
    """Return what joins."""
    return {(piggyback.side, piggyback.index) for piggyback in exit_.piggybacks}
