"""What each output lacks to leave, in words for its owner; pure."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.domain.vault import HeldOutput, KeptTransaction
from plasma_guard.plasma.rules import PlasmaRules

Creator = Callable[[UtxoPosition], KeptTransaction | None]


@dataclass(frozen=True, slots=True)
class Lack:
    """`words` say what is missing, `stuck` that no way out is left without it."""

    words: tuple[str, ...]
    stuck: bool


def lack(
    rules: PlasmaRules,
    output: HeldOutput,
    creating: KeptTransaction | None,
    creator: Creator,
    *,
    owners: Collection[Address],
    depth: int,
) -> Lack:
    """Return what a way out of one output lacks.

    A standard exit takes the creating transaction with its proof, and on RootChain v0.2 an even output index:
    the contract pays nothing for index 1 and 3. An in-flight exit takes that transaction's signatures, and of
    each input the transaction that created it with its proof; and the same of its ancestors, `depth`
    generations back, along the outputs that were ours, as only those can be joined.
    """
    if creating is None:
        return Lack((f"the transaction {output.tx_hash} that created it",), stuck=True)
    proven = creating.position is not None and bool(creating.proof)
    never_paid = not rules.generation.is_ald and output.index % 2 == 1
    if not creating.sources:
        return Lack((), stuck=False) if proven else Lack(("the proof of its deposit",), stuck=True)
    wanting = in_flight_lacks(creating, creator)
    standard = proven and not never_paid
    words = wanting + _of_ancestors(rules, creating, creator, owners, depth)
    if never_paid and wanting:
        index = output.index
        why = f"this contract never pays a standard exit of output index {index}, only an in-flight exit"
        words = (why, *words)
    return Lack(words, stuck=bool(wanting) and not standard)


def in_flight_lacks(tx: KeptTransaction, creator: Creator) -> tuple[str, ...]:
    """Return what an in-flight exit of a transaction lacks."""
    words = [
        f"the transaction that created input {index} at {source}, with its proof"
        for index, source in enumerate(tx.sources)
        if (made := creator(source)) is None or not made.proof
    ]
    if not tx.is_signed:
        words.append(f"the signatures of transaction {tx.hash}")
    return tuple(words)


def _of_ancestors(
    rules: PlasmaRules, tx: KeptTransaction, creator: Creator, owners: Collection[Address], depth: int
) -> tuple[str, ...]:
    words: list[str] = []
    seen: set[Hash32] = {tx.hash}
    generation = [tx]
    for _ in range(depth - 1):
        found = [made for each in generation for made in own_ancestors(rules, each, creator, owners)]
        generation = list({made.hash: made for made in found if made.hash not in seen}.values())
        seen |= {made.hash for made in generation}
        for ancestor in generation:
            words += [f"of an ancestor: {word}" for word in in_flight_lacks(ancestor, creator)]
    return tuple(words)


def own_ancestors(
    rules: PlasmaRules, tx: KeptTransaction, creator: Creator, owners: Collection[Address]
) -> list[KeptTransaction]:
    """Return the payments that created those inputs of a transaction that were ours."""
    found = []
    for source in tx.sources:
        made = creator(source)
        if made is None or not made.sources:
            continue
        outputs = rules.decode(made.raw).outputs
        if source.oindex < len(outputs) and outputs[source.oindex].owner in owners:
            found.append(made)
    return found
