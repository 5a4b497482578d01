"""What in-flight exits were started with, whichever generation and however the contract was called."""

from collections.abc import Callable, Sequence

from plasma_guard.contracts.abis import Function
from plasma_guard.contracts.calldata import Arguments, calls_in
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import InFlightExitStarted, InFlightStartData
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.ports import Chain

TxOf = Callable[[Arguments], bytes]
Read = Callable[[Arguments], InFlightStartData]
Check = Callable[[InFlightStartData], bool]


async def from_calldata(
    chain: Chain,
    event: InFlightExitStarted,
    function: Function,
    tx_of: TxOf,
    read: Read,
    *,
    is_taken: Check,
) -> InFlightStartData | None:
    """Return what the transaction that started an exit gave the contract, directly or through another.

    `tx_of` finds the in-flight transaction in the call's arguments, whose hash tells the right call from
    other calls and from bytes that only look like one. `is_taken` refuses calls with that transaction which
    the contract would have refused, such as one put in front to pass off other signatures. None when no such
    call is in the calldata. Who the inputs' owners are stays the caller's word: only blocks prove it.
    """
    calldata = await chain.transaction_input(event.tx_hash)
    for arguments in calls_in(calldata or b"", function.selector):
        try:
            if keccak(tx_of(arguments)) == event.plasma_tx_hash and is_taken(data := read(arguments)):
                return data
        except MalformedError:
            # Not a start, or none the contract would have taken: the next place may be.
            continue
    return None


def start_data(
    rules: PlasmaRules,
    tx: bytes,
    input_txs: Sequence[bytes],
    positions: Sequence[UtxoPosition],
    signatures: Sequence[bytes],
) -> InFlightStartData:
    """Put the parts together; raises `MalformedError` unless there is one of each for every input."""
    if not len(input_txs) == len(positions) == len(signatures):
        raise MalformedError(
            f"in-flight start: {len(input_txs)} input transactions, {len(positions)} positions and"
            f" {len(signatures)} signatures"
        )
    owners = [
        _owner(rules, input_tx, position) for input_tx, position in zip(input_txs, positions, strict=True)
    ]
    return InFlightStartData(tx, tuple(input_txs), tuple(positions), tuple(signatures), tuple(owners))


def is_signed(rules: PlasmaRules, contract: Address, data: InFlightStartData) -> bool:
    """Tell whether the positions are the transaction's inputs, each signed by the owner it is said to have.

    An input without a known owner counts as signed. Raises `MalformedError` for what is no signature.
    """
    tx = rules.decode(data.tx)
    return data.input_positions == tx.inputs and all(
        owner is None or rules.recover(tx, signature, contract) == owner
        for owner, signature in zip(data.input_owners, data.signatures, strict=True)
    )


def _owner(rules: PlasmaRules, input_tx: bytes, position: UtxoPosition) -> Address | None:
    try:
        outputs = rules.decode(input_tx).outputs
    except MalformedError:
        # Such as a fee transaction, whose outputs the guard does not read.
        return None
    return outputs[position.oindex].owner if position.oindex < len(outputs) else None
