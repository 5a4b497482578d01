"""One key used twice, by mistake: on one machine it is refused, from another machine it is found out."""

from pathlib import Path

from eth_account import Account

from support.arena import Arena, Guard, running

GWEI = 10**9


async def test_a_key_used_on_another_machine_is_found_out_by_its_nonce(net: Arena, tmp_path: Path) -> None:
    """Fault 22: a stranger takes our nonce: a person is told, and the fraud is challenged on the next one."""
    fraud = await net.fraud()
    await net.reported(fraud)
    await net.hold()
    guard = Guard(net.connection, tmp_path / "guard")
    async with running(guard, ready=False):
        await guard.heard("signed")
        (ours,) = guard.said("signed")
        theirs = await stranger(net, nonce=0)
        await net.release()
        await guard.won()
        alert, *_ = [line for line in guard.alerts() if "is the key shared" in str(line)]
        assert alert["severity"] == "critical"
    assert (await net.evm.rpc("eth_getTransactionReceipt", theirs))["status"] == "0x1"
    (challenge,) = await net.challenges()
    assert str(challenge.tx_hash) != ours["tx"]
    assert (await net.spent()).transactions == 2


async def stranger(net: Arena, *, nonce: int) -> str:
    """Send a dearer transaction with the guard's key from elsewhere; return its hash."""
    fields = {
        "chainId": net.connection.chain_id,
        "nonce": nonce,
        "to": "0x" + "00" * 19 + "99",
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": 1000 * GWEI,
        "maxPriorityFeePerGas": 900 * GWEI,
    }
    signed = Account.sign_transaction(fields, net.connection.keys["guard"])
    return str(await net.evm.rpc("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex()))
