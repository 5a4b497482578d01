"""The ordinary daemon keeps the vault fresh, and says what could not leave."""

import httpx
import pytest

from devnet.world import ETHER, LocalGuard, World
from plasma_guard.domain.primitives import Wei
from support.until import until

both = pytest.mark.parametrize("generation", ["rootchain", "ald"])


async def counted(guard: LocalGuard, **wanted: int) -> None:
    """Wait until `/status` shows these numbers of the vault."""

    async def shown() -> bool:
        vault = (await guard.guard.status())["vault"]
        return all(vault.get(name) == number for name, number in wanted.items())

    await until(shown, f"/status shows {wanted}")


@both
async def test_a_deposit_is_kept_as_soon_as_it_is_seen(world: World) -> None:
    """Long before the next interval, a deposit of ours brings a refresh, and /status and metrics count it."""
    async with world.guarded() as guard:
        await counted(guard, outputs=0)
        await world.people.deposit(world.people["guard"], Wei(ETHER // 10))
        await counted(guard, outputs=1, stuck=0, in_flight=0)
        assert "vault" not in guard.guard.health.reasons
        assert b"plasma_guard_vault_outputs 1.0" in guard.guard.metrics.render()


@pytest.mark.parametrize("generation", ["ald"])
async def test_what_is_missing_for_long_is_an_alert(world: World) -> None:
    """A payment whose signatures nobody tells can leave by a standard exit only, and that is said."""
    people = world.people
    spent = await people.deposit(world.alice, ETHER)
    position = await people.pay(world.alice, spent, ETHER, people["guard"])
    await world.caught_up()
    world.extra["PLASMA_GUARD_VAULT__MISSING_ALERT_AFTER"] = "0"
    async with world.guarded() as guard:
        await guard.until_alerted("vault/missing")
        (told, *_) = guard.alerts("vault/missing")
        assert str(position) in told["event"]
        assert "signatures" in told["event"]
        await counted(guard, outputs=1, missing=1, stuck=0)


@pytest.mark.parametrize("generation", ["ald"])
async def test_wallets_submit_through_the_daemon_while_it_is_ready(world: World) -> None:
    """The daemon's own proxy takes a submission, keeps it, and shows it as in flight."""
    people = world.people
    guards = people["guard"]
    spent = await people.deposit(guards, Wei(ETHER // 10))
    await world.caught_up()
    payment = people.sign([(guards, spent)], [world.output("bob", Wei(ETHER // 10))])
    signed = "0x" + people.rules.encode_signed(payment.tx, payment.signatures).hex()
    world.extra |= {
        "PLASMA_GUARD_VAULT__SUBMIT_ENABLED": "true",
        "PLASMA_GUARD_VAULT__SUBMIT_PORT": "0",
        "PLASMA_GUARD_VAULT__CHILD_CHAIN_URL": people.connection.operator_url,
        "PLASMA_GUARD_VAULT__SUBMIT_URL": people.connection.operator_url,
    }
    async with world.guarded() as guard:
        await counted(guard, outputs=1)
        (line,) = guard.said("wallets can submit here")
        url = f"http://127.0.0.1:{line['port']}/transaction.submit"
        async with httpx.AsyncClient(trust_env=False) as http:

            async def taken() -> bool:
                answer = (await http.post(url, json={"transaction": signed})).json()
                assert answer["success"] or answer["data"]["code"] == "submit:chain_unsafe"
                return bool(answer["success"])

            await until(taken, "the submission is taken")
        assert guard.said("a submitted transaction is kept")
        await counted(guard, outputs=0, in_flight=0)
