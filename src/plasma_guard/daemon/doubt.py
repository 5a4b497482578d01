"""The guard's own look at what only a Watcher says: one word is not enough to tie up bonds."""

from collections.abc import Callable, Mapping

from plasma_guard.domain.blocks import BlockStamp, ChildBlock, PlasmaBlock
from plasma_guard.domain.decisions import LeaveChain
from plasma_guard.domain.errors import EvidenceError, MalformedError, RetryableError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.domain.vault import VaultContents
from plasma_guard.domain.watchers import WatcherStatus
from plasma_guard.plasma.child_block import prove_block
from plasma_guard.ports import ChildChain, ExitGame, Vault


class OwnLook:
    """Confirms that a block is bad, by asking the operator for it where the settings say where.

    Without that, a withheld block is confirmed by a Watcher that does what it says and validates no further.
    """

    def __init__(
        self,
        game: ExitGame,
        vault: Vault,
        child_chain: ChildChain | None,
        status: Callable[[], WatcherStatus | None],
    ) -> None:
        self._game = game
        self._vault = vault
        self._child_chain = child_chain
        self._status = status

    async def confirms(self, decision: LeaveChain, at: BlockStamp) -> bool:
        """Return whether the guard saw for itself what the decision is about; raises `ChainUnavailable`."""
        if decision.confirmed:
            return True
        if decision.first_bad_blknum is None:
            return False  # a fraud that does not prove itself is a Watcher's mistake more often than not
        block = await self._game.plasma_block(decision.first_bad_blknum, at)
        if block is None:
            return False
        if self._child_chain is None:
            status = self._status()
            stopped = status is not None and status.last_validated_blknum < decision.first_bad_blknum
            return decision.withheld and stopped
        try:
            served = await self._child_chain.block(block.root)
        except RetryableError:
            return True
        return self._is_bad(served, block, await self._vault.contents())

    def _is_bad(self, served: ChildBlock, block: PlasmaBlock, contents: VaultContents) -> bool:
        """Whether what the operator serves is another block, or spends an output of ours without us."""
        try:
            prove_block(self._game.rules, served, block)
        except EvidenceError:
            return True
        owners = {output.position: output.owner for output in contents.outputs if output.position is not None}
        return any(self._steals(raw, owners) for raw in served.transactions)

    def _steals(self, raw: bytes, owners: Mapping[UtxoPosition, Address]) -> bool:
        rules, contract = self._game.rules, self._game.contracts.entry
        try:
            signed = rules.decode_signed(raw)
        except MalformedError:
            return False  # what is no payment, such as a claim of fees, spends nothing of ours
        for index, position in enumerate(signed.tx.inputs):
            if position not in owners:
                continue
            try:
                if rules.recover(signed.tx, signed.signatures[index], contract) != owners[position]:
                    return True
            except (MalformedError, IndexError):
                return True
        return False
