"""Every transaction that is known to spend an output, in a block or not."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.plasma.evidence import find_signature
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import PlasmaTransaction
from plasma_guard.verifier.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Spending:
    """A transaction that spends an output at `input_index`, proven by its owner's `signature`.

    `position` is where the transaction is in a block, None when it is in none.
    """

    tx: PlasmaTransaction
    input_index: int
    signature: bytes
    position: UtxoPosition | None


class KnownTransactions:
    """The ledger's transactions, and those that only the root chain showed: in flight, or as competitors.

    Whoever has a signed transaction can use it as evidence for ever, so none is forgotten. A spend without
    its owner's signature is no evidence and is not told of: a competitor need only be signed for one input.
    """

    def __init__(self, rules: PlasmaRules, verifying_contract: Address, ledger: Ledger) -> None:
        self._rules = rules
        self._verifying_contract = verifying_contract
        self._ledger = ledger
        self._shown: dict[bytes, tuple[PlasmaTransaction, set[bytes]]] = {}
        self._spending: defaultdict[UtxoPosition, list[bytes]] = defaultdict(list)
        self._found: dict[tuple[bytes, Address, int], bytes | None] = {}

    def show(self, tx: PlasmaTransaction, signatures: Iterable[bytes]) -> None:
        """Take a transaction that the root chain showed, with whatever signatures came with it."""
        if tx.raw not in self._shown:
            self._shown[tx.raw] = (tx, set())
            for position in set(tx.inputs):
                self._spending[position].append(tx.raw)
        self._shown[tx.raw][1].update(signatures)

    def find(self, tx_hash: Hash32) -> tuple[PlasmaTransaction, tuple[bytes, ...]] | None:
        """Return the transaction with this hash and its signatures, by searching everything."""
        for tx, signatures in self._shown.values():
            if tx.hash == tx_hash:
                return tx, tuple(signatures)
        found = self._ledger.find(tx_hash)
        return None if found is None else (found.tx, found.signatures)

    def spendings(self, position: UtxoPosition, owner: Address) -> Iterator[Spending]:
        """Iterate over what spends an output: the block's transaction comes last."""
        included = self._ledger.spend(position)
        for raw in self._spending.get(position, ()):
            tx, signatures = self._shown[raw]
            if signature := self._signature(tx, signatures, owner):
                yield Spending(tx, tx.inputs.index(position), signature, self._ledger.inclusion(tx))
        if included is not None:
            spend, signed = included
            if signature := self._signature(signed.tx, signed.signatures, owner):
                at = UtxoPosition(spend.blknum, spend.txindex, 0)
                yield Spending(signed.tx, spend.input_index, signature, at)

    def spending(
        self, position: UtxoPosition, owner: Address, *, other_than: bytes | None = None
    ) -> Spending | None:
        """Return the first spend of an output by another transaction than the one with these bytes."""
        spendings = self.spendings(position, owner)
        return next((each for each in spendings if each.tx.raw != other_than), None)

    def _signature(self, tx: PlasmaTransaction, signatures: Iterable[bytes], owner: Address) -> bytes | None:
        """Return the owner's signature; searched once, as recovering signers is what costs here."""
        tried = tuple(signatures)
        key = (tx.raw, owner, len(tried))
        if key not in self._found:
            self._found[key] = find_signature(self._rules, tx, tried, owner, self._verifying_contract)
        return self._found[key]
