"""A transactor deploys contracts and sends calls from locally held keys, and waits until they are mined."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast

from eth_abi.abi import decode, encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ABIConstructor, ABIElement, ABIFunction
from eth_utils.abi import function_abi_to_4byte_selector, get_abi_input_types
from eth_utils.address import to_checksum_address

from plasma_guard.devnet.artifacts import Artifact
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.jsonrpc import EvmRpcError

_MINED_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.002
_GAS_LIMIT: Final = 12_000_000
_GAS_PRICE: Final = 3_000_000_000


class Rpc(Protocol):
    """Whatever answers JSON-RPC calls: a running `Evm`, or a `JsonRpc` client."""

    async def rpc(self, method: str, *params: object) -> Any:
        """Return the result of one JSON-RPC call."""


class Transactor:
    """Sends transactions through one node; each is mined with success, or `DevnetError` is raised."""

    def __init__(self, node: Rpc) -> None:
        self._node = node
        self._chain_id: int | None = None

    async def create(
        self,
        key: str,
        artifact: Artifact,
        *arguments: object,
        libraries: Mapping[str, str] | None = None,
        value: int = 0,
    ) -> str:
        """Deploy a contract from the account of ``key`` and return its address; ``value`` is in wei."""
        code = artifact.linked(dict(libraries or {}))
        data = bytes.fromhex(code[2:]) + _constructor_arguments(artifact, arguments)
        receipt = await self.send_raw(key, None, data, value=value, what=f"the creation of {artifact.name}")
        return to_checksum_address(receipt["contractAddress"])

    async def send(
        self, key: str, to: str, artifact: Artifact, name: str, *arguments: object, value: int = 0
    ) -> dict[str, Any]:
        """Call a function from the account of ``key`` and return the receipt; ``value`` is in wei."""
        data = encode_call(artifact.abi, name, arguments)
        return await self.send_raw(key, to, data, value=value, what=f"{artifact.name}.{name}")

    async def skip_nonces(self, key: str, nonce: int) -> None:
        """Raise the nonce of the account of ``key`` to ``nonce``, unless it is there already (anvil only)."""
        address = Account.from_key(key).address
        if int(await self._node.rpc("eth_getTransactionCount", address, "latest"), 16) < nonce:
            await self._node.rpc("anvil_setNonce", address, hex(nonce))

    async def call(self, to: str, artifact: Artifact, name: str, *arguments: object) -> Any:
        """Return what a view function answers: one value, or a tuple of several."""
        data = encode_call(artifact.abi, name, arguments)
        answer = await self._node.rpc("eth_call", {"to": to, "data": "0x" + data.hex()}, "latest")
        outputs = _function(artifact.abi, name, len(arguments))["outputs"]
        types = [_type(output) for output in outputs]
        values = decode(types, bytes.fromhex(answer[2:]))
        return values[0] if len(values) == 1 else values

    async def send_raw(
        self, key: str, to: str | None, data: bytes, *, value: int = 0, what: str = "the transaction"
    ) -> dict[str, Any]:
        """Sign and send one transaction, return its receipt; raise `DevnetError` when it reverts."""
        account: LocalAccount = Account.from_key(key)
        if self._chain_id is None:
            self._chain_id = int(await self._node.rpc("eth_chainId"), 16)
        fields: dict[str, Any] = {
            "chainId": self._chain_id,
            "gas": _GAS_LIMIT,
            "gasPrice": _GAS_PRICE,
            "value": value,
            "data": data,
        }
        if to is not None:
            fields["to"] = to_checksum_address(to)
        transaction_hash = await self._take(account, fields)
        receipt = await self._receipt(transaction_hash, what)
        if receipt["status"] != "0x1":
            raise DevnetError(f"{what} reverted (transaction {transaction_hash})")
        return receipt

    async def _take(self, account: LocalAccount, fields: dict[str, Any]) -> str:
        """Sign for the next nonce and hand the transaction to the node; return its hash.

        A node that mines by itself may count what it has just mined a moment late: what it refuses for that
        did nothing, and is signed again.
        """
        for last in (False, False, True):
            nonce = int(await self._node.rpc("eth_getTransactionCount", account.address, "pending"), 16)
            signed = account.sign_transaction({**fields, "nonce": nonce}).raw_transaction.to_0x_hex()
            try:
                return str(await self._node.rpc("eth_sendRawTransaction", signed))
            except EvmRpcError as error:
                if last or "nonce too low" not in str(error):
                    raise
            await asyncio.sleep(_POLL_SECONDS)
        raise AssertionError(account.address)

    async def _receipt(self, transaction_hash: str, what: str) -> dict[str, Any]:
        if not await self._node.rpc("anvil_getAutomine"):
            await self._node.rpc("anvil_mine", "0x1")
        deadline = asyncio.get_running_loop().time() + _MINED_SECONDS
        # A node that mines by itself answers before the block is there.
        while asyncio.get_running_loop().time() < deadline:
            receipt = await self._node.rpc("eth_getTransactionReceipt", transaction_hash)
            if receipt is not None:
                return cast("dict[str, Any]", receipt)
            await asyncio.sleep(_POLL_SECONDS)
        raise DevnetError(f"{what} was not mined within {_MINED_SECONDS:.0f} s")


def encode_call(abi: Sequence[Mapping[str, Any]], name: str, arguments: Sequence[object]) -> bytes:
    """Return the calldata of a function call; raise `DevnetError` when the ABI has no such function."""
    function = _function(abi, name, len(arguments))
    return function_abi_to_4byte_selector(function) + encode(get_abi_input_types(function), list(arguments))


def _function(abi: Sequence[Mapping[str, Any]], name: str, count: int) -> ABIFunction:
    for entry in abi:
        if entry["type"] == "function" and entry["name"] == name and len(entry["inputs"]) == count:
            return cast("ABIFunction", entry)
    raise DevnetError(f"the contract has no function {name} with {count} arguments")


def _constructor_arguments(artifact: Artifact, arguments: Sequence[object]) -> bytes:
    constructor = next((entry for entry in artifact.abi if entry["type"] == "constructor"), None)
    if constructor is None:
        if arguments:
            raise DevnetError(f"{artifact.name} takes no constructor arguments")
        return b""
    return encode(get_abi_input_types(cast("ABIConstructor", constructor)), list(arguments))


def _type(output: Any) -> str:
    wrapper = {"type": "function", "name": "x", "inputs": [output], "outputs": [], "stateMutability": "view"}
    return get_abi_input_types(cast("ABIElement", wrapper))[0]
