"""Where a story is played: its people, what it waits for, and who must have what in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from plasma_guard.devnet.in_flight import InFlightExits, StartedInFlightExit
from plasma_guard.devnet.people import Bounties, Payment, People, Person, SignedPayment, StartedExit
from plasma_guard.domain.exits import Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Wei
from plasma_guard.plasma.transaction import Output

ETHER: Final = Wei(10**18)
PEOPLE: Final = ("alice", "bob", "carol", "guard")
Tell = Callable[[str, str], None]
"""Takes who does something, and what."""


@dataclass(frozen=True, slots=True)
class Says:
    """The story goes on once the guard has said a sentence, so many times since it runs."""

    event: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Alerts:
    """The story goes on once the guard has raised an alert whose key begins so."""

    key: str


@dataclass(frozen=True, slots=True)
class Reports:
    """The story goes on once the Watcher reports an event of this name."""

    event: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """The story goes on once the Watcher reports no event of this name any more."""

    event: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """The story goes on once the guard has been asked to take everything out."""


@dataclass(frozen=True, slots=True)
class Shows:
    """The story goes on once the root chain shows a fact, which is asked for again and again."""

    what: str
    fact: Callable[[], Awaitable[bool]]


Cue = Says | Alerts | Reports | Quiet | Shows | Wishes
Story = Callable[["Stage"], AsyncIterator[Cue]]
"""Plays on a stage and yields what it waits for; what comes before the first cue is the attack."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody must have gained, or lost if negative, in wei before gas."""

    name: str
    amount: int
    why: str
    at_end: bool = False
    """Whether only the processing of the exit queue pays it."""


class Stage:
    """Lets a story's people act, tells it, and keeps the books of what each must end up with."""

    def __init__(self, people: People, tell: Tell, bounties: Bounties) -> None:
        self.people = people
        self.in_flight = InFlightExits(people)
        self.tell = tell
        self.alice, self.bob, self.carol, self.guard = (people[name] for name in PEOPLE)
        self.facts: dict[str, str] = {}
        self.processed = False
        self._bounties = bounties
        self._book: list[Entry] = []

    @property
    def book(self) -> Sequence[Entry]:
        """Every gain and loss that came to pass; without processing, those of the end did not."""
        return [entry for entry in self._book if self.processed or not entry.at_end]

    def gains(self, person: Person, amount: int, why: str, *, at_end: bool = False) -> None:
        """Note what somebody must gain."""
        self._book.append(Entry(person.name, amount, why, at_end))

    def loses(self, person: Person, amount: int, why: str) -> None:
        """Note what somebody must lose."""
        self.gains(person, -amount, why)

    async def deposits(self, owner: Person, amount: Wei = ETHER) -> UtxoPosition:
        """Have somebody deposit ether."""
        position = await self.people.deposit(owner, amount)
        self.loses(owner, amount, "the deposit")
        self.tell(owner.name, f"I deposit {ether(amount)}: output {position} is mine")
        return position

    def output(self, owner: Person, amount: Wei = ETHER, token: Address = ETH) -> Output:
        """Return an output to somebody."""
        return Output(owner.address, token, amount)

    def signs(self, owner: Person, spent: UtxoPosition, to: Person, amount: Wei = ETHER) -> SignedPayment:
        """Have somebody sign an output over to somebody else, and keep that from the operator."""
        self.tell(owner.name, f"I sign output {spent} over to {to.name.capitalize()}, in no block yet")
        return self.people.sign([(owner, spent)], [self.output(to, amount)])

    async def pays(self, owner: Person, spent: UtxoPosition, to: Person, amount: Wei = ETHER) -> Payment:
        """Have somebody pay, and the operator include it."""
        payment = await self.people.spend([(owner, spent)], [self.output(to, amount)])
        self.tell(owner.name, f"I pay output {spent} to {to.name.capitalize()} in block {payment.blknum}")
        return payment

    async def exits(self, starter: Person, payment: SignedPayment, *, bond_to: Person) -> StartedInFlightExit:
        """Have somebody start the in-flight exit of a payment; its bond must go to `bond_to` in the end."""
        started = await self.in_flight.start(starter, payment)
        self.loses(starter, started.bond, "the bond of an in-flight exit")
        why = "its bond back" if bond_to == starter else f"the bond of {starter.name.capitalize()}'s exit"
        self.gains(bond_to, started.bond, why, at_end=True)
        tx = self.people.rules.decode(payment.tx)
        self.tell(starter.name, f"I start the in-flight exit of transaction {tx.hash} for {started.bond} wei")
        return started

    async def joins(self, owner: Person, exit_: StartedInFlightExit, side: Side, index: int = 0) -> Wei:
        """Have somebody piggyback; return the bond."""
        bond = await self.in_flight.piggyback(owner, exit_, side, index)
        self.loses(owner, bond, f"the bond of piggybacked {side} {index}")
        self.tell(owner.name, f"I piggyback {side} {index} for {bond} wei")
        return bond

    def piggyback_ends(self, owner: Person, bond: Wei, *, pays: Wei = Wei(0)) -> None:
        """Note that a piggyback's bond comes back at the end, and what it pays besides."""
        bounty = self._bounties.piggyback
        self.gains(owner, bond - bounty, "the bond of a piggyback back", at_end=True)
        if bounty:
            self.gains(self.carol, bounty, "the bounty for processing", at_end=True)
        if pays:
            self.gains(owner, pays, "what the exit pays", at_end=True)

    async def leaves(self, owner: Person, position: UtxoPosition, amount: Wei = ETHER) -> StartedExit:
        """Have somebody honestly exit an output, to be paid at the end."""
        started = await self.people.start_exit(owner, position, amount)
        self.loses(owner, started.bond, "the bond of a standard exit")
        self._standard_exit_ends(owner, started.bond, self.carol)
        self.gains(owner, amount, "the exited output", at_end=True)
        self.tell(owner.name, f"I exit output {position}, which is mine")
        return started

    async def steals(self, thief: Person, position: UtxoPosition, amount: Wei = ETHER) -> StartedExit:
        """Have somebody exit what is not theirs; nothing is left for it by the time its turn comes.

        On RootChain its turn never comes; on ald it is over without being paid, and the bond is returned.
        """
        started = await self.people.start_exit(thief, position, amount, accomplice=True)
        self.loses(thief, started.bond, "the bond of a standard exit")
        if self.people.rules.generation.is_ald:
            self.is_paid_behind(thief, started.bond, Wei(0))
        self.tell(thief.name, f"I exit output {position}, which I have stolen")
        return started

    def is_paid_behind(self, thief: Person, bond: Wei, amount: Wei) -> None:
        """Note that the guard's processing of the queue gives a thief the bond back, and an amount."""
        self._standard_exit_ends(thief, bond, self.guard)
        if amount:
            self.gains(thief, amount, "what the fraudulent exit pays", at_end=True)

    def _standard_exit_ends(self, owner: Person, bond: Wei, processor: Person) -> None:
        """Note that a standard exit's bond comes back, less what its processing earns."""
        bounty = self._bounties.standard_exit
        self.gains(owner, bond - bounty, "its bond back", at_end=True)
        if bounty:
            self.gains(processor, bounty, "the bounty for processing", at_end=True)

    def gets_out(self, amount: Wei = ETHER) -> None:
        """Note that the guard gets its money by the end; its bonds come back, and bounties stay its own."""
        self.gains(self.guard, amount, "what its exit pays", at_end=True)

    async def ripen(self) -> None:
        """Let every exit period pass, and leave the queues to the guard."""
        head = await self.people.chain.head()
        ripe = head.timestamp + 2 * self.people.game.contracts.min_exit_period + 1
        self.processed = await self.people.move_time(ripe)
        self.tell("chain", "the exit period passes")

    async def process(self, token: Address = ETH) -> None:
        """Let every exit period pass, and have Carol process a token's queue, where time can be moved."""
        head = await self.people.chain.head()
        ripe = head.timestamp + 2 * self.people.game.contracts.min_exit_period + 1
        self.processed = await self.people.move_time(ripe)
        if not self.processed:
            self.tell("chain", "this node cannot move time: the exit queue is left as it is")
            return
        await self.people.process_exits(self.carol, token=token)
        self.tell("chain", "the exit period passes and the queue is processed")


def ether(amount: Wei) -> str:
    """Return an amount as people say it."""
    return f"{amount / ETHER:g} ETH"
