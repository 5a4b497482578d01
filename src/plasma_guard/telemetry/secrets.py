"""The secrets this process holds, so that no output repeats them."""

import re
from collections.abc import Iterator

REDACTED = "[redacted]"
_KEY_BYTES = 32
_HEX_KEY = re.compile(r"(?:0[xX])?([0-9a-fA-F]{64})")
_SHORTEST = 6

_forms: set[str] = set()
_pattern: re.Pattern[str] | None = None


def register_secret(value: str | bytes) -> None:
    """Never let `value` appear in any output from now on, in any of the forms it may take.

    A private key is recognized as 32 bytes or 64 hex digits and is then also hidden without ``0x``, in either
    letter case, as a decimal number and as the repr of its bytes. Values shorter than 6 characters are
    refused with ValueError: hiding them would garble everything else.
    """
    global _pattern  # noqa: PLW0603 (a process has one standard error, so one list of what must not reach it)
    forms = set(_forms_of(value))
    if any(len(form) < _SHORTEST for form in forms):
        raise ValueError(f"secret: expected at least {_SHORTEST} characters, got fewer; use a longer secret")
    _forms.update(forms)
    longest_first = sorted(_forms, key=len, reverse=True)
    _pattern = re.compile("|".join(re.escape(form) for form in longest_first), re.IGNORECASE)


def forget_secrets() -> None:
    """Start again with no secrets, as a fresh process would."""
    global _pattern  # noqa: PLW0603 (see register_secret)
    _forms.clear()
    _pattern = None


def redact(text: str) -> str:
    """Return `text` with every registered secret replaced by ``[redacted]``."""
    return text if _pattern is None else _pattern.sub(REDACTED, text)


def _forms_of(value: str | bytes) -> Iterator[str]:
    if isinstance(value, bytes):
        key = value
    else:
        yield value.strip()
        match = _HEX_KEY.fullmatch(value.strip())
        if match is None:
            return
        key = bytes.fromhex(match.group(1))
    yield "0x" + key.hex()
    yield key.hex()
    if len(key) == _KEY_BYTES:
        number = int.from_bytes(key)
        yield f"{number:x}"  # hex() drops leading zeros
        yield str(number)
    bare = repr(key)[2:-1]
    yield bare
    yield bare.replace("\\", "\\\\")  # as JSON writes it
