"""The parameters of a request, checked in the words of the real Watcher."""

import re
from collections.abc import Mapping

from plasma_guard.domain.errors import MalformedError, WatcherRefused
from plasma_guard.domain.position import BLOCK_OFFSET, UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.plasma import rlp
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import SignedTransaction

Parameters = Mapping[str, object]

_BAD_PARAMETERS = "Parameters required by this operation are missing or incorrect."
_HEX = re.compile("0[xX](?:[0-9a-fA-F]{2})*")
_ADDRESS_LENGTH = Address.LENGTH


def position(parameters: Parameters, action: str) -> UtxoPosition:
    """Read `utxo_pos`; a number that no output can have becomes a position where none is."""
    encoded = _integer(parameters, "utxo_pos", above=0)
    if encoded < BLOCK_OFFSET:
        raise WatcherRefused(f"{action}:encoded_utxo_position_too_low")
    try:
        return UtxoPosition.decode(encoded)
    except MalformedError:
        # No output can be there; asking for one past any block's end gives the answer of each endpoint.
        blknum, _ = divmod(encoded, BLOCK_OFFSET)
        return UtxoPosition(blknum, 2**16 - 1, 10**4 - 1)


def address(parameters: Parameters) -> Address:
    """Read `address`."""
    content = _bytes(parameters, "address")
    if len(content) != _ADDRESS_LENGTH:
        raise _wrong("address", f"{{:length, {_ADDRESS_LENGTH}}}")
    return Address(content)


def index(parameters: Parameters, name: str) -> int:
    """Read the index of an input or output."""
    return _integer(parameters, name, above=-1)


def unsigned(parameters: Parameters, action: str, rules: PlasmaRules) -> bytes:
    """Read `txbytes` as a transaction without signatures."""
    content = _bytes(parameters, "txbytes")
    try:
        rules.decode(content)
    except MalformedError as error:
        first = _first_item(content, action)
        if rules.generation.is_ald and first.is_list:
            # What stands where the type belongs is the list of signatures.
            raise WatcherRefused(f"{action}:unrecognized_transaction_type") from error
        raise WatcherRefused(f"{action}:malformed_transaction") from error
    return content


def signed(parameters: Parameters, action: str, rules: PlasmaRules) -> SignedTransaction:
    """Read `txbytes` as a transaction with its signatures."""
    content = _bytes(parameters, "txbytes")
    try:
        return rules.decode_signed(content)
    except MalformedError as error:
        if not _first_item(content, action).is_list:
            raise WatcherRefused(f"{action}:malformed_witnesses") from error
        raise WatcherRefused(f"{action}:malformed_transaction") from error


def _first_item(content: bytes, action: str) -> rlp.Item:
    """Return the first item of the list that a transaction must be; refuses any other bytes."""
    try:
        whole = rlp.whole(content, "transaction")
    except MalformedError as error:
        raise WatcherRefused(f"{action}:malformed_transaction_rlp") from error
    try:
        items = rlp.children(content, whole, "transaction")
    except MalformedError as error:
        reason = "malformed_transaction_rlp" if whole.is_list else "malformed_transaction"
        raise WatcherRefused(f"{action}:{reason}") from error
    if not items:
        raise WatcherRefused(f"{action}:malformed_transaction")
    return items[0]


def _integer(parameters: Parameters, name: str, *, above: int) -> int:
    value = parameters.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(name, ":integer")
    if value <= above:
        raise _wrong(name, f"{{:greater, {above}}}")
    return value


def _bytes(parameters: Parameters, name: str) -> bytes:
    text = parameters.get(name)
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        raise _wrong(name, ":hex")
    return bytes.fromhex(text[2:])


def _wrong(parameter: str, validator: str) -> WatcherRefused:
    messages = {"validation_error": {"parameter": parameter, "validator": validator}}
    return WatcherRefused("operation:bad_request", _BAD_PARAMETERS, messages)
