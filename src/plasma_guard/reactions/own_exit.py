"""What both kinds of our own exits have in common: an event the guard makes itself, and their last steps.

Nobody reports it. It holds all that the exit takes, so that it can be carried to the end, also after a
restart, when no Watcher and no operator answer any more.
"""

from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from plasma_guard.domain.actions import AddExitQueue, ProcessExits
from plasma_guard.domain.decisions import Act, Alert, Decision, Hold, Window
from plasma_guard.domain.errors import CallReverted
from plasma_guard.domain.exits import ExitId, QueueHead
from plasma_guard.domain.primitives import Address, Seconds, Timestamp
from plasma_guard.ports import Call
from plasma_guard.reactions.base import Policy, Scene, WatcherEvent
from plasma_guard.reactions.fields import TxBytes

SLICES = (10, 5, 2, 1)
"""Exits processed by one call: ten take about 6 million gas units at worst, far below any block's limit."""
Owner = Annotated[
    Address,
    BeforeValidator(lambda value: value if isinstance(value, Address) else Address.parse(value)),
    PlainSerializer(str),
]


class OwnExit(WatcherEvent):
    """An exit of our own: `account` sends it, because of `reason`.

    `asked_at` (root-chain seconds) makes another exit of the same thing another case. `hard` is when its
    calls must be mined, None where nothing is wrong on the chain.
    """

    txbytes: TxBytes
    account: Owner
    asked_at: int
    hard: int | None = None
    reason: str = ""

    @property
    def start(self) -> str:
        """The identity of this exit among others of the same output or transaction."""
        return f"own/{self.asked_at}"

    def window(
        self, policy: Policy, now: Timestamp, period: Seconds, *, latest: Timestamp | None = None
    ) -> Window:
        """Return the window of a call that cannot wait, for ever stepwise later where it is late already.

        `latest` is the contract's own limit.
        """
        hard = stepped(Timestamp(self.asked_at), now, period)
        if self.hard is not None and now <= self.hard:
            hard = Timestamp(self.hard)
        return policy.window(Timestamp(self.asked_at), hard if latest is None else min(hard, latest))


def stepped(since: Timestamp, now: Timestamp, period: Seconds) -> Timestamp:
    """Return the next end of a period, counted from `since`; the same for every block of that period."""
    return Timestamp(since + period * (1 + max(0, now - since) // period))


def open_queue(event: OwnExit, token: Address, window: Window) -> Act:
    """Open the queue that this exit needs."""
    return Act(
        AddExitQueue(token),
        window,
        f"token {token} has no exit queue, and our exit needs it",
        account=event.account,
    )


async def slice_of(
    event: OwnExit, token: Address, head: QueueHead | None, exitable_at: Timestamp, scene: Scene
) -> int:
    """Return how many exits one call can process now, 0 where even one fails, by asking the contract.

    On RootChain one payment that fails takes the whole call with it: a thief's exit behind ours, for which
    too little is left, must not be in the slice.
    """
    if not _is_reachable(head, exitable_at, scene.at.timestamp):
        return SLICES[0]
    for count in SLICES:
        action = ProcessExits(token, count, ExitId(0))
        call = scene.game.candidate(action, intent="", case_id=0, account=event.account)
        try:
            await scene.chain.call(Call(call.to, call.data, event.account), scene.at)
        except CallReverted:
            continue
        return count
    return 0


def _is_reachable(head: QueueHead | None, exitable_at: Timestamp, now: Timestamp) -> bool:
    """Whether ours is ripe, and the queue can be processed towards it; both only strictly after the time."""
    return now > exitable_at and head is not None and head.exitable_at < now


def process(
    event: OwnExit,
    token: Address,
    head: QueueHead | None,
    count: int,
    exitable_at: Timestamp,
    now: Timestamp,
    period: Seconds,
    policy: Policy,
) -> Decision:
    """Have `count` exits of the queue paid once ours is ripe; an unripe head is not an error.

    The call is never sent against its simulation: nothing is lost by waiting.
    """
    if now <= exitable_at:
        return Hold(f"our exit is ripe after {exitable_at} (root-chain time)")
    if not _is_reachable(head, exitable_at, now):
        return Hold(f"our exit is ripe since {exitable_at}, and the head of its queue is not yet")
    if not count:
        return Alert(
            f"our exit is ripe since {exitable_at}, and the contract refuses to process the queue of token"
            f" {token}: the exit at its head cannot be paid. It goes on once the contract holds enough, as"
            " after a deposit"
        )
    hard = stepped(exitable_at, now, period)
    return Act(
        ProcessExits(token, count, ExitId(0)),
        Window(hard, hard, policy.max_cost_per_case),
        f"our exit is ripe since {exitable_at}: the queue of token {token} is processed up to it",
        account=event.account,
    )
