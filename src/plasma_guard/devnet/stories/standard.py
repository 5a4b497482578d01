"""Stories of standard exits: an output that was spent is exited all the same."""

from collections.abc import AsyncIterator

from plasma_guard.devnet.attacker import Fraud, exit_spent_deposit, exit_spent_payment
from plasma_guard.devnet.stage import Alerts, Cue, Reports, Says, Stage
from plasma_guard.devnet.stories.sayings import STOPPED


async def invalid_exit(stage: Stage) -> AsyncIterator[Cue]:
    """A spent deposit is exited; the challenge takes the thief's bond."""
    fraud = await exit_spent_deposit(stage.people, lambda text: stage.tell("thief", text))
    stage.loses(fraud.thief, fraud.amount, "the deposit, spent before")
    keep_books(stage, fraud)
    yield Says(STOPPED)
    await stage.process()


async def invalid_payment_exit(stage: Stage) -> AsyncIterator[Cue]:
    """An output received on the plasma chain is spent and exited."""
    fraud = await exit_spent_payment(stage.people, lambda text: stage.tell("thief", text))
    stage.loses(stage.alice, fraud.amount, "the deposit, which came back to her on the plasma chain")
    keep_books(stage, fraud)
    yield Says(STOPPED)
    await stage.process()


async def late_exit(stage: Stage) -> AsyncIterator[Cue]:
    """Nobody challenges until the Watcher gives the chain up; a guard that comes late still does."""
    fraud = await exit_spent_deposit(stage.people, lambda text: stage.tell("thief", text))
    stage.loses(fraud.thief, fraud.amount, "the deposit, spent before")
    keep_books(stage, fraud)
    yield Reports("unchallenged_exit")
    stage.tell("chain", "nobody has challenged it for long: the Watcher reports unchallenged_exit")
    yield Says(STOPPED)
    yield Alerts("leave/unchallenged_exit")
    await stage.process()


def keep_books(stage: Stage, fraud: Fraud) -> None:
    """Note that the thief's bond must go to the guard, and what the fraud was about."""
    stage.loses(fraud.thief, fraud.exit.bond, "the bond of the fraudulent exit")
    stage.gains(stage.guard, fraud.exit.bond, "that bond, for the challenge")
    stage.facts |= {
        "position": str(fraud.exit.position),
        "amount_wei": str(fraud.amount),
        "bond_wei": str(fraud.exit.bond),
    }
