"""startInFlightExit's arguments on RootChain v0.2: input transactions, proofs and signatures run together."""

from plasma_guard.contracts.abis import rootchain as abi
from plasma_guard.contracts.calldata import Arguments
from plasma_guard.contracts.starts import from_calldata, is_signed, start_data
from plasma_guard.domain.exits import InFlightExitStarted, InFlightStartData
from plasma_guard.domain.primitives import Address
from plasma_guard.plasma import legacy_rlp
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.ports import Chain

_TX, _INPUT_TXS, _SIGNATURES = 0, 1, 3
"""Places among the arguments."""
_SIGNATURE = 65


async def start_of(
    chain: Chain, root_chain: Address, rules: PlasmaRules, event: InFlightExitStarted
) -> InFlightStartData | None:
    """Return what an exit was started with, from the calldata of its transaction."""
    return await from_calldata(
        chain,
        event,
        abi.START_IN_FLIGHT_EXIT,
        lambda arguments: arguments.content(_TX),
        lambda arguments: _read(rules, arguments),
        is_taken=lambda data: is_signed(rules, root_chain, data),
    )


def _read(rules: PlasmaRules, arguments: Arguments) -> InFlightStartData:
    """Read as many input transactions and signatures as there are inputs; what follows is padding."""
    tx = arguments.content(_TX)
    positions = rules.decode(tx).inputs
    listed = arguments.content(_INPUT_TXS)
    items = legacy_rlp.children(listed, legacy_rlp.whole(listed), "input transactions")
    joined = arguments.content(_SIGNATURES)
    return start_data(
        rules,
        tx,
        [listed[item.start : item.start + item.length] for item in items[: len(positions)]],
        positions,
        [joined[at * _SIGNATURE :][:_SIGNATURE] for at in range(len(positions))],
    )
