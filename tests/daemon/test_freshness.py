"""When a Watcher's answer may be believed to be about now."""

from dataclasses import replace

import pytest

from plasma_guard.daemon.freshness import FROZEN_AFTER_BLOCKS, Freshness, FreshnessLimits
from plasma_guard.domain.exits import ContractSet, Generation
from plasma_guard.domain.primitives import Address, Seconds, Timestamp
from plasma_guard.domain.watchers import WatcherStatus
from support.builders import CONTRACT, stamp

GAME = Address(b"\x02" * 20)
CONTRACTS = ContractSet(Generation.ALD_V1, CONTRACT, GAME, Seconds(600))
HEAD = stamp(number=1000)
GOOD = WatcherStatus(
    events=(),
    last_validated_blknum=5000,
    last_mined_blknum=5000,
    last_seen_eth_block=999,
    last_seen_eth_time=Timestamp(HEAD.timestamp - 10),
    services={"exit_processor": 987, "block_getter": 1000},
    contract_addresses={"plasma_framework": CONTRACT, "payment_exit_game": GAME},
)


def judge(status: WatcherStatus, *, mined: int = 5000) -> dict[str, str]:
    return Freshness(CONTRACTS, FreshnessLimits(2, 90)).complaints(status, HEAD, mined)


def test_an_honest_synced_answer_is_fresh() -> None:
    """Trailing the head by its finality margin is what an honest Watcher does."""
    assert judge(GOOD) == {}


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"last_validated_blknum": 2000}, "validation", "3 blocks behind"),
        ({"last_seen_eth_time": Timestamp(HEAD.timestamp - 91)}, "head", "91 s older"),
        ({"eth_syncing": True}, "syncing", "syncing"),
        ({"contract_addresses": {"plasma_framework": GAME}}, "contracts", "another network"),
        ({"contract_addresses": {"payment_exit_game": CONTRACT}}, "contracts", str(CONTRACT)),
        ({"contract_addresses": {"root_chain": GAME}}, "contracts", "root_chain"),
    ],
)
def test_each_trouble_is_told_by_its_kind(change: dict[str, object], kind: str, words: str) -> None:
    """One wrong thing gives one complaint, and it says what was found."""
    complaints = judge(replace(GOOD, **change))  # type: ignore[arg-type] # reason: each row changes another field
    assert complaints.keys() == {kind}
    assert words in complaints[kind]


def test_the_root_chain_says_what_is_mined_not_the_watcher() -> None:
    """A Watcher that claims to be at the newest block is still measured against the contract."""
    assert judge(GOOD, mined=9000).keys() == {"validation"}


def test_services_that_stand_still_while_the_chain_moves_are_frozen() -> None:
    """The height itself may trail; it must not stop."""
    freshness = Freshness(CONTRACTS, FreshnessLimits(2, 90))
    later = replace(HEAD, number=HEAD.number + FROZEN_AFTER_BLOCKS + 1)
    assert freshness.complaints(GOOD, HEAD, 5000) == {}
    moved = replace(GOOD, services={"exit_processor": 987, "block_getter": 1041})
    complaints = freshness.complaints(moved, later, 5000)
    assert complaints == {"services": "services do not move: exit_processor stands at 987"}
    again = replace(moved, services={"exit_processor": 1029, "block_getter": 1041})
    assert freshness.complaints(again, later, 5000) == {}
