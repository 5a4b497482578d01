"""The ordinary daemon keeps the vault fresh, and says what could not leave."""

import httpx
import pytest

from devnet.world import ETHER, LocalGuard, World
from plasma_guard.daemon.heads import Heads
from plasma_guard.daemon.keep import Keep, KeepSettings
from plasma_guard.devnet.attacker import exit_spent_deposit
from plasma_guard.domain.exits import BlockSubmitted
from plasma_guard.domain.primitives import Wei
from plasma_guard.telemetry.health import Health
from plasma_guard.telemetry.metrics import PrometheusMetrics
from support.recorders import RecordedAlerts
from support.until import until
from support.vaults import NOWHERE, keeping, signed_form

both = pytest.mark.parametrize("generation", ["rootchain", "ald"])


async def counted(guard: LocalGuard, **wanted: int) -> None:
    """Wait until `/status` shows these numbers of the vault."""

    async def shown() -> bool:
        vault = (await guard.guard.status())["vault"]
        return all(vault.get(name) == number for name, number in wanted.items())

    await until(shown, f"/status shows {wanted}")


@both
async def test_a_refresh_waits_for_a_reason(world: World) -> None:
    """Nothing is asked until a deposit of ours, an interval, or a block while something is in flight."""
    people, alice = world.people, world.alice
    async with keeping(world, alice, watcher=NOWHERE) as keeper:
        clock, settings = keeper.clock, KeepSettings(interval=600, missing_after=0, follows=False)
        keep = Keep(
            vault=keeper.vault,
            owners=keeper.owners,
            settings=settings,
            heads=Heads(people.chain, clock, -1),
            clock=clock,
            health=Health((), clock),
            alerts=RecordedAlerts(),
            metrics=PrometheusMetrics(),
        )

        async def held() -> int:
            await keep.step()
            return len((await keeper.vault.contents()).outputs)

        assert await held() == 0
        before = await people.chain.head()
        carol = people["carol"]
        await people.pay(carol, await people.deposit(carol, ETHER), ETHER, world.bob)
        first = await people.deposit(alice, ETHER)
        events = await people.game.root_chain_events(before.number, (await people.chain.head()).number)
        blocks = [each for each in events if isinstance(each, BlockSubmitted)]
        assert blocks
        keep.heed(blocks)
        assert await held() == 0
        keep.heed(events)
        assert await held() == 1
        payment = people.sign([(alice, first)], [world.output("bob")])
        await keeper.vault.track(signed_form(people, payment))
        await people.deposit(alice, ETHER)
        assert await held() == 1
        keep.heed(blocks)
        assert await held() == 2
        await people.deposit(alice, ETHER)
        assert await held() == 2
        clock.advance(15)
        assert await held() == 3


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
    world.extra |= {"PLASMA_GUARD_VAULT__MISSING_ALERT_AFTER": "0", "PLASMA_GUARD_VAULT__CHILD_CHAIN_URL": ""}
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


@pytest.mark.parametrize("generation", ["ald"])
async def test_a_broken_vault_stops_nothing_else(world: World) -> None:
    """The guard says what is wrong with the file, is not ready, and goes on challenging."""
    broken = world.folder / "broken.sqlite3"
    broken.write_bytes(b"whatever this is, it is no vault" * 200)
    world.extra["PLASMA_GUARD_VAULT__PATH"] = str(broken)
    async with world.guarded() as guard:
        fraud = await exit_spent_deposit(world.people, lambda _: None, ETHER)
        await guard.challenged(fraud)
        assert "cannot be used" in guard.guard.health.reasons["vault"]
        assert guard.alerts("vault/unusable")
