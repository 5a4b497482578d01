"""What every journal behind the port must do; a journal's own test module inherits the class.

A subclass gives a fixture `journal`, an empty journal bound to chain 1 and `CONTRACT`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import (
    Case,
    CaseKey,
    DecisionRecord,
    Finding,
    Judgement,
    Kind,
    Observation,
    TrackedExit,
)
from plasma_guard.domain.decisions import Closure, Window
from plasma_guard.domain.errors import JournalError
from plasma_guard.domain.exits import (
    ExitChallenged,
    ExitFinalized,
    ExitId,
    ExitStarted,
    InFlightExitWithdrawn,
    RootChainEvent,
    Side,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.domain.transactions import (
    Attempt,
    AttemptStatus,
    Confirmed,
    Fees,
    Outcome,
    Receipt,
    Reverted,
    TxCandidate,
    Unaffordable,
    WouldRevert,
)
from plasma_guard.ports import Journal
from support.cases import conclusion, decided, open_case

CONTRACT = Address(b"\x5f" * 20)
ACCOUNT = Address(b"\xac" * 20)
POSITION = UtxoPosition(1000, 3, 1)
BIG_EXIT = ExitId(2**168 - 1)
RECEIPT = Receipt(
    Hash32(b"\x01" * 32), 7, Hash32(b"\x02" * 32), success=True, gas_used=99, gas_price=Wei(2**70)
)


def at(seconds: int) -> Timestamp:
    return Timestamp(1_700_000_000 + seconds)


def key(start: str = "0xab/0", exit_id: int = BIG_EXIT) -> CaseKey:
    return CaseKey(1, CONTRACT, Kind.STANDARD_EXIT, ExitId(exit_id), start)


def block(number: int, fork: int = 0) -> BlockStamp:
    return BlockStamp(
        number, Hash32(bytes([fork]) * 16 + number.to_bytes(16, "big")), at(number), Hash32(bytes(32))
    )


def exit_(number: int, start: str, started_block: int, *, running: bool = True) -> TrackedExit:
    return TrackedExit(
        exit_id=ExitId(number),
        start=start,
        position=UtxoPosition(1000 * number, 0, 0),
        owner=ACCOUNT,
        started_block=started_block,
        started_at=at(started_block),
        judgement=Judgement.UNVERIFIED,
        running=running,
    )


def tx(number: int) -> Hash32:
    return Hash32(number.to_bytes(32, "big"))


def started(tracked: TrackedExit, log_index: int = 0) -> ExitStarted:
    tx_hash, _, ordinal = tracked.start.partition("/")
    return ExitStarted(
        exit_id=tracked.exit_id,
        owner=tracked.owner,
        block_number=tracked.started_block,
        block_hash=block(tracked.started_block).hash,
        tx_hash=Hash32.parse(tx_hash),
        log_index=log_index,
        ordinal=int(ordinal),
        position=tracked.position,
    )


def challenged(number: int, in_block: int, log_index: int = 5) -> ExitChallenged:
    return ExitChallenged(
        UtxoPosition(1000 * number, 0, 0), in_block, block(in_block).hash, tx(900 + in_block), log_index
    )


def finalized(number: int, in_block: int, log_index: int = 6) -> ExitFinalized:
    return ExitFinalized(ExitId(number), in_block, block(in_block).hash, tx(800 + in_block), log_index)


def withdrawn(number: int, side: Side, index: int, in_block: int) -> InFlightExitWithdrawn:
    place = (in_block, block(in_block).hash, tx(700 + in_block), 10 * number + index)
    return InFlightExitWithdrawn(ExitId(number), side, index, *place)


class JournalSuite:
    """The port's promises, one test each."""

    @pytest.fixture
    async def case(self, journal: Journal) -> Case:
        return await open_case(journal, key(), at(0))

    # Observations

    async def test_an_observation_is_new_once(self, journal: Journal) -> None:
        """Repeated reports, within a call and across calls, are the same observation."""
        one, two = (Observation(name, "invalid_exit", "watcher", "{}") for name in ("a", "b"))
        assert await journal.observe([one, one], at(0)) == {"a"}
        assert await journal.observe([one, two], at(1)) == {"b"}
        assert await journal.observe([], at(2)) == set()

    async def test_ten_thousand_observations_fit_one_call(self, journal: Journal) -> None:
        """A Watcher that reports very much does not break the journal."""
        many = [Observation(f"exit {n}", "invalid_exit", "watcher", "{}") for n in range(10_000)]
        assert len(await journal.observe(many, at(0))) == 10_000
        assert await journal.observe(many, at(1)) == set()

    # Scan

    async def test_the_checkpoint_moves_with_the_scan(self, journal: Journal) -> None:
        """None before the first scan, then the last stamp whatever its number."""
        assert await journal.checkpoint() is None
        await journal.record_scan(0, block(9), [], [])
        assert await journal.checkpoint() == block(9)
        await journal.record_scan(5, block(8, fork=1), [], [])
        assert await journal.checkpoint() == block(8, fork=1)

    async def test_scanned_exits_are_returned_newest_first(self, journal: Journal) -> None:
        """With every field as it was given, and selectable by position and by running."""
        old, new = exit_(1, f"{tx(1)}/0", 3), exit_(2, f"{tx(2)}/0", 7)
        await journal.record_scan(0, block(9), [old, new], [])
        assert await journal.tracked_exits() == [new, old]
        assert await journal.tracked_exits(position=old.position) == [old]
        await journal.judge([(old.exit_id, old.start)], Judgement.INVALID, at(9), running=False)
        assert await journal.tracked_exits(running=True) == [new]
        (judged,) = await journal.tracked_exits(running=False)
        assert (judged.judgement, judged.judged_at) == (Judgement.INVALID, at(9))

    async def test_reading_a_range_again_changes_nothing(self, journal: Journal) -> None:
        """What was judged stays judged."""
        exit1 = exit_(1, f"{tx(1)}/0", 3)
        events: list[RootChainEvent] = [started(exit1)]
        await journal.record_scan(0, block(9), [exit1], events)
        await journal.judge([(exit1.exit_id, exit1.start)], Judgement.VALID, at(9))
        before = await journal.tracked_exits()
        await journal.record_scan(0, block(9), [exit1], events)
        assert await journal.tracked_exits() == before

    async def test_a_start_that_a_reorg_removed_is_not_running(self, journal: Journal) -> None:
        """It is gone; when another reorg brings it back, so does it, with what was judged."""
        exit1, exit2 = exit_(1, f"{tx(1)}/0", 3), exit_(2, f"{tx(2)}/0", 7)
        await journal.record_scan(0, block(9), [exit1, exit2], [started(exit1), started(exit2)])
        await journal.judge([(exit2.exit_id, exit2.start)], Judgement.INVALID, at(9))
        await journal.record_scan(5, block(10, fork=1), [], [])
        assert [each.exit_id for each in await journal.tracked_exits(running=True)] == [1]
        assert [each.exit_id for each in await journal.tracked_exits()] == [1], "it never happened"
        assert [each.exit_id for each in await journal.vanished_exits()] == [2]
        await journal.judge([(exit2.exit_id, exit2.start)], Judgement.INVALID, at(10))
        assert len(await journal.tracked_exits(running=True)) == 1, "judging does not bring it back"
        await journal.record_scan(5, block(11), [exit2], [started(exit2)])
        (back,) = await journal.tracked_exits(position=exit2.position)
        assert (back.running, back.judgement) == (True, Judgement.INVALID)

    async def test_a_start_that_moved_keeps_its_identity(self, journal: Journal) -> None:
        """The same transaction in another block is the same exit: no second row, same judgement."""
        before, after = exit_(1, f"{tx(1)}/0", 7), exit_(1, f"{tx(1)}/0", 8)
        await journal.record_scan(0, block(9), [before], [started(before)])
        await journal.judge([(before.exit_id, before.start)], Judgement.INVALID, at(9))
        await journal.record_scan(5, block(10, fork=1), [after], [started(after)])
        (moved,) = await journal.tracked_exits()
        assert (moved.started_block, moved.judgement, moved.running) == (8, Judgement.INVALID, True)

    async def test_blocks_of_a_longer_dead_fork_are_forgotten(self, journal: Journal) -> None:
        """A shorter new fork leaves nothing of the blocks above its head."""
        late = exit_(1, f"{tx(1)}/0", 12)
        await journal.record_scan(0, block(12), [late], [started(late)])
        await journal.record_scan(8, block(10, fork=1), [], [])
        assert await journal.tracked_exits(running=True) == []

    @pytest.mark.parametrize("closing", [challenged, finalized])
    async def test_a_closing_event_ends_a_run_and_its_reorg_revives_it(
        self, journal: Journal, closing: Callable[[int, int], ExitChallenged | ExitFinalized]
    ) -> None:
        """Challenged or paid on one fork, running again on the other."""
        exit1 = exit_(1, f"{tx(1)}/0", 3)
        await journal.record_scan(0, block(5), [exit1], [started(exit1)])
        await journal.record_scan(6, block(9), [], [closing(1, 8)])
        assert await journal.tracked_exits(running=True) == []
        await journal.record_scan(7, block(9, fork=1), [], [])
        assert await journal.tracked_exits(running=True) == [exit1]

    async def test_only_the_last_start_of_an_exit_runs(self, journal: Journal) -> None:
        """Started, challenged and started again in one block: log order decides."""
        first, second = exit_(1, f"{tx(1)}/0", 3), exit_(1, f"{tx(2)}/0", 3)
        events: list[RootChainEvent] = [started(first, 0), challenged(1, 3, 1), started(second, 2)]
        await journal.record_scan(0, block(5), [first, second], events)
        (running,) = await journal.tracked_exits(running=True)
        assert running.start == second.start

    async def test_a_payment_is_known_for_the_start_it_followed(self, journal: Journal) -> None:
        """A finalization before a start does not pay it."""
        early, late = exit_(1, f"{tx(1)}/0", 3), exit_(1, f"{tx(2)}/0", 7)
        await journal.record_scan(
            0, block(9), [early, late], [started(early), finalized(1, 5), started(late)]
        )
        assert await journal.was_paid(early)
        assert not await journal.was_paid(late)

    async def test_a_challenge_is_known_by_its_position_alone(self, journal: Journal) -> None:
        """Also without any start: one in an earlier block, or of another position, is not it."""
        await journal.record_scan(0, block(9), [], [challenged(1, 5)])
        position = exit_(1, f"{tx(1)}/0", 3).position
        assert await journal.was_challenged(position, 5)
        assert not await journal.was_challenged(position, 6)
        assert not await journal.was_challenged(exit_(2, f"{tx(2)}/0", 3).position, 0)

    async def test_the_slots_that_an_in_flight_exit_paid_are_known(self, journal: Journal) -> None:
        """Of this exit, since this block; an input and an output with the same index are two slots."""
        paid = [
            withdrawn(1, Side.INPUT, 0, 4),
            withdrawn(1, Side.INPUT, 1, 6),
            withdrawn(1, Side.OUTPUT, 1, 7),
            withdrawn(2, Side.OUTPUT, 3, 7),
        ]
        await journal.record_scan(0, block(9), [], paid)
        slots = {(Side.INPUT, 1), (Side.OUTPUT, 1)}
        assert await journal.withdrawn_slots(ExitId(1), 5) == slots
        assert await journal.withdrawn_slots(ExitId(3), 0) == frozenset()

    async def test_when_an_exit_of_ours_is_ripe_is_kept_with_its_case(self, journal: Journal) -> None:
        """Known once it runs, and not forgotten where a later look does not say it again."""
        case = await open_case(journal, key(), at(0))
        assert case.ripe_at is None
        again = await journal.conclude(conclusion(key(), at(1), ripe_at=Timestamp(777)))
        assert again.ripe_at == 777
        assert (await journal.conclude(conclusion(key(), at(2)))).ripe_at == 777
        assert [case.ripe_at for case in await journal.cases()] == [777]

    # Cases and decisions

    async def test_a_case_is_opened_once_per_key(self, journal: Journal) -> None:
        """The same start is the same case, another start of the same exit another one."""
        first = await open_case(journal, key(), at(0))
        again = await open_case(journal, key(), at(5))
        other = await open_case(journal, key("0xcd/0"), at(6))
        assert first == again
        assert first.key == key()
        assert (first.position, first.opened_at, first.is_open) == (POSITION, at(0), True)
        assert [case.id for case in await journal.cases()] == [first.id, other.id]

    async def test_a_case_closes_and_reopens(self, journal: Journal, case: Case) -> None:
        """Closed ones are not among the open ones; what says neither leaves a case as it is."""
        won = conclusion(key(), at(3), closure=Closure.WON_BY_US)
        assert (await journal.conclude(won)).closed_at == at(3)
        assert (await journal.conclude(replace(won, at=at(4)))).closed_at == at(3)
        (closed,) = await journal.cases()
        assert (closed.closure, closed.closed_at) == (Closure.WON_BY_US, at(3))
        assert await journal.cases(open_only=True) == []
        assert await journal.conclude(conclusion(key(), at(5))) == closed
        assert await journal.conclude(conclusion(key(), at(6), reopen=True)) == case
        assert await journal.cases(open_only=True) == [case]
        await journal.close_case(case.id, Closure.MOOT, at(7))
        assert await journal.cases(open_only=True) == []

    async def test_a_case_learns_what_it_is_worth(self, journal: Journal) -> None:
        """A later turn knows better when it must be answered and what that pays."""
        said = conclusion(key(), at(1), deadline=at(90), bond=Wei(2**90))
        assert (await journal.conclude(conclusion(key(), at(0)))).deadline is None
        known = await journal.conclude(said)
        assert (known.deadline, known.bond) == (at(90), 2**90)
        assert await journal.conclude(conclusion(key(), at(2))) == known
        later = await journal.conclude(replace(said, deadline=at(95)))
        assert await journal.cases() == [later]
        assert (later.deadline, later.bond) == (at(95), 2**90)

    async def test_a_case_is_found_by_its_key_with_its_outcomes(self, journal: Journal, case: Case) -> None:
        """What became of its calls comes with it; open ones are left out, and nothing is made by looking."""
        assert await journal.case(key()) == (case, [])
        assert await journal.case(key("0xcd/0")) == (None, [])
        for number in range(2):
            await journal.record_intent(self.candidate(case, f"call {number}"), self.WINDOW, at(0))
        await journal.record_outcome("call 0", Reverted(RECEIPT), at(1))
        assert await journal.case(key()) == (case, [Reverted(RECEIPT)])
        assert len(await journal.cases()) == 1

    async def test_a_conclusion_judges_the_exit(self, journal: Journal) -> None:
        """Decision, case and judgement are one change."""
        exit1 = exit_(1, f"{tx(1)}/0", 3)
        await journal.record_scan(0, block(9), [exit1], [])
        finding = Finding(exit1.exit_id, exit1.start, Judgement.INVALID, running=False)
        await journal.conclude(conclusion(key(), at(9), finding=finding))
        (judged,) = await journal.tracked_exits(position=exit1.position)
        assert (judged.judgement, judged.judged_at, judged.running) == (Judgement.INVALID, at(9), False)

    async def test_a_case_that_is_not_there_is_an_error(self, journal: Journal) -> None:
        """Silence would hide a bug."""
        with pytest.raises(JournalError, match="no case 77"):
            await journal.close_case(77, Closure.LOST, at(0))

    async def test_an_equal_decision_only_moves_its_time(self, journal: Journal, case: Case) -> None:
        """The history shows changes of mind, not polls; back to an earlier mind is a change."""
        hold = DecisionRecord(case.id, 5, at(0), "hold", "unverified")
        act = DecisionRecord(case.id, 6, at(1), "act", "proven", "challengeStandardExit")
        for record in (hold, DecisionRecord(case.id, 9, at(9), "hold", "unverified"), act, hold):
            await journal.conclude(decided(key(), record))
        first, *others = await journal.decisions(case.id)
        assert first.reason == "first seen"
        assert others == [
            DecisionRecord(case.id, 9, at(9), "hold", "unverified"),
            act,
            hold,
        ]

    async def test_an_intent_needs_its_case(self, journal: Journal, case: Case) -> None:
        """Foreign keys are on."""
        with pytest.raises(JournalError, match="contradicts"):
            await journal.record_intent(replace(self.candidate(case), case_id=77), self.WINDOW, at(0))

    # Intents, attempts, outcomes

    def candidate(self, case: Case, intent: str = "one", **changes: int) -> TxCandidate:
        return TxCandidate(
            intent=intent,
            case_id=case.id,
            account=ACCOUNT,
            to=CONTRACT,
            data=b"\x00\xff",
            value=Wei(changes.get("value", 2**255)),
            purpose="challenge",
            gas_limit=changes.get("gas_limit", 300_000),
        )

    def attempt(self, intent: str = "one", number: int = 1, nonce: int = 0) -> Attempt:
        return Attempt(
            intent, ACCOUNT, nonce, tx(number), b"\x02" + bytes([number]), 300_000, Fees(Wei(2**90), Wei(1))
        )

    WINDOW = Window(at(100), at(200), Wei(2**80))

    async def test_an_intent_comes_back_as_it_was(self, journal: Journal, case: Case) -> None:
        """Bytes and uint256 values survive; the same intent again changes nothing."""
        candidate = self.candidate(case)
        await journal.record_intent(candidate, self.WINDOW, at(1))
        await journal.record_intent(self.candidate(case, value=5), Window(at(1), at(2), Wei(3)), at(2))
        assert await journal.open_intents() == [(candidate, self.WINDOW)]

    async def test_attempts_come_back_as_they_were(self, journal: Journal, case: Case) -> None:
        """In the order they were signed, by intent, by account, and marked."""
        await journal.record_intent(self.candidate(case), self.WINDOW, at(1))
        first, second = self.attempt(number=9), self.attempt(number=2)
        for each in (first, second, first):
            await journal.record_attempt(each, at(2))
        assert await journal.attempts(intent="one") == [first, second]
        assert await journal.attempts(account=Address(bytes(20))) == []
        await journal.mark_attempt(second.hash, AttemptStatus.BROADCAST, at(3))
        assert [each.status for each in await journal.attempts()] == [
            AttemptStatus.SIGNED,
            AttemptStatus.BROADCAST,
        ]

    async def test_an_attempt_needs_its_intent(self, journal: Journal, case: Case) -> None:
        """Signed bytes that nobody wanted are never kept, and so never sent."""
        with pytest.raises(JournalError, match="contradicts"):
            await journal.record_attempt(self.attempt("nobody's"), at(0))
        with pytest.raises(JournalError, match="no attempt"):
            await journal.mark_attempt(tx(5), AttemptStatus.MINED, at(0))

    @pytest.mark.parametrize(
        "outcome", [Confirmed(RECEIPT), Reverted(RECEIPT), WouldRevert("why"), Unaffordable("sums")]
    )
    async def test_an_outcome_ends_an_intent(self, journal: Journal, case: Case, outcome: Outcome) -> None:
        """It is no longer open and its attempts are no longer live."""
        await journal.record_intent(self.candidate(case), self.WINDOW, at(1))
        await journal.record_attempt(self.attempt(), at(2))
        assert await journal.outcome("one") is None
        assert len(await journal.attempts(account=ACCOUNT, live_only=True)) == 1
        await journal.record_outcome("one", outcome, at(3))
        assert await journal.outcome("one") == outcome
        assert await journal.outcomes(case.id) == [outcome]
        assert await journal.open_intents() == []
        assert await journal.attempts(account=ACCOUNT, live_only=True) == []
        assert len(await journal.attempts(account=ACCOUNT)) == 1

    async def test_an_outcome_needs_its_intent(self, journal: Journal) -> None:
        """And an unknown intent has none."""
        assert await journal.outcome("nobody's") is None
        with pytest.raises(JournalError, match="no intent"):
            await journal.record_outcome("nobody's", WouldRevert("why"), at(0))

    @pytest.mark.parametrize("outcome", [WouldRevert("why"), Unaffordable("sums")])
    async def test_an_intent_that_ended_unsent_can_be_taken_up_again(
        self, journal: Journal, case: Case, outcome: Outcome
    ) -> None:
        """With the call and window of the new request."""
        await journal.record_intent(self.candidate(case), self.WINDOW, at(1))
        await journal.record_outcome("one", outcome, at(2))
        renewed, window = self.candidate(case, value=7), Window(at(5), at(6), Wei(1))
        await journal.record_intent(renewed, window, at(3))
        assert await journal.open_intents() == [(renewed, window)]
        assert await journal.outcome("one") is None

    @pytest.mark.parametrize("outcome", [Confirmed(RECEIPT), Reverted(RECEIPT)])
    async def test_an_intent_that_was_mined_stays_ended(
        self, journal: Journal, case: Case, outcome: Outcome
    ) -> None:
        """Recording it again must not send it again."""
        await journal.record_intent(self.candidate(case), self.WINDOW, at(1))
        await journal.record_outcome("one", outcome, at(2))
        await journal.record_intent(self.candidate(case), self.WINDOW, at(3))
        assert await journal.open_intents() == []

    async def test_an_intent_with_signed_bytes_is_not_taken_up_as_new(
        self, journal: Journal, case: Case
    ) -> None:
        """Unless all of them were given up, their nonce being somebody else's."""
        await journal.record_intent(self.candidate(case), self.WINDOW, at(1))
        await journal.record_attempt(self.attempt(), at(1))
        await journal.record_outcome("one", WouldRevert("why"), at(2))
        await journal.record_intent(self.candidate(case), self.WINDOW, at(3))
        assert await journal.open_intents() == []
        await journal.mark_attempt(self.attempt().hash, AttemptStatus.DROPPED, at(4))
        await journal.record_intent(self.candidate(case), self.WINDOW, at(5))
        assert len(await journal.open_intents()) == 1

    async def test_changes_made_at_once_are_all_kept(self, journal: Journal, case: Case) -> None:
        """A change that is refused takes none of its neighbours with it."""
        await journal.record_intent(self.candidate(case), self.WINDOW, at(1))
        intents = ["one", "nobody's"] * 20
        results = await asyncio.gather(
            *(
                journal.record_attempt(self.attempt(intent, n + 1, n), at(1))
                for n, intent in enumerate(intents)
            ),
            return_exceptions=True,
        )
        assert [isinstance(result, JournalError) for result in results] == [False, True] * 20
        assert [each.nonce for each in await journal.attempts()] == list(range(0, 40, 2))
