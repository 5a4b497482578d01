"""A vault being brought up to date in memory: what may change, and what is never made worse."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from plasma_guard.domain.blocks import PlasmaBlock
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32
from plasma_guard.domain.vault import HeldOutput, KeptTransaction, VaultContents
from plasma_guard.vault.records import OutputKey, OwnOutput, Record, State, TxKey
from plasma_guard.vault.store import Changes, Stored


class Draft:
    """Starts as what is stored; `take_changes` gives what has to be saved since the last time."""

    def __init__(self, stored: Stored) -> None:
        self._records = dict(stored.records)
        self._outputs = dict(stored.outputs)
        self.blocks = dict(stored.blocks)
        self.progress = dict(stored.progress)
        self._placed = {key[1]: record for key, record in self._records.items() if key[1] is not None}
        self._spenders: defaultdict[UtxoPosition, set[TxKey]] = defaultdict(set)
        for record in self._records.values():
            self._link(record)
        self._dirty_records: set[TxKey] = set()
        self._dirty_outputs: set[OutputKey] = set()
        self._dirty_blocks: set[int] = set()
        self._saved_progress = dict(stored.progress)

    def creator(self, position: UtxoPosition) -> Record | None:
        """Return the proven transaction that created the output at a position."""
        return self._placed.get(position.tx_position)

    def kept_at(self, position: UtxoPosition) -> KeptTransaction | None:
        """Return the same as others may see it."""
        record = self.creator(position)
        return None if record is None else record.kept

    def creating(self, output: HeldOutput) -> Record | None:
        """Return the transaction that created one of our outputs."""
        if output.position is not None:
            return self.creator(output.position)
        return self._records.get((output.tx_hash, None))

    def records(self) -> list[Record]:
        """Return everything kept."""
        return list(self._records.values())

    def in_flight(self, tx_hash: Hash32 | None = None) -> list[Record]:
        """Return the transactions in no known block, or the one with this hash."""
        if tx_hash is not None:
            found = self._records.get((tx_hash, None))
            return [] if found is None else [found]
        return [record for (_, position), record in self._records.items() if position is None]

    def spenders(self, position: UtxoPosition) -> list[Record]:
        """Return the kept transactions with this input."""
        return [self._records[key] for key in self._spenders[position]]

    def held(self) -> list[HeldOutput]:
        """Return the outputs of ours that nothing proves gone."""
        return [own.output for own in self._outputs.values() if own.state is State.HELD]

    def own(self, position: UtxoPosition) -> OwnOutput | None:
        """Return our output at a position, whatever became of it."""
        record = self.creator(position)
        if record is None:
            return None
        return self._outputs.get((record.kept.hash, position.tx_position, position.oindex))

    def owns(self, key: OutputKey) -> OwnOutput | None:
        """Return one of our outputs, whatever became of it."""
        return self._outputs.get(key)

    def outputs_of(self, record: Record) -> Iterator[OwnOutput]:
        """Iterate over our outputs of a transaction."""
        for index in range(16):
            own = self._outputs.get((*record.key, index))
            if own is not None:
                yield own

    def put(self, record: Record) -> Record:
        """Keep a verified transaction; what was known of it and is better stays. Return what is kept."""
        kept = record.kept
        if kept.position is not None and (waiting := self._records.get((kept.hash, None))) is not None:
            record = _merged(waiting, record)
            self._settle_place(waiting, record)
        before = self._records.get(record.key)
        if before is not None:
            record = _merged(before, record)
            if record == before:
                return before
        elif kept.position is None and (placed := self.placed_at(kept.hash)) is not None:
            return placed
        self._records[record.key] = record
        if kept.position is not None:
            self._placed[kept.position] = record
        self._link(record)
        self._dirty_records.add(record.key)
        return record

    def placed_at(self, tx_hash: Hash32) -> Record | None:
        """Return a proven transaction by its hash; looks at every one."""
        return next((r for (hash_, at), r in self._records.items() if hash_ == tx_hash and at), None)

    def put_output(self, own: OwnOutput) -> None:
        """Keep what is known of an output; one that is proven gone never comes back by a mere claim."""
        before = self._outputs.get(own.key)
        if before == own or (
            before is not None and before.state is not State.HELD and own.state is State.HELD
        ):
            return
        self._outputs[own.key] = own
        self._dirty_outputs.add(own.key)

    def put_block(self, block: PlasmaBlock) -> None:
        """Remember what the root chain stores of a plasma block."""
        if self.blocks.get(block.blknum) != block:
            self.blocks[block.blknum] = block
            self._dirty_blocks.add(block.blknum)

    def drop(self, record: Record) -> None:
        """Forget a transaction."""
        self._records.pop(record.key, None)
        if record.kept.position is not None:
            self._placed.pop(record.kept.position, None)
        for source in record.kept.sources:
            self._spenders[source].discard(record.key)
        self._dirty_records.add(record.key)

    def drop_output(self, key: OutputKey) -> None:
        """Forget an output."""
        self._outputs.pop(key, None)
        self._dirty_outputs.add(key)

    def unprove(self, blknum: int) -> None:
        """A reorganization of the root chain took a plasma block: what was in it is proven no longer.

        Signed payments are in flight again, with our outputs; deposits never happened.
        """
        for record in [each for at, each in self._placed.items() if at.blknum == blknum]:
            own = list(self.outputs_of(record))
            self.drop(record)
            for each in own:
                self.drop_output(each.key)
            signatures = record.kept.signatures or record.claimed
            if record.kept.sources and signatures:
                kept = replace(record.kept, position=None, proof=b"")
                self.put(Record(kept, record.claimed))
                for each in own:
                    self.put_output(OwnOutput(replace(each.output, position=None)))
        self.blocks.pop(blknum, None)
        self._dirty_blocks.add(blknum)

    def drop_block(self, blknum: int) -> None:
        """Forget a plasma block in which nothing of interest is."""
        self.blocks.pop(blknum, None)
        self._dirty_blocks.add(blknum)

    def contents(self) -> VaultContents:
        """Return what others may see: good transactions, and outputs that are still there."""
        transactions: dict[Hash32, KeptTransaction] = {}
        twins: list[KeptTransaction] = []
        placed = sorted(self._placed.items())
        for kept in (*(each.kept for _, each in placed), *(each.kept for each in self.in_flight())):
            if kept.hash in transactions:
                twins.append(kept)
            else:
                transactions[kept.hash] = kept
        return VaultContents(
            outputs=tuple(self._with_spender(output) for output in sorted(self.held(), key=_age)),
            transactions=transactions,
            twins=tuple(twins),
        )

    def take_changes(self) -> Changes:
        """Return what is not saved yet, and take it as saved."""
        changes = Changes(
            records=[self._records[key] for key in self._dirty_records if key in self._records],
            outputs=[self._outputs[key] for key in self._dirty_outputs if key in self._outputs],
            blocks=[self.blocks[number] for number in self._dirty_blocks if number in self.blocks],
            progress={k: v for k, v in self.progress.items() if self._saved_progress.get(k) != v},
            lost_records=[key for key in self._dirty_records if key not in self._records],
            lost_outputs=[key for key in self._dirty_outputs if key not in self._outputs],
            lost_blocks=[number for number in self._dirty_blocks if number not in self.blocks],
        )
        self._dirty_records, self._dirty_outputs, self._dirty_blocks = set(), set(), set()
        self._saved_progress = dict(self.progress)
        return changes

    def _with_spender(self, output: HeldOutput) -> HeldOutput:
        if output.position is None:
            return output
        # What is in flight and spends ours was kept only because its owner has signed that.
        waiting = [each.kept.hash for each in self.spenders(output.position) if each.kept.position is None]
        return replace(output, spent_by=min(waiting)) if waiting else output

    def _settle_place(self, waiting: Record, placed: Record) -> None:
        """Give our outputs of a transaction in flight the position it turned out to have."""
        at = placed.kept.position
        assert at is not None  # noqa: S101 : the caller has just looked
        for own in list(self.outputs_of(waiting)):
            self.drop_output(own.key)
            position = UtxoPosition(at.blknum, at.txindex, own.output.index)
            self.put_output(replace(own, output=replace(own.output, position=position)))
        self.drop(waiting)

    def _link(self, record: Record) -> None:
        for source in record.kept.sources:
            self._spenders[source].add(record.key)


def _merged(old: Record, new: Record) -> Record:
    """Return the new record with everything that only the old one knows."""
    kept = replace(
        new.kept,
        signatures=new.kept.signatures or old.kept.signatures,
        position=new.kept.position or old.kept.position,
        proof=new.kept.proof or old.kept.proof,
        source=old.kept.source if old.key == new.key else new.kept.source,
    )
    return Record(kept, new.claimed or old.claimed, new.said or old.said)


def _age(output: HeldOutput) -> tuple[bool, UtxoPosition | None, Hash32, int]:
    """Order by age; what is in no block is youngest."""
    first = UtxoPosition(1, 0, 0)
    return output.position is None, output.position or first, output.tx_hash, output.index
