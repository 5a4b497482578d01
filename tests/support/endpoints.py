"""Guards that read the root chain through several endpoints, and endpoints that are behind."""

from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from support.arena import Arena, Guard
from support.rpc_proxy import Fault, RpcProxy

_LATEST = {
    "eth_getBlockByNumber": 0,
    "eth_getTransactionCount": 1,
    "eth_getBalance": 1,
    "eth_call": 1,
    "eth_getCode": 1,
}
"""Where the parameters name a block, by method."""


def guard_of(net: Arena, directory: Path, *endpoints: RpcProxy, **env: str) -> Guard:
    """Return a guard that reads through these endpoints, the most trusted first."""
    urls = ",".join(endpoint.url for endpoint in endpoints)
    return Guard(net.connection, directory, env={"PLASMA_GUARD_ROOT_CHAIN__RPC": urls, **env})


async def condition(guard: Guard, endpoint: RpcProxy) -> str:
    """Return what /status says of an endpoint."""
    _, page = await guard.page("/status")
    (shown,) = [each for each in page["endpoints"] if each["endpoint"] == endpoint.url]
    return str(shown["condition"])


def behind(proxy: RpcProxy, newest: int) -> Fault:
    """Answer as a healthy node would that has not seen any block above `newest`."""

    def capped(method: str, params: list[Any]) -> list[Any]:
        at = _LATEST.get(method)
        if at is None or params[at] not in {"latest", "pending"}:
            return params
        return [*params[:at], hex(newest), *params[at + 1 :]]

    def unseen(method: str, params: list[Any], result: Any) -> bool:
        if method == "eth_getBlockByNumber":
            return int(params[0], 16) > newest
        number = result.get("blockNumber") if isinstance(result, dict) else None
        return number is not None and int(number, 16) > newest

    async def fault(_: web.Request, payload: Any) -> web.StreamResponse | None:
        calls = payload if isinstance(payload, list) else [payload]
        asked = {call["id"]: {**call, "params": capped(call["method"], call["params"])} for call in calls}
        questions = list(asked.values())
        async with (
            aiohttp.ClientSession() as session,
            session.post(proxy.upstream, json=questions) as answered,
        ):
            answers = await answered.json()
        for answer in answers:
            call = asked[answer["id"]]
            if "result" in answer and unseen(call["method"], call["params"], answer["result"]):
                answer["result"] = None
        return web.json_response(answers if isinstance(payload, list) else answers[0])

    return fault
