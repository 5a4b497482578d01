"""A Watcher that lies costs no gas, hides no fraud and wakes nobody a thousand times."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from plasma_guard.devnet.attacker import ETHER, Fraud
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Wei
from support.arena import Arena, Guard, arena, running
from support.until import until
from support.watcher_proxy import WatcherProxy

Data = dict[str, Any]
FAKES = 1000


def fake(position: int, height: int) -> Data:
    return {
        "event": "invalid_exit",
        "details": {"name": "invalid_exit", "utxo_pos": position, "eth_height": height},
    }


async def test_a_thousand_fake_frauds_cost_nothing_and_hide_no_real_one(
    net: Arena, watcher: WatcherProxy, tmp_path: Path
) -> None:
    """Unknown positions, honest or challenged exits, wrong heights: only the real one costs gas."""
    honest = await net.honest_exit()
    old = await net.fraud()
    other = Guard(net.connection, tmp_path / "other", env={"PRIVATE_KEY": net.connection.keys["bob"]})
    async with running(other):
        await net.challenged(old)
        await other.settled()
    head = (await net.people.chain.head()).number
    fakes = [fake(UtxoPosition(1000 * each, each % 7, each % 4).encode(), head) for each in range(10, FAKES)]
    fakes += [fake(honest.encode(), height) for height in (0, 1, head, head + 10**6)]
    fakes += [fake(old.exit.position.encode(), height) for height in (0, 1, head)]
    fakes += [fake(10**30, head), fake(0, head), fake(-1, head)]

    def rewrite(path: str, _: Any, answer: Any) -> Any:
        if path == "/status.get":
            real = answer["data"]["byzantine_events"]
            answer["data"]["byzantine_events"] = [*fakes[::2], *real, *fakes[1::2]]
        return answer

    watcher.rewrite = rewrite
    guard = Guard(net.through(watcher=watcher.url), tmp_path / "guard")
    async with running(guard, ready=False):
        await guard.heard("held: evidence that proves nothing", times=FAKES - 10)
        assert (await net.spent()).transactions == 0
        fraud = await net.fraud()
        await guard.won()
        assert (await net.spent()).transactions == 1
        alerts = guard.alerts()
        assert [line["alert"] for line in alerts].count("watcher/unproven") == 1
        assert len(alerts) <= 5, alerts
    assert {each.position for each in await net.challenges()} == {old.exit.position, fraud.exit.position}


def flipped(text: str, at: int = -1) -> str:
    """Return hex with one digit changed."""
    at %= len(text)
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]


Alter = Callable[[Data, Data], Data]
"""Takes true challenge data and that of another fraud; returns a lie."""

LIES: dict[str, Alter] = {
    "sig: one digit": lambda data, _: {"sig": flipped(data["sig"], 10)},
    "sig: of another": lambda _, other: {"sig": other["sig"]},
    "sig: empty": lambda *_: {"sig": "0x"},
    "sig: 64 bytes": lambda data, _: {"sig": data["sig"][:-2]},
    "sig: zeros": lambda *_: {"sig": "0x" + "00" * 65},
    "txbytes: one digit": lambda data, _: {"txbytes": flipped(data["txbytes"])},
    "txbytes: cut": lambda data, _: {"txbytes": data["txbytes"][:-2]},
    "txbytes: of another": lambda _, other: {"txbytes": other["txbytes"]},
    "txbytes: empty": lambda *_: {"txbytes": "0x"},
    "txbytes: the exiting one": lambda data, _: {"txbytes": data.get("exiting_tx", "0x80")},
    "input_index: 1": lambda *_: {"input_index": 1},
    "input_index: 255": lambda *_: {"input_index": 255},
    "all: of another": lambda _, other: dict(other),
}
ALD_LIES: dict[str, Alter] = {
    "exiting_tx: one digit": lambda data, _: {"exiting_tx": flipped(data["exiting_tx"])},
    "exiting_tx: of another": lambda _, other: {"exiting_tx": other["exiting_tx"]},
    "exiting_tx: empty": lambda *_: {"exiting_tx": "0x"},
    "exiting_tx: missing": lambda *_: {"exiting_tx": None},
}
MISSHAPEN: dict[str, Alter] = {
    "sig: a number": lambda *_: {"sig": 5},
    "txbytes: not hex": lambda *_: {"txbytes": "0xzz"},
    "input_index: -1": lambda *_: {"input_index": -1},
    "input_index: text": lambda *_: {"input_index": "0"},
    "input_index: 2^64": lambda *_: {"input_index": 2**64},
}


@pytest.mark.parametrize("revision", ["ald-v1", "rootchain"])
async def test_challenge_data_altered_in_any_field_is_not_sent(tmp_path: Path, revision: str) -> None:
    """One fraud per lie, all at once; no gas until the Watcher tells the truth, then all are challenged."""
    lies = {**LIES, **(ALD_LIES if revision != "rootchain" else {}), **MISSHAPEN}
    async with arena(tmp_path, revision) as net, WatcherProxy(net.connection.watcher_url) as watcher:
        frauds: dict[str, Fraud] = {name: await net.fraud() for name in lies}
        model = await net.fraud(Wei(ETHER // 2))
        await net.reported(*frauds.values(), model)
        other = await net.challenge_data(model)
        named = {fraud.exit.position.encode(): name for name, fraud in frauds.items()}
        told: set[str] = set()

        def rewrite(path: str, asked: Any, answer: Any) -> Any:
            if path == "/utxo.get_challenge_data" and (name := named.get(asked["utxo_pos"])):
                told.add(name)
                return {**answer, "data": {**answer["data"], **lies[name](answer["data"], other)}}
            if path == "/utxo.get_challenge_data" and asked["utxo_pos"] == model.exit.position.encode():
                # Never used (ADR 10): the one field that may be wrong.
                return {**answer, "data": {**answer["data"], "exit_id": answer["data"]["exit_id"] + 1}}
            return answer

        watcher.rewrite = rewrite
        guard = Guard(net.through(watcher=watcher.url), tmp_path / "guard")
        async with running(guard, ready=False):

            def judged(name: str) -> bool:
                topic = f"invalid_exit:{frauds[name].exit.position}"
                held = guard.said("held: evidence that proves nothing")
                repeated = guard.said("a turn could not be finished")
                return any(f"{line['event_key']}:".startswith(topic + ":") for line in held) or any(
                    line["about"] == topic for line in repeated
                )

            for name in lies:
                await until(partial(judged, name), f"the lie {name!r} is seen through")
            await net.challenged(model)
            assert told == set(lies)
            assert [each.position for each in await net.challenges()] == [model.exit.position]
            assert (await net.spent()).transactions == 1, "the one with a wrong exit id only"
            watcher.rewrite = None
            await guard.won(1 + len(lies))
            assert (await net.spent()).transactions == 1 + len(lies)


async def test_a_watcher_that_reports_nothing_stops_no_challenge(
    net: Arena, watcher: WatcherProxy, tmp_path: Path
) -> None:
    """An empty list is a claim: our own scan finds the exit, a direct question the proof; and it is told."""

    def rewrite(path: str, _: Any, answer: Any) -> Any:
        if path == "/status.get":
            answer["data"]["byzantine_events"] = []
        return answer

    watcher.rewrite = rewrite
    guard = Guard(net.through(watcher=watcher.url), tmp_path / "guard")
    fraud = await net.fraud()
    await net.reported(fraud)
    async with running(guard):
        await guard.won()
        await guard.alerted("watcher/silent")
        (alert,) = guard.alerts("watcher/silent")
        assert alert["severity"] == "critical"
        assert str(fraud.exit.position) in str(alert["facts"])
        assert all(line["events"] == 0 for line in guard.said("watching"))
    assert (await net.spent()).transactions == 1
