"""piggyback_available: an in-flight exit pays only those who join it; join with our own outputs.

A Watcher says so only of transactions it has seen in no block. For an included one it says nothing although
its outputs can be piggybacked: the daemon then makes this event itself from the list of in-flight exits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from plasma_guard.domain.actions import Piggyback
from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import Act, Alert, Close, Closure, Decision, Hold, Severity
from plasma_guard.domain.errors import WatcherRefused
from plasma_guard.domain.exits import InFlightSlot, Side
from plasma_guard.domain.primitives import ETH, Address, Timestamp, Wei
from plasma_guard.domain.stakes import Asset
from plasma_guard.reactions.base import Policy, Reaction, Scene, Subject
from plasma_guard.reactions.in_flight import OVER, InFlight, InFlightEvent, Missing, find

GAS = 300_000
"""About what one piggyback uses (measured: 292k to 332k for the first of a token)."""


class PiggybackAvailable(InFlightEvent):
    """Somebody can join the in-flight exit of `txbytes`.

    Which slots, and whose, is read from the contract: the Watcher names signers, not owners. `included` is
    set by the daemon for a transaction the Watcher says nothing about.
    """

    names: ClassVar[tuple[str, ...]] = ("piggyback_available",)

    included: bool = False

    @property
    def key(self) -> str:
        """The transaction: which slots are left follows from the contract."""
        return f"piggyback_available:{self.tx_hash}"

    @property
    def topic(self) -> str:
        """Our own slots in this transaction's exit."""
        return self.key


@dataclass(frozen=True, slots=True)
class Facts:
    """One slot of ours in the exit.

    `amount` is in wei or token units. `spendable` says whether the output is known to be unspent (None: not
    known). `competitor` says that the Watcher knows a competitor. `gas_price` is today's, in wei per gas.
    """

    subject: Subject | None
    exit: InFlight | Missing
    side: Side = Side.OUTPUT
    index: int = 0
    owner: Address | None = None
    token: Address = ETH
    amount: Wei = Wei(0)
    slot: InFlightSlot | None = None
    spendable: bool | None = None
    competitor: bool = False
    bond: Wei = Wei(0)
    gas_price: Wei = Wei(0)


async def gather(event: PiggybackAvailable, scene: Scene) -> Sequence[Facts]:
    """Find our own slots; what is not ours is somebody else's business."""
    found = await find(event.txbytes, scene)
    if isinstance(found, Missing):
        return (Facts(None, found),)
    slots = _own_slots(found, scene.own)
    if not slots:
        return ()
    prices = await scene.prices.at(scene.at)
    gas_price = Wei((prices.base_fee or 0) + prices.tip)
    bond = (await scene.game.bonds(scene.at)).piggyback
    competitor = found.in_first_phase and await _has_competitor(found, scene)
    facts = []
    for side, index, owner, token, amount in slots:
        slot = found.exit.slot(side, index)
        waiting = found.in_first_phase and not (slot and (slot.piggybacked or slot.handled))
        subject = found.subject(
            Kind.OWN_PIGGYBACK,
            open_=waiting,
            hard=Timestamp(found.phase_ends - 1),
            slot=f"/{side}/{index}",
            assets=(Asset(token, amount, owner),),
        )
        spendable = None
        if waiting and side is Side.OUTPUT:
            spendable = not event.included or await _is_unspent(found, index, owner, scene)
        facts.append(
            Facts(
                subject,
                found,
                side,
                index,
                owner,
                token,
                amount,
                slot,
                spendable,
                competitor,
                bond,
                gas_price,
            )
        )
    return facts


def _own_slots(found: InFlight, own: frozenset[Address]) -> list[tuple[Side, int, Address, Address, Wei]]:
    outputs = [
        (Side.OUTPUT, index, output.owner, output.token, output.amount)
        for index, output in enumerate(found.tx.outputs)
        if output.owner in own
    ]
    inputs = [
        (Side.INPUT, slot.index, slot.owner, slot.token or ETH, slot.amount or Wei(0))
        for slot in found.exit.slots
        if slot.side is Side.INPUT and slot.owner is not None and slot.owner in own
    ]
    return outputs + inputs


async def _has_competitor(found: InFlight, scene: Scene) -> bool:
    """Whether the Watcher offers a competitor: outputs of a non-canonical transaction are not paid."""
    try:
        await scene.watcher.competitor(found.tx.raw)
    except WatcherRefused:
        return False
    return True


async def _is_unspent(found: InFlight, index: int, owner: Address, scene: Scene) -> bool | None:
    """Whether the output of an included transaction is among the owner's unspent ones; None if not found."""
    for utxo in await scene.watcher.exitable_utxos(owner):
        if utxo.position.oindex != index or utxo.position.is_deposit:
            continue
        try:
            data = await scene.watcher.exit_data(utxo.position)
        except WatcherRefused:
            continue
        if data.tx == found.tx.raw:
            return True
    return None


def decide(_event: PiggybackAvailable, facts: Facts, policy: Policy) -> Decision:
    """Join with an output when the exit is canonical, the output unspent, and its value above the gas."""
    exit_, slot = facts.exit, facts.slot
    if isinstance(exit_, Missing):
        return exit_.decision()
    assert facts.subject is not None  # noqa: S101 (gather gives one with every exit)
    name = f"{facts.side} {facts.index} of in-flight transaction {exit_.tx.hash}"
    if slot is not None and (slot.piggybacked or slot.handled):
        return Close(Closure.RESOLVED_BY_OTHERS, f"{name} is piggybacked")
    if not exit_.running:
        return OVER
    if not exit_.in_first_phase:
        return Close(Closure.LOST, f"the phase for piggybacks is over, and {name} did not join")
    if facts.side is Side.INPUT:
        return _about_an_input(exit_, name)
    if facts.competitor or not exit_.exit.canonical:
        return Hold(f"{name} would not be paid: the exit has a competitor")
    if not facts.spendable:
        return Hold(f"whether {name} is still unspent is not known; joining with a spent one loses the bond")
    gas = GAS * facts.gas_price
    if facts.token == ETH and facts.amount <= gas:
        return Hold(f"{name} is worth {facts.amount} wei, less than the gas of about {gas} wei")
    return Act(
        Piggyback(
            exit_id=exit_.exit.exit_id,
            in_flight_tx=exit_.tx.raw,
            side=facts.side,
            index=facts.index,
            bond=facts.bond,
        ),
        policy.window(facts.subject.started_at, facts.subject.hard),
        f"{name} is ours, worth {facts.amount}, and leaves only if it joins the exit",
        account=facts.owner,
    )


def _about_an_input(exit_: InFlight, name: str) -> Decision:
    """An input is paid when the exit is not canonical, unless we spent it elsewhere: only its owner knows."""
    if exit_.exit.canonical:
        return Hold(f"{name} is ours; it is paid only if the exit turns out not canonical")
    return Alert(
        f"{name} is ours and the exit is not canonical: unless you spent it elsewhere, piggyback it"
        f" before {exit_.phase_ends} (root-chain time)",
        Severity.WARNING,
    )


REACTION = Reaction(PiggybackAvailable, gather, decide, answers=(Piggyback.name,))
