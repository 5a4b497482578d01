"""Functions and events from their signatures: calldata out; results and logs in."""

import contextlib
import re
from collections.abc import Sequence
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError, ParseError
from eth_abi.grammar import TupleType, parse
from eth_utils.crypto import keccak

from plasma_guard.contracts.abis import words
from plasma_guard.domain.blocks import Log
from plasma_guard.domain.errors import ContractError, MalformedError
from plasma_guard.domain.primitives import Address, Hash32, shorten

_DECLARATION = re.compile(r"(\w+)\((.*)\)")


class Function:
    """One contract function, from a signature such as ``exits(uint192)`` and the types it returns."""

    def __init__(self, signature: str, *returns: str) -> None:
        self.signature = signature
        self.name, _, types = signature.partition("(")
        self.selector = keccak(text=signature)[:4]
        self._arguments = _components(f"({types}")
        self._returns = returns
        self._write = words.encoder(self._arguments)
        self._read = words.decoder(returns)

    def __repr__(self) -> str:
        return f"Function({self.signature})"

    def encode(self, *arguments: Any) -> bytes:
        """Return calldata; raises `MalformedError` for arguments that do not fit their types."""
        with contextlib.suppress(words.NotPlain):
            return self.selector + self._write(arguments)
        try:
            return self.selector + encode(self._arguments, arguments)
        except (EncodingError, OverflowError, TypeError, ValueError) as error:
            raise MalformedError(f"{self.name}: arguments do not fit {self.signature}: {error}") from error

    def decode(self, result: bytes) -> tuple[Any, ...]:
        """Read what a call returned; raises `ContractError` when it is not of the declared types."""
        with contextlib.suppress(words.NotPlain):
            return self._read(result)
        try:
            return decode(self._returns, result)
        except (DecodingError, OverflowError, ValueError) as error:
            raise ContractError(
                f"{self.name}: the answer is not ({','.join(self._returns)}): {shorten(result.hex())}"
            ) from error


class Event:
    """One event, from a declaration such as ``ExitStarted(address indexed owner, uint160 exitId)``."""

    def __init__(self, declaration: str) -> None:
        matched = _DECLARATION.fullmatch(declaration)
        if matched is None:
            raise ValueError(f"not an event declaration: {declaration}")
        self.name, fields = matched.group(1), [field.split() for field in matched.group(2).split(",")]
        self._indexed = [(field[-1], field[0]) for field in fields if "indexed" in field]
        self._plain = [(field[-1], field[0]) for field in fields if "indexed" not in field]
        self.signature = f"{self.name}({','.join(field[0] for field in fields)})"
        self.topic = Hash32(keccak(text=self.signature))

    def __repr__(self) -> str:
        return f"Event({self.signature})"

    def decode(self, log: Log) -> dict[str, Any]:
        """Read a log by field name, addresses and bytes32 as `Address` and `Hash32`.

        Raises `ContractError` when topics or data do not have this event's layout.
        """
        if len(log.topics) != len(self._indexed) + 1 or log.topics[0] != self.topic:
            raise ContractError(f"{self.name}: log {log.log_index} of {log.tx_hash} has other topics")
        try:
            indexed = [
                decode([kind], topic)[0]
                for (_, kind), topic in zip(self._indexed, log.topics[1:], strict=True)
            ]
            plain = decode([kind for _, kind in self._plain], log.data)
        except (DecodingError, OverflowError, ValueError) as error:
            raise ContractError(
                f"{self.name}: log {log.log_index} of {log.tx_hash} has other data: {shorten(log.data.hex())}"
            ) from error
        fields = [*self._indexed, *self._plain]
        return {
            name: _typed(kind, value) for (name, kind), value in zip(fields, [*indexed, *plain], strict=True)
        }


def _components(types: str) -> Sequence[str]:
    if types == "()":
        return ()
    parsed = parse(types)
    if not isinstance(parsed, TupleType):
        raise ParseError(types)
    return [component.to_type_str() for component in parsed.components]


def _typed(kind: str, value: Any) -> Any:
    if kind == "address":
        return Address.parse(value)
    return Hash32(value) if kind == "bytes32" else value
