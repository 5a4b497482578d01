"""Vaults made of nothing but bytes, for what needs no chain."""

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from plasma_guard.domain.blocks import PlasmaBlock
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Timestamp, Wei
from plasma_guard.domain.vault import HeldOutput, KeptTransaction
from plasma_guard.keys.signer import address_of
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.plasma.transaction import Output
from plasma_guard.vault.draft import Draft
from plasma_guard.vault.records import Binding, OwnOutput, Record
from plasma_guard.vault.store import Stored

KEY, OTHER_KEY = (1).to_bytes(32), (2).to_bytes(32)
OWNER, OTHER = address_of(KEY), address_of(OTHER_KEY)
CONTRACT = Address(bytes([9]) * 20)
NOW = Timestamp(1_700_000_000)


def binding(rules: PlasmaRules) -> Binding:
    return Binding(1, CONTRACT, str(rules.generation))


def empty() -> Draft:
    return Draft(Stored({}, {}, {}, {}))


@dataclass(slots=True)
class Maker:
    """Puts proven transactions into a draft, each in a block of its own."""

    rules: PlasmaRules
    draft: Draft
    next_deposit: int = 1
    next_block: int = 1000

    def place(self, raw: bytes, at: UtxoPosition, signatures: tuple[bytes, ...] = ()) -> Record:
        tx = self.rules.decode(raw)
        self.draft.put_block(PlasmaBlock(at.blknum, self.rules.merkle_root([raw]), NOW))
        proof = self.rules.merkle_proof([raw], 0)
        kept = KeptTransaction(tx.hash, raw, tx.inputs, signatures, at.tx_position, proof)
        return self.draft.put(Record(kept))

    def deposit(self, amount: int, owner: Address = OWNER) -> UtxoPosition:
        at = UtxoPosition(self.next_deposit, 0, 0)
        self.next_deposit += 1
        self.hold(self.place(self.rules.deposit(owner, ETH, Wei(amount)), at))
        return at

    def payment(
        self, spent: UtxoPosition, outputs: int = 1, *, signed: bool = True, included: bool = True
    ) -> Record:
        """Pay an output of the owner to the owner, in so many outputs."""
        raw = self.rules.encode([spent], [Output(OWNER, ETH, Wei(7))] * outputs)
        tx = self.rules.decode(raw)
        signatures = (self.rules.sign(tx, CONTRACT, KEY),) if signed else ()
        if included:
            at = UtxoPosition(self.next_block, 0, 0)
            self.next_block += 1000
            record = self.place(raw, at, signatures)
        else:
            record = self.draft.put(Record(KeptTransaction(tx.hash, raw, tx.inputs, signatures), signatures))
        self.hold(record)
        return record

    def hold(self, record: Record) -> None:
        """Hold every output of a transaction that is the owner's."""
        at = record.kept.position
        for index, output in enumerate(self.rules.decode(record.kept.raw).outputs):
            if output.owner == OWNER:
                position = at and replace(at, oindex=index)
                held = HeldOutput(record.kept.hash, index, OWNER, output.token, output.amount, position)
                self.draft.put_output(OwnOutput(held))


@st.composite
def vaults(draw: st.DrawFn) -> tuple[PlasmaRules, Draft]:
    """Make a vault of deposits, some of them equal, of payments, and of payments in flight."""
    rules = rules_for(draw(st.sampled_from(list(Generation))))
    maker = Maker(rules, empty())
    spendable = [
        maker.deposit(amount) for amount in draw(st.lists(st.integers(1, 3), min_size=1, max_size=6))
    ]
    for outputs in draw(st.lists(st.integers(1, 4), max_size=4)):
        spent = draw(st.sampled_from(spendable))
        included = draw(st.booleans())
        record = maker.payment(spent, outputs, signed=draw(st.booleans()) or not included, included=included)
        if record.kept.position is not None:
            spendable.append(replace(record.kept.position, oindex=outputs - 1))
    return rules, maker.draft
