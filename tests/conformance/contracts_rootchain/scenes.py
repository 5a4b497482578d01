"""The scenes of the story: recorded calls and refusals in their order, and what happened between them."""

from __future__ import annotations

from typing import Final

from conformance.contracts_rootchain.plasma_tx import Payment, block_of, decoded, nested, root_of
from conformance.contracts_rootchain.replay import BOND, ZERO, Chain, typed
from conformance.contracts_rootchain.story import ACCOUNTS, CALLDATA, CASES, REVERTS, Story, argument
from plasma_guard.devnet import artifacts
from plasma_guard.devnet.transactor import encode_call

_ETHER: Final = 10**18
_TOKEN: Final[str] = CALLDATA["tokens"]["T1"]

# Transactions that the recording names by hash only; the recorded block root and proofs confirm each byte.
_DEPOSITS: Final = {
    2: Payment(outputs=[(ACCOUNTS["alice"], ZERO, 2 * _ETHER)]),
    4: Payment(outputs=[(ACCOUNTS["carol"], ZERO, _ETHER // 2)]),
    6: Payment(outputs=[(ACCOUNTS["erin"], ZERO, 10 * _ETHER)]),
    8: Payment(outputs=[(ACCOUNTS["gina"], ZERO, 6 * _ETHER)]),
    10: Payment(outputs=[(ACCOUNTS["alice"], ZERO, 50)]),
    12: Payment(outputs=[(ACCOUNTS["dave"], _TOKEN, 2**100)]),
    8002: Payment(outputs=[(ACCOUNTS["erin"], ZERO, _ETHER)]),
    9001: decoded(argument("deposit", 10, 0)),
    9002: Payment(outputs=[(ACCOUNTS["hank"], ZERO, 900)]),
}
_GINA: Final = ACCOUNTS["gina"]
_BLOCK_1000: Final = (
    decoded(argument("startStandardExit", 2, 1)),
    Payment([(3, 0, 0)], [(ACCOUNTS["bob"], ZERO, 3 * _ETHER)]),
    Payment(
        [(4, 0, 0), (5, 0, 0)],
        [(ACCOUNTS["carol"], ZERO, _ETHER // 2), (ACCOUNTS["dave"], ZERO, 7 * 10**15)],
        metadata=b"\x11" * 32,
    ),
    Payment([(9, 0, 0)], [(ACCOUNTS["alice"], _TOKEN, 400), (ACCOUNTS["bob"], _TOKEN, 600)]),
    Payment([(8, 0, 0)], [*[(_GINA, ZERO, _ETHER)] * 3, (_GINA, ZERO, 3 * _ETHER)]),
)
_ROOT_1000, _PROOFS_1000 = block_of([payment.encoded() for payment in _BLOCK_1000])

# The in-flight transactions, by what is special about them.
_THIRD_PARTY: Final = argument("startInFlightExit", 0, 0)
_UNRESPONDED: Final = argument("piggybackInFlightExit", 4, 0)
_INCLUDED: Final = argument("startInFlightExit", 2, 0)
_SPENT: Final = argument("piggybackInFlightExit", 6, 0)
_FOUR_INPUTS: Final = argument("startInFlightExit", 4, 0)
_LAST: Final = argument("piggybackInFlightExit", 18, 0)


async def play(chain: Chain) -> Story:
    """Play the whole story on a chain whose RootChain was just initialised at the recorded address."""
    story = Story(chain)
    await _deposits(story)
    await _standard_exits(story)
    await _challenges(story)
    await _in_flight_exit_of_a_deposit(story)
    await _unresponded_competitor(story)
    await _competitors_on_both_sides(story)
    await _spent_piggybacks(story)
    await _four_inputs(story)
    await _second_phase(story)
    await _processing(story)
    await _afterwards(story)
    return story


async def _deposits(story: Story) -> None:
    chain = story.chain
    await _give_tokens(chain)
    await story.refused(0, 92)
    await story.recorded("addToken", 0)
    # Nobody exits this token: its queue stays empty.
    await story.unrecorded("guard", "addToken", REVERTS[90]["args"]["_token"])
    await story.refused(2, 4, 6, 8, 10, 12, 14, 40, 90)
    for index in (0, 2, 4, 6):
        await story.recorded("deposit", index)
        await _deposit(story, index + 2)
    await story.recorded("depositFrom", 0)
    await _deposit(story, 10)
    await story.recorded("depositFrom", 2)
    await story.unrecorded("dave", "depositFrom", _DEPOSITS[12].encoded())
    assert CASES["submitBlock", 0]["args"]["_blockRoot"] == "0x" + _ROOT_1000.hex()
    await story.recorded("submitBlock", 0)


async def _standard_exits(story: Story) -> None:
    await story.recorded("addToken", 2)
    await story.refused(16, 18)
    await story.recorded("startStandardExit", 0)
    await story.refused(20)
    await _exit_from_block_1000(story, "alice", 0, 0)
    await story.recorded("startStandardExit", 2)
    await _exit_from_block_1000(story, "carol", 0, 2)
    await story.recorded("startStandardExit", 4)
    await _exit_from_block_1000(story, "dave", 2, 1)
    for index in (6, 8):
        await story.recorded("startStandardExit", index)
    await _exit_deposit(story, "gina", 8)


async def _challenges(story: Story) -> None:
    await story.refused(22, 24, 26, 28, 30, 32, 34, 36)
    await story.recorded("challengeStandardExit", 0)
    await _challenge_deposit(story, 9, argument("startStandardExit", 8, 1), _BLOCK_1000[3], "alice")
    await _challenge_deposit(story, 8, _DEPOSITS[8].encoded(), _BLOCK_1000[4], "gina")
    await story.recorded("challengeStandardExit", 2)
    await _challenge_output_two(story)
    await story.recorded("challengeStandardExit", 4)
    await story.recorded("startStandardExit", 10)
    await story.refused(38)
    await _challenge_output_two(story)
    await story.recorded("startFeeExit", 0)
    await story.unrecorded("operator", "startFeeExit", _TOKEN, 5, value=BOND)
    await story.refused(88)


async def _in_flight_exit_of_a_deposit(story: Story) -> None:
    await story.refused(42, 44, 46, 48, 50, 52, 82)
    await story.recorded("startInFlightExit", 0)
    await story.refused(54, 56, 58, 60, 62, 64)
    await story.recorded("piggybackInFlightExit", 0)
    await _piggyback(story, "erin", _THIRD_PARTY, 5)
    await story.recorded("piggybackInFlightExit", 2)
    await story.refused(66)


async def _unresponded_competitor(story: Story) -> None:
    await _start_from_block_1000(story, "carol", _UNRESPONDED, [1], "bob", at=1117)
    await _piggyback(story, "bob", _UNRESPONDED, 0)
    await story.recorded("piggybackInFlightExit", 4)
    await story.recorded("challengeInFlightExitNotCanonical", 0)
    await story.refused(68)


async def _competitors_on_both_sides(story: Story) -> None:
    await story.unrecorded("operator", "submitBlock", bytes(32))
    await story.recorded("submitBlock", 2)
    root = root_of(_INCLUDED, 1, argument("respondToNonCanonicalChallenge", 0, 2))
    await story.unrecorded("operator", "submitBlock", root)
    await story.recorded("submitBlock", 4)
    await story.recorded("startInFlightExit", 2)
    await _piggyback(story, "frank", _INCLUDED, 4)
    competitor, signature = (
        argument("challengeInFlightExitNotCanonical", 2, position) for position in (2, 6)
    )
    await story.unrecorded(
        "guard", "challengeInFlightExitNotCanonical", _INCLUDED, 0, competitor, 0, 0, b"", signature
    )
    await story.recorded("respondToNonCanonicalChallenge", 0)
    await story.refused(70)
    await story.recorded("challengeInFlightExitNotCanonical", 2)
    await story.refused(72)


async def _spent_piggybacks(story: Story) -> None:
    root, proofs = block_of([_SPENT])
    await story.unrecorded("operator", "submitBlock", root)
    await story.recorded("submitBlock", 6)
    await _start_from_block_1000(story, "guard", _SPENT, [4, 4], "gina", at=1137)
    await story.recorded("piggybackInFlightExit", 6)
    await _piggyback(story, "gina", _SPENT, 1)
    await story.recorded("piggybackInFlightExit", 8)
    await _piggyback(story, "hank", _SPENT, 5)
    await story.recorded("piggybackInFlightExit", 10)
    position = 6000 * 10**9
    await story.unrecorded("hank", "startStandardExit", position + 2, _SPENT, proofs[0], value=BOND)
    await story.refused(76, 78)
    competitor, signature = (argument("challengeInFlightExitInputSpent", 0, at) for at in (2, 4))
    await story.unrecorded(
        "guard",
        "challengeInFlightExitNotCanonical",
        *(_SPENT, 1, competitor, 1, 7000 * 10**9, proofs[0], signature),
    )
    await story.refused(74)
    await story.unrecorded("guard", "respondToNonCanonicalChallenge", _SPENT, position, proofs[0])
    await story.recorded("challengeInFlightExitOutputSpent", 0)
    await story.refused(80)
    spend = Payment([(6000, 0, 3)], [(ACCOUNTS["dave"], ZERO, _ETHER)])
    await story.unrecorded(
        "guard",
        "challengeInFlightExitOutputSpent",
        *(_SPENT, position + 3, proofs[0], spend.encoded(), 0, story.signed("gina", spend)),
    )
    await story.recorded("challengeInFlightExitInputSpent", 0)
    # A piggyback that was challenged away comes back.
    await _piggyback(story, "gina", _SPENT, 1)


async def _four_inputs(story: Story) -> None:
    await story.unrecorded("operator", "submitBlock", bytes(32))
    await story.recorded("deposit", 8)
    await _deposit(story, 8002)
    await story.recorded("startStandardExit", 12)
    await _exit_deposit(story, "dave", 12)
    await story.recorded("startInFlightExit", 4)
    await story.recorded("startStandardExit", 14)
    await story.recorded("challengeStandardExit", 6)
    await story.recorded("piggybackInFlightExit", 12)
    await _piggyback(story, "alice", _FOUR_INPUTS, 3)
    await story.recorded("piggybackInFlightExit", 14)
    await _piggyback(story, "dave", _FOUR_INPUTS, 7)
    await story.recorded("piggybackInFlightExit", 16)
    await story.recorded("challengeInFlightExitNotCanonical", 4)
    competitor, signature = (
        argument("challengeInFlightExitNotCanonical", 4, position) for position in (2, 6)
    )
    await story.unrecorded(
        "guard", "challengeInFlightExitInputSpent", _FOUR_INPUTS, 3, competitor, 1, signature
    )


async def _second_phase(story: Story) -> None:
    await story.recorded("challengeInFlightExitInputSpent", 2)
    await story.recorded("challengeInFlightExitOutputSpent", 2)
    await story.recorded("submitBlock", 8)
    await story.recorded("respondToNonCanonicalChallenge", 2)
    await story.recorded("deposit", 10)
    await story.refused(84, 86)
    # The recorded queue has one exit that matures after all others.
    await _exit_deposit(story, "alice", 9001, at=1770)


async def _processing(story: Story) -> None:
    await story.recorded("processExits", 0)
    for index in (2, 4, 6, 8, 10, 12, 14):
        await story.recorded("processExits", index)
        await story.unrecorded("guard", "processExits", ZERO, 0, 1)
    await story.refused(94, 96, 98, 100)
    await story.recorded("processExits", 16)


async def _afterwards(story: Story) -> None:
    await story.recorded("challengeStandardExit", 8)
    await story.recorded("startInFlightExit", 6)
    await story.refused(102)

    deposit, last = _DEPOSITS[9002], decoded(_LAST)
    root, proofs = block_of([_LAST])
    await story.unrecorded("hank", "deposit", deposit.encoded(), value=900, at=3422)
    await story.unrecorded("operator", "submitBlock", root)
    _, deposit_proofs = block_of([deposit.encoded()])
    await story.unrecorded(
        "guard",
        "startInFlightExit",
        *(_LAST, nested([deposit.encoded()]), deposit_proofs[0], story.signed("hank", last)),
        value=BOND,
        at=3424,
    )
    position = 10_000 * 10**9
    await story.unrecorded("hank", "startStandardExit", position, _LAST, proofs[0], value=BOND)
    spend = Payment([(10_000, 0, 0)], [(ACCOUNTS["dave"], ZERO, 400)])
    exit_id = await story.chain.read("getStandardExitId", _LAST, position)
    await story.unrecorded(
        "guard", "challengeStandardExit", exit_id, spend.encoded(), 0, story.signed("hank", spend)
    )
    await story.recorded("piggybackInFlightExit", 18)
    rival = Payment([(9002, 0, 0)], [(ACCOUNTS["dave"], ZERO, 900)])
    await story.unrecorded(
        "guard",
        "challengeInFlightExitNotCanonical",
        *(_LAST, 0, rival.encoded(), 0, 0, b"", story.signed("hank", rival)),
    )
    await story.unrecorded("guard", "respondToNonCanonicalChallenge", _LAST, position + 1, proofs[0])
    await story.recorded("respondToNonCanonicalChallenge", 4)
    await story.recorded("processExits", 18)


async def _give_tokens(chain: Chain) -> None:
    token = artifacts.load("TestToken")
    gifts = (("alice", chain.tokens[0], 1000), ("carol", chain.tokens[1], 42), ("dave", _TOKEN, 2**100))
    for holder, address, amount in gifts:
        for name, arguments in (
            ("mint", (ACCOUNTS[holder], amount)),
            ("approve", (chain.address, amount)),
        ):
            data = "0x" + encode_call(token.abi, name, arguments).hex()
            assert (await chain.send(ACCOUNTS[holder], data, to=address)).succeeded


async def _deposit(story: Story, blknum: int) -> None:
    """Fill a deposit block of ether; its number must be the next one."""
    assert await story.chain.read("getDepositBlockNumber") == blknum
    payment = _DEPOSITS[blknum]
    await story.unrecorded("guard", "deposit", payment.encoded(), value=payment.outputs[0][2])


async def _exit_deposit(story: Story, owner: str, blknum: int, *, at: int | None = None) -> None:
    transaction = _DEPOSITS[blknum].encoded()
    _, proofs = block_of([transaction])
    arguments = (blknum * 10**9, transaction, proofs[0])
    await story.unrecorded(owner, "startStandardExit", *arguments, value=BOND, at=at)


async def _exit_from_block_1000(story: Story, owner: str, txindex: int, output: int) -> None:
    await story.unrecorded(
        owner,
        "startStandardExit",
        *(1000 * 10**9 + txindex * 10**4 + output, _BLOCK_1000[txindex].encoded(), _PROOFS_1000[txindex]),
        value=BOND,
    )


async def _start_from_block_1000(
    story: Story, sender: str, in_flight: bytes, sources: list[int], owner: str, *, at: int
) -> None:
    """Start the exit of a transaction whose inputs were created in block 1000 and belong to one owner."""
    await story.unrecorded(
        sender,
        "startInFlightExit",
        in_flight,
        nested([_BLOCK_1000[txindex].encoded() for txindex in sources]),
        b"".join(_PROOFS_1000[txindex] for txindex in sources),
        story.signed(owner, decoded(in_flight)) * len(sources),
        value=BOND,
        at=at,
    )


async def _piggyback(story: Story, owner: str, in_flight: bytes, slot: int) -> None:
    await story.unrecorded(owner, "piggybackInFlightExit", in_flight, slot, value=BOND)


async def _challenge_deposit(
    story: Story, blknum: int, transaction: bytes, spend: Payment, owner: str
) -> None:
    exit_id = await story.chain.read("getStandardExitId", transaction, blknum * 10**9)
    signature = story.signed(owner, spend)
    await story.unrecorded("guard", "challengeStandardExit", exit_id, spend.encoded(), 0, signature)


async def _challenge_output_two(story: Story) -> None:
    arguments = typed("challengeStandardExit", list(REVERTS[38]["args"].values()))
    signature = arguments.pop()
    assert isinstance(signature, bytes)
    await story.unrecorded("guard", "challengeStandardExit", *arguments, signature[:65])
