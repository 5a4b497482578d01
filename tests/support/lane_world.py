"""A chain, its pools and a journal in memory around the real sender, for millions of small steps.

The chain is hostile within rules: it may mine any bytes that ever left the sender, forget its pool, and take
its newest blocks back. The journal survives a crash; nothing else of the sender does.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.decisions import Window
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.domain.transactions import (
    Accepted,
    Attempt,
    AttemptStatus,
    Confirmed,
    FeeFacts,
    Outcome,
    Receipt,
    Rejected,
    Reverted,
    SettledIntent,
    Standing,
    TxCandidate,
    WouldRevert,
)
from plasma_guard.ports import Call
from plasma_guard.sender import SenderSettings, TxSender
from support.recorders import RecordedAlerts, RecordedMetrics
from support.sending import ManualClock

ACCOUNT = Address(b"\xac" * 20)
GAME = Address(b"\x5f" * 20)
GWEI = 10**9
BLOCK_SECONDS = 12
CONFIRMATIONS = 3
FINAL_BLOCKS = 8
SLOTS = 16
GAS = 100_000
SPINS = 20_000
"""Turns of the event loop until a sender that does not come to rest counts as spinning."""


def digest(*parts: object) -> Hash32:
    return Hash32(hashlib.sha256(repr(parts).encode()).digest())


@dataclass(frozen=True)
class Signed:
    """What the bytes of a transaction say; `ours` is False for another program with our key."""

    hash: Hash32
    nonce: int
    max_fee: int
    tip: int
    ours: bool = True


class FakeSigner:
    """Signs with no key: bytes are their fields as JSON."""

    address = ACCOUNT

    def sign_transaction(self, transaction: Mapping[str, object]) -> tuple[bytes, Hash32]:
        fields = {
            name: value if isinstance(value, int) else str(value) for name, value in transaction.items()
        }
        raw = json.dumps(fields, sort_keys=True).encode()
        return raw, digest(raw)


@dataclass
class Freeze:
    """Stops the sender for good at one of its writes or broadcasts, before or after it took effect."""

    left: int = -1
    after: bool = False
    frozen: asyncio.Event = field(default_factory=asyncio.Event)

    async def around(self, effect: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left == 0 and not self.after:
            await self.hang()
        result = effect()
        await asyncio.sleep(0)
        if self.left == 0:
            await self.hang()
        return result

    async def hang(self) -> None:
        self.frozen.set()
        await asyncio.Event().wait()


class ModelChain:
    """Blocks, one account, and what nodes know of its transactions."""

    def __init__(self) -> None:
        self.blocks: list[tuple[BlockStamp, list[Signed]]] = []
        self.pool: dict[int, Signed] = {}
        self.seen: dict[Hash32, Signed] = {}
        self.base_fee = GWEI
        self.refusal: str | None = None
        self.recorded: Callable[[Hash32], bool] = lambda _: True
        self.freeze = Freeze()
        self._forks = 0
        for _ in range(FINAL_BLOCKS + 2):
            self.mine([])

    @property
    def newest(self) -> BlockStamp:
        return self.blocks[-1][0]

    def mine(self, txs: Sequence[Signed]) -> None:
        number, parent = len(self.blocks), self.blocks[-1][0].hash if self.blocks else Hash32(bytes(32))
        stamp = BlockStamp(
            number, digest(number, parent, self._forks), Timestamp(10**6 + number * BLOCK_SECONDS), parent
        )
        self.blocks.append((stamp, list(txs)))
        for nonce in [nonce for nonce in self.pool if nonce < self.count()]:
            del self.pool[nonce]

    def reorg(self, depth: int, *, back_to_pool: bool) -> None:
        """Replace the newest blocks by as many empty ones."""
        self._forks += 1
        lost = [tx for _, txs in self.blocks[-depth:] for tx in txs]
        del self.blocks[-depth:]
        if back_to_pool:
            for tx in lost:
                self.pool.setdefault(tx.nonce, tx)
        for _ in range(depth):
            self.mine([])

    def count(self, upto: int | None = None) -> int:
        blocks = self.blocks if upto is None else self.blocks[: upto + 1]
        return sum(len(txs) for _, txs in blocks)

    def next_choices(self, nonce: int) -> list[Signed]:
        """Return what a miner may put at a nonce."""
        return sorted(
            (tx for tx in self.seen.values() if tx.nonce == nonce and tx.max_fee >= self.base_fee),
            key=lambda tx: (-tx.max_fee, tx.hash),
        )

    def mined_hashes(self) -> set[Hash32]:
        return {tx.hash for _, txs in self.blocks for tx in txs}

    # the Chain port, as far as a sender uses it

    async def chain_id(self) -> int:
        return 1

    async def head(self) -> BlockStamp:
        return self.newest

    async def block(self, number: int) -> BlockStamp | None:
        return self.blocks[number][0] if number < len(self.blocks) else None

    async def transaction_count(
        self, address: Address, at: int | Literal["latest", "pending"] = "latest"
    ) -> int:
        if at == "pending":
            nonce = self.count()
            while nonce in self.pool:
                nonce += 1
            return nonce
        return self.count(at) if isinstance(at, int) else self.count()

    async def final_transaction_count(self, address: Address, depth: int) -> int:
        return self.count(len(self.blocks) - 1 - FINAL_BLOCKS)

    async def balance(self, address: Address) -> Wei:
        return Wei(10**21)

    async def fee_facts(self) -> FeeFacts:
        return FeeFacts(Wei(self.base_fee), Wei(GWEI), self.newest.timestamp, Wei(GWEI))

    async def call(self, call: Call, at: BlockStamp | None = None) -> bytes:
        return b""

    async def estimate_gas(self, call: Call) -> int:
        return GAS

    async def broadcast(self, raw: bytes) -> Accepted | Rejected:
        answer: Accepted | Rejected = await self.freeze.around(lambda: self._take(raw))
        return answer

    def _take(self, raw: bytes) -> Accepted | Rejected:
        fields = json.loads(raw)
        tx = Signed(digest(raw), fields["nonce"], fields["maxFeePerGas"], fields["maxPriorityFeePerGas"])
        assert self.recorded(tx.hash), "bytes left that are not on disk"
        if self.refusal is not None:
            return Rejected(-32000, self.refusal)
        self.seen[tx.hash] = tx
        if tx.nonce < self.count():
            return Rejected(-32000, "nonce too low")
        held = self.pool.get(tx.nonce)
        if held is not None and held.hash == tx.hash:
            return Rejected(-32000, "already known")
        if held is not None and (tx.max_fee * 8 < held.max_fee * 9 or tx.tip * 8 < held.tip * 9):
            return Rejected(-32000, "replacement transaction underpriced")
        if held is None and len(self.pool) >= SLOTS:
            return Rejected(-32000, "txpool is full")
        self.pool[tx.nonce] = tx
        return Accepted(("model",))

    async def receipt(self, tx_hash: Hash32) -> Receipt | None:
        for stamp, txs in reversed(self.blocks):
            if any(tx.hash == tx_hash for tx in txs):
                return Receipt(
                    tx_hash, stamp.number, stamp.hash, success=True, gas_used=50_000, gas_price=Wei(GWEI)
                )
        return None

    async def is_held(self, tx_hash: Hash32) -> bool:
        return any(tx.hash == tx_hash for tx in self.pool.values()) or tx_hash in self.mined_hashes()


@dataclass
class Row:
    """An intent on disk."""

    candidate: TxCandidate
    window: Window
    outcome: Outcome | None = None


class MemoryJournal:
    """The sender's part of the journal; `freeze` ends the process at one of its writes."""

    def __init__(self, chain: ModelChain) -> None:
        self.chain = chain
        self.intents: dict[str, Row] = {}
        self.signed: list[Attempt] = []
        self.freeze = chain.freeze

    def of(self, intent: str) -> list[Attempt]:
        return [attempt for attempt in self.signed if attempt.intent == intent]

    async def _write(self, effect: Callable[[], None]) -> None:
        await self.freeze.around(effect)

    async def costs(self, since: Timestamp) -> dict[str, tuple[Timestamp, Wei]]:
        return {}

    async def record_intent(self, candidate: TxCandidate, window: Window, at: Timestamp) -> None:
        def change() -> None:
            known = self.intents.get(candidate.intent)
            alive = any(each.status is not AttemptStatus.DROPPED for each in self.of(candidate.intent))
            if known is None or (isinstance(known.outcome, WouldRevert) and not alive):
                self.intents[candidate.intent] = Row(candidate, window)

        await self._write(change)

    async def open_intents(self) -> list[tuple[TxCandidate, Window]]:
        return [(row.candidate, row.window) for row in self.intents.values() if row.outcome is None]

    async def record_attempt(self, attempt: Attempt, at: Timestamp) -> None:
        row = self.intents[attempt.intent]
        worst = attempt.gas_limit * attempt.fees.max_fee
        # A nonce is used up on behalf of whoever needs it: that call's budget counts.
        budgets = [each.window.budget for each in self.intents.values()]
        limit = max(budgets) if row.candidate.is_fill else row.window.budget
        assert worst <= limit, "it may cost more than its budget"
        if not self.chain.recorded(attempt.hash):
            await self._write(lambda: self.signed.append(attempt))

    async def mark_attempt(self, tx_hash: Hash32, status: AttemptStatus, at: Timestamp) -> None:
        def change() -> None:
            self.signed = [
                replace(each, status=status) if each.hash == tx_hash else each for each in self.signed
            ]

        await self._write(change)

    async def standing(self, intents: Sequence[str], account: Address) -> Standing:
        outcomes = {
            name: row.outcome for name, row in self.intents.items() if row.outcome and name in intents
        }
        live = [each for each in self.signed if self.intents[each.intent].outcome is None]
        return Standing(outcomes, [each for each in self.signed if each.intent in intents], live)

    async def record_outcome(self, intent: str, outcome: Outcome, at: Timestamp) -> None:
        self._check(intent, outcome)
        await self._write(lambda: setattr(self.intents[intent], "outcome", outcome))

    def _check(self, intent: str, outcome: Outcome) -> None:
        """An outcome is what the chain says, or that nothing signed can be mined any more."""
        hashes = {attempt.hash for attempt in self.of(intent)}
        if isinstance(outcome, Confirmed | Reverted):
            depth = self.chain.newest.number - outcome.receipt.block_number + 1
            assert outcome.receipt.tx_hash in hashes & self.chain.mined_hashes()
            assert depth >= CONFIRMATIONS, "settled too early"
        else:
            assert not hashes & self.chain.mined_hashes(), "given up although it is mined"
            assert all(each.nonce < self.chain.count() for each in self.of(intent)), "given up too early"

    async def reopen(self, intent: str) -> None:
        await self._write(lambda: setattr(self.intents[intent], "outcome", None))

    async def settled(self, account: Address, first_nonce: int) -> list[SettledIntent]:
        return [
            SettledIntent(row.candidate, row.window, self.of(name), row.outcome)
            for name, row in self.intents.items()
            if isinstance(row.outcome, Confirmed | Reverted)
            and any(attempt.nonce >= first_nonce for attempt in self.of(name))
        ]


class LaneWorld:
    """The real sender on a model chain, one step at a time; use `run` for everything that waits."""

    def __init__(self) -> None:
        self.chain = ModelChain()
        self.journal = MemoryJournal(self.chain)
        self.chain.recorded = lambda tx_hash: any(each.hash == tx_hash for each in self.journal.signed)
        self.clock = ManualClock()
        self.alerts = RecordedAlerts()
        self.loop = asyncio.new_event_loop()
        self.tasks: dict[str, asyncio.Task[Outcome]] = {}
        self.withdrawn: set[str] = set()
        self.ever_withdrawn: set[str] = set()
        self.sender = self._new_sender()

    def _new_sender(self) -> TxSender:
        chain: Any = self.chain
        journal: Any = self.journal
        return TxSender(
            chain=chain,
            journal=journal,
            signers=[FakeSigner()],
            clock=self.clock,
            alerts=self.alerts,
            metrics=RecordedMetrics(),
            settings=SenderSettings(1, confirmations=CONFIRMATIONS, foreign_heads=CONFIRMATIONS),
        )

    def run(self, what: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(what)

    def close(self) -> None:
        self.run(self._end())
        self.loop.close()

    async def _end(self) -> None:
        await self.sender.close()
        everything = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
        self.tasks.clear()

    async def _rest(self) -> None:
        """Let the sender go on until it sleeps, is frozen, or has nothing to do."""
        for _ in range(SPINS):
            await asyncio.sleep(0)
            lane = self.sender._lanes[ACCOUNT]
            over = lane._task is None or lane._task.done()
            sleeping = bool(self.clock._sleepers) and not lane._wake.is_set()
            waiting = [
                task for task in asyncio.all_tasks() if task.get_name() in {"record intent", "prepare"}
            ]
            if self.chain.freeze.frozen.is_set() or ((over or sleeping) and not waiting):
                return
        raise AssertionError("the sender spins")

    def submit(self, intent: str, *, hard: int, budget: int) -> None:
        """Hand in a call, as the daemon does; one that is on disk is handed in as it is there."""
        row = self.journal.intents.get(intent)
        if row is not None and row.outcome is None:
            candidate, window = row.candidate, row.window
        else:
            now = self.chain.newest.timestamp
            candidate = TxCandidate(intent, 1, ACCOUNT, GAME, intent.encode(), Wei(0), intent, GAS)
            window = Window(Timestamp(now + hard // 2), Timestamp(now + hard), Wei(budget))
        self.withdrawn.discard(intent)
        self.run(self._submit(candidate, window))

    async def _submit(self, candidate: TxCandidate, window: Window) -> None:
        self.tasks[candidate.intent] = asyncio.create_task(self.sender.submit(candidate, window))
        await self._rest()

    def withdraw(self, intent: str) -> None:
        self.withdrawn.add(intent)
        self.ever_withdrawn.add(intent)
        self.run(self._withdraw(intent))

    async def _withdraw(self, intent: str) -> None:
        await self.sender.withdraw(intent, "moot")
        await self._rest()

    def look(self, seconds: float = 4.0) -> None:
        """Let time pass and the sender look; a frozen one is started anew."""
        self.run(self._look(seconds))
        if self.chain.freeze.frozen.is_set():
            self.restart()

    async def _look(self, seconds: float) -> None:
        preparing = asyncio.create_task(self.sender.prepare(self.chain.newest), name="prepare")
        await self._rest()
        if preparing.done():
            preparing.result()
        self.clock.advance(seconds)
        await self._rest()

    def restart(self) -> None:
        """End the process without any clean-up; another takes up what is on disk."""
        self.run(self._end())
        self.chain.freeze.left, self.chain.freeze.frozen = -1, asyncio.Event()
        self.clock._sleepers.clear()
        self.sender = self._new_sender()
        withdrawn = set(self.withdrawn)
        for candidate, _ in self.run(self.journal.open_intents()):
            if not candidate.is_fill:
                self.submit(candidate.intent, hard=0, budget=0)
        # What the daemon knew to be moot is said again.
        for intent in withdrawn & set(self.tasks):
            self.withdraw(intent)

    def calm_down(self, rounds: int) -> None:
        """Mine what pays best, block by block, with the sender looking once per block."""
        self.chain.refusal, self.chain.base_fee = None, GWEI
        self.chain.freeze.left = -1
        for _ in range(rounds):
            self.look(float(BLOCK_SECONDS))
            if all(row.outcome for row in self.journal.intents.values()) and not self.chain.pool:
                return
            block: list[Signed] = []
            nonce = self.chain.count()
            while (best := self.chain.pool.get(nonce)) is not None and best.max_fee >= self.chain.base_fee:
                block.append(best)
                nonce += 1
            self.chain.mine(block)
