"""What people do in the in-flight game on a real devnet, through the product's own calldata."""

from plasma_guard.domain.actions import (
    Action,
    ChallengeInputSpent,
    ChallengeNotCanonical,
    ChallengeOutputSpent,
    Piggyback,
    RespondToNonCanonicalChallenge,
)
from plasma_guard.domain.evidence import Competitor, Inclusion, InputSpend, OutputSpend
from plasma_guard.domain.exits import InFlightExit, Side
from plasma_guard.verifier import Verifier
from verifier.net import FRIEND, USER, Net
from verifier.world import Account

Evidence = Competitor | Inclusion | InputSpend | OutputSpend


async def start(net: Net, verifier: Verifier, signed: bytes) -> bytes:
    """Start the exit of a signed transaction with what the verifier says it takes; return it unsigned."""
    data = verifier.ways_out.in_flight_data(net.rules.decode_signed(signed))
    inputs = list(zip(data.positions, data.input_txs, data.proofs, strict=True))
    call = net.calls.start_in_flight_exit(data.tx, inputs, data.signatures[: len(inputs)])
    bonds = await net.game.bonds(await net.chain.head())
    await net.transactor.send_raw("0x" + USER.key.hex(), str(call.to), call.data, value=bonds.in_flight_exit)
    return data.tx


async def join(net: Net, tx: bytes, owner: Account, side: Side, index: int) -> None:
    bonds = await net.game.bonds(await net.chain.head())
    exit_id = net.rules.in_flight_exit_id(tx)
    await act(net, Piggyback(exit_id, tx, side, index, bonds.piggyback), owner)


async def answer(net: Net, evidence: Evidence) -> None:
    """Turn a Watcher's evidence into the call it is for, and have it mined."""
    exit_id = net.rules.in_flight_exit_id(evidence.in_flight_tx)
    action: Action
    match evidence:
        case Inclusion(tx, position, proof):
            action = RespondToNonCanonicalChallenge(exit_id, tx, position, proof)
        case OutputSpend(tx, position, proof, spending, index, signature):
            assert signature is not None
            action = ChallengeOutputSpent(exit_id, tx, position, proof, spending, index, signature)
        case InputSpend(tx, ours, spending, theirs, signature, input_tx, input_position):
            assert signature is not None
            action = ChallengeInputSpent(
                exit_id, tx, ours, spending, theirs, signature, input_tx, input_position
            )
        case Competitor():
            assert evidence.signature is not None
            action = ChallengeNotCanonical(
                exit_id=exit_id,
                in_flight_tx=evidence.in_flight_tx,
                in_flight_input_index=evidence.in_flight_input_index,
                competing_tx=evidence.competing_tx,
                competing_input_index=evidence.competing_input_index,
                position=evidence.position,
                proof=evidence.proof,
                signature=evidence.signature,
                input_tx=evidence.input_tx,
                input_position=evidence.input_position,
            )
    await act(net, action, FRIEND)


async def act(net: Net, action: Action, account: Account) -> None:
    call = net.game.candidate(action, intent="test", case_id=1, account=account.address)
    await net.transactor.send_raw("0x" + account.key.hex(), str(call.to), call.data, value=call.value)


async def delete(net: Net, tx: bytes) -> None:
    call = net.calls.delete_non_piggybacked(net.rules.in_flight_exit_id(tx))
    await net.transactor.send_raw("0x" + USER.key.hex(), str(call.to), call.data)


async def entry(net: Net, tx: bytes) -> InFlightExit:
    """Return the contract's entry of an exit."""
    [found] = await net.game.in_flight_exits([tx], await net.chain.head())
    return found
