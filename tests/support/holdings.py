"""A Watcher that only answers who holds what."""

from plasma_guard.domain.errors import WatcherUnreachable
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.domain.watchers import ExitableUtxo
from plasma_guard.verifier.local import LocalWatcher


class Holdings(LocalWatcher):
    """Every account holds one output of each token; with None the Watcher is gone. Counts questions."""

    def __init__(self, *tokens: Address, amount: Wei = Wei(1)) -> None:
        self.tokens: tuple[Address, ...] | None = tokens
        self.amount = amount
        self.asked = 0

    async def exitable_utxos(self, owner: Address) -> list[ExitableUtxo]:
        self.asked += 1
        if self.tokens is None:
            raise WatcherUnreachable("gone")
        return [ExitableUtxo(UtxoPosition(1, 0, 0), owner, token, self.amount) for token in self.tokens]
