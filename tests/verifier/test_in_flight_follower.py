"""In-flight exits on real contracts: what the verifier reads there, and what its evidence does there."""

from collections.abc import AsyncIterator

import pytest

from plasma_guard.devnet.deployment import REVISIONS
from plasma_guard.domain.exits import ExitStatus, InFlightExitStarted, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.plasma.keccak import keccak
from plasma_guard.verifier import LocalWatcher, Verifier
from plasma_guard.verifier.api import application
from support.clock import FakeClock
from verifier.in_flight_net import answer, delete, entry, join, start
from verifier.net import FRIEND, PERIOD, USER, Net, following, network

IN, OUT = Side.INPUT, Side.OUTPUT
AT_ONCE = {"exit_finality": 0, "deposit_finality": 0, "sla": 5520}
NC, IC = "non_canonical_ife", "invalid_ife_challenge"
PA, IP = "piggyback_available", "invalid_piggyback"


@pytest.fixture(params=REVISIONS)
async def net(request: pytest.FixtureRequest) -> AsyncIterator[Net]:
    async with network(str(request.param)) as started:
        yield started


def events(verifier: Verifier) -> list[tuple[str, bytes]]:
    return [
        (event.name, bytes.fromhex(str(event.details["txbytes"])[2:]))
        for event in verifier.byzantine_events()
    ]


async def test_an_included_competitor_wins_on_chain(net: Net) -> None:
    """B8: the start is read from its call or log; the competitor the verifier serves ends the event."""
    async with following(net, FakeClock(), **AT_ONCE) as (verifier, follower, _):
        deposit = await net.deposit()
        await follower.step()
        tx = await start(net, verifier, net.signed(deposit, USER, USER))
        await follower.step()
        assert events(verifier) == [(PA, tx)]
        await net.pay(deposit, USER, FRIEND)
        await follower.step()
        assert events(verifier) == [(NC, tx), (PA, tx)]
        await answer(net, await LocalWatcher(verifier).competitor(tx))
        assert not (await entry(net, tx)).canonical
        await follower.step()
        assert events(verifier) == [(PA, tx)]


async def test_a_challenge_shows_its_competitor(net: Net) -> None:
    """B7, D3: the competitor of a challenge is read from its call; the wrong challenge is answered."""
    async with following(net, FakeClock(), **AT_ONCE) as (verifier, follower, _):
        deposit = await net.deposit()
        await follower.step()
        included, rival = net.signed(deposit, USER, FRIEND), net.signed(deposit, USER, USER)
        accused = await start(net, verifier, included)
        other = await start(net, verifier, rival)
        await follower.step()
        assert events(verifier)[:2] == [(NC, accused), (NC, other)]
        await answer(net, verifier.canonicity.competitor(accused))
        assert (await net.submit(included))["success"]
        await net.operator.step(net.game, net.chain)
        await follower.step()
        assert events(verifier) == [(NC, other), (IC, accused), (PA, other)]
        await answer(net, await LocalWatcher(verifier).inclusion(accused))
        assert (await entry(net, accused)).canonical
        await follower.step()
        assert events(verifier) == [(NC, other), (PA, other)]
    async with following(net, FakeClock(), **AT_ONCE) as (later, follower, _):
        await follower.step()
        assert later.byzantine_events() == verifier.byzantine_events()


async def test_wrong_piggybacks_are_proven_on_chain(net: Net) -> None:
    """E13, E17: a spent input and a spent output are challenged with the verifier's evidence, and gone."""
    async with following(net, FakeClock(), **AT_ONCE) as (verifier, follower, _):
        deposit = await net.deposit()
        await follower.step()
        included = net.signed(deposit, USER, USER)
        in_flight = await start(net, verifier, net.signed(deposit, USER, FRIEND))
        tx = await start(net, verifier, included)
        position = await net.pay(deposit, USER, USER)
        assert net.rules.decode_signed(included).tx.raw == tx
        await net.pay(position, USER, FRIEND)
        await join(net, in_flight, USER, IN, 0)
        await join(net, tx, USER, OUT, 0)
        await follower.step()
        assert events(verifier)[:2] == [(IP, in_flight), (IP, tx)]
        await answer(net, await LocalWatcher(verifier).input_spend(in_flight, 0))
        await answer(net, await LocalWatcher(verifier).output_spend(tx, 0))
        for each in (in_flight, tx):
            assert not any(slot.piggybacked for slot in (await entry(net, each)).slots)
        await follower.step()
        assert IP not in [name for name, _ in events(verifier)]


@pytest.mark.parametrize("net", [each for each in REVISIONS if each.startswith("ald")], indirect=True)
async def test_an_exit_that_nobody_joined_is_deleted(net: Net) -> None:
    """A9: deletion, which v0.2 has not, ends the exit's events and takes it off the list."""
    async with following(net, FakeClock(), **AT_ONCE) as (verifier, follower, _):
        deposit = await net.deposit()
        await follower.step()
        tx = await start(net, verifier, net.signed(deposit, USER, FRIEND))
        await follower.step()
        assert events(verifier) == [(PA, tx)]
        await net.evm.increase_time(PERIOD // 2 + 1)
        await delete(net, tx)
        await follower.step()
        assert events(verifier) == []
        assert verifier.status().in_flight_exits == ()


async def test_an_honest_exit_is_paid_and_forgotten(net: Net) -> None:
    """B10: the output of a transaction never sent is paid; nothing is told, and its input is gone."""
    async with following(net, FakeClock(), **AT_ONCE) as (verifier, follower, _):
        deposit = await net.deposit()
        await follower.step()
        tx = await start(net, verifier, net.signed(deposit, USER, FRIEND))
        await join(net, tx, FRIEND, OUT, 0)
        await follower.step()
        assert [each.piggybacked_outputs for each in verifier.status().in_flight_exits] == [(0,)]
        await net.evm.increase_time(2 * PERIOD + 1)
        await net.process_exits()
        await follower.step()
        assert events(verifier) == []
        assert verifier.status().in_flight_exits == ()
        assert verifier.ledger.unspent(deposit) is None


async def test_an_exit_processed_without_payment_ends(net: Net) -> None:
    """An exit whose piggyback was challenged away is processed without any log on two revisions; it ends."""
    async with following(net, FakeClock(), **AT_ONCE) as (verifier, follower, _):
        deposit = await net.deposit()
        await follower.step()
        tx = await start(net, verifier, net.signed(deposit, USER, USER))
        position = await net.pay(deposit, USER, USER)
        await net.pay(position, USER, FRIEND)
        await join(net, tx, USER, OUT, 0)
        await follower.step()
        await answer(net, verifier.piggybacks.output_spend(tx, 0))
        await follower.step()
        assert [each.tx for each in verifier.status().in_flight_exits] == [tx]
        await net.evm.increase_time(2 * PERIOD + 1)
        await net.process_exits()
        assert (await entry(net, tx)).status is not ExitStatus.RUNNING
        await follower.step()
        assert events(verifier) == []
        assert verifier.status().in_flight_exits == ()


async def test_a_payment_waits_for_the_blocks_before_it(net: Net) -> None:
    """Whether a paid output was spent is decided only when every block submitted before was validated."""
    async with following(net, FakeClock(), **AT_ONCE) as (verifier, follower, source):
        deposit = await net.deposit()
        await follower.step()
        tx = await start(net, verifier, net.signed(deposit, USER, USER))
        position = await net.pay(deposit, USER, USER)
        await follower.step()
        source.withheld = True
        await net.pay(position, USER, FRIEND)
        await join(net, tx, USER, OUT, 0)
        await net.evm.increase_time(2 * PERIOD + 1)
        await net.process_exits()
        processed = (await net.chain.head()).number
        await follower.step()
        assert events(verifier) == []
        services = verifier.status().services
        assert services["ife_exit_finalizer"] < processed
        assert services["in_flight_exit_processor"] == services["piggyback_processor"] == processed
        source.withheld = False
        await follower.step()
        assert events(verifier) == [(IP, tx)]
        assert verifier.ledger.unspent(position) is None


async def test_an_unreadable_start_raises_an_alarm(net: Net) -> None:
    """Where nothing tells a transaction in flight, its hash is in the alarms, and the status still served."""
    async with following(net, FakeClock(), **AT_ONCE) as (verifier, follower, _):
        deposit = await net.deposit()
        await follower.step()
        tx_hash = keccak(b"unknown")
        where = (1, tx_hash, tx_hash, 0)
        verifier.apply_event(InFlightExitStarted(USER.address, tx_hash, *where))
        [alarm] = follower.alarms
        assert (alarm.name, alarm.reporter) == ("in_flight_exit_unreadable", str(tx_hash))
        assert application(verifier, alarms=lambda: follower.alarms)
        await net.pay(deposit, USER, FRIEND)
        await follower.step()
        assert verifier.status().last_validated_blknum == UtxoPosition(1000, 0, 0).blknum
