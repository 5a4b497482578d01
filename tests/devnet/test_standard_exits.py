"""Every scenario of standard exits on a real devnet: contracts, operator, Watcher over HTTP, ordinary guard.

Each test is named after its row in the list of exit-game scenarios.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from devnet.world import ETHER, PERIOD, World, about, world_of
from plasma_guard.devnet.attacker import Fraud, exit_spent_deposit, exit_spent_payment
from plasma_guard.domain.cases import Judgement
from plasma_guard.domain.decisions import Closure
from plasma_guard.domain.errors import WatcherRefused
from plasma_guard.domain.exits import ExitStatus
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Wei
from plasma_guard.watcher import HttpWatcher
from support.until import until

BOTH = ("rootchain", "ald")
ALL = (*BOTH, "ald-v2")
IE, UE = "invalid_exit", "unchallenged_exit"
LATE = 15
"""Root-chain blocks after which an invalid exit is late, in the scenarios about late ones."""

Make = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def make(generation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a world of the generation under test."""
    # A real guard of this machine's user must not share locks with the guards here.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return lambda **options: world_of(generation, tmp_path, **options)


@pytest.fixture
async def world(make: Make) -> AsyncIterator[World]:
    """A world in which no exit is ever late."""
    async with make() as made:
        yield made


@pytest.fixture
async def late_world(make: Make) -> AsyncIterator[World]:
    """A world in which an invalid exit is late soon."""
    async with make(sla=LATE) as made:
        yield made


every = pytest.mark.parametrize("generation", ALL)
both = pytest.mark.parametrize("generation", BOTH)


def quiet(_: str) -> None:
    """Nobody listens to the thief here."""


async def refusal(watcher: HttpWatcher, position: UtxoPosition) -> str:
    """Return the code a Watcher refuses challenge data with."""
    with pytest.raises(WatcherRefused) as refused:
        await watcher.challenge_data(position)
    return refused.value.code


async def thief_gets_nothing(world: World, fraud: Fraud) -> None:
    """Let the time pass and process the queue; the thief's balance must not move."""
    before = await world.people.balance(fraud.thief)
    await world.let_mature()
    await world.people.process_exits(world.people["guard"] if fraud.thief == world.bob else world.bob)
    assert await world.people.balance(fraud.thief) == before
    assert (await world.entry(fraud.exit.exit_id)).status is ExitStatus.ABSENT


@every
async def test_a1_an_exit_of_a_spent_deposit_is_challenged_and_pays_nothing(world: World) -> None:
    """IE, the guard's challenge, []: the bond goes to the guard, and processing pays Alice nothing."""
    guard = world.people["guard"]
    async with world.guarded() as running:
        fraud = await exit_spent_deposit(world.people, quiet)
        await running.challenged(fraud)
        await world.reports([])
        assert world.ever_reported == set(about(IE, fraud))
        assert await running.closures() == [Closure.WON_BY_US]
        assert not running.alerts()
        (challenge,) = await world.challenges()
        await running.scanned(challenge.block_number + 1)
        assert [(each.position, each.running) for each in await running.exits()] == [
            (fraud.exit.position, False)
        ]
    data = await world.watcher.challenge_data(fraud.exit.position)
    assert (data.exit_id, data.challenge_tx, data.input_index, data.signature) == (
        fraud.exit.exit_id,
        fraud.spend.tx,
        0,
        fraud.spend.signatures[0],
    )
    sender, cost = await world.people.paid_by(challenge.tx_hash)
    assert sender == guard.address
    assert await world.people.balance(guard) == 100 * ETHER + fraud.exit.bond - cost
    await thief_gets_nothing(world, fraud)


@every
async def test_a2_an_exit_of_a_spent_payment_is_challenged_and_pays_nothing(world: World) -> None:
    """The same for an output that was received on the plasma chain: its exit id is a normal output's."""
    async with world.guarded() as running:
        fraud = await exit_spent_payment(world.people, quiet)
        await running.challenged(fraud)
        await world.reports([])
        assert world.ever_reported == set(about(IE, fraud))
        assert await running.closures() == [Closure.WON_BY_US]
    data = await world.watcher.challenge_data(fraud.exit.position)
    assert data.exit_id == fraud.exit.exit_id
    assert not fraud.exit.position.is_deposit
    assert await world.guard_sent() == 1
    await thief_gets_nothing(world, fraud)


@both
async def test_a10_an_honest_exit_of_ether_is_left_alone_and_paid(world: World) -> None:
    """No event at any time, nothing sent, and processing pays output and bond to the wei."""
    people = world.people
    async with world.guarded() as running:
        deposit = await people.deposit(world.alice, ETHER)
        received = await people.pay(world.alice, deposit, ETHER, world.bob)
        started = await people.start_exit(world.bob, received, ETHER)
        await world.caught_up()
        owner = {"address": str(world.bob.address)}
        assert await world.ask("/account.get_exitable_utxos", owner) == []
        assert [each.position for each in await running.exits()] == [received]
        before = await people.balance(world.bob)
        await world.let_mature()
        await people.process_exits(world.alice)
        assert await people.balance(world.bob) == before + ETHER + started.bond
        await world.caught_up()
        assert await running.closures() == []
        assert not running.alerts("case")
    assert world.ever_reported == set()
    assert await world.guard_sent() == 0


@both
async def test_a11_an_honest_exit_of_a_token_is_left_alone_and_paid(world: World) -> None:
    """The same for an ERC-20, whose exits have a queue of their own; the bond comes back in ether."""
    people, token, units = world.people, world.token, Wei(5000)
    await people.mint(world.alice, token, units)
    deposit = await people.deposit(world.alice, units, token)
    assert await people.balance(world.alice, token) == 0
    paid = await people.spend([(world.alice, deposit)], [world.output("bob", units, token)])
    started = await people.start_exit(world.bob, paid.output(), units, token)
    await world.caught_up()
    async with world.guarded() as running:

        async def valid() -> bool:
            return [each.judgement for each in await running.exits()] == [Judgement.VALID]

        await until(valid, "the guard knows that the exit is valid")
        before = await people.balance(world.bob)
        await world.let_mature()
        await people.process_exits(world.alice, token=token)
        assert await people.balance(world.bob, token) == units
        assert await people.balance(world.bob) == before + started.bond
        await world.caught_up()
        assert await running.closures() == []
    assert world.ever_reported == set()
    assert await world.guard_sent() == 0


@both
async def test_b12_a_late_exit_is_still_challenged(late_world: World) -> None:
    """IE and UE together, then the challenge of a guard that comes late, then []."""
    world = late_world
    fraud = await exit_spent_deposit(world.people, quiet)
    await world.reports(about(IE, fraud))
    await world.reports(about(IE, fraud) + about(UE, fraud))
    async with world.guarded() as running:
        await running.challenged(fraud)
        await world.reports([])
        await running.until_alerted("leave/unchallenged_exit")
        assert Closure.WON_BY_US in await running.closures()
    assert await world.guard_sent() == 1


@both
async def test_b13_two_invalid_exits_at_once_are_both_challenged(world: World) -> None:
    """A deposit and the output its spend made, both spent, both exited: IE twice, two challenges, then []."""
    people = world.people
    deposit = await people.deposit(world.alice, ETHER)
    first = await people.spend([(world.alice, deposit)], [world.output("bob")])
    second = await people.spend([(world.bob, first.output())], [world.output("alice")])
    frauds = [
        Fraud(world.alice, await people.start_exit(world.alice, deposit, ETHER), ETHER, first),
        Fraud(world.bob, await people.start_exit(world.bob, first.output(), ETHER), ETHER, second),
    ]
    await world.reports(about(IE, *frauds))
    async with world.guarded() as running:
        await running.challenged(*frauds)
        await world.reports([])
        assert await running.closures() == [Closure.WON_BY_US] * 2
    assert await world.guard_sent() == 2


@both
async def test_c1_an_exit_of_an_unspent_output_is_no_event(world: World) -> None:
    """Asked for a challenge, the Watcher says that the output is not spent: a deposit's and a payment's."""
    people = world.people
    unspent = await people.deposit(world.alice, ETHER)
    received = await people.pay(world.alice, await people.deposit(world.alice, ETHER), ETHER, world.bob)
    await people.start_exit(world.alice, unspent, ETHER)
    await people.start_exit(world.bob, received, ETHER)
    await world.caught_up()
    for position in (unspent, received):
        assert await refusal(world.watcher, position) == "challenge:utxo_not_spent"
    assert world.ever_reported == set()


@both
async def test_c2_of_an_exit_that_nobody_started_there_is_no_challenge(world: World) -> None:
    """Whether the output exists, is spent, or never existed: the exit is not found."""
    people = world.people
    spent = await people.deposit(world.alice, ETHER)
    present = await people.pay(world.alice, spent, ETHER, world.bob)
    await world.caught_up()
    for position in (spent, present, UtxoPosition(77, 0, 0), UtxoPosition(9000, 3, 1)):
        assert await refusal(world.watcher, position) == "challenge:exit_not_found"


@both
async def test_c4_a_deposit_spent_in_a_block_is_challenged_with_that_transaction(world: World) -> None:
    """IE, and the challenge data is the block's own transaction with the owner's signature."""
    fraud = await exit_spent_deposit(world.people, quiet)
    await world.reports(about(IE, fraud))
    data = await world.watcher.challenge_data(fraud.exit.position)
    assert data.challenge_tx == fraud.spend.tx
    assert data.signature == fraud.spend.signatures[0]
    assert data.input_index == 0


@both
async def test_c7_a_spend_is_found_at_every_input(world: World) -> None:
    """The exiting output as input 0, 1, 2 or 3 of the spender: the index says which; the contract agrees."""
    people = world.people
    deposits = [await people.deposit(world.alice, ETHER) for _ in range(4)]
    spend = await people.spend(
        [(world.alice, each) for each in deposits], [world.output("bob", Wei(4 * ETHER))]
    )
    frauds = [
        Fraud(world.alice, await people.start_exit(world.alice, each, ETHER), ETHER, spend)
        for each in deposits
    ]
    await world.reports(about(IE, *frauds))
    for index, fraud in enumerate(frauds):
        data = await world.watcher.challenge_data(fraud.exit.position)
        assert (data.challenge_tx, data.input_index) == (spend.tx, index)
        await people.challenge(world.bob, data)
    await world.reports([])


@both
async def test_c8_the_signature_is_that_of_the_exits_owner(world: World) -> None:
    """Of a spend signed by several people each exit gets its own owner's signature, wherever it stands."""
    people = world.people
    owners = [world.bob, world.alice, people["guard"], world.alice]
    deposits = [await people.deposit(owner, ETHER) for owner in owners]
    spend = await people.spend(
        list(zip(owners, deposits, strict=True)), [world.output("bob", Wei(4 * ETHER))]
    )
    frauds = [
        Fraud(owner, await people.start_exit(owner, each, ETHER), ETHER, spend)
        for owner, each in zip(owners, deposits, strict=True)
    ]
    await world.reports(about(IE, *frauds))
    tx = people.rules.decode(spend.tx)
    for index, fraud in enumerate(frauds):
        data = await world.watcher.challenge_data(fraud.exit.position)
        signer = people.rules.recover(tx, data.signature, people.game.contracts.entry)
        assert (signer, data.input_index) == (fraud.thief.address, index)
        await people.challenge(world.bob, data)
    await world.reports([])


@both
async def test_c9_outputs_of_one_transaction_have_spenders_of_their_own(world: World) -> None:
    """Both outputs of a transaction, spent by different ones at different inputs, both exited."""
    people, half = world.people, Wei(ETHER // 2)
    deposit = await people.deposit(world.alice, ETHER)
    other = await people.deposit(world.bob, ETHER)
    split = await people.spend(
        [(world.alice, deposit)], [world.output("alice", half), world.output("bob", half)]
    )
    one = await people.spend([(world.alice, split.output(0))], [world.output("bob", half)])
    two = await people.spend(
        [(world.bob, other), (world.bob, split.output(1))], [world.output("alice", Wei(ETHER + half))]
    )
    frauds = [
        Fraud(world.alice, await people.start_exit(world.alice, split.output(0), half), half, one),
        Fraud(world.bob, await people.start_exit(world.bob, split.output(1), half), half, two),
    ]
    await world.reports(about(IE, *frauds))
    for index, fraud in enumerate(frauds):
        data = await world.watcher.challenge_data(fraud.exit.position)
        assert (data.challenge_tx, data.input_index) == (fraud.spend.tx, index)
        await people.challenge(people["guard"], data)
    await world.reports([])


@both
async def test_c11_the_challenge_carries_the_exiting_transaction(world: World) -> None:
    """On ald it is the transaction that created the output, of a deposit and of a block; v0.2 has none."""
    frauds = [await exit_spent_deposit(world.people, quiet), await exit_spent_payment(world.people, quiet)]
    await world.reports(about(IE, *frauds))
    carried = [(await world.watcher.challenge_data(fraud.exit.position)).exiting_tx for fraud in frauds]
    assert carried == [fraud.exit.exiting_tx if world.is_ald else None for fraud in frauds]
    shown = await world.ask("/utxo.get_exit_data", {"utxo_pos": frauds[1].exit.position.encode()})
    assert shown["txbytes"] == "0x" + frauds[1].exit.exiting_tx.hex()


@both
async def test_c12_an_exit_of_an_output_missing_from_the_ledger_is_invalid(world: World) -> None:
    """A Watcher that never saw the deposit reports its exit, without the proof that it cannot have."""
    people = world.people
    deposit = await people.deposit(world.alice, ETHER)
    after = (await people.chain.head()).number + 1
    await people.start_exit(world.alice, deposit, ETHER)
    async with world.second_watcher(first=after) as (blind, _):
        await world.reports([(IE, deposit)], blind)
        assert await refusal(blind, deposit) == "challenge:utxo_not_spent"
        (event,) = (await blind.status()).events
        assert event.details["amount"] == ETHER
    await world.caught_up()
    assert world.ever_reported == set()


@both
async def test_c13_an_old_invalid_exit_halts_the_watcher(late_world: World) -> None:
    """UE and IE, and no further plasma block is validated although more are mined."""
    world, people = late_world, late_world.people
    fraud = await exit_spent_deposit(people, quiet)
    await world.reports(about(IE, fraud) + about(UE, fraud))
    deposit = await people.deposit(world.bob, ETHER)
    there = await people.spend([(world.bob, deposit)], [world.output("alice")])
    back = await people.spend([(world.alice, there.output())], [world.output("bob")])

    async def halted() -> bool:
        status = await world.watcher.status()
        return (status.last_mined_blknum, status.last_validated_blknum) == (back.blknum, there.blknum)

    await until(halted, "the Watcher stands while the operator goes on")
    await world.caught_up()
    assert await halted()
    await world.reports(about(IE, fraud) + about(UE, fraud))


@both
async def test_c14_an_exit_challenged_before_the_watcher_looked_is_no_event(world: World) -> None:
    """Started and challenged while neither was buried: the Watcher never says a word."""
    deposit = await world.people.deposit(world.alice, ETHER)
    spend = await world.people.spend([(world.alice, deposit)], [world.output("bob")])
    await world.hold()
    started = await world.people.start_exit(world.alice, deposit, ETHER)
    fraud = Fraud(world.alice, started, ETHER, spend)
    await world.people.challenge(world.bob, fraud.proof)
    world.release()
    await world.caught_up()
    assert world.ever_reported == set()
    assert len(await world.challenges()) == 1


@both
async def test_c14_an_exit_challenged_before_the_guard_looked_costs_it_nothing(world: World) -> None:
    """The Watcher still reports it, the contract says otherwise: closed as done by others, nothing sent."""
    fraud = await exit_spent_deposit(world.people, quiet)
    await world.reports(about(IE, fraud))
    await world.hold()
    await world.people.challenge(world.bob, await world.watcher.challenge_data(fraud.exit.position))
    await world.reports(about(IE, fraud))
    async with world.guarded() as running:
        (line,) = await until(lambda: running.said("nothing to do"), "the guard says that nothing is to do")
        assert line["reason"].startswith("the exit")
        assert await running.closures() == [Closure.RESOLVED_BY_OTHERS]
        world.release()
        await world.reports([])
        assert not running.alerts()
    assert await world.guard_sent() == 0


@both
async def test_the_same_output_exited_again_is_challenged_again(world: World) -> None:
    """A challenged exit that was swept out of the queue can be started anew: a new case, a new challenge."""
    async with world.guarded() as running:
        fraud = await exit_spent_deposit(world.people, quiet)
        await running.challenged(fraud)
        await thief_gets_nothing(world, fraud)
        await world.reports([])
        again = await world.people.start_exit(fraud.thief, fraud.exit.position, fraud.amount)
        assert again.exit_id == fraud.exit.exit_id
        await running.challenged(fraud, times=2)
        await world.reports([])
        assert await running.closures() == [Closure.WON_BY_US] * 2
    assert len(await world.challenges()) == 2
    assert await world.guard_sent() == 2
    await thief_gets_nothing(world, fraud)


@both
async def test_c15_nothing_is_said_about_an_output_of_a_block_not_validated_yet(world: World) -> None:
    """While a block is withheld its outputs' exits are no events; once it is there, a spent one is."""
    people = world.people
    async with world.second_watcher(withheld=True) as (watcher, blocks):
        fraud = await exit_spent_payment(people, quiet)
        await world.caught_up(watcher)
        await world.reports(about(IE, fraud))
        await world.reports([], watcher)
        assert (await watcher.status()).last_validated_blknum == 0
        assert await refusal(watcher, fraud.exit.position) == "challenge:utxo_not_spent"
        blocks.withheld = False
        await world.reports(about(IE, fraud), watcher)


@both
async def test_c18_challenged_exits_are_forgotten(world: World) -> None:
    """Challenged one by one or together, no exit is reported any more; the others stay."""
    frauds = [await exit_spent_deposit(world.people, quiet) for _ in range(3)]
    await world.reports(about(IE, *frauds))
    first, *others = frauds
    await world.people.challenge(world.bob, first.proof)
    await world.reports(about(IE, *others))
    await world.hold()
    for fraud in others:
        await world.people.challenge(world.bob, fraud.proof)
    world.release()
    await world.reports([])


@both
async def test_c19_an_invalid_exit_that_was_paid_is_told_as_lost_and_never_forgotten(
    late_world: World,
) -> None:
    """Nobody challenged: IE and UE for ever, IE of a Watcher started anew; the guard tells of the loss."""
    world, people = late_world, late_world.people
    fraud = await exit_spent_deposit(people, quiet)
    before = await people.balance(world.alice)
    await world.let_mature()
    await people.process_exits(world.bob)
    assert await people.balance(world.alice) == before + ETHER + fraud.exit.bond
    await world.caught_up()
    await world.reports(about(IE, fraud) + about(UE, fraud))
    async with world.guarded() as running:
        (lost,) = await until(lambda: running.alerts("case/"), "the guard tells of the loss")
        assert lost["log_level"] == "error"
        await running.until_alerted("leave/unchallenged_exit")
        assert sorted(map(str, await running.closures())) == ["None", "lost"]
        await world.reports(about(IE, fraud) + about(UE, fraud))
    async with world.second_watcher() as (anew, _):
        await world.caught_up(anew)
        await world.reports(about(IE, fraud), anew)
    assert await world.guard_sent() == 0


@both
async def test_c20_a_valid_exit_is_never_an_event(world: World) -> None:
    """Not before, not long after, not when it is paid, and not to a Watcher started anew."""
    people = world.people
    deposit = await people.deposit(world.alice, ETHER)
    received = await people.pay(world.alice, deposit, ETHER, world.bob)
    started = await people.start_exit(world.bob, received, ETHER)
    await world.caught_up()
    head = await people.chain.head()
    assert await people.move_time(head.timestamp + PERIOD)
    await world.caught_up()
    await world.let_mature()
    before = await people.balance(world.bob)
    await people.process_exits(world.alice)
    assert await people.balance(world.bob) == before + ETHER + started.bond
    await world.caught_up()
    assert world.ever_reported == set()
    async with world.second_watcher() as (anew, _):
        await world.caught_up(anew)
        await world.reports([], anew)


@both
async def test_g1_a_client_that_polls_can_challenge_and_win_the_bond(world: World) -> None:
    """Status until IE names the output, then challenge data, then the challenge, accounted for to the wei."""
    people, honest = world.people, world.people["guard"]
    thief_before = await people.balance(world.bob)
    fraud = await exit_spent_payment(people, quiet)
    assert await people.balance(world.bob) == thief_before - fraud.exit.bond - fraud.exit.gas_cost
    before = await people.balance(honest)
    await world.reports(about(IE, fraud))
    mined = await people.challenge(honest, await world.watcher.challenge_data(fraud.exit.position))
    assert await people.balance(honest) == before + fraud.exit.bond - mined.gas_cost
    await world.reports([])
    await thief_gets_nothing(world, fraud)
