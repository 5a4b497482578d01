"""Replays a recorded scenario second by second and compares everything the golden data says about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from conformance.contracts_ald.stories import Step
from conformance.contracts_ald.world import CASES, GAS, REVERTS, START, Call, World
from plasma_guard.devnet.jsonrpc import EvmRpcError

# Text set by whoever deploys: ours says so.
_FREE_TEXT: Final = "getVersion()"


class Replay:
    """One scenario of one revision; ``addresses`` replaces the contract that a role means."""

    def __init__(self, world: World, scenario: str, addresses: Mapping[str, str] | None = None) -> None:
        self.world = world
        self.addresses = {**world.addresses, **(addresses or {})}
        wanted = (world.version, scenario)
        cases = [case for case in CASES if (case["version"], case["scenario"]) == wanted]
        reverts = [case for case in REVERTS if (case["version"], case["scenario"]) == wanted]
        self.transactions = _by_second([case for case in cases if case["kind"] == "transaction"])
        self.reads = _by_second([case for case in cases if case["kind"] == "read"])
        self.refusals = _by_second([case for case in reverts if case["how"] == "eth_call"])
        self.mined_refusals = _by_second([case for case in reverts if case["how"] != "eth_call"])
        self.differences: list[str] = []

    async def run(self, steps: Sequence[Step]) -> list[str]:
        """Play the scenario and return what was different from the golden data, in order."""
        calls = {step.at: step.call for step in steps}
        seconds = set(calls) | set(self.transactions) | set(self.reads)
        seconds |= set(self.refusals) | set(self.mined_refusals)
        now = await self.world.evm.timestamp() - START
        late = [second for second in (*self.transactions, *self.mined_refusals) if second <= now]
        assert not late, f"recorded transactions are over before the replay starts, at {late}"
        for second in sorted(seconds):
            if second > now:
                await self._advance(second, calls.get(second))
            for case in self.reads.get(second, ()):
                await self._check_read(case)
            for case in self.refusals.get(second, ()):
                await self._check_refusal(case)
        return self.differences

    async def _advance(self, second: int, step: Call | None) -> None:
        evm = self.world.evm
        at = START + second
        recorded = self.transactions.get(second, ())
        # Several recorded calls of one second are branches: each was tried on the same state.
        for case in (*self.mined_refusals.get(second, ()), *recorded[:-1]):
            snapshot = await evm.snapshot()
            await self._check_mined(case, at)
            await evm.revert(snapshot)
        if recorded:
            await self._check_mined(recorded[-1], at)
        elif step is not None:
            receipt = await self.world.send(step, at)
            assert receipt["status"] == "0x1", f"the step at {second} failed"
        else:
            await self.world.pass_time(at)

    async def _check_mined(self, case: Mapping[str, Any], at: int) -> None:
        call = self._call(case)
        before = await self.world.balance(call.sender)
        receipt = await self.world.send(call, at)
        gas_used = int(receipt["gasUsed"], 16)
        if "logs" not in case:
            self._expect(case, "status", receipt["status"], "0x0")
            burns = case["gas_used"] > GAS // 2
            self._expect(case, "burns all gas", gas_used > GAS // 2, burns)
            return
        spent = gas_used * int(receipt["effectiveGasPrice"], 16) + call.value
        received = await self.world.balance(call.sender) - before + spent
        self._expect(case, "status", receipt["status"], "0x1")
        self._expect(case, "ether received", received, int(case["eth_received_by_sender"]))
        self._expect(case, "logs", _logs(receipt["logs"]), _logs(case["logs"]))

    async def _check_read(self, case: Mapping[str, Any]) -> None:
        call = Call(self.world.address("guard"), case["to"], case["calldata"])
        answer = await self.world.read(call)
        if case["function"] != _FREE_TEXT:
            self._expect(case, "answer", answer, case["returned"])

    async def _check_refusal(self, case: Mapping[str, Any]) -> None:
        try:
            answer = await self.world.read(self._call(case))
        except EvmRpcError as error:
            self._expect(case, "refusal", error.message, case["node_message"])
        else:
            self._expect(case, "refusal", answer, case["node_message"])

    def _call(self, case: Mapping[str, Any]) -> Call:
        to = self.addresses[case["contract_role"]]
        return Call(self.world.address(case["from_role"]), to, case["calldata"], int(case["value"]))

    def _expect(self, case: Mapping[str, Any], what: str, actual: object, expected: object) -> None:
        if actual != expected:
            note = case.get("note") or case.get("situation")
            self.differences.append(f"{case['index']} {note}: {what} is {actual}, recorded {expected}")


def _by_second(cases: Sequence[Mapping[str, Any]]) -> dict[int, tuple[Mapping[str, Any], ...]]:
    seconds: dict[int, tuple[Mapping[str, Any], ...]] = {}
    for case in cases:
        second = case["block_timestamp"] - START
        seconds[second] = (*seconds.get(second, ()), case)
    return seconds


def _logs(logs: Sequence[Mapping[str, Any]]) -> list[tuple[str, tuple[str, ...], str]]:
    return [(log["address"].lower(), tuple(log["topics"]), log["data"]) for log in logs]
