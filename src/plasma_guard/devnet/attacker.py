"""What a thief does: honestly signed, properly bonded, and a lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from plasma_guard.devnet.people import Payment, People, Person, StartedExit
from plasma_guard.domain.evidence import StandardExitChallenge
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Wei
from plasma_guard.plasma.transaction import Output

ETHER: Final = Wei(10**18)
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Fraud:
    """An exit of an output that was spent before: `amount` wei would be stolen if nobody challenged.

    `spend` is the payment whose input 0 the output was.
    """

    thief: Person
    exit: StartedExit
    amount: Wei
    spend: Payment

    @property
    def proof(self) -> StandardExitChallenge:
        """The challenge that anybody can make who was there when the output was spent."""
        return StandardExitChallenge(
            position=self.exit.position,
            exit_id=self.exit.exit_id,
            challenge_tx=self.spend.tx,
            input_index=0,
            signature=self.spend.signatures[0],
            exiting_tx=self.exit.exiting_tx,
        )


async def exit_spent_deposit(people: People, tell: Tell, amount: Wei = ETHER) -> Fraud:
    """Deposit, spend the deposit to Bob, and exit the spent deposit all the same."""
    alice, bob = people["alice"], people["bob"]
    deposit = await people.deposit(alice, amount)
    tell(f"Alice deposits {_ether(amount)}: output {deposit} is hers")
    spend = await people.spend([(alice, deposit)], [Output(bob.address, ETH, amount)])
    tell(f"Alice pays it to Bob in plasma block {spend.blknum}: output {spend.output()} is his now")
    return await _exit_spent(people, tell, alice, deposit, amount, spend)


async def exit_spent_payment(people: People, tell: Tell, amount: Wei = ETHER) -> Fraud:
    """Receive an output on the plasma chain, spend it, and exit it all the same."""
    alice, bob = people["alice"], people["bob"]
    deposit = await people.deposit(alice, amount)
    received = await people.pay(alice, deposit, amount, bob)
    tell(f"Alice pays Bob {_ether(amount)}: output {received} is his")
    back = await people.spend([(bob, received)], [Output(alice.address, ETH, amount)])
    tell(f"Bob pays it back in plasma block {back.blknum}: output {back.output()} is Alice's now")
    return await _exit_spent(people, tell, bob, received, amount, back)


async def _exit_spent(
    people: People, tell: Tell, thief: Person, position: UtxoPosition, amount: Wei, spend: Payment
) -> Fraud:
    started = await people.start_exit(thief, position, amount)
    tell(
        f"{thief.name.capitalize()} exits output {position} although it is spent,"
        f" staking a bond of {started.bond} wei (transaction {started.tx_hash})"
    )
    return Fraud(thief, started, amount, spend)


def _ether(amount: Wei) -> str:
    return f"{amount / ETHER:g} ETH"
