"""Where calldata names the sender, the signer can look it up."""

import pytest
from eth_hash.auto import keccak

from contracts.golden import ald_game, rootchain_game
from plasma_guard.domain.actions import (
    Action,
    ChallengeInputSpent,
    ChallengeNotCanonical,
    ChallengeOutputSpent,
    ChallengeStandardExit,
    Piggyback,
    ProcessExits,
    RespondToNonCanonicalChallenge,
)
from plasma_guard.domain.exits import Bonds, ExitId, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Wei
from plasma_guard.ports import ExitGame

ME = Address(b"\x11" * 20)
ID, PLACE, TX, SIGNATURE = ExitId(7), UtxoPosition(1000, 0, 0), b"\xc0" * 90, b"\x01" * 65
ACTIONS: list[Action] = [
    ChallengeStandardExit(ID, PLACE, TX, 0, SIGNATURE, TX),
    ChallengeNotCanonical(ID, TX, 0, TX, 0, None, b"", SIGNATURE, TX, PLACE),
    RespondToNonCanonicalChallenge(ID, TX, PLACE, bytes(512)),
    ChallengeInputSpent(ID, TX, 0, TX, 0, SIGNATURE, TX, PLACE),
    ChallengeOutputSpent(ID, TX, PLACE, bytes(512), TX, 0, SIGNATURE),
    Piggyback(ID, TX, Side.OUTPUT, 0, Wei(3)),
    ProcessExits(ETH, 10, ExitId(0)),
]
BOUND = (ChallengeStandardExit, ChallengeInputSpent, ChallengeOutputSpent)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: type(action).__name__)
@pytest.mark.parametrize("version", ["1.0.5", "2.0.0"])
def test_the_sender_stands_where_it_is_said_to(version: str, action: Action) -> None:
    """In every call that pays its sender at once, and in no other; processing does so since revision 2."""
    game: ExitGame = ald_game(version)
    data = game.candidate(action, intent="one", case_id=1, account=ME).data
    place = game.bound_calls().get(data[:4])
    pays = isinstance(action, BOUND) or (isinstance(action, ProcessExits) and version == "2.0.0")
    assert (place is not None) == pays
    if place is not None:
        assert data[place : place + 32] == keccak(ME)


def test_only_calls_that_may_be_sent_are_bound() -> None:
    """RootChain v0.2 names its sender nowhere."""
    bonds = Bonds(Wei(1), Wei(2), Wei(3))
    for version in ("1.0.5", "2.0.0"):
        game = ald_game(version)
        assert set(game.bound_calls()) <= {each for calls in game.sendable(bonds).values() for each in calls}
    assert rootchain_game().bound_calls() == {}
