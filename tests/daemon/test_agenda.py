"""What is looked at, and when again."""

import asyncio

import pytest

from plasma_guard.daemon.agenda import (
    FIRST_RETRY,
    IDLE_TURNS_PER_SECOND,
    LONGEST_RETRY,
    SETTLED_RETRY,
    Agenda,
    Item,
)
from plasma_guard.domain.decisions import Close, Closure, Decision, Hold
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.reactions.invalid_exit import REACTION, InvalidExit
from support.clock import FakeClock

HOLD = Hold("wait")


def event(blknum: int = 1, height: int | None = None) -> InvalidExit:
    return InvalidExit(utxo_pos=UtxoPosition(blknum, 0, 0), eth_height=height)


def make() -> tuple[Agenda, FakeClock]:
    clock = FakeClock()
    return Agenda(clock), clock


def only(items: list[Item]) -> Item:
    (item,) = items
    return item


def test_a_repeated_report_is_looked_at_once() -> None:
    """The same event in poll after poll is one item, and not due again before its time."""
    agenda, clock = make()
    assert agenda.add([(event(), REACTION)]) == 1
    assert agenda.add([(event(), REACTION)]) == 0
    agenda.done(only(agenda.take_due()), [HOLD])
    agenda.add([(event(), REACTION)])
    assert agenda.take_due() == []
    clock.advance(FIRST_RETRY)
    assert len(agenda.take_due()) == 1


def test_a_new_start_of_the_same_position_is_due_at_once() -> None:
    """Exited again, it is reported with another height: the same topic, a new report."""
    agenda, _ = make()
    agenda.add([(event(height=5), REACTION)])
    agenda.done(only(agenda.take_due()), [Close(Closure.RESOLVED_BY_OTHERS, "over")])
    assert agenda.add([(event(height=9), REACTION)]) == 1
    assert only(agenda.take_due()).event == event(height=9)


def test_what_is_being_looked_at_is_not_taken_twice() -> None:
    """A slow turn is not overtaken by a second turn of the same topic."""
    agenda, clock = make()
    agenda.add([(event(), REACTION)])
    agenda.take_due()
    clock.advance(1000)
    assert agenda.take_due() == []


def test_a_held_event_is_asked_about_less_and_less_often() -> None:
    """The pace slows down to a limit, so that a thousand lies stay cheap."""
    agenda, clock = make()
    agenda.add([(event(), REACTION)])
    waits = []
    for _ in range(8):
        item = only(agenda.take_due())
        agenda.done(item, [HOLD])
        waits.append(item.due - clock.monotonic())
        clock.advance(item.due - clock.monotonic())
    assert waits == [4, 8, 16, 32, 64, LONGEST_RETRY, LONGEST_RETRY, LONGEST_RETRY]


def test_a_closed_case_is_read_again_while_it_is_reported() -> None:
    """A Watcher keeps reporting for minutes; only the contract's state would reopen the case."""
    agenda, clock = make()
    agenda.add([(event(), REACTION)])
    item = only(agenda.take_due())
    agenda.done(item, [Close(Closure.WON_BY_US, "over")])
    assert item.due == clock.monotonic() + SETTLED_RETRY


@pytest.mark.parametrize("decision", [Close(Closure.WON_BY_US, "done"), HOLD])
def test_very_many_idle_topics_share_a_bounded_number_of_turns(decision: Decision) -> None:
    """Ten thousand settled or held ones get twenty turns a second between them; a new one is due at once."""
    agenda, clock = make()
    topics, minute = 10_000, 60
    agenda.add((event(blknum), REACTION) for blknum in range(1, topics + 1))
    for _ in range(12):  # the pace of what is held slows down first
        for item in agenda.take_due():
            agenda.done(item, [decision])
        clock.advance(LONGEST_RETRY)
    turns = 0
    for _ in range(10 * minute):
        clock.advance(1)
        items = agenda.take_due()
        turns += len(items)
        for item in items:
            agenda.done(item, [decision])
    assert turns <= 10 * minute * IDLE_TURNS_PER_SECOND + topics
    agenda.add([(event(topics + 1), REACTION)])
    assert event(topics + 1).topic in {item.event.topic for item in agenda.take_due()}


def test_one_open_case_keeps_a_topic_at_its_pace() -> None:
    """Several cases share a topic; only when all are closed is it looked at slowly."""
    agenda, clock = make()
    agenda.add([(event(), REACTION)])
    item = only(agenda.take_due())
    agenda.done(item, [Close(Closure.WON_BY_US, "over"), HOLD])
    assert item.due == clock.monotonic() + FIRST_RETRY


def test_what_is_being_answered_waits_until_it_is_touched() -> None:
    """The outcome touches the topic; until then it is looked at slowly, not forgotten."""
    agenda, clock = make()
    agenda.add([(event(), REACTION)])
    item = only(agenda.take_due())
    agenda.done(item, [HOLD], under_way=True)
    assert item.due == clock.monotonic() + SETTLED_RETRY
    agenda.touch(event().topic)
    assert agenda.take_due() == [item]


def test_what_is_answered_before_its_first_turn_is_left_be() -> None:
    """An exit of our own is decided when it is begun; to decide it at once again would be for nothing."""
    agenda, clock = make()
    agenda.add([(event(), REACTION)])
    agenda.leave_be(event().topic)
    assert agenda.take_due() == []
    agenda.touch(event().topic)
    assert only(agenda.take_due()).due == clock.monotonic()


def test_what_came_to_nothing_is_tried_again_more_and_more_slowly() -> None:
    """An answer whose simulation keeps failing would otherwise be handed in as fast as it fails."""
    agenda, clock = make()
    agenda.add([(event(), REACTION)])
    item = only(agenda.take_due())
    pauses = []
    for _ in range(8):
        agenda.done(item, [HOLD], under_way=True)
        agenda.put_off(event().topic)
        pauses.append(item.due - clock.monotonic())
    assert pauses[:3] == [FIRST_RETRY, 2 * FIRST_RETRY, 4 * FIRST_RETRY]
    assert pauses[-1] == LONGEST_RETRY
    agenda.touch(event().topic)
    assert agenda.take_due() == [item]
    assert item.delay == FIRST_RETRY


def test_what_nobody_reports_any_more_is_forgotten() -> None:
    """An idle topic goes; one that is being looked at stays until its turn is over."""
    agenda, _ = make()
    agenda.add([(event(1), REACTION), (event(2), REACTION)])
    busy = agenda.take_due()[0]
    agenda.done(agenda._items[event(2).topic], [HOLD])
    agenda.keep_only(set())
    assert len(agenda) == 1
    agenda.done(busy, [HOLD])
    agenda.keep_only(set())
    assert len(agenda) == 0


async def test_a_new_event_wakes_whoever_waits() -> None:
    """Nobody waits out a pause while a fraud stands on the agenda."""
    agenda = Agenda(_Frozen())
    waiting = asyncio.create_task(agenda.stirred(at_most=3600))
    await asyncio.sleep(0)
    agenda.add([(event(), REACTION)])
    async with asyncio.timeout(5):
        await waiting


class _Frozen(FakeClock):
    """Sleep never ends here."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()
