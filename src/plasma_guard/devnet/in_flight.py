"""What people do about in-flight exits, by hand: start, join, challenge, answer, delete."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plasma_guard.devnet.calls import ContractCall
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.people import Mined, Payment, People, Person, SignedPayment
from plasma_guard.domain.actions import (
    Action,
    ChallengeInputSpent,
    ChallengeNotCanonical,
    ChallengeOutputSpent,
    Piggyback,
    RespondToNonCanonicalChallenge,
)
from plasma_guard.domain.exits import ExitId, InFlightExit, Side

if TYPE_CHECKING:
    from plasma_guard.domain.position import UtxoPosition
    from plasma_guard.domain.primitives import Wei


@dataclass(frozen=True, slots=True)
class StartedInFlightExit:
    """An in-flight exit that somebody started, for `bond` wei."""

    payment: SignedPayment
    exit_id: ExitId
    bond: Wei
    tx_hash: str = field(compare=False)
    block_number: int = field(compare=False)

    @property
    def tx(self) -> bytes:
        """The in-flight transaction, unsigned."""
        return self.payment.tx


@dataclass(frozen=True, slots=True)
class SharedInput:
    """An output that two transactions spend: as input `index` of one, `other_index` of the other."""

    position: UtxoPosition
    index: int
    other_index: int


class InFlightExits:
    """Acts for the people of a devnet; whoever calls, `DevnetError` says what the contract refused."""

    def __init__(self, people: People) -> None:
        self._people = people

    async def start(self, starter: Person, payment: SignedPayment) -> StartedInFlightExit:
        """Start the exit of a payment; anybody may who has the signatures, and needs no Watcher's leave."""
        people = self._people
        positions = people.rules.decode(payment.tx).inputs
        inputs = [(position, *await people.exit_data(position)) for position in positions]
        bond = (await people.game.bonds(await people.chain.head())).in_flight_exit
        call = people.calls.start_in_flight_exit(payment.tx, inputs, payment.signatures)
        mined = await people.send(starter, call, value=bond, what="the start of the in-flight exit")
        exit_id = people.rules.in_flight_exit_id(payment.tx)
        return StartedInFlightExit(payment, exit_id, bond, mined.tx_hash, mined.block_number)

    async def piggyback(self, owner: Person, exit_: StartedInFlightExit, side: Side, index: int) -> Wei:
        """Join with an input or output that is the owner's; return the bond."""
        bond = (await self._people.game.bonds(await self._people.chain.head())).piggyback
        await self._act(owner, Piggyback(exit_.exit_id, exit_.tx, side, index, bond), "the piggyback")
        return bond

    async def challenge_not_canonical(
        self, challenger: Person, exit_: StartedInFlightExit, competing: SignedPayment
    ) -> Mined:
        """Show a competitor: with its place if it is an included `Payment`, else without."""
        shared = self._shared_input(exit_, competing)
        position, proof = None, b""
        if isinstance(competing, Payment):
            position = competing.output()
            _, proof = await self._people.exit_data(position)
        action = ChallengeNotCanonical(
            exit_id=exit_.exit_id,
            in_flight_tx=exit_.tx,
            in_flight_input_index=shared.index,
            competing_tx=competing.tx,
            competing_input_index=shared.other_index,
            position=position,
            proof=proof,
            signature=competing.signatures[shared.other_index],
            input_tx=(await self._people.exit_data(shared.position))[0],
            input_position=shared.position,
        )
        return await self._act(challenger, action, "the challenge of canonicity")

    async def respond(self, responder: Person, exit_: StartedInFlightExit, included: Payment) -> Mined:
        """Answer such a challenge with the block that the transaction is in."""
        _, proof = await self._people.exit_data(included.output())
        action = RespondToNonCanonicalChallenge(exit_.exit_id, exit_.tx, included.output(), proof)
        return await self._act(responder, action, "the response")

    async def challenge_input_spent(
        self, challenger: Person, exit_: StartedInFlightExit, spending: SignedPayment
    ) -> Mined:
        """Remove the piggyback of the input that `spending` spends too."""
        shared = self._shared_input(exit_, spending)
        action = ChallengeInputSpent(
            exit_id=exit_.exit_id,
            in_flight_tx=exit_.tx,
            in_flight_input_index=shared.index,
            spending_tx=spending.tx,
            spending_input_index=shared.other_index,
            signature=spending.signatures[shared.other_index],
            input_tx=(await self._people.exit_data(shared.position))[0],
            input_position=shared.position,
        )
        return await self._act(challenger, action, "the challenge of an input")

    async def challenge_output_spent(
        self, challenger: Person, exit_: StartedInFlightExit, output: UtxoPosition, spending: SignedPayment
    ) -> Mined:
        """Remove the piggyback of an output, of an included transaction, that `spending` spends."""
        index = self._people.rules.decode(spending.tx).inputs.index(output)
        action = ChallengeOutputSpent(
            exit_id=exit_.exit_id,
            in_flight_tx=exit_.tx,
            output_position=output,
            proof=(await self._people.exit_data(output))[1],
            spending_tx=spending.tx,
            spending_input_index=index,
            signature=spending.signatures[index],
        )
        return await self._act(challenger, action, "the challenge of an output")

    async def delete(self, deleter: Person, exit_: StartedInFlightExit) -> Mined:
        """Delete an exit that nobody joined, which ald allows in its second phase."""
        call = self._people.calls.delete_non_piggybacked(exit_.exit_id)
        return await self._people.send(deleter, call, what="the deletion of the in-flight exit")

    async def entry(self, exit_: StartedInFlightExit) -> InFlightExit:
        """Return what the contract knows of an exit now."""
        game, chain = self._people.game, self._people.chain
        (entry,) = await game.in_flight_exits([exit_.tx], await chain.head())
        return entry

    async def _act(self, sender: Person, action: Action, what: str) -> Mined:
        sent = self._people.game.candidate(action, intent="by hand", case_id=0, account=sender.address)
        call = ContractCall(sent.to, sent.data)
        return await self._people.send(sender, call, value=sent.value, what=what)

    def _shared_input(self, exit_: StartedInFlightExit, other: SignedPayment) -> SharedInput:
        inputs = self._people.rules.decode(exit_.tx).inputs
        others = self._people.rules.decode(other.tx).inputs
        for index, position in enumerate(inputs):
            if position in others:
                return SharedInput(position, index, others.index(position))
        raise DevnetError("the two transactions have no input in common")
