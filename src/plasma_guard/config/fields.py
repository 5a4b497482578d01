"""How one setting is declared and read: its type, its bounds, and what an error says about it."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from eth_utils.address import is_checksum_address
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, SecretStr

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.primitives import ZERO_ADDRESS, Address


def setting(
    default: Any,
    doc: str,
    *,
    expected: str,
    remedy: str = "",
    unit: str = "",
    example: Any = None,
    **constraints: Any,
) -> Any:
    """Declare a setting: its documentation, and what an error says about a wrong value.

    `example` stands in for a missing value while contradictions are looked for, and fills the documentation.
    """
    extra = {"expected": expected, "remedy": remedy, "unit": unit, "example": example}
    return Field(default, description=doc, json_schema_extra=extra, **constraints)


def seconds(default: float, doc: str, low: float, high: float) -> Any:
    """Declare a duration in seconds between `low` and `high`, both allowed."""
    return setting(
        float(default),
        doc,
        expected=f"a number of seconds from {low:g} to {high:g}",
        unit="s",
        ge=low,
        le=high,
        allow_inf_nan=False,
    )


def _no_bool(value: object) -> object:
    if isinstance(value, bool):  # or true would quietly mean 1
        raise ValueError("a truth value")  # noqa: TRY004 (pydantic collects ValueError, not TypeError)
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)  # raises ValueError for a malformed IPv6 host
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not an http URL")
    _ = parts.port  # raises ValueError outside 0..65535
    if any(character.isspace() for character in value):
        raise ValueError("white space in a URL")
    return value


def _secret_url(value: SecretStr) -> SecretStr:
    _http_url(value.get_secret_value())
    return value


def _address(value: object) -> Address:
    if isinstance(value, Address):
        return value
    if not isinstance(value, str):
        raise ValueError("not text")  # noqa: TRY004 (pydantic collects ValueError, not TypeError)
    try:
        address = Address.parse(value)
    except MalformedError:
        raise ValueError("not an address") from None  # the value might be a private key: never chained
    digits = value[2:]
    if digits not in {digits.lower(), digits.upper()} and not is_checksum_address(value):
        raise ValueError("mixed letter case with a wrong EIP-55 checksum: a letter or digit is mistyped")
    if address == ZERO_ADDRESS:
        raise ValueError("the zero address")
    return address


def list_of_urls(value: object) -> object:
    """Read one URL or several separated by commas, as the environment gives them."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def list_of_roles(value: object) -> object:
    """Read one role or several separated by commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return value


def json_list(value: object) -> object:
    """Read JSON, the only way to give a list of tables in one environment variable."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            raise ValueError("not JSON") from None  # the text is not repeated: it may hold a secret
    return value


def _expand(value: Path) -> Path:
    return value.expanduser()


Number = Annotated[float, BeforeValidator(_no_bool)]
Whole = Annotated[int, BeforeValidator(_no_bool)]
Amount = Annotated[Decimal, BeforeValidator(_no_bool)]
Url = Annotated[str, AfterValidator(_http_url)]
SecretUrl = Annotated[SecretStr, AfterValidator(_secret_url)]
EthereumAddress = Annotated[Address, PlainValidator(_address), PlainSerializer(str)]
FilePath = Annotated[Path, AfterValidator(_expand)]

URL_REMEDY = "Write it in full, for example {}"
SOME_ADDRESS = Address(bytes(19) + b"\x01")
