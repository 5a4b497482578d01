"""The story behind the golden data, played again on our RootChain.

The golden data holds single calls and what each did; the calls between them are not recorded. Here the
recorded calls are sent at their recorded second, byte for byte; `scenes` puts what they need in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from conformance.contracts_rootchain.plasma_tx import Payment
from conformance.contracts_rootchain.replay import ZERO, Chain, Failure, Sent, as_recorded, typed
from vectors_loader import load

CALLDATA: Final = load("rootchain", "calldata")
REVERTS: Final = {case["index"]: case for case in load("rootchain", "reverts")["cases"]}
ACCOUNTS: Final[dict[str, str]] = CALLDATA["accounts"]
CASES: Final = {
    (name, case["index"]): case for name, cases in CALLDATA["functions"].items() for case in cases
}
START: Final = 1572000000
MIN_EXIT_PERIOD: Final = 600


@dataclass(frozen=True, slots=True)
class Observed:
    """What one recorded call did this time."""

    sent: Sent
    reads: list[dict[str, object]]
    payouts: dict[str, int]
    queue_before: int | None
    queue_after: int | None


@dataclass(slots=True)
class Story:
    """The recorded calls sent so far and the recorded refusals tried so far."""

    chain: Chain
    calls: dict[tuple[str, int], Observed] = field(default_factory=dict)
    refusals: dict[int, Failure | None] = field(default_factory=dict)

    async def recorded(self, name: str, index: int) -> None:
        """Send a recorded call at its second and observe what the recording observed."""
        case = CASES[name, index]
        token = case["args"].get("_token") if name == "processExits" else None
        before = await self._balances() if token else {}
        size = await self.chain.queue_size(token) if token else None
        sent = await self.chain.send(
            case["from"], case["calldata"], value=int(case["msg_value"]), at=case["block_timestamp"]
        )
        after = await self._balances() if token else {}
        self.calls[name, index] = Observed(
            sent=sent,
            reads=[await self._read(read) for read in case.get("reads_after", ())],
            payouts={who: after[who] - before[who] for who in after if after[who] != before[who]},
            queue_before=size,
            queue_after=await self.chain.queue_size(token) if token else None,
        )

    async def refused(self, *indexes: int) -> None:
        """Try recorded calls that were refused in this state."""
        for index in indexes:
            case = REVERTS[index]
            self.refusals[index] = await self.chain.failure(
                case["from"], case["calldata"], value=int(case["msg_value"]), gas=case["gas_limit"]
            )

    async def unrecorded(
        self, who: str, name: str, *arguments: object, value: int = 0, at: int | None = None
    ) -> None:
        """Send what was not recorded, one second after the last block unless the second is given."""
        at = await self.chain.evm.timestamp() + 1 if at is None else START + at
        await self.chain.do(ACCOUNTS[who], name, *arguments, value=value, at=at)

    def signed(self, who: str, payment: Payment) -> bytes:
        """Return the signature of one of the story's people."""
        key = self.chain.evm.accounts[list(ACCOUNTS).index(who)].private_key
        return payment.signed_by(key, self.chain.address)

    async def _read(self, read: dict[str, Any]) -> dict[str, object]:
        name = read["call"]
        return as_recorded(name, await self.chain.read(name, *typed(name, read["args"])))

    async def _balances(self) -> dict[str, int]:
        who = {**ACCOUNTS, "ZERO ADDRESS": ZERO}
        del who["guard"]  # the sender; its gain is observed without gas
        return {name: await self.chain.balance(address) for name, address in who.items()}


def argument(name: str, index: int, position: int) -> bytes:
    """Return an argument of a recorded call, by its place among the arguments."""
    return bytes.fromhex(list(CASES[name, index]["args"].values())[position][2:])
