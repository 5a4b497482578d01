"""A plan as people and machines read it."""

import io
import json

import pytest
from rich.console import Console

from planner.worlds import ALICE, BOB, ETHER, TOKEN, World, pay
from plasma_guard.cli.exit_plan import ether, plan_json, plan_table
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.plan import ExitPlan
from plasma_guard.domain.primitives import Wei
from plasma_guard.planner import PlanPolicy


def printed(plan: ExitPlan) -> list[str]:
    """Return the lines of a plan in a terminal of 100 columns."""
    screen = io.StringIO()
    Console(file=screen, width=100, color_system=None).print(plan_table(plan))
    return screen.getvalue().splitlines()


def everything(generation: Generation = Generation.ALD_V1) -> ExitPlan:
    """Return a plan with something of each kind: in time, late, joint, unpriced, unfunded, running, left."""
    world = World(generation)
    ours, theirs = world.deposit(blknum=1), world.deposit(BOB, 5 * ETHER, blknum=2)
    world.payment([ours, theirs], [pay(ALICE, 4 * ETHER), pay(BOB, 2 * ETHER)])
    (bad,) = world.payment([world.deposit(BOB, blknum=3)], [pay(BOB)], blknum=238_000, ago=10)
    world.payment([bad], [pay(ALICE)], blknum=239_000, ago=5)
    world.deposit(ALICE, 123_456_789, TOKEN, blknum=4)
    world.deposit(ALICE, 10**14, blknum=5)
    world.exits(world.deposit(blknum=6))
    return world.plan(world.bad_block(238_000), PlanPolicy(), balances={ALICE: Wei(10**17)}, queues={})


@pytest.mark.parametrize("generation", list(Generation))
def test_a_plan_fits_a_hundred_columns_and_cuts_nothing_off(generation: Generation) -> None:
    """Every number, call and reason is there, whole."""
    plan = everything(generation)
    lines = printed(plan)
    text = "\n".join(lines)
    assert max(len(line) for line in lines) <= 100
    assert "…" not in text.replace("0x070707…", "").replace("…:0", "")
    for exit_ in plan.exits:
        assert exit_.start is None or exit_.start.name in text
        for output in exit_.outputs:
            if output.position is not None:
                assert str(output.position) in text
    for words in (
        "piggyback output 0",
        "piggyback input 0",
        "in time",
        "late",
        "unfunded",
        "under way",
        "stays",
    ):
        assert words in text


def test_the_exact_amount_that_is_missing_is_told_in_wei() -> None:
    """Whoever tops up pastes it."""
    plan = everything()
    assert plan.missing
    assert any(f"top up {ALICE} by" in line and f"({plan.missing} wei)" in line for line in printed(plan))


def test_what_being_late_means_is_said_once_and_only_then() -> None:
    """A plan without a late exit does not frighten."""
    assert "\n".join(printed(everything())).count("queues behind what is wrong") == 1
    world = World()
    world.deposit(blknum=1)
    assert "queues behind" not in "\n".join(printed(world.plan()))


def test_an_empty_vault_is_one_sentence() -> None:
    """No table of nothing."""
    assert printed(World().plan())[-1] == "The vault holds no outputs: there is nothing to take out."


def test_the_document_keeps_every_integer_whole() -> None:
    """Exit ids of 160 bits and wei survive JSON; the sums are those of the plan."""
    plan = everything()
    document = json.loads(json.dumps(plan_json(plan)))
    assert [each["exit_id"] for each in document["exits"]] == [each.exit_id for each in plan.exits]
    assert sum(each["bonds_wei"] for each in document["exits"]) == document["bonds_wei"] == plan.bonds
    assert document["missing_wei"] == sum(document["top_up_wei"].values()) == plan.missing
    assert document["deadline"] == plan.deadline
    assert document["trouble"] == {
        "kind": "bad_block",
        "blknum": 238_000,
        "submitted_at": plan.at - 10,
    }
    assert len(document["left"]) == len(plan.left)
    assert {each["way"] for each in document["exits"]} == {"standard exit", "in-flight exit"}


@pytest.mark.parametrize(
    ("wei", "words"), [(0, "0"), (1, "1e-18"), (10**18, "1"), (123_456 * 10**13, "1.2346")]
)
def test_ether_is_never_rounded_to_nothing(wei: int, words: str) -> None:
    """A dust amount shows as one."""
    assert ether(wei) == words
