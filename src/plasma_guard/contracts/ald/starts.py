"""What in-flight exits were started with on PaymentExitGame: logged by revision 2, given to revision 1."""

from plasma_guard.contracts.abis import ald as abi
from plasma_guard.contracts.ald.revisions import Revision
from plasma_guard.contracts.calldata import Arguments
from plasma_guard.contracts.starts import from_calldata, is_signed, start_data
from plasma_guard.domain.exits import ContractSet, InFlightExitStarted, InFlightStartData
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.ports import Chain

_TX, _INPUT_TXS, _POSITIONS, _WITNESSES = 0, 1, 2, 4
"""Places in startInFlightExit's one argument, a tuple."""


async def start_of(
    chain: Chain, contracts: ContractSet, revision: Revision, rules: PlasmaRules, event: InFlightExitStarted
) -> InFlightStartData | None:
    """Return what an exit was started with, from its log or from the calldata of its transaction."""
    if revision.in_flight_starts_are_logged:
        return await _from_log(chain, contracts.exit_game, revision, rules, event)
    return await from_calldata(
        chain,
        event,
        abi.START_IN_FLIGHT_EXIT,
        lambda arguments: arguments.nested(0).content(_TX),
        lambda arguments: _read(rules, arguments.nested(0)),
        is_taken=lambda data: is_signed(rules, contracts.entry, data),
    )


async def _from_log(
    chain: Chain, exit_game: Address, revision: Revision, rules: PlasmaRules, event: InFlightExitStarted
) -> InFlightStartData | None:
    layout, number = revision.in_flight_exit_started, event.block_number
    for log in await chain.logs([exit_game], [layout.topic], number, number):
        if (log.tx_hash, log.log_index) == (event.tx_hash, event.log_index):
            fields = layout.decode(log)
            return start_data(
                rules,
                fields["inFlightTx"],
                fields["inputTxs"],
                [UtxoPosition.decode(position) for position in fields["inputUtxosPos"]],
                fields["inFlightTxWitnesses"],
            )
    return None


def _read(rules: PlasmaRules, given: Arguments) -> InFlightStartData:
    return start_data(
        rules,
        given.content(_TX),
        given.contents(_INPUT_TXS),
        [UtxoPosition.decode(position) for position in given.numbers(_POSITIONS)],
        given.contents(_WITNESSES),
    )
