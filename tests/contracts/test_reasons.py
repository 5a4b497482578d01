"""Every reason the real contracts gave for refusing a call of the guard's has a meaning."""

from typing import Any

import pytest

from contracts.golden import ald_game, rootchain_game
from plasma_guard.contracts.ald.reasons import meaning
from plasma_guard.domain.actions import ChallengeStandardExit, Piggyback
from plasma_guard.domain.exits import ExitId, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Wei
from plasma_guard.domain.refusals import Meaning
from vectors_loader import load

NAMES = {
    "challengeStandardExit": "challengeStandardExit",
    "challengeInFlightExitNotCanonical": "challengeInFlightExitNotCanonical",
    "respondToNonCanonicalChallenge": "respondToNonCanonicalChallenge",
    "challengeInFlightExitInputSpent": "challengeInFlightExitInputSpent",
    "challengeInFlightExitOutputSpent": "challengeInFlightExitOutputSpent",
    "piggybackInFlightExitOnInput": "piggybackInFlightExit",
    "piggybackInFlightExitOnOutput": "piggybackInFlightExit",
}
NOT_OURS = {
    "The exit does not exist": Meaning.BENIGN,
    "In-flight exit does not exist": Meaning.BENIGN,
    "No in-flight exit to piggyback on": Meaning.BENIGN,
    "Competing transaction is not older than already known competitor": Meaning.BENIGN,
    "Output is not piggybacked": Meaning.BENIGN,
    "Indexed output already piggybacked": Meaning.BENIGN,
    "Canonicity challenge phase for this exit has ended": Meaning.TOO_LATE,
    "Piggyback is possible only in the first phase of the exit period": Meaning.TOO_LATE,
    "Input value must match msg.value": Meaning.RETRY,
    "In-flight transaction must be older than competitors to respond to non-canonical challenge": (
        Meaning.UNKNOWN
    ),
    "": Meaning.UNKNOWN,
}
"""What is not our data's fault; every other recorded reason is."""
CASES = [case for case in load("ald", "reverts")["cases"] if case["function"] in NAMES]


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=f"{case['version']}-{case['function']}-{case['situation']}") for case in CASES],
)
def test_every_recorded_reason_has_its_meaning(case: dict[str, Any]) -> None:
    """Done by others, too late, worth another try, or ours to mend; never a guess."""
    expected = NOT_OURS.get(case["reason"], Meaning.OURS_WRONG)
    assert meaning(NAMES[case["function"]], case["reason"]) is expected


def test_the_recorded_reasons_show_every_meaning() -> None:
    """The table above leaves none out."""
    recorded = {case["reason"] for case in CASES}
    assert set(NOT_OURS) <= recorded


@pytest.mark.parametrize(
    ("call", "reason", "expected"),
    [
        ("challengeInFlightExitInputSpent", "The indexed input has not been piggybacked", Meaning.BENIGN),
        ("piggybackInFlightExit", "Indexed input already piggybacked", Meaning.BENIGN),
        (
            "piggybackInFlightExit",
            "The queue for the (vaultId, token) pair is not yet added to the Plasma framework",
            Meaning.RETRY,
        ),
        ("challengeInFlightExitOutputSpent", "Output is not piggybacked", Meaning.BENIGN),
        ("respondToNonCanonicalChallenge", "Output is not piggybacked", Meaning.UNKNOWN),
        ("challengeInFlightExitNotCanonical", "some other contract's words", Meaning.UNKNOWN),
        ("aCallOfTomorrow", "In-flight exit does not exist", Meaning.UNKNOWN),
        ("aCallOfTomorrow", "ExitGame is quarantined", Meaning.OURS_WRONG),
    ],
)
def test_reasons_belong_to_their_calls(call: str, reason: str, expected: Meaning) -> None:
    """Words that a call never gives mean nothing there; what stops any call stops every one."""
    assert meaning(call, reason) is expected


def test_each_generation_tells_what_it_can() -> None:
    """v0.2 gives no reasons, so that only its state tells."""
    piggyback = Piggyback(ExitId(1), b"tx", Side.INPUT, 0, Wei(1))
    late = "Piggyback is possible only in the first phase of the exit period"
    assert ald_game("1.0.5").refusal(piggyback, late) is Meaning.TOO_LATE
    assert ald_game("2.0.0").refusal(piggyback, None) is Meaning.UNKNOWN
    assert rootchain_game().refusal(piggyback, None) is Meaning.UNKNOWN
    challenge = ChallengeStandardExit(ExitId(1), UtxoPosition(1, 0, 0), b"c", 0, b"s", b"e")
    assert ald_game("2.0.0").refusal(challenge, "The exit does not exist") is Meaning.BENIGN
