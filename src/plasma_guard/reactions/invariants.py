"""Rules no action may break, whoever chose it and why.

They repeat on purpose, by other means, what the reactions already made sure of: a mistake in one place must
not cost money. Each rule returns None, or the sentence that says what it forbids.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.decisions import Act
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import ExitStatus
from plasma_guard.domain.transactions import Outcome, Reverted
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.reactions.base import Subject

MAX_REVERTS = 2
"""A call that was mined and failed is planned once more, by its cause; a second failure needs a person."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An action about to be handed to the sender, with everything the rules look at."""

    act: Act
    subject: Subject
    at: BlockStamp
    rules: PlasmaRules
    outcomes: Sequence[Outcome]
    """What became of earlier intents of the same case."""


Rule = Callable[[Proposal], str | None]


def exit_still_runs(proposal: Proposal) -> str | None:
    """Gas spent on an exit that is already challenged or processed is wasted."""
    entry = proposal.subject.entry
    if entry.status is not ExitStatus.RUNNING:
        return f"the exit is {entry.status}, not running"
    return None


def action_is_about_the_subject(proposal: Proposal) -> str | None:
    """A case may only lead to calls about its own exit."""
    action, subject = proposal.act.action, proposal.subject
    if (action.exit_id, action.position) != (subject.entry.exit_id, subject.start.position):
        return "the action names another exit than the case it belongs to"
    return None


def challenge_spends_the_position(proposal: Proposal) -> str | None:
    """An input index out of range burns the whole gas limit, a wrong one all that was used."""
    action = proposal.act.action
    try:
        inputs = proposal.rules.decode(action.challenge_tx).inputs
    except MalformedError as error:
        return f"the challenge transaction cannot be decoded: {error}"
    if not 0 <= action.input_index < len(inputs):
        return f"input index {action.input_index} is out of range of {len(inputs)} inputs"
    if inputs[action.input_index] != proposal.subject.start.position:
        return f"input {action.input_index} does not spend position {proposal.subject.start.position}"
    return None


def budget_is_positive(proposal: Proposal) -> str | None:
    """A case nobody may spend on is told to a person, not silently dropped."""
    if proposal.act.window.budget <= 0:
        return "max_cost_per_case leaves nothing to spend"
    return None


def window_is_in_order(proposal: Proposal) -> str | None:
    """A soft time after the hard one would mean that simulation may veto until it is too late."""
    window = proposal.act.window
    if window.soft > window.hard:
        return f"the soft time {window.soft} lies after the hard time {window.hard}"
    return None


def not_failing_again_and_again(proposal: Proposal) -> str | None:
    """A call that keeps failing after good simulations is a mistake of ours, and each try costs gas."""
    reverts = sum(isinstance(outcome, Reverted) for outcome in proposal.outcomes)
    if reverts >= MAX_REVERTS:
        return f"it was mined and failed {reverts} times already"
    return None


RULES: tuple[Rule, ...] = (
    exit_still_runs,
    action_is_about_the_subject,
    challenge_spends_the_position,
    budget_is_positive,
    window_is_in_order,
    not_failing_again_and_again,
)


def violations(proposal: Proposal) -> list[str]:
    """Return what the proposal breaks, empty when it may go ahead."""
    return [complaint for rule in RULES if (complaint := rule(proposal))]
