"""Which contract takes which call, for users, operators and thieves of either generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from plasma_guard.contracts.ald import calls as ald
from plasma_guard.contracts.ald.revisions import REVISIONS
from plasma_guard.contracts.rootchain import calls as rootchain
from plasma_guard.devnet import artifacts
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.transactor import encode_call
from plasma_guard.domain.exits import ContractSet, ExitId
from plasma_guard.domain.primitives import ETH, Address, Hash32, Wei

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    def mint(self, token: Address, owner: Address, amount: Wei) -> ContractCall:
        """Make units of a devnet's token, which anybody may do."""
        return _token_call(token, "mint", owner, amount)

    def approve(self, token: Address, amount: Wei) -> ContractCall:
        """Allow the contract that holds deposits of a token to take an amount of the sender's."""
        return _token_call(token, "approve", self._vault(token), amount)

    def deposit(self, deposit_tx: bytes, token: Address = ETH) -> ContractCall:
        """Deposit ether, sent along to the wei, or an approved amount of a token."""
        if self._ald:
            return ContractCall(self._vault(token), ald.deposit(deposit_tx))
        encode = rootchain.deposit if token == ETH else rootchain.deposit_from
        return ContractCall(self._vault(token), encode(deposit_tx))

    def submit_block(self, root: Hash32) -> ContractCall:
        """Submit a block root, as the operator."""
        encode = ald.submit_block if self._ald else rootchain.submit_block
        return ContractCall(self._contracts.entry, encode(root))

    def start_standard_exit(self, position: UtxoPosition, output_tx: bytes, proof: bytes) -> ContractCall:
        """Exit an output, as its owner; the value must equal the bond."""
        encode = ald.start_standard_exit if self._ald else rootchain.start_standard_exit
        return ContractCall(self._contracts.exit_game, encode(position, output_tx, proof))

    def start_in_flight_exit(
        self,
        tx: bytes,
        inputs: Sequence[tuple[UtxoPosition, bytes, bytes]],
        signatures: Sequence[bytes],
    ) -> ContractCall:
        """Exit a transaction; position, creating transaction and proof of each input, and its signature.

        The value must equal the bond.
        """
        positions, txs, proofs = zip(*inputs, strict=True)
        if self._ald:
            data = ald.start_in_flight_exit(tx, txs, positions, proofs, signatures)
        else:
            data = rootchain.start_in_flight_exit(
                tx, rootchain.input_tx_list(txs), b"".join(proofs), b"".join(signatures)
            )
        return ContractCall(self._contracts.exit_game, data)

    def delete_non_piggybacked(self, exit_id: ExitId) -> ContractCall:
        """Delete an in-flight exit that nobody joined; `DevnetError` for v0.2, which has no such call."""
        if not self._ald:
            raise DevnetError("RootChain v0.2 cannot delete in-flight exits: one that nobody joins stays")
        revision = REVISIONS[self._contracts.generation]
        return ContractCall(self._contracts.exit_game, ald.delete_non_piggybacked(revision, exit_id))

    def process_exits(self, count: int, account: Address, token: Address = ETH) -> ContractCall:
        """Process up to `count` ripe exits of a token's queue."""
        entry = self._contracts.entry
        if not self._ald:
            return ContractCall(entry, rootchain.process_exits(token, ANY_HEAD, count))
        revision = REVISIONS[self._contracts.generation]
        return ContractCall(entry, ald.process_exits(revision, token, ANY_HEAD, count, account))

    def _vault(self, token: Address) -> Address:
        """Return who holds deposits of a token: RootChain itself, or one of the framework's vaults."""
        contracts = self._contracts
        if not self._ald:
            return contracts.entry
        vault = contracts.eth_vault if token == ETH else contracts.erc20_vault
        if vault is None:
            raise DevnetError(f"the framework has no vault for token {token}: vaults() names none")
        return vault


def _token_call(token: Address, name: str, account: Address, amount: Wei) -> ContractCall:
    return ContractCall(token, encode_call(artifacts.load("TestToken").abi, name, [str(account), amount]))
