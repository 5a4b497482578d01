"""What a call contains, found without knowing the call: any contract may have forwarded it."""

import re
from collections.abc import Iterator

from plasma_guard.domain.errors import MalformedError
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import PlasmaTransaction

_SIGNATURE = re.compile(rb"(?=\x00{31}\x41(.{65}))", re.DOTALL)
_LIST = re.compile(rb"(?=\x00{29}(...)[\xc0-\xff])", re.DOTALL)
_WORD = 32


def transactions_in(rules: PlasmaRules, calldata: bytes) -> Iterator[PlasmaTransaction]:
    """Iterate over every byte string of the ABI encoding that is an unsigned transaction of these rules."""
    for match in _LIST.finditer(calldata):
        start = match.start() + _WORD
        length = int.from_bytes(match[1])
        if length > len(calldata) - start:
            continue
        try:
            yield rules.decode(calldata[start : start + length])
        except MalformedError:
            continue


def signatures_in(calldata: bytes) -> list[bytes]:
    """Return every byte string of 65 bytes in the ABI encoding: signatures, and whatever looks like one."""
    return [match[1] for match in _SIGNATURE.finditer(calldata)]
