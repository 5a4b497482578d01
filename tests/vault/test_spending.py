"""What becomes of outputs: spent in a block, paid out, in flight, included at last."""

import httpx
import pytest

from devnet.world import ETHER, World
from plasma_guard.devnet.people import People, SignedPayment
from plasma_guard.domain.errors import EvidenceError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32, Wei
from plasma_guard.plasma.keccak import keccak
from support.until import until
from support.vaults import NOWHERE, find, keeping, kept, leave_in_flight, signed_form

both = pytest.mark.parametrize("generation", ["rootchain", "ald"])


@both
async def test_the_child_chain_alone_is_enough(world: World) -> None:
    """Reading each new block, the vault finds payments to us and spends of ours with no Watcher at all."""
    people = world.people
    async with keeping(world, world.alice, world.bob, watcher=NOWHERE, child_chain=True) as keeper:
        await keeper.refresh()
        spent = await people.deposit(world.alice, ETHER)
        await keeper.holds(spent)
        payment = await people.spend([(world.alice, spent)], [world.output("bob")])

        async def moved() -> bool:
            keeper.clock.advance(3600)
            contents = await keeper.contents()
            return find(contents, spent) is None and find(contents, payment.output()) is not None

        await until(moved, "the deposit is spent and the payment held")
        contents = await keeper.vault.contents()
        (output,) = contents.outputs
        assert (output.missing, output.doubt) == ((), None)
        await leave_in_flight(people, contents, output)


async def submitted(people: People, payment: SignedPayment) -> UtxoPosition:
    """Give a payment to the operator, and return where it will be without waiting for the block."""
    async with httpx.AsyncClient(trust_env=False) as http:
        url = people.connection.operator_url + "/transaction.submit"
        body = {"transaction": "0x" + signed_form(people, payment).hex()}
        data = (await http.post(url, json=body)).json()["data"]
    return UtxoPosition(data["blknum"], data["txindex"], 0)


async def paid_and_spent_at_once(world: World) -> tuple[UtxoPosition, UtxoPosition]:
    """Have Alice pay Bob, and Bob pay Carol with that, in one block; return where both are."""
    people = world.people
    while True:
        spent = await people.deposit(world.alice, ETHER)
        await world.caught_up()
        first = await submitted(people, people.sign([(world.alice, spent)], [world.output("bob")]))
        second = await submitted(people, people.sign([(world.bob, first)], [world.output("carol")]))
        if first.blknum == second.blknum:
            return first, second


@both
async def test_an_output_spent_in_the_same_block_is_never_held(world: World) -> None:
    """Created and spent in one block that the vault reads, it was never ours to exit."""
    async with keeping(world, world.bob, watcher=NOWHERE, child_chain=True) as keeper:
        await keeper.refresh()
        first, _ = await paid_and_spent_at_once(world)
        spent = await world.people.deposit(world.alice, ETHER)
        later = await world.people.pay(world.alice, spent, ETHER, world.bob)
        await keeper.holds(later)
        assert find(await keeper.vault.contents(), first) is None


@both
async def test_a_tracked_transaction_can_be_exited_in_flight(world: World) -> None:
    """Handed over and sent nowhere, it is kept with what its exit takes, and marks what it spends."""
    people = world.people
    spent = await people.deposit(world.alice, ETHER)
    payment = people.sign([(world.alice, spent)], [world.output("bob")])
    async with keeping(world, world.alice, world.bob) as keeper:
        await keeper.holds(spent)
        tracked = await keeper.vault.track(signed_form(people, payment), await people.chain.head())
        assert tracked.signatures == payment.signatures
        contents = await keeper.contents()
        alices = find(contents, spent)
        assert alices is not None
        assert alices.spent_by == keccak(payment.tx)
        (bobs,) = [output for output in contents.outputs if output.position is None]
        assert (bobs.missing, bobs.owner) == ((), world.bob.address)
        await leave_in_flight(people, contents, bobs)


@both
@pytest.mark.parametrize("told", ["by the operator", "by nobody"])
async def test_a_tracked_transaction_that_gets_included_is_found(world: World, told: str) -> None:
    """With the operator's receipt, or the child chain's blocks, its outputs get place and proof."""
    people = world.people
    spent = await people.deposit(world.alice, ETHER)
    payment = people.sign([(world.alice, spent)], [world.output("bob")])
    async with keeping(world, world.alice, world.bob, child_chain=told == "by nobody") as keeper:
        await keeper.holds(spent)
        await keeper.vault.track(signed_form(people, payment))
        included = await people.submit(payment)
        if told == "by the operator":
            await keeper.vault.said(Hash32(keccak(payment.tx)), included.output())
        await keeper.holds(included.output())
        contents = await keeper.vault.contents()
        assert [output.position for output in contents.outputs] == [included.output()]
        assert kept(contents, included.output()).signatures == payment.signatures


@both
async def test_an_exited_output_is_dropped_only_once_paid(world: World) -> None:
    """While its exit runs it is still held, with a doubt; when the contract has paid it is gone."""
    people = world.people
    position = await people.deposit(world.alice, ETHER)
    async with keeping(world, world.alice) as keeper:
        await keeper.holds(position)
        await people.start_exit(world.alice, position, ETHER)
        await world.caught_up()

        async def unlisted() -> bool:
            keeper.clock.advance(100_000)
            found = find(await keeper.contents(), position)
            assert found is not None
            return found.doubt is not None

        await until(unlisted, "the Watcher lists it no longer")
        await world.let_mature()
        await people.process_exits(world.bob)

        async def gone() -> bool:
            keeper.clock.advance(100_000)
            return find(await keeper.contents(), position) is None

        await until(gone, "the vault knows that it was paid")


async def refusal(world: World, content: bytes, *owners: str) -> str:
    """Return what tracking these bytes is refused with."""
    async with keeping(world, *(world.people[name] for name in owners)) as keeper:
        await keeper.refresh()
        with pytest.raises(EvidenceError) as caught:
            await keeper.vault.track(content, await world.people.chain.head())
        contents = await keeper.vault.contents()
        assert all(each.position for each in contents.transactions.values())
    return str(caught.value)


@both
async def test_what_cannot_be_tracked_is_explained(world: World) -> None:
    """Unsigned, foreign, signed for another contract, no transaction, or included: each is said."""
    people = world.people
    spent = await people.deposit(world.alice, ETHER)
    await world.caught_up()
    payment = people.sign([(world.alice, spent)], [world.output("bob")])
    tx = people.rules.decode(payment.tx)
    elsewhere = people.rules.sign(tx, world.token, world.alice.key)
    wrong = people.rules.encode_signed(payment.tx, [elsewhere])
    assert "unsigned" in await refusal(world, payment.tx, "alice")
    assert "foreign" in await refusal(world, signed_form(people, payment), "carol")
    assert "has not signed" in await refusal(world, wrong, "alice")
    assert "not a transaction" in await refusal(world, b"\xc0\xff", "alice")
    included = await people.submit(payment)
    async with keeping(world, world.bob, child_chain=True) as keeper:
        await keeper.holds(included.output())
    assert "already included" in await refusal(world, signed_form(people, payment), "bob")


@both
async def test_ancestors_are_kept_as_deep_as_asked(world: World) -> None:
    """Along our own outputs, as many generations can be exited in flight as the setting says, and no more."""
    people = world.people
    at = await people.deposit(world.alice, ETHER)
    payments = []
    for left in (4, 3, 2, 1):
        payment = await people.spend([(world.alice, at)], [world.output("alice", Wei(left))])
        payments.append(payment)
        at = payment.output()
    async with keeping(world, world.alice, child_chain=True, depth=2) as keeper:
        await keeper.holds(at)
        contents = await keeper.vault.contents()
        first, second, third, fourth = (contents.creator_of(each.output()) for each in payments)
        assert fourth is not None
        assert third is not None
        assert (fourth.is_signed, third.is_signed) == (True, True)
        assert second is not None
        assert first is None
