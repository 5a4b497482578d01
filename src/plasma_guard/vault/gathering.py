"""Getting transactions proven: from the root chain's logs, a Watcher, or the child chain's blocks."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from plasma_guard.domain.blocks import BlockStamp, PlasmaBlock
from plasma_guard.domain.errors import EvidenceError, MalformedError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.domain.vault import KeptTransaction, Source
from plasma_guard.plasma.evidence import find_signature
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.ports import Chain, ExitGame
from plasma_guard.vault.draft import Draft
from plasma_guard.vault.proving import argument_of, decode_payment, prove_creation, prove_signatures
from plasma_guard.vault.records import Deposit, Record
from plasma_guard.vault.sources import Blocks, Troubles, WatcherClaims, WholeBlock
from plasma_guard.vault.store import Store

T = TypeVar("T")
AT_ONCE = 4
"""Questions in the air: a real Watcher answers most of them in one process."""
SAVE_EVERY = 200
"""Transactions after which what was gathered is written, so that a crash costs little."""


class Gatherer:
    """Fills a draft; whatever it puts there is proven against the root chain at `at`."""

    def __init__(
        self,
        *,
        draft: Draft,
        at: BlockStamp,
        game: ExitGame,
        chain: Chain,
        store: Store,
        watcher: WatcherClaims,
        blocks: Blocks,
        troubles: Troubles,
    ) -> None:
        self._draft = draft
        self._at = at
        self._game = game
        self._chain = chain
        self._store = store
        self._watcher = watcher
        self._blocks = blocks
        self._troubles = troubles
        self._rules: PlasmaRules = game.rules
        self._contract = game.contracts.entry
        self._unsaved = 0

    async def root(self, blknum: int) -> PlasmaBlock | None:
        """Return what the root chain stores of a plasma block; asked for once in the life of a vault."""
        known = self._draft.blocks.get(blknum)
        if known is None:
            known = await self._game.plasma_block(blknum, self._at)
            if known is not None:
                self._draft.put_block(known)
        return known

    async def creations(self, positions: Iterable[UtxoPosition]) -> None:
        """Get the transactions that created these outputs, as far as anybody proves them."""
        wanted = {at.tx_position for at in positions if self._draft.creator(at) is None}
        deposits = await asyncio.to_thread(
            self._store.deposits_at, [at.blknum for at in wanted if at.is_deposit]
        )
        await self._each(sorted(wanted), lambda at: self._creation(at, deposits.get(at.blknum)))
        await self.from_blocks(at for at in wanted if self._draft.creator(at) is None)

    async def from_blocks(self, positions: Iterable[UtxoPosition]) -> None:
        """Take transactions of operator blocks, with the signatures said to be theirs, from whole blocks."""
        if not self._blocks.available:
            return
        by_block: defaultdict[int, set[int]] = defaultdict(set)
        for at in positions:
            if not at.is_deposit:
                by_block[at.blknum].add(at.txindex)
        for blknum, indexes in sorted(by_block.items()):
            block = await self.root(blknum)
            whole = block and await self._blocks.whole(block)
            if block and whole:
                await asyncio.to_thread(self.take, block, whole, indexes)
                await self.save()

    def take(self, block: PlasmaBlock, whole: WholeBlock, indexes: Collection[int]) -> list[Record]:
        """Keep these transactions of a proven block; return those that are payments."""
        known = [index for index in indexes if index < len(whole.unsigned)]
        proofs = self._rules.merkle_proofs(whole.unsigned, known)
        taken = []
        for index in known:
            signatures: tuple[bytes, ...] = ()
            try:
                signatures = self._rules.decode_signed(whole.signed[index]).signatures
                tx = decode_payment(self._rules, whole.unsigned[index])
            except (EvidenceError, MalformedError):
                continue  # what is no payment, such as a claim of fees, has no exit
            kept = KeptTransaction(
                hash=tx.hash,
                raw=tx.raw,
                sources=tx.inputs,
                position=UtxoPosition(block.blknum, index, 0),
                proof=proofs[index],
                source=Source.CHILD_CHAIN,
            )
            taken.append(self._draft.put(Record(kept, claimed=signatures)))
        return taken

    async def signatures(self, records: Iterable[Record]) -> None:
        """Check the signatures that somebody told; ask the Watcher for those that nobody has."""
        unsigned = [each for each in records if each.kept.sources and not each.kept.is_signed]
        for record in unsigned:
            if record.claimed:
                self.check(record)
        wanting = [each for each in unsigned if not self._known(each).kept.is_signed and each.kept.position]
        # The first alone: a Watcher of the other mode says at once that it tells no signatures at all.
        await self._each(wanting[:1], self._ask_signed)
        await self._each(wanting[1:], self._ask_signed)

    def check(self, record: Record) -> Record:
        """Turn what is claimed into signatures, if every input's owner is known and signed; else leave it."""
        tx = self._rules.decode(record.kept.raw)
        owners = [self._owner(source) for source in tx.inputs]
        proven = prove_signatures(self._rules, self._contract, tx, record.claimed, owners)
        if proven is None:
            if None not in owners:
                text = f"the signatures told of transaction {tx.hash} are not by the owners of its inputs"
                self._troubles.add("signatures", text)
            return record
        kept = record.kept
        return self._draft.put(
            Record(
                KeptTransaction(
                    kept.hash, kept.raw, kept.sources, proven, kept.position, kept.proof, kept.source
                ),
                record.claimed,
                record.said,
            )
        )

    def signed_by(self, record: Record, owner: Address) -> bool:
        """Tell whether a transaction carries this owner's signature, told or checked."""
        tx = self._rules.decode(record.kept.raw)
        offered = (*record.kept.signatures, *record.claimed)
        return find_signature(self._rules, tx, offered, owner, self._contract) is not None

    async def inputs_of(self, record: Record) -> None:
        """Ask for all that the in-flight exit of a signed transaction takes, in one question."""
        signatures = record.kept.signatures or record.claimed
        absent = [source for source in record.kept.sources if self._draft.creator(source) is None]
        if len(absent) < 2 or not signatures:  # noqa: PLR2004 : one is as quickly asked for alone
            return
        signed = self._rules.encode_signed(record.kept.raw, signatures)
        data = await self._watcher.in_flight(record.kept.hash, signed)
        if data is None:
            return
        for source, raw, proof in zip(record.kept.sources, data.input_txs, data.proofs, strict=False):
            await self._prove(source.tx_position, raw, proof, Source.WATCHER)

    async def place(self, record: Record) -> None:
        """Find out whether a transaction in flight is in a block by now, and prove it."""
        for said in (record.said, await self._said(record)):
            if said is None or self._draft.creator(said) is not None:
                continue
            data = await self._watcher.creation(said)
            if data is not None and keccak(data.tx) == record.kept.hash:
                await self._prove(said, data.tx, data.proof, Source.WATCHER)
                return
            if self._blocks.available:
                await self.from_blocks([said])

    async def save(self) -> None:
        """Write what is new."""
        self._unsaved = 0
        changes = self._draft.take_changes()
        await asyncio.to_thread(self._store.save, changes)

    async def _creation(self, at: UtxoPosition, deposit: Deposit | None) -> None:
        if deposit is not None and await self._deposit(deposit):
            return
        data = await self._watcher.creation(at)
        if data is not None:
            await self._prove(at, data.tx, data.proof, Source.WATCHER, data.signatures)

    async def _deposit(self, deposit: Deposit) -> bool:
        """Compute a deposit's transaction and its proof, which only the root chain has a say in."""
        usual = self._rules.deposit(deposit.owner, deposit.token, deposit.amount)
        block = await self.root(deposit.blknum)
        if block is None:
            return False
        if self._rules.merkle_root([usual]) != block.root:
            # RootChain v0.2 takes deposits with metadata too: the call says what was really deposited.
            calldata = await self._chain.transaction_input(deposit.root_tx)
            try:
                usual = argument_of(calldata or b"")
            except MalformedError:
                return False
        proof = self._rules.merkle_proof([usual], 0)
        return await self._prove(deposit.position, usual, proof, Source.DEPOSIT)

    async def _prove(
        self,
        at: UtxoPosition,
        raw: bytes,
        proof: bytes,
        source: Source,
        claimed: tuple[bytes, ...] = (),
    ) -> bool:
        block = await self.root(at.blknum)
        if block is None:
            self._troubles.add("block", f"the root chain knows no plasma block {at.blknum}")
            return False
        try:
            tx = prove_creation(self._rules, raw, at, proof, block)
        except EvidenceError as error:
            text = f"what the {source} tells of the transaction at {at} is not kept: {error}"
            self._troubles.add(f"proof by {source}", text)
            return False
        kept = KeptTransaction(tx.hash, tx.raw, tx.inputs, (), at.tx_position, proof, source)
        self._draft.put(Record(kept, claimed))
        self._unsaved += 1
        if self._unsaved >= SAVE_EVERY:
            await self.save()
        return True

    async def _ask_signed(self, record: Record) -> None:
        found = await self._watcher.transaction(record.kept.hash)
        if found is None:
            return
        try:
            signed = self._rules.decode_signed(found.signed)
        except MalformedError as error:
            self._troubles.add("transaction.get", f"transaction.get of {record.kept.hash}: {error}")
            return
        if signed.tx.hash == record.kept.hash:
            now = self._known(record)
            self.check(Record(now.kept, signed.signatures, now.said))

    async def _said(self, record: Record) -> UtxoPosition | None:
        found = await self._watcher.transaction(record.kept.hash)
        return None if found is None else found.position

    def _known(self, record: Record) -> Record:
        at = record.kept.position
        return record if at is None else self._draft.creator(at) or record

    def _owner(self, position: UtxoPosition) -> Address | None:
        creating = self._draft.creator(position)
        if creating is None:
            return None
        outputs = self._rules.decode(creating.kept.raw).outputs
        return outputs[position.oindex].owner if position.oindex < len(outputs) else None

    async def _each(self, items: Iterable[T], work: Callable[[T], Awaitable[object]]) -> None:
        """Work on items, a few at a time; the first error of the root chain ends all of it."""
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(item: T) -> None:
            async with limit:
                await work(item)

        for part in batched(items, SAVE_EVERY):
            await asyncio.gather(*map(one, part))
        await self.save()


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Iterate over lists of at most `size`: one task per item is only made for those soon worked on."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part
