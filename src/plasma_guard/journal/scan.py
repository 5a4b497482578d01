"""A re-read block range replaces what was known of it, so that a reorg leaves no trace but history."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import TrackedExit
from plasma_guard.domain.exits import RootChainEvent
from plasma_guard.journal import rows
from plasma_guard.journal.prepared import Prepared
from plasma_guard.journal.schema import checkpoint, root_events, tracked_exits

_CLOSING = ("exit_challenged", "exit_finalized")
_CHUNK = 400
"""SQLite binds at most 999 values on the oldest builds in use."""


_MOVED = ("position", "owner", "started_block", "started_at")
"""What a re-read start may have changed; what was judged of it stays."""


def _tracking() -> Prepared:
    new = insert(tracked_exits)
    known = tracked_exits.c
    change = {name: new.excluded[name] for name in _MOVED}
    back = (known.gone & new.excluded.running) | known.running
    return Prepared(
        new.on_conflict_do_update(
            index_elements=["exit_id", "start"], set_={**change, "gone": new.excluded.gone, "running": back}
        ),
        sets=("exit_id", "start", *_MOVED, "judgement", "judged_at", "running", "gone"),
    )


_TRACK = _tracking()


def replace_range(
    connection: Connection,
    first: int,
    stamp: BlockStamp,
    exits: Sequence[TrackedExit],
    events: Sequence[RootChainEvent],
) -> None:
    """Make blocks `first` and above say exactly what this scan found, and move the checkpoint to `stamp`.

    Blocks above `stamp` go too: they belong to a fork the chain has left. A start that is missing now is
    gone; one that moved keeps its row, and with it what was judged. Whether an exit whose closing events
    changed is running follows from the order of its starts and closings.
    """
    touched = _closed_by_events(connection, first)
    connection.execute(delete(root_events).where(root_events.c.block_number >= first))
    if events:
        connection.execute(insert(root_events), [rows.event_columns(event) for event in events])
    touched |= _closed_by_events(connection, first)
    _replace_exits(connection, first, exits)
    for exit_id, position in _identities(connection, touched):
        _recompute(connection, exit_id, position)
    values = {
        "number": stamp.number,
        "hash": stamp.hash,
        "timestamp": stamp.timestamp,
        "parent": stamp.parent,
    }
    connection.execute(
        insert(checkpoint).values(id=1, **values).on_conflict_do_update(index_elements=["id"], set_=values)
    )


def _replace_exits(connection: Connection, first: int, exits: Sequence[TrackedExit]) -> None:
    found = {(exit_.exit_id, exit_.start) for exit_ in exits}
    table = tracked_exits
    known = connection.execute(
        select(table.c.exit_id, table.c.start).where(table.c.started_block >= first)
    ).all()
    for exit_id, start in known:
        if (exit_id, start) not in found:
            connection.execute(
                update(table)
                .where(table.c.exit_id == exit_id, table.c.start == start)
                .values(running=False, gone=True)
            )
    # In a crowd of exits the range holds a thousand, and it is read again at every head.
    _TRACK.run_many(connection, map(_columns, exits))


def _columns(exit_: TrackedExit) -> dict[str, object]:
    return {
        "exit_id": exit_.exit_id,
        "start": exit_.start,
        "position": exit_.position.encode(),
        "owner": exit_.owner,
        "started_block": exit_.started_block,
        "started_at": exit_.started_at,
        "judgement": exit_.judgement.value,
        "judged_at": exit_.judged_at,
        "running": exit_.running,
        "gone": False,
    }


def _closed_by_events(connection: Connection, first: int) -> set[tuple[int | None, int | None]]:
    """Return (exit id, position) of the closing events in blocks `first` and above."""
    query = select(root_events.c.exit_id, root_events.c.position).where(
        root_events.c.block_number >= first, root_events.c.kind.in_(_CLOSING)
    )
    return {(row[0], row[1]) for row in connection.execute(query)}


def _identities(connection: Connection, closed: set[tuple[int | None, int | None]]) -> set[tuple[int, int]]:
    """Return (exit id, position) of the tracked exits that closing events speak of."""
    ids = sorted({exit_id for exit_id, _ in closed if exit_id is not None})
    positions = sorted({position for _, position in closed if position is not None})
    table = tracked_exits
    result: set[tuple[int, int]] = set()
    for column, wanted in ((table.c.exit_id, ids), (table.c.position, positions)):
        for index in range(0, len(wanted), _CHUNK):
            query = select(table.c.exit_id, table.c.position).where(
                column.in_(wanted[index : index + _CHUNK])
            )
            result |= {(row[0], row[1]) for row in connection.execute(query)}
    return result


def _recompute(connection: Connection, exit_id: int, position: int) -> None:
    """Walk the starts and closings of one exit id in chain order; only the last unclosed start runs."""
    exits = tracked_exits
    starts = connection.execute(
        select(exits.c.start, exits.c.started_block).where(
            exits.c.exit_id == exit_id, exits.c.gone.is_(False)
        )
    ).all()
    events = connection.execute(
        select(root_events).where(or_(root_events.c.exit_id == exit_id, root_events.c.position == position))
    ).mappings()
    order: list[tuple[int, int, str | None]] = []
    placed: set[str] = set()
    for event in events:
        if event["kind"] == "exit_started":
            start = rows.start_of(event)
            placed.add(start)
            order.append((event["block_number"], event["log_index"], start))
        elif event["kind"] in _CLOSING:
            order.append((event["block_number"], event["log_index"], None))
    # A start whose event was not kept still precedes everything else in its block.
    order += [(block, -1, start) for start, block in starts if start not in placed]
    running: str | None = None
    for _, _, latest in sorted(order, key=lambda entry: entry[:2]):
        running = latest
    for start, _ in starts:
        connection.execute(
            update(exits)
            .where(exits.c.exit_id == exit_id, exits.c.start == start)
            .values(running=start == running)
        )
