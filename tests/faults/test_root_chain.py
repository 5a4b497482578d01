"""The root chain's endpoint comes and goes; the guard waits, says so, and goes on."""

import signal
from pathlib import Path

from support.arena import Arena, Guard, running
from support.rpc_proxy import RpcProxy, status


async def test_a_guard_starts_when_its_endpoint_comes_up(net: Arena, rpc: RpcProxy, tmp_path: Path) -> None:
    """Until then it says that nothing is guarded; afterwards it answers what happened meanwhile."""
    rpc.fault = status(503)
    guard = Guard(net.through(rpc=rpc.url), tmp_path / "guard")
    async with running(guard, ready=False):
        await guard.heard("cannot start yet, nothing is guarded")
        await net.fraud()
        rpc.fault = None
        await guard.ready()
        await guard.won()
    assert (await net.spent()).transactions == 1


async def test_sigterm_ends_a_guard_that_cannot_start_yet(net: Arena, rpc: RpcProxy, tmp_path: Path) -> None:
    """Fault 30: it does not wait for the endpoint first."""
    rpc.fault = status(503)
    guard = Guard(net.through(rpc=rpc.url), tmp_path / "guard")
    async with running(guard, ready=False):
        await guard.heard("endpoint failed")
        assert await guard.ended(signal.SIGTERM, within=2) == 0


async def test_an_endpoint_that_goes_away_and_comes_back_is_used_again(
    net: Arena, rpc: RpcProxy, tmp_path: Path
) -> None:
    """Readiness falls and says why, the loops go on, and the fraud started meanwhile is challenged."""
    guard = Guard(net.through(rpc=rpc.url), tmp_path / "guard")
    async with running(guard):
        rpc.fault = status(502)
        await net.fraud()
        reason = await guard.not_ready("root chain")
        assert "no RPC endpoint answers" in reason
        code, _ = await guard.page("/live")
        assert code == 200
        assert (await net.spent()).transactions == 0
        rpc.fault = None
        await guard.won()
        await guard.ready()
    assert (await net.spent()).transactions == 1
