"""Rules no action may break, whoever chose it and why.

They repeat on purpose, by other means, what the reactions already made sure of: a mistake in one place must
not cost money. Each rule returns None, or the sentence that says what it forbids.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plasma_guard.domain.actions import (
    AddExitQueue,
    ChallengeInputSpent,
    ChallengeNotCanonical,
    ChallengeOutputSpent,
    ChallengeStandardExit,
    Piggyback,
    ProcessExits,
    RespondToNonCanonicalChallenge,
    StartInFlightExit,
    StartStandardExit,
)
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.decisions import Act
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import Side
from plasma_guard.domain.position import UtxoPosition
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


def contract_still_wants_it(proposal: Proposal) -> str | None:
    """Gas spent on what is already answered, processed or out of its phase is wasted."""
    return None if proposal.subject.open else "the contract's state leaves nothing to answer"


def action_is_about_the_subject(proposal: Proposal) -> str | None:
    """A case may only lead to calls about its own exit."""
    action = proposal.act.action
    if isinstance(action, AddExitQueue | ProcessExits):  # about a whole queue
        token = action.token
        return None if token in proposal.subject.tokens else f"the case is not about token {token}"
    if action.exit_id != proposal.subject.exit_id:
        return "the action names another exit than the case it belongs to"
    return None


def spend_is_where_it_is_said_to_be(proposal: Proposal) -> str | None:
    """An input index out of range burns the whole gas limit, a wrong one all that was used."""
    action, rules = proposal.act.action, proposal.rules
    try:
        match action:
            case ChallengeStandardExit():
                spent = _input(rules, action.challenge_tx, action.input_index)
                return _differs(spent, proposal.subject.position)
            case ChallengeNotCanonical():
                ours = _input(rules, action.in_flight_tx, action.in_flight_input_index)
                return _differs(_input(rules, action.competing_tx, action.competing_input_index), ours)
            case ChallengeInputSpent():
                ours = _input(rules, action.in_flight_tx, action.in_flight_input_index)
                return _differs(_input(rules, action.spending_tx, action.spending_input_index), ours)
            case ChallengeOutputSpent():
                spent = _input(rules, action.spending_tx, action.spending_input_index)
                return _differs(spent, action.output_position)
            case Piggyback():
                tx = rules.decode(action.in_flight_tx)
                slots = tx.inputs if action.side is Side.INPUT else tx.outputs
                if not 0 <= action.index < len(slots):
                    return f"the transaction has no {action.side} {action.index}"
                return None
            case _:
                return None
    except (MalformedError, IndexError) as error:
        return f"the evidence cannot be used: {error}"


def start_is_of_our_output(proposal: Proposal) -> str | None:
    """The contract lets only its owner start an output's exit, and refuses anything incomplete, for gas."""
    action, rules = proposal.act.action, proposal.rules
    try:
        match action:
            case StartStandardExit():
                return _standard_start(proposal, action)
            case StartInFlightExit():
                return _in_flight_start(rules, action)
            case _:
                return None
    except MalformedError as error:
        return f"what the exit is started with cannot be used: {error}"


def other_transaction_is_another(proposal: Proposal) -> str | None:
    """No transaction can be shown against itself."""
    match proposal.act.action:
        case ChallengeNotCanonical(in_flight_tx=ours, competing_tx=other):
            same = ours == other
        case ChallengeInputSpent(in_flight_tx=ours, spending_tx=other):
            same = ours == other
        case _:
            return None
    return "the transaction is shown against itself" if same else None


def places_have_output_index_zero(proposal: Proposal) -> str | None:
    """RootChain compares positions raw: with another index somebody else can take the bond."""
    match proposal.act.action:
        case ChallengeNotCanonical(position=UtxoPosition(oindex=index)) if index:
            return "the competitor's position has an output index"
        case RespondToNonCanonicalChallenge(position=UtxoPosition(oindex=index)) if index:
            return "the transaction's position has an output index"
        case _:
            return None


def phase_is_not_over(proposal: Proposal) -> str | None:
    """What only the first phase allows is refused by the contract one second later, for gas."""
    if not isinstance(proposal.act.action, ChallengeNotCanonical | Piggyback):
        return None
    if proposal.at.timestamp > proposal.act.window.hard:
        return f"the phase for it ended at {proposal.act.window.hard}, it is {proposal.at.timestamp}"
    return None


def budget_is_positive(proposal: Proposal) -> str | None:
    """A case nobody may spend on is told to a person, not silently dropped."""
    if proposal.act.window.budget <= 0:
        return "what is at stake, or the cap on it, leaves nothing to spend"
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
    contract_still_wants_it,
    action_is_about_the_subject,
    spend_is_where_it_is_said_to_be,
    start_is_of_our_output,
    other_transaction_is_another,
    places_have_output_index_zero,
    phase_is_not_over,
    budget_is_positive,
    window_is_in_order,
    not_failing_again_and_again,
)


def violations(proposal: Proposal) -> list[str]:
    """Return what the proposal breaks, empty when it may go ahead."""
    return [complaint for rule in RULES if (complaint := rule(proposal))]


def _standard_start(proposal: Proposal, action: StartStandardExit) -> str | None:
    rules, index = proposal.rules, action.position.oindex
    outputs = rules.decode(action.output_tx).outputs
    if not index < len(outputs):
        return f"the transaction has no output {index}"
    if outputs[index].owner != proposal.act.account:
        return "only the output's owner can start its exit"
    if rules.standard_exit_id(action.output_tx, action.position) != action.exit_id:
        return "the exit id is another output's"
    return _differs(action.position, proposal.subject.position)


def _in_flight_start(rules: PlasmaRules, action: StartInFlightExit) -> str | None:
    inputs = rules.decode(action.in_flight_tx).inputs
    if inputs != action.input_positions:
        return "its input positions are not the transaction's"
    lengths = {len(action.input_txs), len(action.proofs), len(action.signatures)}
    if lengths != {len(inputs)}:
        return f"it needs {len(inputs)} input transactions, proofs and signatures"
    for tx, position in zip(action.input_txs, inputs, strict=True):
        if not position.oindex < len(rules.decode(tx).outputs):
            return f"no transaction is given that has output {position}"
    if rules.in_flight_exit_id(action.in_flight_tx) != action.exit_id:
        return "the exit id is another transaction's"
    return None


def _input(rules: PlasmaRules, tx: bytes, index: int) -> UtxoPosition:
    inputs = rules.decode(tx).inputs
    if not 0 <= index < len(inputs):
        raise IndexError(f"input index {index} is out of range of {len(inputs)} inputs")
    return inputs[index]


def _differs(spent: UtxoPosition, wanted: UtxoPosition) -> str | None:
    return None if spent == wanted else f"it spends {spent}, not {wanted}"
