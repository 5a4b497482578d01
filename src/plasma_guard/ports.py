"""The map of the system on one page: what the core needs, said without naming who provides it.

Adapters implement these Protocols and meet only in `app.py`. All times are root-chain seconds unless a
name says otherwise; all amounts are wei.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from plasma_guard.domain.actions import Action
from plasma_guard.domain.blocks import BlockStamp, ChildBlock, Log, PlasmaBlock
from plasma_guard.domain.cases import (
    Case,
    CaseKey,
    Conclusion,
    DecisionRecord,
    Judgement,
    Observation,
    TrackedExit,
)
from plasma_guard.domain.decisions import Closure, Severity, Window
from plasma_guard.domain.evidence import (
    Competitor,
    ExitData,
    FoundTransaction,
    Inclusion,
    InFlightData,
    InputSpend,
    OutputSpend,
    StandardExitChallenge,
)
from plasma_guard.domain.exits import (
    Bonds,
    Bounties,
    ContractSet,
    ExitId,
    InFlightExit,
    InFlightExitStarted,
    InFlightStartData,
    QueueHead,
    RootChainEvent,
    Side,
    StandardExit,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.domain.refusals import Meaning
from plasma_guard.domain.transactions import (
    Accepted,
    Attempt,
    AttemptStatus,
    FeeFacts,
    Outcome,
    Receipt,
    Rejected,
    SettledIntent,
    Standing,
    TxCandidate,
)
from plasma_guard.domain.vault import VaultContents
from plasma_guard.domain.watchers import ExitableUtxo, WatcherStatus
from plasma_guard.plasma.rules import PlasmaRules


class Clock(Protocol):
    """Time as it passes here; deadlines are never computed from it alone."""

    def now(self) -> float:
        """Return wall-clock seconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a test's clock returns at once and moves itself."""
        ...


class Watcher(Protocol):
    """What a Watcher claims. Every method raises `WatcherError`."""

    async def status(self) -> WatcherStatus:
        """Ask `status.get`."""
        ...

    async def challenge_data(self, position: UtxoPosition) -> StandardExitChallenge:
        """Ask `utxo.get_challenge_data`; `WatcherRefused` when it knows no exit or no spend."""
        ...

    async def competitor(self, in_flight_tx: bytes) -> Competitor:
        """Ask `in_flight_exit.get_competitor`; `WatcherRefused` when it knows none that is viable now."""
        ...

    async def inclusion(self, in_flight_tx: bytes) -> Inclusion:
        """Ask `in_flight_exit.prove_canonical`; `WatcherRefused` when there is nothing to respond to."""
        ...

    async def input_spend(self, in_flight_tx: bytes, index: int) -> InputSpend:
        """Ask `in_flight_exit.get_input_challenge_data`; `WatcherRefused` when that piggyback is fine."""
        ...

    async def output_spend(self, in_flight_tx: bytes, index: int) -> OutputSpend:
        """Ask `in_flight_exit.get_output_challenge_data`; `WatcherRefused` when that piggyback is fine."""
        ...

    async def exitable_utxos(self, owner: Address) -> list[ExitableUtxo]:
        """Ask `account.get_exitable_utxos`: unspent outputs of validated blocks, slow on a real Watcher."""
        ...

    async def exit_data(self, position: UtxoPosition) -> ExitData:
        """Ask `utxo.get_exit_data`; says nothing about whether the output is spent."""
        ...

    async def in_flight_data(self, signed: bytes) -> InFlightData:
        """Ask `in_flight_exit.get_data`; `WatcherRefused` where an input is not known, or a spent deposit."""
        ...

    async def transaction(self, tx_hash: Hash32) -> FoundTransaction:
        """Ask `transaction.get`; `WatcherRefused` where it is in no block, or this mode does not serve it."""
        ...


class ChildChain(Protocol):
    """What the operator's child chain serves: claims, checked against the root chain."""

    async def block(self, root: Hash32) -> ChildBlock:
        """Ask `block.get` for the block with this root; raises `RetryableError` while it cannot be had."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One contract read or simulation; `sender`, `value` and `gas` matter only for simulations.

    `gas` is the limit in gas units, None for as much as the node allows.
    """

    to: Address
    data: bytes = field(repr=False)
    sender: Address | None = None
    value: Wei = Wei(0)
    gas: int | None = None


class Chain(Protocol):
    """The root chain over JSON-RPC; every method raises `ChainUnavailable` when no endpoint answers."""

    async def chain_id(self) -> int:
        """Return the chain id all usable endpoints agree on."""
        ...

    async def head(self) -> BlockStamp:
        """Return the newest block."""
        ...

    async def block(self, number: int) -> BlockStamp | None:
        """Return the block at a height of the canonical chain, or None above the head."""
        ...

    async def call(self, call: Call, at: BlockStamp | None = None) -> bytes:
        """Run a call without a transaction, at one block (None: newest); raises `CallReverted`."""
        ...

    async def call_many(self, calls: Sequence[Call], at: BlockStamp | None = None) -> list[bytes]:
        """Run several calls at one block, in one request where possible; raises `CallReverted`."""
        ...

    async def logs(
        self, addresses: Sequence[Address], topics: Sequence[Hash32], first: int, last: int
    ) -> list[Log]:
        """Return logs of `addresses` whose first topic is among `topics`, blocks first..last inclusive.

        Splits the range by itself when an endpoint refuses it as too large.
        """
        ...

    async def code(self, address: Address) -> bytes:
        """Return the code at an address, empty when there is none."""
        ...

    async def balance(self, address: Address) -> Wei:
        """Return the newest balance."""
        ...

    async def transaction_count(
        self, address: Address, at: int | Literal["latest", "pending"] = "latest"
    ) -> int:
        """Return how many transactions of the account are mined: the lowest nonce not used on chain.

        As of a block height, or with those that wait in one node's pool without a gap before them.
        """
        ...

    async def final_transaction_count(self, address: Address, depth: int) -> int:
        """Return how many transactions of the account no reorg can take back.

        Those of the finalized block; where the chain knows none, of the block `depth` below the newest.
        """
        ...

    async def estimate_gas(self, call: Call) -> int:
        """Return the gas units the call needs now; raises `CallReverted`."""
        ...

    async def fee_facts(self) -> FeeFacts:
        """Return what prices are now."""
        ...

    async def broadcast(self, raw: bytes) -> Accepted | Rejected:
        """Hand signed bytes to every endpoint once, without retries."""
        ...

    async def is_held(self, tx_hash: Hash32) -> bool:
        """Return whether any endpoint has a transaction, waiting or mined, or cannot be asked about it."""
        ...

    async def receipt(self, tx_hash: Hash32) -> Receipt | None:
        """Return the receipt on the canonical chain, or None when not mined."""
        ...

    async def transaction_input(self, tx_hash: Hash32) -> bytes | None:
        """Return the calldata of a transaction, or None when no endpoint knows it."""
        ...


class ExitGame(Protocol):
    """The exit contracts of one generation: reads, calldata and logs."""

    @property
    def contracts(self) -> ContractSet:
        """Where the contracts are and what is constant about them."""
        ...

    @property
    def rules(self) -> PlasmaRules:
        """The arithmetic of this generation."""
        ...

    def sendable(self, bonds: Bonds) -> Mapping[Address, Mapping[bytes, Collection[Wei]]]:
        """Return which calls the guard ever makes: contract, selector, and the exact values it may carry."""
        ...

    def bound_calls(self) -> Mapping[bytes, int]:
        """Return whose calldata names the sender: selector, and at which byte keccak256 of it stands."""
        ...

    async def standard_exits(self, exit_ids: Sequence[ExitId], at: BlockStamp) -> list[StandardExit]:
        """Read several exits at one block, in the order asked."""
        ...

    async def output_finalized(self, output_id: Hash32, at: BlockStamp) -> bool | None:
        """Tell whether an output was paid out by any exit; None where the generation does not record it.

        On ald a paid exit's entry is deleted, so its status is ABSENT; this tells it from one never paid.
        """
        ...

    async def in_flight_exits(self, txs: Sequence[bytes], at: BlockStamp) -> list[InFlightExit]:
        """Read the in-flight exits of several unsigned transactions at one block, in the order asked."""
        ...

    async def in_flight_start_data(
        self, event: InFlightExitStarted, at: BlockStamp
    ) -> InFlightStartData | None:
        """Return what an in-flight exit was started with, as known at one block.

        None when the start is later than `at` or gone, or when it went through another contract whose
        calldata does not contain it.
        """
        ...

    async def plasma_block(self, blknum: int, at: BlockStamp) -> PlasmaBlock | None:
        """Read a plasma block's root and submission time, or None when unknown."""
        ...

    async def next_plasma_blocks(self, at: BlockStamp) -> tuple[int, int]:
        """Return (next operator block number, next deposit block number)."""
        ...

    async def bonds(self, at: BlockStamp) -> Bonds:
        """Read the exact bonds asked for at one block."""
        ...

    async def bounties(self, at: BlockStamp) -> Bounties:
        """Read what processing exits earns out of their bonds at one block; nothing before ald v2."""
        ...

    async def queue_head(self, token: Address, at: BlockStamp) -> QueueHead | None:
        """Read the next exit of a token's queue, or None when the queue is missing or empty."""
        ...

    async def queue_length(self, token: Address, at: BlockStamp) -> int | None:
        """Read how many exits wait in a token's queue, or None when the queue is missing."""
        ...

    def candidate(self, action: Action, *, intent: str, case_id: int, account: Address) -> TxCandidate:
        """Turn an action into the call that does it; calldata may be bound to the sending account."""
        ...

    def refusal(self, action: Action, reason: str | None) -> Meaning:
        """Tell what it means that the contract refused this action with these words (None: without any)."""
        ...

    async def root_chain_events(self, first: int, last: int) -> list[RootChainEvent]:
        """Return the decoded events of blocks first..last inclusive, in chain order.

        An `ExitStarted` whose log lacks the position is completed from the contract where the entry still
        stands; its position stays None otherwise.
        """
        ...


class Signer(Protocol):
    """One account's key."""

    @property
    def address(self) -> Address:
        """The account."""
        ...

    def sign_transaction(self, transaction: Mapping[str, object]) -> tuple[bytes, Hash32]:
        """Return (raw bytes, hash); raises `GuardError` for anything its own policy does not allow."""
        ...


class Sender(Protocol):
    """Gets one call mined, whatever it takes within its window."""

    async def submit(self, candidate: TxCandidate, window: Window) -> Outcome:
        """Return when the outcome is settled by chain facts; safe to repeat, also after a restart."""
        ...

    async def withdraw(self, intent: str, reason: str) -> None:
        """Say that a call submitted before is not needed any more, unless it is mined already.

        Its `submit` returns `WouldRevert` with this reason once no bytes of it can be mined any more: at once
        where nothing was signed, else after its nonce was used by a transfer of nothing to ourselves.
        """
        ...

    async def prepare(self, head: BlockStamp) -> None:
        """Take in nonces, balances and prices at a new head; raises `ChainUnavailable`.

        What is submitted soon after need not ask for them; without this, every call asks. What was settled
        and is not final yet is looked at again, so that a call taken out by a reorg is sent again.
        """
        ...


class Journal(Protocol):
    """What must survive a crash. Every method returns only when its change is on disk."""

    async def observe(self, observations: Sequence[Observation], at: Timestamp) -> set[str]:
        """Record what was reported; return the keys never seen before."""
        ...

    async def record_scan(
        self, first: int, stamp: BlockStamp, exits: Sequence[TrackedExit], events: Sequence[RootChainEvent]
    ) -> None:
        """Replace what is known of blocks first..stamp.number and move the checkpoint, in one commit."""
        ...

    async def checkpoint(self) -> BlockStamp | None:
        """Return the last block scanned."""
        ...

    async def tracked_exits(
        self, *, position: UtxoPosition | None = None, running: bool | None = None
    ) -> list[TrackedExit]:
        """Return the standard exits our own scan found, newest start first."""
        ...

    async def in_flight_starts(self, plasma_tx_hash: Hash32) -> list[InFlightExitStarted]:
        """Return the scanned starts of a transaction's in-flight exit, newest first."""
        ...

    async def vanished_exits(self) -> list[TrackedExit]:
        """Return the exits whose start a reorg removed, kept as history."""
        ...

    async def was_paid(self, exit_: TrackedExit) -> bool:
        """Return whether a finalization of this exit id was scanned at or after this start."""
        ...

    async def withdrawn_slots(self, exit_id: ExitId, since: int) -> frozenset[tuple[Side, int]]:
        """Return the slots of an in-flight exit whose payment was scanned in block `since` or later."""
        ...

    async def was_challenged(self, position: UtxoPosition, since: int) -> bool:
        """Return whether a challenge of an exit of this position was scanned in block `since` or later."""
        ...

    async def judge(
        self,
        exits: Sequence[tuple[ExitId, str]],
        judgement: Judgement,
        at: Timestamp,
        *,
        running: bool = True,
    ) -> None:
        """Record what is now known about tracked exits, each named by (exit id, start)."""
        ...

    async def cases(self, *, open_only: bool = False) -> list[Case]:
        """Return cases, oldest first."""
        ...

    async def case(self, key: CaseKey) -> tuple[Case | None, list[Outcome]]:
        """Return the case with this key, if there is one, and what became of its intents, oldest first."""
        ...

    async def conclude(self, conclusion: Conclusion) -> Case:
        """Record what a turn ended in, in one commit; return its case, new or known.

        A decision equal to the case's last one only moves its time.
        """
        ...

    async def close_case(self, case_id: int, closure: Closure, at: Timestamp) -> None:
        """Record that the contract's state leaves nothing to do."""
        ...

    async def decisions(self, case_id: int) -> list[DecisionRecord]:
        """Return a case's decisions, oldest first."""
        ...

    async def record_intent(self, candidate: TxCandidate, window: Window, at: Timestamp) -> None:
        """Record that this call shall be mined; the same intent again changes nothing."""
        ...

    async def open_intents(self) -> list[tuple[TxCandidate, Window]]:
        """Return the intents without an outcome, oldest first."""
        ...

    async def record_attempt(self, attempt: Attempt, at: Timestamp) -> None:
        """Record signed bytes, before they are broadcast."""
        ...

    async def mark_attempt(self, tx_hash: Hash32, status: AttemptStatus, at: Timestamp) -> None:
        """Record how far an attempt got."""
        ...

    async def attempts(
        self, *, intent: str | None = None, account: Address | None = None, live_only: bool = False
    ) -> list[Attempt]:
        """Return signed attempts, oldest first; live are those of intents without an outcome."""
        ...

    async def standing(self, intents: Sequence[str], account: Address) -> Standing:
        """Return what is known about intents and what is live of their account, all of one moment."""
        ...

    async def record_outcome(self, intent: str, outcome: Outcome, at: Timestamp) -> None:
        """Record what became of an intent."""
        ...

    async def reopen(self, intent: str) -> None:
        """Record that an intent has no outcome any more: a reorg took its transaction out."""
        ...

    async def settled(self, account: Address, first_nonce: int) -> list[SettledIntent]:
        """Return the mined intents of an account with signed bytes of this nonce or a later one."""
        ...

    async def outcome(self, intent: str) -> Outcome | None:
        """Return what became of an intent, or None while it is open or unknown."""
        ...

    async def costs(self, since: Timestamp) -> dict[str, tuple[Timestamp, Wei]]:
        """Return when each intent settled after `since` was settled, and what its gas did cost."""
        ...

    async def outcomes(self, case_id: int) -> list[Outcome]:
        """Return what became of a case's intents, oldest first; open ones are left out."""
        ...


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What one refresh of the vault did; `troubles` are sentences about the sources that failed it."""

    transactions: int
    outputs: int
    gone: int
    troubles: tuple[str, ...] = ()


class Vault(Protocol):
    """What it takes to leave when nobody answers any more; all on disk. Raises `VaultError`."""

    async def contents(self) -> VaultContents:
        """Return everything kept, all of one moment."""
        ...

    async def waits(self) -> bool:
        """Tell whether a transaction is kept that is in no known block."""
        ...

    async def refresh(self, at: BlockStamp) -> Refreshed:
        """Bring it up to date with the root chain at one block and with every source; never makes it worse.

        A source that fails is named in the result; `ChainUnavailable` is raised when the root chain does.
        """
        ...


class Alerts(Protocol):
    """Tells a person."""

    def alert(self, key: str, severity: Severity, message: str, **facts: object) -> None:
        """Tell once per `key` until it is cleared; returns at once, delivery happens elsewhere."""
        ...

    def clear(self, key: str) -> None:
        """Say that what the key was about is over."""
        ...


class Metrics(Protocol):
    """Counts for machines."""

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        ...

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        ...


class Health(Protocol):
    """Whether the guard can do its work; live, ready and safe are three different things."""

    def set(self, component: str, *, ok: bool, reason: str = "") -> None:
        """Say whether one component lets the guard do its work, and if not, why."""
        ...

    def pulse(self) -> None:
        """Say that the daemon's loops still turn."""
        ...
