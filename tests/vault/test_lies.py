"""A Watcher that lies fills no vault: what does not prove itself is not kept, and what was good stays."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from devnet.world import ETHER, World
from plasma_guard.domain.primitives import Wei
from support.vaults import NOWHERE, Keeper, find, keeping, kept
from support.watcher_proxy import WatcherProxy

both = pytest.mark.parametrize("generation", ["rootchain", "ald"])
EXIT_DATA, LIST = "/utxo.get_exit_data", "/account.get_exitable_utxos"


@pytest.fixture
async def proxy(world: World) -> AsyncIterator[WatcherProxy]:
    """The world's Watcher behind a proxy that can lie."""
    async with WatcherProxy(world.people.connection.watcher_url) as made:
        yield made


async def again(keeper: Keeper) -> tuple[str, ...]:
    """Refresh once more, with nothing to wait for; return what was in the way."""
    keeper.clock.advance(100_000)
    return (await keeper.refresh()).troubles


@both
@pytest.mark.parametrize("field", ["proof", "txbytes"])
async def test_what_does_not_prove_itself_is_not_kept(world: World, proxy: WatcherProxy, field: str) -> None:
    """A wrong proof, or another transaction, is refused and said; the truth is taken later."""
    spent = await world.people.deposit(world.alice, ETHER)
    position = await world.people.pay(world.alice, spent, ETHER, world.bob)
    await world.caught_up()
    other = world.people.rules.deposit(world.bob.address, world.token, ETHER)

    def lie(path: str, _asked: Any, answer: Any) -> Any:
        if path == EXIT_DATA and answer["success"]:
            honest = answer["data"][field]
            lies = {"proof": "0x" + "00" * 32 + honest[66:], "txbytes": "0x" + other.hex()}
            answer["data"][field] = lies[field]
        return answer

    proxy.rewrite = lie
    async with keeping(world, world.bob, watcher=proxy.url) as keeper:
        troubles = await again(keeper)
        contents = await keeper.vault.contents()
        assert contents.outputs == ()
        assert contents.transactions == {}
        assert any("is not kept" in each for each in troubles)
        proxy.rewrite = None
        await keeper.holds(position)


@both
async def test_the_outputs_of_others_are_not_ours(world: World, proxy: WatcherProxy) -> None:
    """Whatever list it gives, an output is held only where its transaction itself says that it is ours."""
    spent = await world.people.deposit(world.alice, ETHER)
    position = await world.people.pay(world.alice, spent, ETHER, world.bob)
    await world.caught_up()
    bob = str(world.bob.address)

    def lie(path: str, asked: Any, answer: Any) -> Any:
        if path == LIST and asked["address"] != bob:
            encoded = position.encode()
            entry = {
                "utxo_pos": encoded,
                "owner": asked["address"],
                "amount": ETHER,
                "currency": "0x" + "00" * 20,
            }
            answer["data"] = [entry]
        return answer

    proxy.rewrite = lie
    async with keeping(world, world.people["carol"], watcher=proxy.url) as keeper:
        await again(keeper)
        assert (await keeper.vault.contents()).outputs == ()


@both
async def test_a_hidden_output_is_doubted_but_never_dropped(world: World, proxy: WatcherProxy) -> None:
    """An output that vanishes from the list stays until something proves what became of it."""
    spent = await world.people.deposit(world.alice, ETHER)
    position = await world.people.pay(world.alice, spent, ETHER, world.bob)
    async with keeping(world, world.bob, watcher=proxy.url) as keeper:
        await keeper.holds(position)
        made = kept(await keeper.vault.contents(), position)
        proxy.rewrite = lambda path, _, answer: answer | {"data": []} if path == LIST else answer
        await again(keeper)
        contents = await keeper.vault.contents()
        hidden = find(contents, position)
        assert hidden is not None
        assert hidden.doubt
        assert kept(contents, position) == made
        proxy.rewrite = None
        assert (await keeper.holds(position)).doubt is None


@both
async def test_signatures_of_others_are_not_kept(world: World, proxy: WatcherProxy) -> None:
    """Signatures count only if the owners of the inputs made them, whoever serves them."""
    people = world.people
    spent = await people.deposit(world.alice, ETHER)
    payment = await people.spend([(world.alice, spent)], [world.output("bob")])
    forged = people.sign([(world.bob, spent)], [world.output("bob")]).signatures
    await world.caught_up()
    padded = b"".join(forged).ljust(65 if world.is_ald else 4 * 65, b"\0")

    def lie(path: str, _asked: Any, answer: Any) -> Any:
        if path == EXIT_DATA and answer["success"]:
            answer["data"]["sigs"] = "0x" + padded.hex()
        return answer

    proxy.rewrite = lie
    async with keeping(world, world.bob, watcher=proxy.url) as keeper:
        troubles = await again(keeper)
        contents = await keeper.vault.contents()
        assert kept(contents, payment.output()).signatures == ()
        (output,) = contents.outputs
        assert any("signatures" in word for word in output.missing)
        assert any("not by the owners" in each for each in troubles)


@both
async def test_a_second_refresh_asks_about_no_output(world: World, proxy: WatcherProxy) -> None:
    """With nothing new, only the list is asked for: one question for each owner."""
    people = world.people
    spent = await people.pay(world.alice, await people.deposit(world.alice, ETHER), ETHER, world.alice)
    halves = [world.output(name, Wei(ETHER // 2)) for name in ("bob", "alice")]
    payment = await people.spend([(world.alice, spent)], halves)
    async with keeping(world, world.alice, world.bob, watcher=proxy.url, child_chain=True) as keeper:
        await keeper.holds(payment.output(0))
        await keeper.holds(payment.output(1))
        await again(keeper)
        proxy.asked.clear()
        assert await again(keeper) == ()
        assert proxy.asked == {LIST: 2}


@both
async def test_everything_is_still_there_when_nobody_answers(world: World) -> None:
    """With Watcher and operator gone, a refresh takes nothing away."""
    spent = await world.people.deposit(world.alice, ETHER)
    position = await world.people.pay(world.alice, spent, ETHER, world.bob)
    async with keeping(world, world.bob, child_chain=True) as keeper:
        await keeper.holds(position)
        before = await keeper.vault.contents()
    async with keeping(world, world.bob, watcher=NOWHERE, child_chain=NOWHERE) as keeper:
        troubles = await again(keeper)
        assert await keeper.vault.contents() == before
        assert any("Watcher does not answer" in each for each in troubles)
