"""Sends calls to a RootChain and observes everything the golden data recorded about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from eth_abi.abi import decode

from plasma_guard.devnet import artifacts
from plasma_guard.devnet.evm import Evm
from plasma_guard.devnet.jsonrpc import EvmRpcError
from plasma_guard.devnet.transactor import Transactor, encode_call

ROOT_CHAIN: Final = artifacts.load("RootChain")
ZERO: Final = "0x" + "00" * 20
BOND: Final = 31415926535
GAS: Final = 4_000_000
FUNCTIONS: Final = {entry["name"]: entry for entry in ROOT_CHAIN.abi if entry["type"] == "function"}

Log: TypeAlias = tuple[tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Sent:
    """A mined transaction: its logs at the RootChain, and what its sender gained in wei, gas not counted."""

    succeeded: bool
    gas_used: int
    logs: tuple[Log, ...]
    gain: int


@dataclass(frozen=True, slots=True)
class Failure:
    """How a call fails: ``empty_revert``, ``reason`` or ``all_gas_consumed``, as the golden data names it."""

    kind: str
    reason: str | None
    gas_used: int


class Chain:
    """A RootChain on a local EVM that mines on request only."""

    def __init__(self, evm: Evm, address: str, tokens: tuple[str, ...]) -> None:
        self.evm = evm
        self.address = address
        self.tokens = tokens
        self._transactor = Transactor(evm)

    def encode(self, name: str, *arguments: object) -> str:
        return "0x" + encode_call(ROOT_CHAIN.abi, name, arguments).hex()

    async def send(
        self,
        sender: str,
        data: str,
        *,
        value: int = 0,
        at: int | None = None,
        gas: int = GAS,
        to: str | None = None,
    ) -> Sent:
        """Mine one transaction of an unlocked account in a block of its own, at the second ``at``."""
        before = await self.balance(sender)
        call = self._call(sender, data, value, gas, to)
        transaction_hash = await self.evm.rpc("eth_sendTransaction", call)
        if at is not None:
            await self.evm.set_next_timestamp(at)
        await self.evm.mine()
        receipt = await self.evm.rpc("eth_getTransactionReceipt", transaction_hash)
        gas_used = int(receipt["gasUsed"], 16)
        cost = gas_used * int(receipt["effectiveGasPrice"], 16)
        return Sent(
            succeeded=receipt["status"] == "0x1",
            gas_used=gas_used,
            logs=logs_at(self.address, receipt["logs"]),
            gain=await self.balance(sender) - before + cost,
        )

    async def do(
        self, sender: str, name: str, *arguments: object, value: int = 0, at: int | None = None
    ) -> Sent:
        """Mine a call that must succeed."""
        sent = await self.send(sender, self.encode(name, *arguments), value=value, at=at)
        assert sent.succeeded, f"{name} of {sender} reverted"
        return sent

    async def failure(self, sender: str, data: str, *, value: int = 0, gas: int = GAS) -> Failure | None:
        """Say how a call fails, or None when it does not; the chain is left as it was."""
        error = await self._error(self._call(sender, data, value, gas, None))
        snapshot = await self.evm.snapshot()
        sent = await self.send(sender, data, value=value, gas=gas)
        await self.evm.revert(snapshot)
        assert sent.succeeded == (error is None), "eth_call and the mined transaction disagree"
        return None if error is None else Failure(*error, sent.gas_used)

    async def fails(self, sender: str, name: str, *arguments: object, value: int = 0) -> str | None:
        """Say the kind of failure of a call, or None when it does not fail."""
        failure = await self.failure(sender, self.encode(name, *arguments), value=value)
        return None if failure is None else failure.kind

    async def read(self, name: str, *arguments: object) -> Any:
        return await self._transactor.call(self.address, ROOT_CHAIN, name, *arguments)

    async def queue_size(self, token: str) -> int:
        queue = await self.read("exitsQueues", token)
        return int(await self._transactor.call(queue, artifacts.load("RootChainQueue"), "currentSize"))

    async def balance(self, address: str) -> int:
        return int(await self.evm.rpc("eth_getBalance", address, "latest"), 16)

    def _call(self, sender: str, data: str, value: int, gas: int, to: str | None) -> dict[str, str]:
        return {
            "from": sender,
            "to": to or self.address,
            "data": data,
            "value": hex(value),
            "gas": hex(gas),
        }

    async def _error(self, call: dict[str, str]) -> tuple[str, str | None] | None:
        try:
            await self.evm.rpc("eth_call", call, "latest")
        except EvmRpcError as error:
            if isinstance(error.data, str) and len(error.data) > len("0x"):
                return "reason", str(decode(["string"], bytes.fromhex(error.data[10:]))[0])
            return ("empty_revert" if "revert" in str(error) else "all_gas_consumed"), None
        return None


def logs_at(address: str, logs: Sequence[Mapping[str, Any]]) -> tuple[Log, ...]:
    """Return topics and data of the logs that a contract emitted, in their order."""
    return tuple(
        (tuple(log["topics"]), log["data"]) for log in logs if log["address"].lower() == address.lower()
    )


def typed(name: str, values: Sequence[str]) -> list[object]:
    """Return recorded arguments of a function as the types its ABI names."""
    types = [entry["type"] for entry in FUNCTIONS[name]["inputs"]]
    return [
        int(value)
        if kind.startswith("uint")
        else bytes.fromhex(value[2:])
        if kind.startswith("bytes")
        else value
        for kind, value in zip(types, values, strict=True)
    ]


def as_recorded(name: str, answer: Any) -> dict[str, object]:
    """Return what a read answered in the way the golden data writes it."""
    outputs = FUNCTIONS[name]["outputs"]
    values = answer if len(outputs) > 1 else (answer,)
    return {
        output["name"] or str(index): _text(value)
        for index, (output, value) in enumerate(zip(outputs, values, strict=True))
    }


def lower(value: Any) -> Any:
    """Return a recorded value with its hex in lower case, so that checksums do not matter."""
    if isinstance(value, dict):
        return {key: lower(inner) for key, inner in value.items()}
    return value.lower() if isinstance(value, str) else value


def _text(value: Any) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(value).lower()
