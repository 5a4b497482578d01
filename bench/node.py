"""A node that knows the contracts of the cases of `bench.kinds`: JSON-RPC from memory, counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web
from eth_abi.abi import decode, encode

from bench import frauds
from bench.frauds import HEAD, NOW, RULES
from bench.kinds import Case
from plasma_guard.contracts.abis import Function
from plasma_guard.contracts.abis import ald as abi
from plasma_guard.contracts.ald.revisions import V1
from plasma_guard.domain.exits import InFlightExit, Side, StandardExit
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL

_SLOTS: Final = 4
_NO_SLOT: Final = (bytes(32), bytes(20), bytes(20), 0, 0)
_NUMBERS: Final = {
    abi.NEXT_CHILD_BLOCK: frauds.VALIDATED + CHILD_BLOCK_INTERVAL,
    abi.NEXT_DEPOSIT_BLOCK: frauds.VALIDATED + 1,
    abi.START_STANDARD_EXIT_BOND_SIZE: 14 * 10**15,
    abi.START_IFE_BOND_SIZE: 37 * 10**15,
    abi.PIGGYBACK_BOND_SIZE: 28 * 10**15,
}
_READS: Final = {
    function.selector: function for function in (abi.BLOCKS, V1.standard_exits, V1.in_flight_exits, *_NUMBERS)
}


class Node:
    """Answers `handle`; `calls` counts JSON-RPC calls by what they ask for, `requests` those over HTTP."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._blocks = {case.blknum: case.block for case in cases}
        self._standard = {entry.exit_id: entry for entry in (frauds.entry(case.deposit) for case in cases)}
        self._in_flight = {case.entry.exit_id: case.entry for case in cases}
        self.calls: Counter[str] = Counter()
        self.requests = 0

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a single call or a batch."""
        self.requests += 1
        asked = json.loads(await request.read())
        answers = [self._answer(each) for each in (asked if isinstance(asked, list) else [asked])]
        body = json.dumps(answers if isinstance(asked, list) else answers[0]).encode()
        return web.Response(body=body, content_type="application/json")

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        name, result = self._result(asked["method"], asked["params"])
        self.calls[name] += 1
        return {"jsonrpc": "2.0", "id": asked["id"], "result": result}

    def _result(self, method: str, params: list[Any]) -> tuple[str, Any]:
        match method:
            case "eth_chainId":
                return method, hex(1)
            case "eth_getBlockByNumber":
                head = {"number": hex(HEAD.number), "timestamp": hex(NOW), "baseFeePerGas": hex(10**10)}
                return method, head | {"hash": str(HEAD.hash), "parentHash": str(HEAD.parent)}
            case "eth_feeHistory":
                return method, {"baseFeePerGas": [hex(10**10)] * 2, "reward": [[hex(10**9)]]}
            case "eth_call":
                data = bytes.fromhex(params[0]["data"][2:])
                function = _READS[data[:4]]
                return function.name, "0x" + self._read(function, data[4:]).hex()
        raise ValueError(f"nobody should ask for {method}")

    def _read(self, function: Function, arguments: bytes) -> bytes:
        if function in _NUMBERS:
            return encode(["uint256"], [_NUMBERS[function]])
        if function is abi.BLOCKS:
            (blknum,) = decode(["uint256"], arguments)
            block = self._blocks.get(blknum)
            root, at = (block.root, block.timestamp) if block else (bytes(32), NOW - 86_400)
            return encode(["bytes32", "uint256"], [root, at])
        (exit_ids,) = decode(["uint160[]"], arguments)
        if function is V1.standard_exits:
            entries = [_standard_words(self._standard[exit_id]) for exit_id in exit_ids]
            return encode(["(bool,uint256,bytes32,address,uint256,uint256)[]"], [entries])
        slot = f"(bytes32,address,address,uint256,uint256)[{_SLOTS}]"
        kind = f"(bool,uint64,uint256,uint256,{slot},{slot},address,uint256,uint256)[]"
        return encode([kind], [[_in_flight_words(self._in_flight[exit_id]) for exit_id in exit_ids]])


def _standard_words(entry: StandardExit) -> tuple[Any, ...]:
    assert entry.position, "a case has one"
    return (True, entry.position.encode(), entry.output_id, entry.owner, entry.amount, entry.bond)


def _in_flight_words(entry: InFlightExit) -> tuple[Any, ...]:
    """Return the stored words; bits of the exit map are inputs first, then outputs."""
    assert entry.position, "a case has one"
    slots = {side: [_NO_SLOT] * _SLOTS for side in Side}
    exit_map = 0
    for slot in entry.slots:
        # A used output has an id too, which no decision looks at.
        output_id = slot.output_id or RULES.leaf(bytes(slot.owner or b""))
        assert slot.owner is not None, "a case has one"
        assert slot.token is not None, "a case has one"
        slots[slot.side][slot.index] = (output_id, slot.owner, slot.token, slot.amount or 0, 0)
        exit_map |= slot.piggybacked << (slot.index + (_SLOTS if slot.side is Side.OUTPUT else 0))
    return (
        entry.canonical,
        entry.started_at,
        exit_map,
        entry.position.encode(),
        slots[Side.INPUT],
        slots[Side.OUTPUT],
        entry.bond_owner,
        entry.bond,
        entry.oldest_competitor or 0,
    )
