"""What every plan keeps to, whatever happened: random histories, exits, troubles and balances."""

from collections import Counter
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.worlds import ALICE, ALSO_ALICE, BOB, BONDS, ETHER, GWEI, PERIOD, TOKEN, Coin, World, pay
from plasma_guard.domain.actions import StartInFlightExit, StartStandardExit
from plasma_guard.domain.exits import ExitStatus, Generation, Side
from plasma_guard.domain.plan import BadBlock, BadExit, ExitPlan, PlannedExit, Timing, Trouble
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Hash32, Seconds, Timestamp, Wei
from plasma_guard.domain.vault import HeldOutput
from plasma_guard.planner import PlanPolicy
from plasma_guard.plasma.periods import in_flight_exit_exitable_at, standard_exit_exitable_at
from plasma_guard.plasma.rules import rules_for

POLICY = PlanPolicy(lead=Seconds(100), least_value=Wei(10**15))
_owners = st.sampled_from([ALICE, ALICE, ALSO_ALICE, BOB])
_tokens = st.sampled_from([ETH, ETH, ETH, TOKEN])
_amounts = st.sampled_from([10**14, 10**16, ETHER, 7 * ETHER])
_outputs = st.lists(st.builds(pay, _owners, _amounts, _tokens), min_size=1, max_size=4)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a history: deposits and payments in blocks and in flight, half of it already exiting."""
    world = World(draw(st.sampled_from(list(Generation))))
    coins: list[Coin] = []
    for blknum in range(1, draw(st.integers(1, 5)) + 1):
        ago = draw(st.integers(1000, 4000))
        coins.append(world.deposit(draw(_owners), draw(_amounts), draw(_tokens), blknum=blknum, ago=ago))
    for number in range(draw(st.integers(0, 7))):
        spent = draw(st.lists(st.sampled_from(coins), min_size=1, max_size=3, unique_by=lambda c: c.position))
        made = world.payment(
            spent,
            draw(_outputs),
            blknum=draw(st.sampled_from([None, 1000 * (number + 1)])),
            ago=900 - 100 * number,
            signed=draw(st.sampled_from([True, True, True, False])),
            proven=draw(st.sampled_from([True, True, True, False])),
        )
        coins += made
        if draw(st.integers(0, 5)) == 0:
            outputs = len(made)
            slots = st.tuples(st.just(Side.OUTPUT), st.integers(0, outputs - 1))
            slots |= st.tuples(st.just(Side.INPUT), st.integers(0, len(spent) - 1))
            world.starts(
                made[0].tx,
                ago=draw(st.integers(1, PERIOD)),
                joined=draw(st.sets(slots, max_size=2)),
                canonical=draw(st.booleans()),
            )
    for coin in coins:
        if coin.tx.position and draw(st.integers(0, 9)) == 0:
            world.exits(coin, draw(st.sampled_from(list(ExitStatus))))
    return world


bad_blocks = st.builds(
    BadBlock,
    blknum=st.integers(1, 8).map(lambda n: 1000 * n),
    submitted_at=st.integers(998_000, 1_000_000).map(Timestamp),
)
bad_exits = st.builds(
    BadExit,
    position=st.builds(UtxoPosition, st.integers(1, 9000), st.just(0), st.just(0)),
    exitable_at=st.integers(1_000_000, 1_003_000).map(Timestamp),
    tokens=st.sampled_from([frozenset(), frozenset({ETH})]),
)
troubles: st.SearchStrategy[Trouble | None] = st.one_of(st.none(), bad_blocks, bad_exits)


def identity(output: HeldOutput) -> tuple[Hash32, int, UtxoPosition | None]:
    return output.tx_hash, output.index, output.position


def money(world: World, exit_: PlannedExit) -> Iterator[object]:
    """Yield every output that an exit pays or spends, by all its names."""
    if isinstance(exit_.start, StartStandardExit):
        yield exit_.start.position
        return
    tx = in_flight_tx(exit_)
    yield from rules_for(world.generation).decode(tx).inputs
    for slot in exit_.payouts:
        if slot.side is Side.OUTPUT:
            yield slot.tx_hash, slot.index
            if slot.position is not None:
                yield slot.position


def in_flight_tx(exit_: PlannedExit) -> bytes:
    if isinstance(exit_.start, StartInFlightExit):
        return exit_.start.in_flight_tx
    return exit_.piggybacks[0].in_flight_tx


@settings(max_examples=120, deadline=None)
@given(worlds(), troubles)
def test_every_output_has_exactly_one_fate(world: World, trouble: Trouble | None) -> None:
    """It is in one exit, or left with a reason, or under way: never lost, never twice."""
    planned = world.plan(trouble, POLICY)
    fates = Counter(identity(output) for exit_ in planned.exits for output in exit_.outputs)
    fates += Counter(identity(left.output) for left in planned.left)
    fates += Counter(identity(each.output) for each in planned.underway)
    assert fates == Counter(identity(output) for output in world.contents().outputs)
    assert all(left.reason for left in planned.left)


@settings(max_examples=120, deadline=None)
@given(worlds(), troubles)
def test_no_money_leaves_twice(world: World, trouble: Trouble | None) -> None:
    """No two exits pay or spend one output, and none pays what an exit on the root chain pays already."""
    planned = world.plan(trouble, POLICY)
    ways = Counter(name for exit_ in planned.exits for name in set(money(world, exit_)))
    assert all(count == 1 for count in ways.values())
    for exit_ in planned.exits:
        for slot in exit_.payouts:
            entry = world.standard.get(slot.position) if slot.position else None
            assert entry is None or entry.status in {ExitStatus.ABSENT, ExitStatus.CHALLENGED}
            running = world.in_flight.get(slot.tx_hash)
            joined = running.slot(slot.side, slot.index) if running else None
            assert joined is None or not joined.piggybacked
        if isinstance(exit_.start, StartInFlightExit):
            assert slot_hash(exit_) not in world.in_flight


def slot_hash(exit_: PlannedExit) -> Hash32:
    return exit_.payouts[0].tx_hash


@settings(max_examples=120, deadline=None)
@given(worlds(), troubles)
def test_every_call_is_complete_and_ours_to_make(world: World, trouble: Trouble | None) -> None:
    """A start carries all the contract checks; a piggyback is of our own slot; odd ones follow the bug."""
    for exit_ in world.plan(trouble, POLICY).exits:
        match exit_.start:
            case StartStandardExit() as start:
                assert len(start.proof) == 512
                assert exit_.account == exit_.outputs[0].owner
                assert world.generation.is_ald or start.position.oindex % 2 == 0
                assert exit_.outputs[0].spent_by is None
            case StartInFlightExit() as start:
                inputs = rules_for(world.generation).decode(start.in_flight_tx).inputs
                assert start.input_positions == inputs
                assert [len(proof) for proof in start.proofs] == [512] * len(inputs)
                assert [len(signature) for signature in start.signatures] == [65] * len(inputs)
                created = {tx.position: tx.raw for tx in world.txs}
                assert start.input_txs == tuple(created[at.tx_position] for at in inputs)
            case None:
                assert exit_.piggybacks
        owners = [slot.owner for slot in exit_.payouts]
        assert set(owners) <= {ALICE, ALSO_ALICE}
        assert exit_.account in owners
        if exit_.piggybacks:
            joined = [(piggyback.side, piggyback.index) for piggyback in exit_.piggybacks]
            assert joined == [(slot.side, slot.index) for slot in exit_.payouts]


@settings(max_examples=120, deadline=None)
@given(worlds(), troubles)
def test_in_time_means_ahead_in_the_queue(world: World, trouble: Trouble | None) -> None:
    """The contract's own arithmetic puts an exit started now before the fraud exactly if it is in time."""
    for exit_ in world.plan(trouble, POLICY).exits:
        if exit_.start is None:
            continue
        exitable_at, position = contract_says(world, exit_)
        assert exit_.exitable_at == exitable_at
        match trouble:
            case None:
                assert exit_.timing is Timing.UNBOUND
            case BadBlock(blknum=blknum, submitted_at=submitted_at):
                fraud = (submitted_at + 2 * PERIOD, UtxoPosition(blknum, 0, 0))
                check_timing(exit_, (exitable_at, position), fraud)
            case BadExit(position=at, exitable_at=when, tokens=tokens):
                if tokens and not tokens & set(exit_.tokens):
                    assert exit_.timing is Timing.UNBOUND
                elif not tokens:
                    check_timing(exit_, (exitable_at, position), (when, at.tx_position))


def check_timing(
    exit_: PlannedExit, ours: tuple[Timestamp, UtxoPosition], fraud: tuple[int, UtxoPosition]
) -> None:
    # Where the start's own period ties with the fraud's time, the plan is careful: it calls that late.
    if ours < fraud and ours[0] != fraud[0]:
        assert exit_.timing is Timing.IN_TIME
    if exit_.timing is Timing.IN_TIME:
        assert ours < fraud


def contract_says(world: World, exit_: PlannedExit) -> tuple[Timestamp, UtxoPosition]:
    if isinstance(exit_.start, StartStandardExit):
        position = exit_.start.position
        submitted = world.times[position.blknum]
        return standard_exit_exitable_at(position, world.now, submitted, PERIOD), position.tx_position
    youngest = max(rules_for(world.generation).decode(in_flight_tx(exit_)).inputs)
    submitted = world.times[youngest.blknum]
    return in_flight_exit_exitable_at(world.now, submitted, PERIOD), youngest.tx_position


@settings(max_examples=120, deadline=None)
@given(worlds(), st.integers(1, 8), st.integers(0, 990))
def test_with_a_bad_block_no_exit_in_time_is_dated_by_it(world: World, number: int, ago: int) -> None:
    """What an exit in time goes back to is older than the bad block, but for deposits of our own."""
    trouble = BadBlock(1000 * number, Timestamp(world.now - ago))
    for exit_ in world.plan(trouble, POLICY).exits:
        if exit_.timing is not Timing.IN_TIME or exit_.start is None:
            continue
        if isinstance(exit_.start, StartStandardExit):
            position = exit_.start.position
            dated = [] if position.is_deposit else [position]
        else:
            dated = list(exit_.start.input_positions)
        submitted = [(world.times[at.blknum], at.blknum) for at in dated]
        assert all(each < (trouble.submitted_at, trouble.blknum) for each in submitted)


@settings(max_examples=120, deadline=None)
@given(worlds(), troubles, st.integers(0, 10**18))
def test_bonds_and_money_add_up(world: World, trouble: Trouble | None, balance: int) -> None:
    """`missing` is exact: with it everything is paid for; and what is paid for never exceeds a balance."""
    balances = {ALICE: Wei(balance), ALSO_ALICE: Wei(balance // 3)}
    planned = world.plan(trouble, POLICY, balances=balances)
    for exit_ in planned.exits:
        starting = {
            StartStandardExit: BONDS.standard_exit,
            StartInFlightExit: BONDS.in_flight_exit,
            type(None): 0,
        }[type(exit_.start)]
        assert exit_.bonds == starting + len(exit_.piggybacks) * BONDS.piggyback
        assert exit_.cost == exit_.gas * 10 * GWEI
    assert planned.needed == planned.bonds + planned.cost
    assert planned.missing == sum(planned.shortfalls.values())
    paid = [exit_ for exit_ in planned.exits if exit_.funded]
    assert sum(exit_.bonds + exit_.cost for exit_ in paid) <= sum(balances.values())
    if planned.missing:
        topped_up = {
            account: Wei(wei + planned.shortfalls.get(account, 0)) for account, wei in balances.items()
        }
        again = world.plan(trouble, POLICY, balances=topped_up)
        assert again.missing == 0
        assert all(exit_.funded for exit_ in again.exits)
    else:
        assert len(paid) == len(planned.exits)


@settings(max_examples=120, deadline=None)
@given(worlds(), troubles, st.integers(0, 10**18))
def test_the_order_is_by_money_then_deadline_then_value(
    world: World, trouble: Trouble | None, balance: int
) -> None:
    """What is paid for first; in time before late before no deadline; then by deadline; then by density."""
    planned = world.plan(trouble, POLICY, balances=dict.fromkeys((ALICE, ALSO_ALICE), Wei(balance)))
    keys = [place(exit_) for exit_ in planned.exits]
    assert keys == sorted(keys)
    nothing_unpaid_beats_what_is_paid(planned)


def place(exit_: PlannedExit) -> tuple[bool, int, int, float]:
    rank = list(Timing).index(exit_.timing)
    hard = exit_.window.hard if exit_.timing is Timing.IN_TIME else 0
    worth = POLICY.max_cost if exit_.value is None else exit_.value
    return not exit_.funded, rank, hard, -worth / exit_.gas


def nothing_unpaid_beats_what_is_paid(planned: ExitPlan) -> None:
    """Of one account's equal calls, the money goes to the more valuable one."""
    alone = [e for e in planned.exits if isinstance(e.start, StartStandardExit) and e.value is not None]
    for unpaid in (e for e in alone if not e.funded):
        for paid in (e for e in alone if e.funded and e.account == unpaid.account):
            if paid.timing is unpaid.timing:
                assert (paid.value or 0) >= (unpaid.value or 0)
