"""Which contract takes which call, for users, operators and thieves of either generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from plasma_guard.contracts.ald import calls as ald
from plasma_guard.contracts.ald.revisions import REVISIONS
from plasma_guard.contracts.rootchain import calls as rootchain
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.domain.exits import ContractSet, ExitId
from plasma_guard.domain.primitives import ETH, Address, Hash32

if TYPE_CHECKING:
    from plasma_guard.domain.position import UtxoPosition

ANY_HEAD = ExitId(0)


@dataclass(frozen=True, slots=True)
class ContractCall:
    """A contract and the calldata for it."""

    to: Address
    data: bytes


class PlasmaCalls:
    """Encodes what people other than the guard do on the root chain."""

    def __init__(self, contracts: ContractSet) -> None:
        self._contracts = contracts
        self._ald = contracts.generation.is_ald

    def deposit(self, deposit_tx: bytes) -> ContractCall:
        """Deposit ether; the value must equal the amount in the transaction."""
        if not self._ald:
            return ContractCall(self._contracts.entry, rootchain.deposit(deposit_tx))
        return ContractCall(self._vault(), ald.deposit(deposit_tx))

    def submit_block(self, root: Hash32) -> ContractCall:
        """Submit a block root, as the operator."""
        encode = ald.submit_block if self._ald else rootchain.submit_block
        return ContractCall(self._contracts.entry, encode(root))

    def start_standard_exit(self, position: UtxoPosition, output_tx: bytes, proof: bytes) -> ContractCall:
        """Exit an output, as its owner; the value must equal the bond."""
        encode = ald.start_standard_exit if self._ald else rootchain.start_standard_exit
        return ContractCall(self._contracts.exit_game, encode(position, output_tx, proof))

    def process_exits(self, count: int, account: Address) -> ContractCall:
        """Process up to `count` ripe exits of ether."""
        entry = self._contracts.entry
        if not self._ald:
            return ContractCall(entry, rootchain.process_exits(ETH, ANY_HEAD, count))
        revision = REVISIONS[self._contracts.generation]
        return ContractCall(entry, ald.process_exits(revision, ETH, ANY_HEAD, count, account))

    def _vault(self) -> Address:
        if self._contracts.eth_vault is None:
            raise DevnetError("the framework has no vault for ether: vaults(1) is empty")
        return self._contracts.eth_vault
