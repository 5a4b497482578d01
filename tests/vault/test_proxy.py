"""What a wallet submits through the guard is on disk before anybody else sees it, or goes nowhere."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from devnet.world import ETHER, World
from plasma_guard.devnet.people import SignedPayment
from plasma_guard.domain.primitives import Hash32
from plasma_guard.plasma.keccak import keccak
from plasma_guard.vault.proxy import SubmitProxy, signed_of_typed
from support.until import until
from support.vaults import NOWHERE, Keeper, find, keeping, signed_form

both = pytest.mark.parametrize("generation", ["rootchain", "ald"])


class Wallet:
    """A wallet that was given the proxy's URL; `unsafe` is what the guard says of the chain."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.url = ""
        self.unsafe: str | None = None

    async def ask(self, path: str, body: Any, **headers: str) -> Any:
        """Ask as wallets do."""
        async with httpx.AsyncClient(trust_env=False, headers=headers) as http:
            return (await http.post(self.url + path, json=body)).json()

    async def why(self) -> str | None:
        """Say what the guard says."""
        return self.unsafe

    async def kept(self, payment: SignedPayment) -> bool:
        """Tell whether the vault keeps a payment."""
        return Hash32(keccak(payment.tx)) in (await self.keeper.vault.contents()).transactions


@contextlib.asynccontextmanager
async def wallet(world: World, upstream: str | None = None) -> AsyncIterator[Wallet]:
    """Run the proxy in front of the operator for Alice's and Bob's vault."""
    people = world.people
    async with keeping(world, world.alice, world.bob) as keeper:
        made = Wallet(keeper)
        proxy = SubmitProxy(
            keeper.vault,
            people.rules,
            upstream=upstream or people.connection.operator_url,
            host="127.0.0.1",
            port=0,
            deadline=10,
            unsafe=made.why,
        )
        async with proxy:
            made.url = f"http://127.0.0.1:{proxy.port}"
            yield made


def typed(world: World, payment: SignedPayment) -> dict[str, Any]:
    """Return what `transaction.submit_typed` takes of a payment."""
    tx = world.people.rules.decode(payment.tx)
    message: dict[str, Any] = {"metadata": "0x" + (tx.metadata or bytes(32)).hex()}
    for slot in range(4):
        spent = tx.inputs[slot] if slot < len(tx.inputs) else None
        parts = (spent.blknum, spent.txindex, spent.oindex) if spent else (0, 0, 0)
        message[f"input{slot}"] = dict(zip(("blknum", "txindex", "oindex"), parts, strict=True))
        made = tx.outputs[slot] if slot < len(tx.outputs) else None
        message[f"output{slot}"] = {
            "owner": str(made.owner) if made else "0x" + "00" * 20,
            "currency": str(made.token) if made else "0x" + "00" * 20,
            "amount": made.amount if made else 0,
        }
    return {
        "domain": {"name": "OMG Network"},
        "message": message,
        "signatures": ["0x" + each.hex() for each in payment.signatures],
    }


@both
async def test_a_submission_is_kept_and_found_in_its_block(world: World) -> None:
    """The operator answers through the proxy, and its receipt alone leads to the proof of the spend."""
    people = world.people
    async with wallet(world) as here:
        spent = await people.deposit(world.alice, ETHER)
        await here.keeper.holds(spent)
        payment = people.sign([(world.alice, spent)], [world.output("carol")])
        body = {"transaction": "0x" + signed_form(people, payment).hex()}
        receipt = (await here.ask("/transaction.submit", body))["data"]
        assert receipt["txhash"] == str(keccak(payment.tx))
        assert await here.kept(payment)

        async def gone() -> bool:
            here.keeper.clock.advance(3600)
            return find(await here.keeper.contents(), spent) is None

        await until(gone, "the deposit is proven spent")


@both
async def test_it_is_on_disk_even_if_nobody_answers(world: World) -> None:
    """With the server behind gone, the wallet is told, and the transaction is kept: it may be out."""
    people = world.people
    async with wallet(world, NOWHERE) as here:
        spent = await people.deposit(world.alice, ETHER)
        await here.keeper.holds(spent)
        payment = people.sign([(world.alice, spent)], [world.output("bob")])
        body = {"transaction": "0x" + signed_form(people, payment).hex()}
        answer = await here.ask("/transaction.submit", body)
        assert (answer["success"], answer["data"]["code"]) == (False, "submit:host_unreachable")
        assert await here.kept(payment)
        output = find(await here.keeper.vault.contents(), spent)
        assert output is not None
        assert output.spent_by == keccak(payment.tx)


@both
async def test_nothing_is_submitted_while_the_chain_is_unsafe(world: World) -> None:
    """Refused with the guard's own reason, and neither kept nor sent."""
    people = world.people
    async with wallet(world) as here:
        spent = await people.deposit(world.alice, ETHER)
        await here.keeper.holds(spent)
        here.unsafe = "the guard has decided to leave this chain"
        payment = people.sign([(world.alice, spent)], [world.output("bob")])
        answer = await here.ask("/transaction.submit_typed", typed(world, payment))
        assert answer["data"]["code"] == "submit:chain_unsafe"
        assert "decided to leave" in answer["data"]["description"]
        assert not await here.kept(payment)


@both
async def test_the_typed_form_is_the_same_transaction(world: World) -> None:
    """What a wallet signs as typed data becomes byte for byte what the child chain will include."""
    people = world.people
    spent = await people.deposit(world.alice, ETHER)
    unsigned = people.rules.encode([spent], [world.output("bob")], bytes(32))
    signature = people.rules.sign(people.rules.decode(unsigned), people.game.contracts.entry, world.alice.key)
    payment = SignedPayment(unsigned, (signature,))
    assert signed_of_typed(people.rules, typed(world, payment)) == signed_form(people, payment)
    async with wallet(world) as here:
        await here.keeper.holds(spent)
        await here.ask("/transaction.submit_typed", typed(world, payment))
        assert await here.kept(payment)


@pytest.mark.parametrize("generation", ["ald"])
async def test_other_questions_pass_unchanged(world: World) -> None:
    """A wallet needs no other URL: all else is answered by the server behind."""
    await world.people.deposit(world.alice, ETHER)
    await world.caught_up()
    body = {"address": str(world.alice.address)}
    async with wallet(world, world.people.connection.watcher_url) as here:
        passed = await here.ask("/account.get_exitable_utxos", body)
        assert passed["data"] == await world.ask("/account.get_exitable_utxos", body)


@pytest.mark.parametrize("generation", ["ald"])
async def test_what_cannot_be_kept_is_not_sent(world: World, tmp_path: Path) -> None:
    """Malformed, unsigned or signed by somebody else: refused with the reason, in a Watcher's envelope."""
    people = world.people
    async with wallet(world) as here:
        spent = await people.deposit(world.alice, ETHER)
        await here.keeper.holds(spent)
        payment = people.sign([(world.bob, spent)], [world.output("bob")])
        stolen = {"transaction": "0x" + signed_form(people, payment).hex()}
        refused = await here.ask("/transaction.submit", stolen)
        assert refused["data"]["code"] == "submit:not_kept"
        bare = await here.ask("/transaction.submit", {"transaction": "0x" + payment.tx.hex()})
        assert "unsigned" in bare["data"]["description"]
        odd = await here.ask("/transaction.submit", {"transaction": 7})
        assert odd["data"]["code"] == "operation:bad_request"
        async with httpx.AsyncClient(trust_env=False) as http:
            rebound = await http.post(
                here.url + "/transaction.submit", json=stolen, headers={"Host": "evil.example"}
            )
        assert rebound.status_code == httpx.codes.FORBIDDEN


@pytest.mark.parametrize("generation", ["ald"])
async def test_a_stranger_is_passed_on_and_not_kept(world: World) -> None:
    """A transaction that is nobody's of ours goes through, so that one wallet of several can be guarded."""
    people = world.people
    carol = people["carol"]
    async with wallet(world) as here:
        spent = await people.deposit(carol, ETHER)
        await world.caught_up()
        payment = people.sign([(carol, spent)], [world.output("carol")])
        body = {"transaction": "0x" + signed_form(people, payment).hex()}

        async def taken() -> bool:
            return bool((await here.ask("/transaction.submit", body))["success"])

        await until(taken, "the operator takes it")
        assert not await here.kept(payment)
