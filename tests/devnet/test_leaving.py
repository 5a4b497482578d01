"""Who decides that money leaves, and what happens when there is too little to pay for it; the real daemon."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from devnet.world import ETHER, LocalGuard, World, world_of
from plasma_guard.daemon.mailbox import Mailbox
from plasma_guard.devnet.in_flight import InFlightExits
from plasma_guard.devnet.stories.sayings import OUT, STEP, VAULT
from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import Closure
from plasma_guard.domain.exits import ExitStatus, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Wei
from plasma_guard.journal.reading import read_journal
from support.until import until

A_WEEK = {"PLASMA_GUARD_EXITS__LEAD": "604800"}
"""Far more than an exit period here; it must not make a guard that asks first act at once."""
NOBODY = "http://127.0.0.1:9"
"""Where nothing listens."""
both = pytest.mark.parametrize("generation", ["rootchain", "ald"])


@pytest.fixture(autouse=True)
def _locks_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests run side by side: the lock of an account would be shared by all of them."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


async def status(world: World, position: UtxoPosition) -> ExitStatus:
    """Ask the contract about the standard exit of an output that a deposit created."""
    people = world.people
    owner = people["guard"].address
    deposit = people.rules.deposit(owner, ETH, ETHER)
    exit_id = people.rules.standard_exit_id(deposit, position)
    (entry,) = await people.game.standard_exits([exit_id], await people.chain.head())
    return entry.status


def wishes(guard: LocalGuard) -> Mailbox:
    """Return where `plasma-guard exits` leaves what its user wants."""
    return Mailbox(guard.journal.with_name(f"{guard.journal.stem}.wishes"))


def ask_for_everything(guard: LocalGuard) -> None:
    """Do what `plasma-guard exits start all` does."""
    wishes(guard).post(None)


async def withheld(world: World, guard: LocalGuard) -> None:
    """Let the guard keep its deposit's evidence, and then see a block whose contents nobody gets."""
    people = world.people
    await guard.until_said(VAULT)
    other = await people.deposit(world.bob, ETHER)
    await world.caught_up()
    await people.withhold()
    await people.pay(world.bob, other, ETHER, people["carol"])


@both
@pytest.mark.parametrize("policy", ["never", "confirm"])
async def test_a_guard_that_must_ask_asks_and_starts_nothing(
    generation: str, policy: str, tmp_path: Path
) -> None:
    """A withheld block is a reason, and its owner decides: told once, obeyed when answered."""
    async with world_of(generation, tmp_path) as world:
        people = world.people
        position = await people.deposit(people["guard"], ETHER)
        sent = await people.chain.transaction_count(people["guard"].address)
        async with world.guarded({**A_WEEK, "PLASMA_GUARD_EXITS__POLICY": policy}) as guard:
            await withheld(world, guard)
            await guard.until_alerted("exits/waiting")
            (told, *_) = guard.alerts("exits/waiting")
            assert "plasma-guard exits start all" in told["event"]
            assert str(ETHER) in told["event"]
            assert await people.chain.transaction_count(people["guard"].address) == sent
            ask_for_everything(guard)
            await guard.until_said(STEP)
            assert await status(world, position) is ExitStatus.RUNNING


@both
async def test_an_exit_that_cannot_be_paid_for_waits_for_the_money_it_names(
    generation: str, tmp_path: Path
) -> None:
    """The wish is kept, the alert says how much is missing, and with that the exit is started and paid."""
    async with world_of(generation, tmp_path) as world:
        people = world.people
        account = people["guard"].address
        position = await people.deposit(people["guard"], ETHER)
        await world.evm.set_balance(str(account), 10**15)
        async with world.guarded() as guard:
            await guard.until_said(VAULT)
            ask_for_everything(guard)
            await guard.until_alerted("exits/unfunded")
            (told, *_) = guard.alerts("exits/unfunded")
            missing = int(told["facts"][str(account)].split()[1])
            assert 0 < missing < ETHER
            assert await status(world, position) is ExitStatus.ABSENT
            await world.evm.set_balance(str(account), 10**15 + missing + ETHER)
            await guard.until_said(STEP)
            assert await status(world, position) is ExitStatus.RUNNING
            head = await people.chain.head()
            await people.move_time(head.timestamp + 2 * people.game.contracts.min_exit_period + 1)
            await guard.until_said(OUT)
            assert not list(guard.journal.with_name(f"{guard.journal.stem}.wishes").glob("*.json"))


@both
async def test_an_exit_goes_on_after_a_restart_with_everybody_gone(generation: str, tmp_path: Path) -> None:
    """With operator and Watcher vanished after the start, the same journal carries it to its payment."""
    async with world_of(generation, tmp_path) as world:
        people = world.people
        position = await people.deposit(people["guard"], ETHER)
        async with world.guarded() as guard:
            await guard.until_said(VAULT)
            ask_for_everything(guard)
            await guard.until_said(STEP)
        await people.vanish()
        sent = await people.chain.transaction_count(people["guard"].address)
        assert await status(world, position) is ExitStatus.RUNNING
        head = await people.chain.head()
        await people.move_time(head.timestamp + 2 * people.game.contracts.min_exit_period + 1)
        vault = guard.journal.with_name(f"{guard.journal.stem}.vault{guard.journal.suffix}")
        settings = {
            "PLASMA_GUARD_JOURNAL__PATH": str(guard.journal),
            "PLASMA_GUARD_VAULT__PATH": str(vault),
        }
        async with world.guarded(settings) as again:
            await again.until_said(OUT)
        assert await people.chain.transaction_count(people["guard"].address) == sent + 1
        closures = [closure for closure in await closed(guard) if closure is not None]
        assert closures == [Closure.WON_BY_US]


@both
async def test_exits_that_a_wallet_started_are_seen_through_when_asked_for(
    generation: str, tmp_path: Path
) -> None:
    """A standard exit and a joined in-flight one; when each is ripe is told, and both are paid."""
    async with world_of(generation, tmp_path) as world:
        people, owner = world.people, world.people["guard"]
        settled = await people.deposit(owner, ETHER)
        theirs = await people.deposit(world.bob, Wei(2 * ETHER))
        received = await people.spend([(world.bob, theirs)], [world.output("guard", Wei(2 * ETHER))])
        await people.start_exit(owner, settled, ETHER)
        running = await InFlightExits(people).start(world.bob, received)
        await InFlightExits(people).piggyback(owner, running, Side.OUTPUT, 0)
        before = await people.balance(owner)
        async with world.guarded() as guard:
            await guard.until_said(VAULT)
            wishes(guard).post_running()
            own, other = await until(lambda: both_under_way(guard), "the guard takes them up")
            assert (own["event"], other["event"]) == ("own_in_flight_exit", "own_standard_exit")
            assert min(own["seconds_to_ripe"], other["seconds_to_ripe"]) > 0
            metrics = guard.guard.metrics.render().decode()
            assert metrics.count("plasma_guard_own_exit_seconds_to_ripe{") == 2
            assert "plasma_guard_case_seconds_to_deadline{" not in metrics
            head = await people.chain.head()
            await people.move_time(head.timestamp + 2 * people.game.contracts.min_exit_period + 1)
            await guard.until_said(OUT, times=2)
        assert await closed(guard) == [Closure.WON_BY_US] * 2
        assert await people.balance(owner) > before + 3 * ETHER - ETHER // 100


async def both_under_way(guard: LocalGuard) -> list[Mapping[str, Any]] | None:
    """Return what `/status` says of two exits that run, the in-flight one first."""
    own = [each for each in (await guard.guard.status())["own_exits"] if each["seconds_to_ripe"] is not None]
    return sorted(own, key=lambda each: str(each["event"])) if len(own) == 2 else None


async def closed(guard: LocalGuard) -> list[Closure | None]:
    """Read how each exit of our own ended."""

    async def read() -> list[Closure | None]:
        async with read_journal(guard.journal) as reader:
            return [case.closure for case in await reader.cases() if case.key.kind is Kind.OWN_EXIT]

    found: list[Closure | None] = await until(read, "the journal holds an exit of our own")
    return found


@both
async def test_g8_a_deposit_leaves_with_no_watcher_and_no_operator(generation: str, tmp_path: Path) -> None:
    """The guard never had either: what a deposit's exit takes is computed from the root chain alone."""
    async with world_of(generation, tmp_path) as world:
        people = world.people
        position = await people.deposit(people["guard"], ETHER)
        alone = {"PLASMA_GUARD_WATCHER__URL": NOBODY, "PLASMA_GUARD_VAULT__CHILD_CHAIN_URL": NOBODY}
        async with world.guarded(alone) as guard:
            ask_for_everything(guard)
            await guard.until_said(STEP)
            assert await status(world, position) is ExitStatus.RUNNING
            head = await people.chain.head()
            await people.move_time(head.timestamp + 2 * people.game.contracts.min_exit_period + 1)
            await guard.until_said(OUT)
        assert await closed(guard) == [Closure.WON_BY_US]
