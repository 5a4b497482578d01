"""The story behind the golden data, played again on our RootChain.

The golden data holds single calls and what each did; the state between them is not recorded. Here the
recorded calls are sent at their recorded second, byte for byte, and what they need is put in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from conformance.contracts_rootchain.replay import (
    BOND,
    GAS,
    ZERO,
    Chain,
    Failure,
    Sent,
    as_recorded,
    typed,
)
from plasma_guard.devnet import artifacts
from plasma_guard.devnet.transactor import encode_call
from vectors_loader import load

CALLDATA: Final = load("rootchain", "calldata")
REVERTS: Final = {case["index"]: case for case in load("rootchain", "reverts")["cases"]}
ACCOUNTS: Final[dict[str, str]] = CALLDATA["accounts"]
CASES: Final = {
    (name, case["index"]): case for name, cases in CALLDATA["functions"].items() for case in cases
}
START: Final = 1572000000
MIN_EXIT_PERIOD: Final = 600
BLOCK_1000 = 1000 * 10**9

_IN_FLIGHT: Final = (
    "startInFlightExit",
    "piggybackInFlightExit",
    "challengeInFlightExitNotCanonical",
    "respondToNonCanonicalChallenge",
    "challengeInFlightExitOutputSpent",
    "challengeInFlightExitInputSpent",
)
# Why a recorded call of the scope cannot be sent: the in-flight calls are not part of the contract yet.
NOT_REPLAYED: Final = {
    ("challengeStandardExit", 4): "the transaction whose output exits is not in the recording",
    ("processExits", 2): "processes an in-flight exit",
    ("processExits", 10): "processes the exit of challengeStandardExit 4",
    ("processExits", 14): "processes an in-flight exit",
    ("processExits", 16): "processes an in-flight exit among others",
}
REVERTS_NOT_REPLAYED: Final = {100: "needs a finalized in-flight exit"}

REPLAYED: Final = [key for key in CASES if key[0] not in _IN_FLIGHT and key not in NOT_REPLAYED]
REFUSED: Final = [
    index
    for index, case in REVERTS.items()
    if case["function"] not in _IN_FLIGHT and index not in REVERTS_NOT_REPLAYED
]


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

    async def process_until(self, head: int) -> None:
        """Process the ether queue one exit at a time until ``head`` is next (0: until it is empty)."""
        while await self.chain.queue_size(ZERO):
            if (await self.chain.read("getNextExit", ZERO))[1] == head:
                return
            await self.chain.do(ACCOUNTS["guard"], "processExits", ZERO, 0, 1)
        assert head == 0, f"exit {head} is not in the queue"

    async def _read(self, read: dict[str, Any]) -> dict[str, object]:
        name = read["call"]
        return as_recorded(name, await self.chain.read(name, *typed(name, read["args"])))

    async def _balances(self) -> dict[str, int]:
        who = {**ACCOUNTS, "ZERO ADDRESS": ZERO}
        del who["guard"]  # the sender; its gain is observed without gas
        return {name: await self.chain.balance(address) for name, address in who.items()}


async def play(chain: Chain) -> Story:
    """Play the whole story on a chain whose RootChain was just initialised at the recorded address."""
    story = Story(chain)
    await _deposits(story)
    await _exits(story)
    await _challenges(story)
    await _second_half(story)
    await _processing(story)
    return story


async def _deposits(story: Story) -> None:
    chain = story.chain
    await _give_tokens(chain)
    await story.refused(0, 92)
    await story.recorded("addToken", 0)
    # Nobody exits this token: its queue stays empty.
    await chain.do(ACCOUNTS["guard"], "addToken", REVERTS[90]["args"]["_token"])
    await story.refused(2, 4, 6, 8, 10, 12, 14, 40, 90)
    for index in (0, 2, 4, 6):
        await story.recorded("deposit", index)
        await _any_deposit(chain)
    await story.recorded("depositFrom", 0)
    await _any_deposit(chain)
    await story.recorded("depositFrom", 2)
    await story.recorded("submitBlock", 0)


async def _exits(story: Story) -> None:
    await story.recorded("addToken", 2)
    await story.refused(16, 18)
    await story.recorded("startStandardExit", 0)
    await story.refused(20)
    # Outputs 0 and 2 of the same transaction exit as well, each by its owner.
    await _exit_of_first_transaction(story, "alice", 0)
    await _exit_of_first_transaction(story, "carol", 2)
    for index in (2, 4, 6, 8):
        await story.recorded("startStandardExit", index)


async def _challenges(story: Story) -> None:
    await story.refused(22, 24, 26, 28, 30, 32, 34, 36)
    await story.recorded("challengeStandardExit", 0)
    await story.recorded("challengeStandardExit", 2)
    await _challenge_output_two(story)
    await story.recorded("startStandardExit", 10)
    await story.refused(38)
    await _challenge_output_two(story)
    await story.recorded("startFeeExit", 0)
    await story.refused(88)


async def _second_half(story: Story) -> None:
    chain = story.chain
    operator = ACCOUNTS["operator"]
    spender = CASES["challengeStandardExit", 6]
    in_flight_tx = bytes.fromhex(spender["args"]["_challengeTx"][2:])
    signatures = bytes.fromhex(CASES["startInFlightExit", 4]["args"]["_inFlightTxSigs"][2:])
    deposit = bytes.fromhex(CASES["startStandardExit", 14]["args"]["_outputTx"][2:])

    for index in (2, 4, 6):
        await chain.do(operator, "submitBlock", bytes(32))
        await story.recorded("submitBlock", index)
    await chain.do(operator, "submitBlock", bytes(32))
    await story.recorded("deposit", 8)
    await chain.do(ACCOUNTS["erin"], "deposit", deposit, value=10**18)
    await story.recorded("startStandardExit", 12)
    await story.recorded("startStandardExit", 14)
    await story.recorded("challengeStandardExit", 6)
    # The recording removes this exit by starting the in-flight exit; its transaction challenges it as well.
    exit_id = int(CASES["startStandardExit", 12]["logs"][0]["decoded"]["exitId"])
    await chain.do(ACCOUNTS["guard"], "challengeStandardExit", exit_id, in_flight_tx, 0, signatures[:65])
    await story.recorded("submitBlock", 8)
    await story.recorded("deposit", 10)


async def _processing(story: Story) -> None:
    chain = story.chain
    await story.recorded("processExits", 0)
    await chain.evm.set_next_timestamp(CASES["processExits", 2]["block_timestamp"])
    await chain.evm.mine()
    for index in (4, 6, 8, 12):
        case = CASES["processExits", index]
        head = int(case["args"]["_topExitId"]) or int(case["reads_after"][0]["args"][0])
        # The chain's clock must not pass the recorded second while the head is looked for.
        await story.process_until(head)
        await story.recorded("processExits", index)
        if index == 4:
            await story.refused(94)
    await story.process_until(0)
    await story.recorded("challengeStandardExit", 8)
    exit_of_deposit = typed("startStandardExit", list(CASES["startStandardExit", 0]["args"].values()))
    last = bytes.fromhex(CASES["deposit", 10]["args"]["_depositTx"][2:])
    await chain.do(ACCOUNTS["alice"], "startStandardExit", 9001 * 10**9, last, exit_of_deposit[2], value=BOND)
    await story.recorded("processExits", 18)


async def _give_tokens(chain: Chain) -> None:
    token = artifacts.load("TestToken")
    for holder, address, amount in (("alice", chain.tokens[0], 1000), ("carol", chain.tokens[1], 42)):
        for name, arguments in (
            ("mint", (ACCOUNTS[holder], amount)),
            ("approve", (chain.address, amount)),
        ):
            data = "0x" + encode_call(token.abi, name, arguments).hex()
            assert (await chain.send(ACCOUNTS[holder], data, to=address)).succeeded


async def _any_deposit(chain: Chain) -> None:
    """Fill a deposit block whose content is not recorded."""
    case = CASES["deposit", 10]
    assert (await chain.send(case["from"], case["calldata"], value=int(case["msg_value"]), gas=GAS)).succeeded


async def _exit_of_first_transaction(story: Story, owner: str, output: int) -> None:
    case = CASES["startStandardExit", 2]
    _, transaction, proof = typed("startStandardExit", list(case["args"].values()))
    await story.chain.do(
        ACCOUNTS[owner], "startStandardExit", BLOCK_1000 + output, transaction, proof, value=BOND
    )


async def _challenge_output_two(story: Story) -> None:
    arguments = typed("challengeStandardExit", list(REVERTS[38]["args"].values()))
    signature = arguments.pop()
    assert isinstance(signature, bytes)
    await story.chain.do(ACCOUNTS["guard"], "challengeStandardExit", *arguments, signature[:65])
