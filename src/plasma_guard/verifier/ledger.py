"""Who owns what on the plasma chain, and which transaction spent what."""

from collections import Counter
from collections.abc import Iterator, Sequence

from plasma_guard.domain.errors import GuardError
from plasma_guard.domain.exits import DepositCreated, ExitId
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL, UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import Output, PlasmaTransaction, SignedTransaction
from plasma_guard.verifier.blocks import RecoveredTransaction
from plasma_guard.verifier.history import History, LedgerBlock, MemoryHistory, Spend

__all__ = ["Ledger", "LedgerBlock", "OpenBlock", "Spend", "TransactionRefusedError"]


class TransactionRefusedError(GuardError):
    """The ledger does not allow a transaction; `reason` is a Watcher's name for why."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class Ledger:
    """Unspent outputs, spends and blocks, up to but not including block `next_blknum`.

    Only what is unspent and the newest block are held here; the rest is in `history`, by default in memory.
    """

    def __init__(self, rules: PlasmaRules, history: History | None = None) -> None:
        self._rules = rules
        self._history: History = MemoryHistory() if history is None else history
        self._unspent: dict[UtxoPosition, Output] = {}
        self.last_block: LedgerBlock | None = None
        """The newest block, None before the first."""
        self.next_blknum = CHILD_BLOCK_INTERVAL

    def deposit(self, event: DepositCreated) -> None:
        """Add the output of a deposit; the same deposit again changes nothing."""
        output = Output(event.depositor, event.token, event.amount)
        if self._history.add_deposit(event.blknum, output):
            self._unspent[UtxoPosition(event.blknum, 0, 0)] = output

    def open_block(self) -> "OpenBlock":
        """Begin block `next_blknum`; nothing changes before it is closed."""
        return OpenBlock(self, self.next_blknum)

    def exit(self, position: UtxoPosition) -> bool:
        """Take an output out that was paid on the root chain; False when it was not there to be taken."""
        return self._unspent.pop(position, None) is not None

    def unspent(self, position: UtxoPosition) -> Output | None:
        """Return the output at `position` while nothing has spent it."""
        return self._unspent.get(position)

    def owned_by(self, address: Address) -> Iterator[tuple[UtxoPosition, Output]]:
        """Iterate over the unspent outputs of an address."""
        return ((position, output) for position, output in self._unspent.items() if output.owner == address)

    def spend(self, position: UtxoPosition) -> tuple[Spend, SignedTransaction] | None:
        """Return where `position` was spent in a block, and by which transaction."""
        if position in self._unspent:
            return None
        spend = self._history.spend(position)
        signed = spend and self._history.transaction(spend.blknum, spend.txindex)
        return (spend, signed) if spend and signed else None

    def block(self, blknum: int) -> LedgerBlock | None:
        """Return an applied block, whole: only for what needs all of it, such as a Merkle proof."""
        last = self.last_block
        return last if last is not None and last.blknum == blknum else self._history.block(blknum)

    def submitted_at(self, blknum: int) -> Timestamp | None:
        """Return when an applied block was submitted, in seconds of the root chain."""
        return self._history.submitted_at(blknum)

    def inclusion(self, tx: PlasmaTransaction) -> UtxoPosition | None:
        """Return where a transaction is in a block: the one place, as its inputs are spent only once."""
        found = self.spend(tx.inputs[0]) if tx.inputs else None
        if found is None or found[1].tx.raw != tx.raw:
            return None
        return UtxoPosition(found[0].blknum, found[0].txindex, 0)

    def find(self, tx_hash: Hash32) -> SignedTransaction | None:
        """Return the transaction with this hash, by searching everything."""
        transactions = (signed for block in self._history.blocks() for signed in block.transactions)
        return next((signed for signed in transactions if signed.tx.hash == tx_hash), None)

    def output(self, position: UtxoPosition) -> Output | None:
        """Return the output created at `position`, spent or not."""
        if position.is_deposit:
            return (
                self._history.deposit(position.blknum) if position.txindex == position.oindex == 0 else None
            )
        tx = self.transaction(position)
        return tx.tx.outputs[position.oindex] if tx and position.oindex < len(tx.tx.outputs) else None

    def creating_tx(self, position: UtxoPosition) -> bytes | None:
        """Return the unsigned transaction that created the output at `position`, spent or not."""
        output = self.output(position)
        if output is None:
            return None
        tx = self.transaction(position)
        return tx.tx.raw if tx else self._rules.deposit(output.owner, output.token, output.amount)

    def transaction(self, position: UtxoPosition) -> SignedTransaction | None:
        """Return the transaction of a block at `position`, whatever its output index."""
        return self._history.transaction(position.blknum, position.txindex)

    def proof(self, position: UtxoPosition) -> bytes:
        """Return the 512 bytes that prove the transaction at `position`, a deposit's or a block's.

        Raises `KeyError` for a position where there is none.
        """
        block = self.block(position.blknum)
        if block is not None and position.txindex < len(block.transactions):
            return self._rules.merkle_proof(block.leaves, position.txindex)
        if (deposit := self.creating_tx(position)) is None:
            raise KeyError(f"no transaction at {position}")
        return self._rules.merkle_proof([deposit], 0)

    def position_of_exit(self, exit_id: ExitId, owner: Address) -> UtxoPosition | None:
        """Return the output of `owner` whose standard exit has this id, by searching everything."""
        for position, output in self._outputs():
            if output.owner == owner:
                creating_tx = self.creating_tx(position)
                if creating_tx and self._rules.standard_exit_id(creating_tx, position) == exit_id:
                    return position
        return None

    def append(
        self,
        block: LedgerBlock,
        created: dict[UtxoPosition, Output],
        spent: dict[UtxoPosition, Spend],
    ) -> None:
        """Apply the effects of a closed block."""
        self._unspent |= created
        for position in spent:
            self._unspent.pop(position, None)
        self._history.append(block, spent)
        self.last_block = block
        self.next_blknum = block.blknum + CHILD_BLOCK_INTERVAL

    def _outputs(self) -> Iterator[tuple[UtxoPosition, Output]]:
        for blknum, output in self._history.deposits():
            yield UtxoPosition(blknum, 0, 0), output
        for block in self._history.blocks():
            yield from block.outputs()


class OpenBlock:
    """A block being filled: its effects lie over the ledger, and reach it only when it is closed."""

    def __init__(self, ledger: Ledger, blknum: int) -> None:
        self._ledger = ledger
        self.blknum = blknum
        self.transactions: list[SignedTransaction] = []
        self._created: dict[UtxoPosition, Output] = {}
        self._spent: dict[UtxoPosition, Spend] = {}
        self.fees: Counter[Address] = Counter()
        """What payments left over and no fee claim has taken yet, by token."""
        self._claiming = False

    def apply(self, transaction: RecoveredTransaction) -> int:
        """Add a transaction and return its index in the block; raises `TransactionRefusedError`.

        Inputs must exist unspent, each signed for by its owner, and cover the outputs token by token. What
        they leave over is the operator's fee; a claim takes exactly what one token left over, after which the
        block takes no more payments.
        """
        tx = transaction.signed.tx
        if transaction.claims_fees:
            self._claim(tx.outputs[0])
        else:
            self.fees.update(self._surplus(transaction))
        txindex = len(self.transactions)
        for input_index, position in enumerate(tx.inputs):
            self._spent[position] = Spend(self.blknum, txindex, input_index)
        for oindex, output in enumerate(tx.outputs):
            self._created[UtxoPosition(self.blknum, txindex, oindex)] = output
        self.transactions.append(transaction.signed)
        return txindex

    def close(self, root: Hash32, timestamp: Timestamp) -> LedgerBlock:
        """Put the block's effects into the ledger."""
        block = LedgerBlock(self.blknum, root, timestamp, tuple(self.transactions))
        self._ledger.append(block, self._created, self._spent)
        return block

    def exit(self, position: UtxoPosition) -> bool:
        """Take an exiting output out of what may be spent; False when it was not there to be taken."""
        return self._created.pop(position, None) is not None or self._ledger.exit(position)

    def _unspent(self, position: UtxoPosition) -> Output:
        if position.blknum > self.blknum:
            raise TransactionRefusedError("input_utxo_ahead_of_state", f"{position} is of a later block")
        output = self._created.get(position) or self._ledger.unspent(position)
        if output is None or position in self._spent:
            raise TransactionRefusedError("utxo_not_found", f"{position} does not exist or is spent")
        return output

    def _surplus(self, transaction: RecoveredTransaction) -> dict[Address, int]:
        if self._claiming:
            raise TransactionRefusedError("payments_rejected_during_fee_claiming", "a fee claim came before")
        tx = transaction.signed.tx
        consumed = [self._unspent(position) for position in tx.inputs]
        for position, output, signer in zip(tx.inputs, consumed, transaction.signers, strict=True):
            if output.owner != signer:
                raise TransactionRefusedError(
                    "unauthorized_spend", f"{position} belongs to {output.owner}, not to {signer}"
                )
        received, sent = _sums(consumed), _sums(tx.outputs)
        for token, amount in sent.items():
            if amount > received[token]:
                raise TransactionRefusedError(
                    "amounts_do_not_add_up", f"{amount} out of {received[token]} of token {token}"
                )
        return {token: left for token, amount in received.items() if (left := amount - sent[token])}

    def _claim(self, output: Output) -> None:
        collected = self.fees[output.token]
        if not collected:
            raise TransactionRefusedError("surplus_in_token_not_collected", f"no fees in {output.token}")
        if collected != output.amount:
            raise TransactionRefusedError(
                "claimed_and_collected_amounts_mismatch", f"claimed {output.amount} of {collected}"
            )
        del self.fees[output.token]
        self._claiming = True


def _sums(outputs: Sequence[Output]) -> Counter[Address]:
    sums: Counter[Address] = Counter()
    for output in outputs:
        sums[output.token] += Wei(output.amount)
    return sums
