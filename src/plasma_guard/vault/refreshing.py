"""One refresh: what the root chain, a Watcher and the child chain have to add, proven, and what is gone."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.errors import ChainUnavailable, MalformedError
from plasma_guard.domain.exits import (
    DepositCreated,
    ExitFinalized,
    ExitId,
    ExitStatus,
    InFlightExitWithdrawn,
    Side,
)
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL, UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.domain.vault import HeldOutput
from plasma_guard.plasma.transaction import PlasmaTransaction
from plasma_guard.ports import Chain, ExitGame, Refreshed
from plasma_guard.vault.draft import Draft
from plasma_guard.vault.gathering import Gatherer
from plasma_guard.vault.lacks import lack, own_ancestors
from plasma_guard.vault.records import Deposit, OwnOutput, Record, State, since
from plasma_guard.vault.sources import Blocks, Patience, Troubles, WatcherClaims
from plasma_guard.vault.store import Store

REREAD_BLOCKS = 64
"""Root-chain blocks this young may still change."""
LOG_CHUNK = 10_000
YOUNG_SECONDS = 1200
"""A plasma block younger than this may still be taken back with the root chain's block it is in."""
FOLLOWED_AT_ONCE = 50
"""Plasma blocks read in one refresh; the next goes on from there."""
NEVER_LISTED = "no Watcher has listed it as unspent yet"
NO_LONGER_LISTED = "the Watcher no longer lists it as unspent, and nothing proves yet what became of it"


@dataclass(frozen=True, slots=True)
class Settings:
    """Whose outputs are held, and how far back.

    `first_block` is the root-chain block at which the deposits begin; `depth` is how many generations of our
    own transactions can be exited in flight.
    """

    owners: frozenset[Address]
    first_block: int
    depth: int = 3


class Refresh:
    """Made for one refresh; `run` is called once."""

    def __init__(
        self,
        *,
        settings: Settings,
        draft: Draft,
        at: BlockStamp,
        game: ExitGame,
        chain: Chain,
        store: Store,
        watcher: WatcherClaims,
        blocks: Blocks,
        troubles: Troubles,
        patience: Patience,
    ) -> None:
        self._settings = settings
        self._owners: Collection[Address] = settings.owners
        self._draft = draft
        self._at = at
        self._game = game
        self._rules = game.rules
        self._store = store
        self._watcher = watcher
        self._blocks = blocks
        self._troubles = troubles
        self._patience = patience
        self._followed = 0
        self._caught_up = False
        self._unlisted: set[UtxoPosition] = set()
        self._finalized: set[ExitId] = set()
        self._gather = Gatherer(
            draft=draft,
            at=at,
            game=game,
            chain=chain,
            store=store,
            watcher=watcher,
            blocks=blocks,
            troubles=troubles,
        )

    async def run(self) -> Refreshed:
        """Do all of it; what is proven on the way is on disk even if the rest fails."""
        before = {(each.tx_hash, each.index) for each in self._draft.held()}
        known = len(self._draft.records())
        await self._recheck()
        await self._read_logs()
        await self._follow()
        await self._place_in_flight()
        await self._list()
        await self._complete()
        await self._settle_gone()
        self._prune()
        self._judge()
        self._draft.progress["refreshed_at"] = self._at.timestamp
        await self._gather.save()
        held = {(each.tx_hash, each.index) for each in self._draft.held()}
        return Refreshed(
            transactions=max(0, len(self._draft.records()) - known),
            outputs=len(held - before),
            gone=len(before - held),
            troubles=self._troubles.sentences(),
        )

    async def look_up(self, tx: PlasmaTransaction) -> None:
        """Get the transactions that created a transaction's inputs, so that its signers can be checked."""
        await self._gather.creations(tx.inputs)

    async def settle(self, record: Record) -> Record:
        """Check a tracked transaction's signatures, and look whether it is in a block by now."""
        checked = self._gather.check(record)
        await self._gather.place(checked)
        return self._draft.placed_at(checked.kept.hash) or checked

    async def _recheck(self) -> None:
        """Read young plasma blocks again: a reorganization of the root chain can take or change them."""
        for blknum, known in sorted(self._draft.blocks.items()):
            if known.timestamp + YOUNG_SECONDS < self._at.timestamp:
                continue
            now = await self._game.plasma_block(blknum, self._at)
            if now is None or now.root != known.root:
                self._draft.unprove(blknum)
                progress = self._draft.progress
                if progress.get("follow", 0) > blknum:
                    progress["follow"] = blknum - blknum % CHILD_BLOCK_INTERVAL
            if now is not None and now != known:
                self._draft.put_block(now)

    async def _read_logs(self) -> None:
        """Take the deposits from the root chain's own logs; ours are outputs, others' can be inputs."""
        first = self._settings.first_block
        if (read := self._draft.progress.get("logs")) is not None:
            first = max(first, read - REREAD_BLOCKS + 1)
        while first <= self._at.number:
            last = min(first + LOG_CHUNK - 1, self._at.number)
            events = await self._game.root_chain_events(first, last)
            found = [_deposit(event) for event in events if isinstance(event, DepositCreated)]
            ended = [each for each in events if isinstance(each, ExitFinalized | InFlightExitWithdrawn)]
            self._finalized |= {each.exit_id for each in ended}
            await asyncio.to_thread(self._store.add_deposits, first, last, found)
            self._draft.progress["logs"] = last
            first = last + 1
        ours = await asyncio.to_thread(self._store.deposits_of, self._owners)
        new = [each.position for each in ours if self._draft.own(each.position) is None]
        await self._gather.creations(new)
        for position in new:
            self._hold(position, doubt=NEVER_LISTED)

    async def _follow(self) -> None:
        """Read each new plasma block whole, where the child chain serves them: no Watcher is needed then."""
        operator, _ = await self._game.next_plasma_blocks(self._at)
        progress = self._draft.progress
        if not self._blocks.available:
            if "follow" in progress:
                progress["follow"] = 0
            return
        if not progress.get("follow"):
            progress |= {"follow": operator, "follow_from": operator}
        while (blknum := progress["follow"]) < operator:
            if self._followed == FOLLOWED_AT_ONCE:
                return
            block = await self._gather.root(blknum)
            if block is None:
                raise ChainUnavailable(f"the contract counts plasma block {blknum}, yet has no such block")
            whole = await self._blocks.whole(block)
            if whole is None:
                return
            ours = await asyncio.to_thread(self._concerning, blknum, whole.signed)
            for record in self._gather.take(block, whole, ours):
                self._take_outputs(record)
            self._followed += 1
            progress["follow"] = blknum + CHILD_BLOCK_INTERVAL
        self._caught_up = True
        self._vouch()

    def _vouch(self) -> None:
        """Call deposits unspent that no block has spent: everything that could has been read."""
        for output in self._draft.held():
            if output.doubt == NEVER_LISTED and output.position and self._is_followed(output.position):
                self._draft.put_output(OwnOutput(replace(output, doubt=None)))

    def _concerning(self, blknum: int, signed: Sequence[bytes]) -> list[int]:
        """Return the indexes of the transactions that pay us, or spend what is ours."""
        waiting = {record.kept.hash for record in self._draft.in_flight()}
        paid: set[UtxoPosition] = set()
        found = []
        for index, raw in enumerate(signed):
            try:
                tx = self._rules.decode_signed(raw).tx
            except MalformedError:
                continue  # what is no payment, such as a claim of fees
            ours = [at for at, output in enumerate(tx.outputs) if output.owner in self._owners]
            # What a transaction pays us can be spent further on in the same block.
            spends = any(position in paid or self._draft.own(position) for position in tx.inputs)
            if ours or spends or tx.hash in waiting:
                found.append(index)
                paid |= {UtxoPosition(blknum, index, at) for at in ours}
        return found

    def _take_outputs(self, record: Record) -> None:
        """Hold what a transaction of a followed block pays us: nothing can have spent it before."""
        at = record.kept.position
        if at is None:
            return
        for index in range(len(self._rules.decode(record.kept.raw).outputs)):
            self._hold(UtxoPosition(at.blknum, at.txindex, index), doubt=None)

    async def _place_in_flight(self) -> None:
        """Look for transactions in flight where they are said to be by now."""
        for record in self._draft.in_flight():
            await self._gather.place(record)

    async def _list(self) -> None:
        """Take what the Watcher calls unspent, and note what it no longer does."""
        listed = await self._watcher.listed(self._owners)
        if listed is None:
            return
        unknown = [position for position in listed if self._draft.own(position) is None]
        if self._blocks.available:
            await self._gather.from_blocks(at for at in unknown if self._draft.creator(at) is None)
        await self._gather.creations(unknown)
        for position in listed:
            own = self._draft.own(position)
            if own is None:
                self._hold(position, doubt=None)
            elif own.state is State.HELD and own.output.doubt is not None:
                self._draft.put_output(replace(own, output=replace(own.output, doubt=None)))
        for output in self._draft.held():
            at = output.position
            if at is None or at in listed:
                continue
            self._unlisted.add(at)
            if output.doubt is None and not self._is_followed(at):
                self._draft.put_output(OwnOutput(replace(output, doubt=NO_LONGER_LISTED)))

    def _is_followed(self, at: UtxoPosition) -> bool:
        """Tell whether every block that could spend this output has been read here."""
        first = self._draft.progress.get("follow_from", 0)
        return self._caught_up and at.blknum > first - CHILD_BLOCK_INTERVAL

    def _hold(self, position: UtxoPosition, *, doubt: str | None) -> None:
        """Hold an output of a proven transaction, if it is ours as that says itself."""
        record = self._draft.creator(position)
        if record is None or self._draft.own(position) is not None:
            return
        outputs = self._rules.decode(record.kept.raw).outputs
        if position.oindex >= len(outputs) or outputs[position.oindex].owner not in self._owners:
            return
        made = outputs[position.oindex]
        held = HeldOutput(
            record.kept.hash, position.oindex, made.owner, made.token, made.amount, position, doubt=doubt
        )
        self._draft.put_output(OwnOutput(held))

    async def _complete(self) -> None:
        """Get what in-flight exits of our outputs' transactions take, and of our own ones before them."""
        generation = self._roots()
        seen: set[Hash32] = set()
        for _ in range(self._settings.depth):
            generation = [each for each in generation if each.kept.hash not in seen]
            seen |= {each.kept.hash for each in generation}
            wanting = [each for each in generation if each.kept.sources and not each.kept.is_signed]
            await self._gather.from_blocks(
                each.kept.position for each in wanting if each.kept.position and not each.claimed
            )
            generation = [self._now(each) for each in generation]
            for record in generation:
                await self._gather.inputs_of(record)
            await self._gather.creations(source for each in generation for source in each.kept.sources)
            await self._gather.signatures(generation)
            generation = self._before(generation)

    def _roots(self) -> list[Record]:
        """Return the transactions that our outputs come from, and those in flight."""
        made = [self._draft.creator(each.position) for each in self._draft.held() if each.position]
        unique = {each.key: each for each in made if each is not None}
        return [*unique.values(), *self._draft.in_flight()]

    def _before(self, generation: Collection[Record]) -> list[Record]:
        found = {
            ancestor.hash: ancestor
            for each in generation
            for ancestor in own_ancestors(self._rules, each.kept, self._draft.kept_at, self._owners)
        }
        records = [self._draft.creator(each.position) for each in found.values() if each.position]
        return [each for each in records if each is not None]

    def _now(self, record: Record) -> Record:
        at = record.kept.position
        return record if at is None else self._draft.creator(at) or record

    async def _settle_gone(self) -> None:
        """Take out what is proven gone: spent in a block with its owner's signature, or paid out."""
        for output in self._draft.held():
            if self._is_spent(output):
                self._draft.put_output(OwnOutput(output, State.SPENT))
        for output in self._draft.held():
            record = self._draft.creating(output)
            if record is None or not self._may_be_paid(output, record):
                continue
            if await self._is_paid(output, record):
                self._draft.put_output(OwnOutput(output, State.EXITED))
            else:
                self._patience.failed(("paid", output.position))
        for record in self._draft.in_flight():
            own = [self._draft.own(source) for source in record.kept.sources]
            if any(each is not None and each.state is not State.HELD for each in own):
                # Something else took its input: it can be in no block any more.
                for each in list(self._draft.outputs_of(record)):
                    self._draft.drop_output(each.key)
                self._draft.drop(record)

    def _is_spent(self, output: HeldOutput) -> bool:
        if output.position is None:
            return False
        spenders = self._draft.spenders(output.position)
        return any(each.kept.position and self._gather.signed_by(each, output.owner) for each in spenders)

    def _may_be_paid(self, output: HeldOutput, record: Record) -> bool:
        """Tell whether to ask the contract: its logs name an exit of the output, or it is not listed."""
        if self._finalized:
            ids = {self._rules.in_flight_exit_id(record.kept.raw)}
            if output.position is not None:
                ids.add(self._rules.standard_exit_id(record.kept.raw, output.position))
            if ids & self._finalized:
                return True
        return output.position in self._unlisted and self._patience.ready(("paid", output.position))

    async def _is_paid(self, output: HeldOutput, record: Record) -> bool:
        raw, position = record.kept.raw, output.position
        if self._rules.generation.is_ald:
            # Only a deposit's output id depends on where it is, and a deposit is never in flight.
            at = position or UtxoPosition(CHILD_BLOCK_INTERVAL, 0, output.index)
            output_id = self._rules.output_id(raw, at)
            return output_id is not None and bool(await self._game.output_finalized(output_id, self._at))
        if position is not None:
            exit_id = self._rules.standard_exit_id(raw, position)
            (entry,) = await self._game.standard_exits([exit_id], self._at)
            if entry.status is ExitStatus.FINALIZED:
                return True
        (in_flight,) = await self._game.in_flight_exits([raw], self._at)
        slot = in_flight.slot(Side.OUTPUT, output.index)
        return slot is not None and slot.handled

    def _prune(self) -> None:
        """Forget what no way out goes back to any more."""
        needed: set[object] = set()
        generation = self._roots()
        for _ in range(self._settings.depth):
            needed |= {each.key for each in generation}
            for each in generation:
                made = map(self._draft.creator, each.kept.sources)
                needed |= {record.key for record in made if record is not None}
            generation = self._before(generation)
        for record in self._draft.records():
            if record.key not in needed:
                self._draft.drop(record)
        used = {record.kept.position.blknum for record in self._draft.records() if record.kept.position}
        for blknum, block in list(self._draft.blocks.items()):
            if blknum not in used and block.timestamp + YOUNG_SECONDS < self._at.timestamp:
                self._draft.drop_block(blknum)

    def _judge(self) -> None:
        for output in self._draft.held():
            record = self._draft.creating(output)
            found = lack(
                self._rules,
                output,
                None if record is None else record.kept,
                self._draft.kept_at,
                owners=self._owners,
                depth=self._settings.depth,
            )
            judged = replace(
                output,
                missing=found.words,
                missing_since=since(found.words, output.missing_since, self._at.timestamp),
                stuck=found.stuck,
            )
            self._draft.put_output(OwnOutput(judged))


def _deposit(event: DepositCreated) -> Deposit:
    return Deposit(
        blknum=event.blknum,
        owner=event.depositor,
        token=event.token,
        amount=event.amount,
        root_block=event.block_number,
        root_tx=event.tx_hash,
    )
