"""PlasmaFramework + PaymentExitGame behind the `ExitGame` port."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from plasma_guard.contracts import events
from plasma_guard.contracts.abis import Function
from plasma_guard.contracts.abis import ald as abi
from plasma_guard.contracts.ald import calls, logs, reasons, starts
from plasma_guard.contracts.ald.in_flight import in_flight_exit
from plasma_guard.contracts.ald.revisions import REVISIONS
from plasma_guard.contracts.candidates import purpose_of, value_of
from plasma_guard.contracts.positions import position_or_none
from plasma_guard.contracts.reading import Reads
from plasma_guard.contracts.sharing import SharedReads
from plasma_guard.domain.actions import Action
from plasma_guard.domain.blocks import BlockStamp, PlasmaBlock
from plasma_guard.domain.errors import CallReverted, ContractError
from plasma_guard.domain.exits import (
    Bonds,
    Bounties,
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
from plasma_guard.ports import Call, Chain

IDS_PER_CALL = 50
"""How many exits one eth_call reads; far below any node's gas cap for calls."""
IN_FLIGHT_IDS_PER_CALL = 20
"""The same for in-flight exits, whose entries have ten times as many words."""
_NO_OUTPUT = bytes(32)


class AldExitGame:
    """Reads, calldata and logs of one PlasmaFramework and its PaymentExitGame."""

    def __init__(self, chain: Chain, contracts: ContractSet) -> None:
        self._chain = chain
        self._contracts = contracts
        self._revision = REVISIONS[contracts.generation]
        self._rules = rules_for(contracts.generation)
        self._reads = Reads(chain)
        self._standard = SharedReads(self._standard_exits)
        self._in_flight = SharedReads(self._in_flight_exits)
        self._readers = logs.readers(contracts, self._revision)

    @property
    def contracts(self) -> ContractSet:
        """Where the contracts are and what is constant about them."""
        return self._contracts

    @property
    def rules(self) -> PlasmaRules:
        """The arithmetic of this generation."""
        return self._rules

    def sendable(self, bonds: Bonds) -> Mapping[Address, Mapping[bytes, Collection[Wei]]]:
        """Return which calls the guard ever makes: contract, selector, and the exact values in wei."""
        free = (
            self._revision.challenge_standard_exit,
            abi.CHALLENGE_NOT_CANONICAL,
            abi.RESPOND_TO_NON_CANONICAL_CHALLENGE,
            abi.CHALLENGE_INPUT_SPENT,
            abi.CHALLENGE_OUTPUT_SPENT,
            self._revision.delete_non_piggybacked,
        )
        calls_: dict[bytes, Collection[Wei]] = {function.selector: (Wei(0),) for function in free}
        for function in (abi.PIGGYBACK_ON_INPUT, abi.PIGGYBACK_ON_OUTPUT):
            calls_[function.selector] = (bonds.piggyback,)
        calls_[abi.START_STANDARD_EXIT.selector] = (bonds.standard_exit,)
        calls_[abi.START_IN_FLIGHT_EXIT.selector] = (bonds.in_flight_exit,)
        framework = (abi.ADD_EXIT_QUEUE, self._revision.process_exits)
        return {
            self._contracts.exit_game: calls_,
            self._contracts.entry: {function.selector: (Wei(0),) for function in framework},
        }

    def bound_calls(self) -> Mapping[bytes, int]:
        """Return where a call names the sender who is paid: the last word of its struct, or of all."""
        last_words = {self._revision.challenge_standard_exit: 5, abi.CHALLENGE_INPUT_SPENT: 7}
        last_words[abi.CHALLENGE_OUTPUT_SPENT] = 6
        # A selector, the place of the struct, its words.
        places = {function.selector: 4 + 32 * (1 + word) for function, word in last_words.items()}
        if self._revision.process_exits_takes_sender:  # the bounty of processing
            places[self._revision.process_exits.selector] = 4 + 32 * 4
        return places

    async def standard_exits(self, exit_ids: Sequence[ExitId], at: BlockStamp) -> list[StandardExit]:
        """Read several exits at one block, in the order asked.

        A challenged entry stays, not exitable, until the queue reaches it; a processed one is deleted, so
        paid and never started look alike: `output_finalized` tells them apart.
        """
        return await self._standard.all(exit_ids, at)

    async def _standard_exits(self, exit_ids: Sequence[ExitId], at: BlockStamp) -> list[StandardExit]:
        entries = await self._entries(self._revision.standard_exits, exit_ids, IDS_PER_CALL, at)
        return [_standard_exit(exit_id, entry) for exit_id, entry in zip(exit_ids, entries, strict=True)]

    async def output_finalized(self, output_id: Hash32, at: BlockStamp) -> bool | None:
        """Tell whether an output was paid out, by whichever exit."""
        return bool(await self._reads.value(self._contracts.entry, abi.IS_OUTPUT_FINALIZED, output_id, at=at))

    async def in_flight_exits(self, txs: Sequence[bytes], at: BlockStamp) -> list[InFlightExit]:
        """Read the in-flight exits of several unsigned transactions at one block, in the order asked.

        The contract does not say when one is exitable: that follows from the first piggyback of each token.
        """
        return await self._in_flight.all([self._rules.in_flight_exit_id(tx) for tx in txs], at)

    async def _in_flight_exits(self, exit_ids: Sequence[ExitId], at: BlockStamp) -> list[InFlightExit]:
        entries = await self._entries(self._revision.in_flight_exits, exit_ids, IN_FLIGHT_IDS_PER_CALL, at)
        return [in_flight_exit(exit_id, entry) for exit_id, entry in zip(exit_ids, entries, strict=True)]

    async def in_flight_start_data(
        self, event: InFlightExitStarted, at: BlockStamp
    ) -> InFlightStartData | None:
        """Return what an exit was started with; None later than `at`, or when it cannot be told.

        Revision 2 logs it. For revision 1 it is in the transaction's calldata, unless another contract made
        it up itself.
        """
        if event.block_number > at.number:
            return None
        return await starts.start_of(self._chain, self._contracts, self._revision, self._rules, event)

    async def plasma_block(self, blknum: int, at: BlockStamp) -> PlasmaBlock | None:
        """Read a plasma block's root and submission time, or None when unknown."""
        root, timestamp = await self._reads.value(self._contracts.entry, abi.BLOCKS, blknum, at=at)
        return PlasmaBlock(blknum, Hash32(root), Timestamp(timestamp)) if timestamp else None

    async def next_plasma_blocks(self, at: BlockStamp) -> tuple[int, int]:
        """Return (next operator block number, next deposit block number)."""
        entry = self._contracts.entry
        (operator,), (deposit,) = await self._reads.all(
            [(entry, abi.NEXT_CHILD_BLOCK, ()), (entry, abi.NEXT_DEPOSIT_BLOCK, ())], at
        )
        return operator, deposit

    async def bonds(self, at: BlockStamp) -> Bonds:
        """Read the exact bonds asked for at one block; a change is announced two days ahead."""
        getters = (abi.START_STANDARD_EXIT_BOND_SIZE, abi.START_IFE_BOND_SIZE, abi.PIGGYBACK_BOND_SIZE)
        game = self._contracts.exit_game
        values = await self._reads.all([(game, getter, ()) for getter in getters], at)
        return Bonds(*(Wei(value) for (value,) in values))

    async def bounties(self, at: BlockStamp) -> Bounties:
        """Read what processing exits earns out of their bonds at one block; nothing in revision 1."""
        if not self._revision.process_exits_takes_sender:
            return Bounties()
        getters = (abi.STANDARD_EXIT_BOUNTY_SIZE, abi.IN_FLIGHT_EXIT_BOUNTY_SIZE)
        game = self._contracts.exit_game
        values = await self._reads.all([(game, getter, ()) for getter in getters], at)
        return Bounties(*(Wei(value) for (value,) in values))

    async def queue_head(self, token: Address, at: BlockStamp) -> QueueHead | None:
        """Read the next exit of a token's queue, or None when the queue is missing or empty."""
        entry, vault = self._contracts.entry, calls.vault_id(token)
        if not await self._reads.value(entry, abi.HAS_EXIT_QUEUE, vault, token, at=at):
            return None
        try:
            result = await self._chain.call(Call(entry, abi.GET_NEXT_EXIT.encode(vault, token)), at)
        except CallReverted:
            # The queue exists, so the only refusal left is "Queue is empty".
            return None
        (priority,) = abi.GET_NEXT_EXIT.decode(result)
        exitable_at, _, exit_id = self._rules.unpack_priority(priority)
        return QueueHead(exit_id, exitable_at)

    async def queue_length(self, token: Address, at: BlockStamp) -> int | None:
        """Read how many exits wait in a token's queue, or None when the queue is missing."""
        key = calls.queue_key(token)
        queue = Address.parse(await self._reads.value(self._contracts.entry, abi.EXITS_QUEUES, key, at=at))
        if queue == ZERO_ADDRESS:
            return None
        return int(await self._reads.value(queue, abi.QUEUE_SIZE, at=at))

    def candidate(self, action: Action, *, intent: str, case_id: int, account: Address) -> TxCandidate:
        """Turn an action into the call that does it; its calldata works for `account` alone."""
        return TxCandidate(
            intent=intent,
            case_id=case_id,
            account=account,
            to=self._contracts.entry
            if isinstance(action, calls.FRAMEWORK_CALLS)
            else self._contracts.exit_game,
            data=calls.encode(self._revision, action, account),
            value=value_of(action),
            purpose=purpose_of(action),
            gas_limit=calls.gas_limit(action),
        )

    def refusal(self, action: Action, reason: str | None) -> Meaning:
        """Tell what it means that the contract refused this action with these words."""
        return reasons.meaning(action.name, reason)

    async def root_chain_events(self, first: int, last: int) -> list[RootChainEvent]:
        """Return the decoded events of blocks first..last inclusive, in chain order."""
        return await events.fetch(self._chain, self._readers, self.standard_exits, first, last)

    async def _entries(
        self, function: Function, exit_ids: Sequence[ExitId], per_call: int, at: BlockStamp
    ) -> list[Sequence[Any]]:
        """Read many entries in calls small enough for any node's gas cap, in the order asked."""
        parts = [exit_ids[start : start + per_call] for start in range(0, len(exit_ids), per_call)]
        results = await self._reads.all(
            [(self._contracts.exit_game, function, (tuple(part),)) for part in parts], at
        )
        entries = [entry for (part,) in results for entry in part]
        if len(entries) != len(exit_ids):
            raise ContractError(f"{function.name}: asked for {len(exit_ids)} exits, got {len(entries)}")
        return entries


def _standard_exit(exit_id: ExitId, entry: Sequence[Any]) -> StandardExit:
    exitable, position, output_id, owner, amount, bond = entry[:6]
    # Revision 2 allows amount 0, so only the output id tells an entry from none.
    if not exitable and output_id == _NO_OUTPUT:
        return StandardExit(exit_id, ExitStatus.ABSENT)
    return StandardExit(
        exit_id=exit_id,
        status=ExitStatus.RUNNING if exitable else ExitStatus.CHALLENGED,
        position=position_or_none(position),
        owner=Address.parse(owner),
        amount=Wei(amount),
        output_id=Hash32(output_id),
        bond=Wei(bond),
    )
