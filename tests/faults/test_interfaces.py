"""What people and machines read of a running guard makes sense; exit codes are the documented ones."""

import json
from pathlib import Path

from plasma_guard.reactions import REACTIONS
from support.arena import Arena, Ended, Guard, command, running
from support.until import until
from support.watcher_proxy import WatcherProxy, body


async def ask(guard: Guard, *arguments: str) -> Ended:
    return await command(*arguments, env=guard.environment())


async def test_pages_tell_of_a_fraud_and_an_honest_exit(net: Arena, tmp_path: Path) -> None:
    """Counts, sums and judgements through one incident."""
    guard = Guard(net.connection, tmp_path / "guard")
    async with running(guard):
        await net.honest_exit()
        fraud = await net.fraud()
        await guard.won()

        async def calm() -> bool:
            page = (await guard.page("/status"))[1]
            return bool(page["exits"] == {"running": 1, "unverified": 0, "unverified_exits": []})

        await until(calm, "only the honest exit runs, and the Watcher has judged it")
        code, page = await guard.page("/status")
        assert code == 200
        contracts = net.people.game.contracts
        assert page["ready"] is True
        assert page["armed"] is True
        assert page["generation"] == "ald-v1"
        assert page["contract"] == str(contracts.entry)
        assert page["exit_game"] == str(contracts.exit_game)
        assert page["chain_id"] == 31337
        assert page["cases"] == {"open": 0, "open_cases": []}
        assert page["accounts"][0]["address"] == str(net.people["guard"].address)
        assert (await guard.page("/live"))[1]["live"] is True
        assert await guard.page("/ready") == (200, {"ready": True, "reasons": {}})

        (challenge,) = await net.challenges()
        _, cost = await net.people.paid_by(challenge.tx_hash)
        metrics = await guard.metrics()
        expected = {
            "plasma_guard_up": 1,
            "plasma_guard_armed": 1,
            "plasma_guard_exits_running": 1,
            "plasma_guard_exits_unverified": 0,
            "plasma_guard_attempts_total": 1,
            "plasma_guard_bonds_won_wei_total": fraud.exit.bond,
            "plasma_guard_fee_spent_wei_total": cost,
            'plasma_guard_outcomes_total{outcome="confirmed"}': 1,
        }
        assert {name: metrics.get(name) for name in expected} == expected
        assert metrics["plasma_guard_head_block"] > fraud.exit.block_number


async def test_commands_tell_of_the_running_guard(net: Arena, tmp_path: Path) -> None:
    """`status`, `check` and `explain`, with the exit codes of a guard that is well and of a gone one."""
    guard = Guard(net.connection, tmp_path / "guard")
    async with running(guard):
        honest = await net.honest_exit()
        url = await guard.url()
        told = await ask(guard, "status", "--url", url, "--json")
        assert told.code == 0
        assert json.loads(told.out)["chain_id"] == net.connection.chain_id
        shown = await ask(guard, "status", "--url", url)
        assert shown.code == 0
        assert net.connection.contract in shown.out
        live = await ask(guard, "status", "--url", url, "--live")
        assert (live.code, live.said) == (0, "")

        checked = await ask(guard, "check", "--config", str(guard.config), "--json")
        assert checked.code == 0
        findings = json.loads(checked.out)
        assert findings["ok"] is True
        names = ["configuration", "root chain", "contracts", "watcher", "key", "balance", "last drill"]
        found = {each["name"]: each["found"] for each in findings["checks"]}
        assert list(found) == names + [reaction.event.names[0] for reaction in REACTIONS]
        assert found["invalid_exit"] == f"act: challengeStandardExit, up to {2 * 10**17} wei of gas a case"
        assert found["invalid_block"] == "act: decide whether to leave the chain, and alert"

        event = {"event": "invalid_exit", "details": {"utxo_pos": honest.encode(), "eth_height": 1}}
        file = tmp_path / "event.json"
        file.write_text(json.dumps(event), encoding="utf-8")
        explained = await ask(guard, "explain", str(file), "--config", str(guard.config), "--json")
        assert explained.code == 0
        (verdict,) = json.loads(explained.out)
        assert verdict["verdict"] == "hold"
        assert "utxo_not_spent" in " ".join(verdict["reasons"])
    gone = await ask(guard, "status", "--url", url)
    assert gone.code == 1
    assert gone.err.startswith(f"plasma-guard: no daemon answers at {url}")
    assert (await ask(guard, "status", "--url", url, "--live")).code == 1


async def test_explain_says_what_would_be_sent_about_a_fraud_and_sends_nothing(
    net: Arena, tmp_path: Path
) -> None:
    """The call, its window and its budget, from an event as the Watcher words it; no journal is touched."""
    fraud = await net.fraud()
    await net.reported(fraud)
    guard = Guard(net.connection, tmp_path / "guard")
    config = str(guard.write_config())
    details = {"utxo_pos": fraud.exit.position.encode(), "eth_height": fraud.exit.block_number}
    file = tmp_path / "event.json"
    file.write_text(json.dumps([{"event": "invalid_exit", "details": details}]), encoding="utf-8")
    explained = await ask(guard, "explain", str(file), "--config", config, "--json")
    assert explained.code == 0
    (verdict,) = json.loads(explained.out)
    assert verdict["verdict"] == "act"
    assert verdict["call"] == "challengeStandardExit"
    assert verdict["soft"] < verdict["hard"]
    assert int(verdict["budget_wei"]) == 2 * 10**17
    assert not guard.journal.exists()
    assert (await net.spent()).transactions == 0
    file.write_text("{not json", encoding="utf-8")
    refused = await ask(guard, "explain", str(file), "--config", config)
    assert refused.code == 2
    assert "is not JSON" in refused.err


async def test_status_exits_with_1_and_the_reason_when_the_guard_is_not_ready(
    net: Arena, watcher: WatcherProxy, tmp_path: Path
) -> None:
    """Not ready is something wrong, and alive all the same: no probe restarts it for an outage."""
    guard = Guard(net.through(watcher=watcher.url), tmp_path / "guard")
    async with running(guard):
        watcher.replace = body(b"nonsense")
        await guard.not_ready("watcher")
        url = await guard.url()
        told = await ask(guard, "status", "--url", url)
        assert told.code == 1
        assert "not ready: watcher" in told.out
        assert (await ask(guard, "status", "--url", url, "--live")).code == 0
