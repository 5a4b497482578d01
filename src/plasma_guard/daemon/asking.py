"""What decisions ask a Watcher for: each question once at a time, and not too many at once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from plasma_guard.domain.evidence import (
    Competitor,
    ExitData,
    FoundTransaction,
    Inclusion,
    InFlightData,
    InputSpend,
    OutputSpend,
    StandardExitChallenge,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.domain.watchers import ExitableUtxo, WatcherStatus
from plasma_guard.ports import Watcher

QUESTIONS_AT_ONCE = 16
"""A Watcher answers some of them by searching its whole database."""

T = TypeVar("T")


class Asking:
    """A Watcher to whom the same question is put once while its answer is under way.

    A late fraud and the plain one that it implies need the same evidence. An answer is not kept: the next
    question may be about a Watcher that knows more.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._limit = asyncio.Semaphore(QUESTIONS_AT_ONCE)
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    async def status(self) -> WatcherStatus:
        """Ask `status.get`."""
        return await self._ask(self._watcher.status)

    async def challenge_data(self, position: UtxoPosition) -> StandardExitChallenge:
        """Ask `utxo.get_challenge_data`."""
        return await self._ask(self._watcher.challenge_data, position)

    async def competitor(self, in_flight_tx: bytes) -> Competitor:
        """Ask `in_flight_exit.get_competitor`."""
        return await self._ask(self._watcher.competitor, in_flight_tx)

    async def inclusion(self, in_flight_tx: bytes) -> Inclusion:
        """Ask `in_flight_exit.prove_canonical`."""
        return await self._ask(self._watcher.inclusion, in_flight_tx)

    async def input_spend(self, in_flight_tx: bytes, index: int) -> InputSpend:
        """Ask `in_flight_exit.get_input_challenge_data`."""
        return await self._ask(self._watcher.input_spend, in_flight_tx, index)

    async def output_spend(self, in_flight_tx: bytes, index: int) -> OutputSpend:
        """Ask `in_flight_exit.get_output_challenge_data`."""
        return await self._ask(self._watcher.output_spend, in_flight_tx, index)

    async def exitable_utxos(self, owner: Address) -> list[ExitableUtxo]:
        """Ask `account.get_exitable_utxos`."""
        return await self._ask(self._watcher.exitable_utxos, owner)

    async def exit_data(self, position: UtxoPosition) -> ExitData:
        """Ask `utxo.get_exit_data`."""
        return await self._ask(self._watcher.exit_data, position)

    async def in_flight_data(self, signed: bytes) -> InFlightData:
        """Ask `in_flight_exit.get_data`."""
        return await self._ask(self._watcher.in_flight_data, signed)

    async def transaction(self, tx_hash: Hash32) -> FoundTransaction:
        """Ask `transaction.get`."""
        return await self._ask(self._watcher.transaction, tx_hash)

    async def _ask(self, question: Callable[..., Awaitable[T]], *about: Hashable) -> T:
        key = (question.__name__, *about)
        asking: asyncio.Task[T] | None = self._under_way.get(key)
        if asking is None:
            asking = self._under_way[key] = asyncio.create_task(self._put(question, *about))
            asking.add_done_callback(lambda done: self._answered(key, done))
        # Others may wait for the same answer: whoever is cancelled must not take it along.
        return await asyncio.shield(asking)

    async def _put(self, question: Callable[..., Awaitable[T]], *about: Hashable) -> T:
        async with self._limit:
            return await question(*about)

    def _answered(self, key: Hashable, asking: asyncio.Task[Any]) -> None:
        del self._under_way[key]
        if not asking.cancelled():
            asking.exception()  # looked at here, as those who asked may all be gone
