"""When an exit can be processed, and when the first phase of an in-flight exit is over.

All times are block timestamps of the root chain in seconds; `period` is minExitPeriod in seconds.
"""

from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Seconds, Timestamp


def standard_exit_exitable_at(
    position: UtxoPosition, started_at: Timestamp, block_submitted_at: Timestamp, min_exit_period: Seconds
) -> Timestamp:
    """Return the time after which, strictly, a standard exit can be processed.

    A deposit's exit: started + period. Any other: max(block submitted + 2 periods, started + period), where
    the block is the plasma block of the exiting output (RootChain: getTxExitableTimestamp and
    getDepositTxExitableTimestamp; ald: ExitableTimestamp). A challenge works until the exit is processed, so
    this is the deadline to plan for.
    """
    if position.is_deposit:
        return Timestamp(started_at + min_exit_period)
    return _exitable_at(started_at, block_submitted_at, min_exit_period)


def in_flight_exit_exitable_at(
    started_at: Timestamp, youngest_input_submitted_at: Timestamp, min_exit_period: Seconds
) -> Timestamp:
    """Return the time after which, strictly, an in-flight exit can be processed.

    max(youngest input's block submitted + 2 periods, started + period), deposits being no exception.
    `started_at` is when the exit was started on rootchain v0.2, and when the first piggyback of the token in
    question was mined on ald. RootChain contracts older than the v0.2.0 tag give a deposit as youngest input
    one period only: read the time of an existing exit from its priority (`PlasmaRules.unpack_priority`).
    """
    return _exitable_at(started_at, youngest_input_submitted_at, min_exit_period)


def first_phase_ends(started_at: Timestamp, min_exit_period: Seconds) -> Timestamp:
    """Return the first second too late to piggyback or challenge canonicity: started + period // 2.

    The last block timestamp that is still good is one second earlier (RootChain: now - start < period / 2;
    ald: (now - start) / (period / 2) == 0; integer divisions).
    """
    return Timestamp(started_at + min_exit_period // 2)


def is_first_phase(now: Timestamp, started_at: Timestamp, min_exit_period: Seconds) -> bool:
    """Tell whether a block with timestamp `now` still allows piggybacks and canonicity challenges."""
    return started_at <= now < first_phase_ends(started_at, min_exit_period)


def _exitable_at(started_at: Timestamp, submitted_at: Timestamp, min_exit_period: Seconds) -> Timestamp:
    return Timestamp(max(submitted_at + 2 * min_exit_period, started_at + min_exit_period))
