"""A JSON-RPC client, as thin as one can be: one method, the node's errors as exceptions."""

from __future__ import annotations

import itertools
from typing import Any, Final

import httpx

from plasma_guard.devnet.errors import DevnetError

_CALL_SECONDS: Final = 60.0


class EvmRpcError(DevnetError):
    """The node answered a call with an error; ``code``, ``message`` and ``data`` are the node's own."""

    def __init__(self, method: str, code: int, message: str, data: object = None) -> None:
        super().__init__(f"{method}: {message} (code {code})")
        self.code = code
        self.message = message
        self.data = data


class JsonRpc:
    """One node's HTTP JSON-RPC endpoint; it belongs to the event loop that first used it."""

    def __init__(self, url: str) -> None:
        # The environment's proxies must not see loopback traffic.
        self._client = httpx.AsyncClient(base_url=url, timeout=_CALL_SECONDS, trust_env=False)
        self._ids = itertools.count(1)

    async def rpc(self, method: str, *params: object) -> Any:
        """Return the result of a call; raise `EvmRpcError` for an error, `DevnetError` for silence."""
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        try:
            reply = (await self._client.post("/", json=body)).raise_for_status().json()
        except httpx.HTTPError as error:
            raise DevnetError(
                f"{method}: the node at {self._client.base_url} does not answer: {error!r}"
            ) from error
        if "error" in reply:
            fault = reply["error"]
            raise EvmRpcError(method, fault.get("code", 0), fault.get("message", ""), fault.get("data"))
        return reply["result"]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
