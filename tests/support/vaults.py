"""Vaults of a devnet's people, filled over HTTP from its Watcher, its operator, or the root chain alone."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from devnet.world import World
from plasma_guard.devnet.people import People, Person, SignedPayment
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.domain.vault import HeldOutput, KeptTransaction, VaultContents
from plasma_guard.ports import Refreshed
from plasma_guard.vault import Settings, SqlVault, open_store
from plasma_guard.verifier.child_chain import HttpBlockSource
from plasma_guard.watcher import HttpWatcher
from support.clock import FakeClock
from support.until import until

NOWHERE = "http://127.0.0.1:1"
"""Nobody listens there: what is asked for is as good as gone."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """A vault, and whom it belongs to."""

    vault: SqlVault
    people: People
    clock: FakeClock
    path: Path
    owners: frozenset[Address]

    async def refresh(self) -> Refreshed:
        """Refresh at the newest block."""
        return await self.vault.refresh(await self.people.chain.head())

    async def contents(self) -> VaultContents:
        """Refresh, and return what is kept then."""
        await self.refresh()
        return await self.vault.contents()

    async def holds(self, position: UtxoPosition) -> HeldOutput:
        """Refresh until an output is held that some Watcher or the vault itself calls unspent."""

        async def held() -> list[HeldOutput]:
            self.clock.advance(3600)
            found = find(await self.contents(), position)
            return [found] if found is not None and found.doubt is None else []

        return (await until(held, f"the vault holds {position}"))[0]


def find(contents: VaultContents, position: UtxoPosition) -> HeldOutput | None:
    """Return the held output at a position."""
    return next((each for each in contents.outputs if each.position == position), None)


def kept(contents: VaultContents, position: UtxoPosition) -> KeptTransaction:
    """Return the kept transaction that created an output."""
    found = contents.creator_of(position)
    assert found is not None, f"nothing kept created {position}"
    return found


@contextlib.asynccontextmanager
async def keeping(
    world: World,
    *owners: Person,
    watcher: str | None = None,
    child_chain: bool | str = False,
    path: Path | None = None,
    depth: int = 3,
) -> AsyncIterator[Keeper]:
    """Open a vault of these people for the length of a block; `watcher` is a URL, by default the world's."""
    people = world.people
    path = path or world.folder / "vault.sqlite3"
    clock = FakeClock()
    async with contextlib.AsyncExitStack() as stack:
        source = people.connection.operator_url if child_chain is True else child_chain
        blocks = await stack.enter_async_context(HttpBlockSource(source)) if source else None
        asked = watcher or people.connection.watcher_url
        addresses = frozenset(owner.address for owner in owners)
        vault = await stack.enter_async_context(
            SqlVault(
                store=open_store(path, people.game, people.connection.chain_id),
                settings=Settings(owners=addresses, first_block=0, depth=depth),
                game=people.game,
                chain=people.chain,
                watcher=await stack.enter_async_context(HttpWatcher(asked)),
                child_chain=blocks,
                clock=clock,
            )
        )
        yield Keeper(vault, people, clock, path, addresses)


async def leave_by_standard_exit(people: People, contents: VaultContents, output: HeldOutput) -> None:
    """Start the standard exit of an output from what the vault keeps and nothing else."""
    assert output.position is not None
    creating = contents.creating(output)
    assert creating is not None
    bond = (await people.game.bonds(await people.chain.head())).standard_exit
    call = people.calls.start_standard_exit(output.position, creating.raw, creating.proof)
    await people.send(owner_of(people, output), call, value=bond, what="the start of the exit")


async def leave_in_flight(people: People, contents: VaultContents, output: HeldOutput) -> None:
    """Start the in-flight exit of an output's transaction from what the vault keeps, and join it."""
    creating = contents.creating(output)
    assert creating is not None
    made = [kept(contents, source) for source in creating.sources]
    inputs = [(at, each.raw, each.proof) for at, each in zip(creating.sources, made, strict=True)]
    bond = (await people.game.bonds(await people.chain.head())).in_flight_exit
    call = people.calls.start_in_flight_exit(creating.raw, inputs, creating.signatures)
    await people.send(owner_of(people, output), call, value=bond, what="the start of the in-flight exit")


def owner_of(people: People, output: HeldOutput) -> Person:
    """Return whose output it is."""
    return next(person for person in people.everybody if person.address == output.owner)


def signed_form(people: People, payment: SignedPayment) -> bytes:
    """Return a payment as wallets send it."""
    return people.rules.encode_signed(payment.tx, payment.signatures)
