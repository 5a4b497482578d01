"""The follower on real contracts: margins, withholding, finalization, and the whole way to a challenge."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from plasma_guard.chain.chain import RpcChain
from plasma_guard.devnet.deployment import REVISIONS
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.errors import ChainUnavailable, WatcherNotReady
from plasma_guard.domain.exits import ExitStatus
from plasma_guard.plasma.evidence import prove_spend
from plasma_guard.verifier import LocalWatcher, Margins, Verifier
from plasma_guard.verifier.api import application
from plasma_guard.verifier.child_chain import HttpBlockSource
from plasma_guard.verifier.follower import Follower
from plasma_guard.watcher import HttpWatcher
from support.clock import FakeClock
from verifier.net import FRIEND, PERIOD, USER, Net, following, network
from verifier.world import ie, ue

AT_ONCE = {"exit_finality": 0, "deposit_finality": 0, "sla": 10}


@pytest.fixture(params=REVISIONS)
async def net(request: pytest.FixtureRequest) -> AsyncIterator[Net]:
    async with network(str(request.param)) as started:
        yield started


def events(verifier: Verifier) -> list[tuple[str, object]]:
    return [
        (event.name, event.details.get("utxo_pos", event.details.get("blknum")))
        for event in verifier.byzantine_events()
    ]


async def test_a_spent_deposit_that_exits_is_found_proven_and_challenged(net: Net) -> None:
    """A1: what the verifier says over HTTP is proven against the contract, and wins on chain."""
    async with following(net, FakeClock(), **AT_ONCE) as (verifier, follower, _):
        deposit = await net.deposit()
        await net.pay(deposit, USER, FRIEND)
        await follower.step()
        await net.start_exit(verifier, deposit)
        await follower.step()
        server = TestServer(application(verifier))
        async with server, HttpWatcher(str(server.make_url("/"))) as watcher:
            status = await watcher.status()
            claim = await watcher.challenge_data(deposit)
        assert [event.name for event in status.events] == ["invalid_exit"]
        assert status.last_validated_blknum == status.last_mined_blknum == 1000
        head = await net.chain.head()
        assert status.services["exit_processor"] == status.last_seen_eth_block == head.number
        [entry] = await net.game.standard_exits([claim.exit_id], head)
        prove_spend(net.rules, net.game.contracts.entry, entry, claim)
        await net.challenge(verifier, deposit)
        [entry] = await net.game.standard_exits([claim.exit_id], await net.chain.head())
        assert entry.status in (ExitStatus.CHALLENGED, ExitStatus.ABSENT)
        await follower.step()
        assert events(verifier) == []


async def test_the_local_watcher_is_the_verifier(net: Net) -> None:
    """In the same process, the port answers without HTTP, and is not ready before the first step."""
    async with following(net, FakeClock(), **AT_ONCE) as (verifier, follower, _):
        local = LocalWatcher(verifier)
        with pytest.raises(WatcherNotReady):
            await local.status()
        deposit = await net.deposit()
        await net.pay(deposit, USER, FRIEND)
        await follower.step()
        await net.start_exit(verifier, deposit)
        await follower.step()
        assert (await local.status()).events == tuple(verifier.byzantine_events())
        assert await local.challenge_data(deposit) == verifier.challenge_data(deposit)


async def test_events_count_once_buried_by_their_margins(net: Net) -> None:
    """Deposits and blocks are taken at 10 root-chain blocks of depth, exits at 12, as by a Watcher."""
    async with following(net, FakeClock()) as (verifier, follower, _):
        deposit = await net.deposit()
        mined = (await net.chain.head()).number
        await net.evm.mine(9)
        await follower.step()
        assert verifier.ledger.unspent(deposit) is None
        assert verifier.status().services["depositor"] == mined - 1
        await net.evm.mine()
        await follower.step()
        assert verifier.ledger.unspent(deposit) is not None
        await net.pay(deposit, USER, FRIEND)
        await net.evm.mine(10)
        await follower.step()
        assert verifier.status().last_validated_blknum == 1000
        await net.start_exit(verifier, deposit)
        await net.evm.mine(11)
        await follower.step()
        assert events(verifier) == []
        await net.evm.mine()
        await follower.step()
        assert events(verifier) == [ie(deposit)]


async def test_an_exit_challenged_before_it_was_recognized_is_never_reported(net: Net) -> None:
    """C14: the contract's state at recognition decides, so a challenge inside the margin leaves no event."""
    async with following(net, FakeClock(), exit_finality=12, deposit_finality=0) as (verifier, follower, _):
        deposit = await net.deposit()
        await net.pay(deposit, USER, FRIEND)
        await follower.step()
        await net.start_exit(verifier, deposit)
        async with following(net, FakeClock(), **AT_ONCE) as (eager, eager_follower, _):
            await eager_follower.step()
            await net.challenge(eager, deposit)
        await net.evm.mine(11)
        await follower.step()
        assert events(verifier) == []
        await net.evm.mine(1)
        await follower.step()
        assert events(verifier) == []


async def test_withholding_does_not_stop_exit_detection(net: Net) -> None:
    """B3: a missing block is withholding only after the limit; meanwhile exits are still judged."""
    clock = FakeClock()
    async with following(net, clock, **AT_ONCE) as (verifier, follower, source):
        deposit, other = await net.deposit(), await net.deposit()
        await net.pay(deposit, USER, FRIEND)
        await follower.step()
        source.withheld = True
        await net.pay(other, USER, FRIEND)
        await follower.step()
        clock.advance(99)
        await net.start_exit(verifier, deposit)
        await follower.step()
        assert events(verifier) == [ie(deposit)]
        assert verifier.status().last_mined_blknum == 2000
        clock.advance(1)
        await follower.step()
        assert events(verifier) == [ie(deposit), ("block_withholding", 2000)]
        source.withheld = False
        await follower.step()
        assert verifier.status().last_validated_blknum == 1000, "halted for good"


async def test_a_block_that_appears_in_time_is_no_withholding(net: Net) -> None:
    """F6, F7: the limit counts from the first failure, and a block that comes after all clears it."""
    clock = FakeClock()
    async with following(net, clock, **AT_ONCE) as (verifier, follower, source):
        source.withheld = True
        deposit, other = await net.deposit(), await net.deposit()
        await net.pay(deposit, USER, FRIEND)
        await follower.step()
        clock.advance(99)
        source.withheld = False
        await follower.step()
        source.withheld = True
        await net.pay(other, USER, FRIEND)
        clock.advance(99)
        await follower.step()
        assert events(verifier) == []
        assert verifier.status().last_validated_blknum == 1000


async def test_a_valid_exit_is_paid_and_forgotten(net: Net) -> None:
    """C20: on chain, an honest exit gives no event before or after it is processed."""
    async with following(net, FakeClock(), **AT_ONCE) as (verifier, follower, _):
        deposit = await net.deposit()
        await follower.step()
        await net.start_exit(verifier, deposit)
        await follower.step()
        assert (events(verifier), verifier.ways_out.exitable_utxos(USER.address)) == ([], [])
        await net.evm.increase_time(2 * PERIOD + 1)
        await net.process_exits()
        await net.evm.mine(20)
        await follower.step()
        assert events(verifier) == []
        assert verifier.ledger.unspent(deposit) is None


async def test_an_invalid_exit_that_was_paid_stays_for_ever(net: Net) -> None:
    """C19: on chain, also for a verifier that reads everything only afterwards."""
    async with following(net, FakeClock(), **AT_ONCE) as (verifier, follower, _):
        deposit = await net.deposit()
        await net.pay(deposit, USER, FRIEND)
        await follower.step()
        await net.start_exit(verifier, deposit)
        await follower.step()
        await net.evm.increase_time(2 * PERIOD + 1)
        await net.process_exits()
        await net.evm.mine(20)
        await follower.step()
        assert events(verifier) == [ue(deposit), ie(deposit)]
    async with following(net, FakeClock(), **AT_ONCE) as (restarted, follower, _):
        await follower.step()
        assert events(restarted) == [ue(deposit), ie(deposit)]


async def test_a_finalization_waits_for_the_blocks_before_it(net: Net) -> None:
    """Whether a payout was valid is decided only when every block submitted before it has been validated."""
    async with following(net, FakeClock(), **AT_ONCE) as (verifier, follower, source):
        deposit = await net.deposit()
        await follower.step()
        source.withheld = True
        await net.pay(deposit, USER, FRIEND)
        await net.start_exit(verifier, deposit)
        await net.evm.increase_time(2 * PERIOD + 1)
        await net.process_exits()
        processed = (await net.chain.head()).number
        await follower.step()
        assert events(verifier) == []
        assert verifier.ledger.unspent(deposit) is not None
        assert verifier.status().services["exit_finalizer"] == processed - 1
        source.withheld = False
        await follower.step()
        assert events(verifier) == [ie(deposit)]


async def test_it_keeps_going_when_the_root_chain_is_lost(net: Net) -> None:
    """While no endpoint answers, the alarm is raised and the status refused; both end when it is back."""
    chain = Flaky(net.chain)
    clock = StoppingClock()
    verifier = Verifier(net.game.contracts, Margins(**AT_ONCE))
    async with HttpBlockSource(net.url) as source:
        follower = Follower(verifier, net.game, chain, source, clock)
        server = TestServer(application(verifier, alarms=lambda: follower.alarms))
        async with server, HttpWatcher(str(server.make_url("/"))) as watcher:
            await run(follower, clock)
            assert (await watcher.status()).events == ()
            chain.lost = True
            await run(follower, clock)
            assert [alarm.name for alarm in follower.alarms] == ["ethereum_connection_error"]
            with pytest.raises(WatcherNotReady):
                await watcher.status()
            chain.lost = False
            deposit = await net.deposit()
            await run(follower, clock)
            assert follower.alarms == []
            assert (await watcher.status()).last_seen_eth_block == (await net.chain.head()).number
            assert verifier.ledger.unspent(deposit) is not None


class Flaky:
    """The real chain, whose head cannot be read while `lost`: the fault under test."""

    def __init__(self, chain: RpcChain) -> None:
        self._chain = chain
        self.lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    async def head(self) -> BlockStamp:
        if self.lost:
            raise ChainUnavailable("no endpoint answers")
        return await self._chain.head()


class StoppedError(Exception):
    """Ends a loop at its sleep."""


class StoppingClock(FakeClock):
    async def sleep(self, seconds: float) -> None:
        raise StoppedError


async def run(follower: Follower, clock: StoppingClock) -> None:
    """Let the loop run up to its sleep."""
    with pytest.raises(StoppedError):
        await follower.run(interval=1)
