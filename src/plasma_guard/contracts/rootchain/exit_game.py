"""RootChain v0.2 behind the `ExitGame` port."""

from collections.abc import Collection, Mapping, Sequence

from plasma_guard.contracts import events
from plasma_guard.contracts.abis import rootchain as abi
from plasma_guard.contracts.candidates import purpose_of, value_of
from plasma_guard.contracts.positions import position_or_none
from plasma_guard.contracts.reading import Reads
from plasma_guard.contracts.rootchain import calls, in_flight, logs, starts
from plasma_guard.contracts.sharing import SharedReads
from plasma_guard.domain.actions import Action
from plasma_guard.domain.blocks import BlockStamp, PlasmaBlock
from plasma_guard.domain.exits import (
    Bonds,
    ContractSet,
    ExitId,
    ExitStatus,
    InFlightExit,
    InFlightExitStarted,
    InFlightStartData,
    QueueHead,
    RootChainEvent,
    StandardExit,
)
from plasma_guard.domain.primitives import ZERO_ADDRESS, Address, Hash32, Timestamp, Wei
from plasma_guard.domain.refusals import Meaning
from plasma_guard.domain.transactions import TxCandidate
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.ports import Chain

FEE_POSITION = 1
"""What startFeeExit stores as position: it exits the operator's fees, not an output."""


class RootChainExitGame:
    """Reads, calldata and logs of one RootChain v0.2."""

    def __init__(self, chain: Chain, contracts: ContractSet) -> None:
        self._chain = chain
        self._contracts = contracts
        self._rules = rules_for(contracts.generation)
        self._reads = Reads(chain)
        self._in_flight = SharedReads(self._in_flight_exits)
        self._readers = logs.readers(contracts.entry)

    @property
    def contracts(self) -> ContractSet:
        """Where the contract is and what is constant about it."""
        return self._contracts

    @property
    def rules(self) -> PlasmaRules:
        """The arithmetic of this generation."""
        return self._rules

    def sendable(self, bonds: Bonds) -> Mapping[Address, Mapping[bytes, Collection[Wei]]]:
        """Return which calls the guard ever makes: contract, selector, and the exact values in wei."""
        free = (
            abi.CHALLENGE_STANDARD_EXIT,
            abi.CHALLENGE_NOT_CANONICAL,
            abi.RESPOND_TO_NON_CANONICAL_CHALLENGE,
            abi.CHALLENGE_INPUT_SPENT,
            abi.CHALLENGE_OUTPUT_SPENT,
            abi.ADD_TOKEN,
            abi.PROCESS_EXITS,
        )
        calls_: dict[bytes, Collection[Wei]] = {function.selector: (Wei(0),) for function in free}
        calls_[abi.PIGGYBACK_IN_FLIGHT_EXIT.selector] = (bonds.piggyback,)
        calls_[abi.START_STANDARD_EXIT.selector] = (bonds.standard_exit,)
        calls_[abi.START_IN_FLIGHT_EXIT.selector] = (bonds.in_flight_exit,)
        return {self._contracts.entry: calls_}

    def bound_calls(self) -> Mapping[bytes, int]:
        """Return nothing: no call of this generation names its sender."""
        return {}

    async def standard_exits(self, exit_ids: Sequence[ExitId], at: BlockStamp) -> list[StandardExit]:
        """Read several exits at one block, in the order asked.

        A challenged entry is deleted, a paid one keeps its amount but loses its owner.
        """
        entries = await self._reads.all(
            [(self._contracts.entry, abi.EXITS, (exit_id,)) for exit_id in exit_ids], at
        )
        return [
            _standard_exit(exit_id, Address.parse(owner), Address.parse(token), amount, position)
            for exit_id, (owner, token, amount, position) in zip(exit_ids, entries, strict=True)
        ]

    async def output_finalized(self, output_id: Hash32, at: BlockStamp) -> bool | None:  # noqa: ARG002 : the port says so
        """Return None: this generation keeps no record per output."""
        return None

    async def in_flight_exits(self, txs: Sequence[bytes], at: BlockStamp) -> list[InFlightExit]:
        """Read the in-flight exits of several unsigned transactions at one block, in the order asked.

        An output's owner and amount are known only once it was piggybacked. Raises `MalformedError` for a
        started transaction that does not decode.
        """
        return await self._in_flight.all(txs, at)

    async def _in_flight_exits(self, txs: Sequence[bytes], at: BlockStamp) -> list[InFlightExit]:
        return await in_flight.read_in_flight_exits(self._reads, self._contracts.entry, self._rules, txs, at)

    async def in_flight_start_data(
        self, event: InFlightExitStarted, at: BlockStamp
    ) -> InFlightStartData | None:
        """Return what an exit was started with, from its transaction's calldata; None later than `at`."""
        if event.block_number > at.number:
            return None
        return await starts.start_of(self._chain, self._contracts.entry, self._rules, event)

    async def plasma_block(self, blknum: int, at: BlockStamp) -> PlasmaBlock | None:
        """Read a plasma block's root and submission time, or None when unknown."""
        root, timestamp = await self._reads.value(self._contracts.entry, abi.BLOCKS, blknum, at=at)
        return PlasmaBlock(blknum, Hash32(root), Timestamp(timestamp)) if timestamp else None

    async def next_plasma_blocks(self, at: BlockStamp) -> tuple[int, int]:
        """Return (next operator block number, next deposit block number)."""
        entry = self._contracts.entry
        (operator,), (deposit,) = await self._reads.all(
            [(entry, abi.NEXT_CHILD_BLOCK, ()), (entry, abi.GET_DEPOSIT_BLOCK_NUMBER, ())], at
        )
        return operator, deposit

    async def bonds(self, at: BlockStamp) -> Bonds:
        """Read the exact bonds asked for at one block."""
        getters = (abi.STANDARD_EXIT_BOND, abi.IN_FLIGHT_EXIT_BOND, abi.PIGGYBACK_BOND)
        values = await self._reads.all([(self._contracts.entry, getter, ()) for getter in getters], at)
        return Bonds(*(Wei(value) for (value,) in values))

    async def has_queue(self, token: Address, at: BlockStamp) -> bool:
        """Tell whether a token's exit queue was opened."""
        return bool(await self._reads.value(self._contracts.entry, abi.HAS_TOKEN, token, at=at))

    async def queue_head(self, token: Address, at: BlockStamp) -> QueueHead | None:
        """Read the next exit of a token's queue, or None when the queue is missing or empty.

        The size is read first: getNextExit of an empty queue burns all gas instead of answering.
        """
        entry = self._contracts.entry
        queue = Address.parse(await self._reads.value(entry, abi.EXITS_QUEUES, token, at=at))
        if queue == ZERO_ADDRESS:
            return None
        size = await self._reads.value(queue, abi.QUEUE_SIZE, at=at)
        if not size:
            return None
        exitable_at, exit_id, _ = await self._reads.value(entry, abi.GET_NEXT_EXIT, token, at=at)
        return QueueHead(ExitId(exit_id), Timestamp(exitable_at), size)

    def candidate(self, action: Action, *, intent: str, case_id: int, account: Address) -> TxCandidate:
        """Turn an action into the call that does it; raises `MalformedError` where there is none."""
        return TxCandidate(
            intent=intent,
            case_id=case_id,
            account=account,
            to=self._contracts.exit_game,
            data=calls.encode(action),
            value=value_of(action),
            purpose=purpose_of(action),
            gas_limit=calls.gas_limit(action),
        )

    def refusal(self, action: Action, reason: str | None) -> Meaning:  # noqa: ARG002 (the port says so)
        """Return UNKNOWN: this contract gives no reasons, so its state must be read again."""
        return Meaning.UNKNOWN

    async def root_chain_events(self, first: int, last: int) -> list[RootChainEvent]:
        """Return the decoded events of blocks first..last inclusive, in chain order."""
        return await events.fetch(self._chain, self._readers, self.standard_exits, first, last)


def _standard_exit(
    exit_id: ExitId, owner: Address, token: Address, amount: int, position: int
) -> StandardExit:
    if owner == ZERO_ADDRESS and not amount:
        return StandardExit(exit_id, ExitStatus.ABSENT)
    return StandardExit(
        exit_id=exit_id,
        status=ExitStatus.RUNNING if owner != ZERO_ADDRESS else ExitStatus.FINALIZED,
        position=position_or_none(position),
        owner=owner if owner != ZERO_ADDRESS else None,
        token=token,
        amount=Wei(amount),
        fee=position == FEE_POSITION,
    )
