"""Logs: readable, parseable, and without secrets whatever is logged."""

import io
import json
import logging
import sys

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from plasma_guard.telemetry.logs import LogFormat, configure_logging
from plasma_guard.telemetry.secrets import REDACTED, forget_secrets, redact, register_secret

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
FORMS = {
    "plain": KEY,
    "prefixed": "0x" + KEY,
    "capitals": "0X" + KEY.upper(),
    "decimal": str(int(KEY, 16)),
    "integer": int(KEY, 16),
    "bytes": bytes.fromhex(KEY),
    "nested": {"deep": [bytes.fromhex(KEY), {"key": "0x" + KEY}]},
    "embedded": f"https://host/{KEY}?x",
}


def _leaks(text: str) -> bool:
    lowered = text.lower()
    decimal = str(int(KEY, 16))
    raw = repr(bytes.fromhex(KEY))[2:-1]
    return KEY in lowered or decimal in lowered or raw in text or raw.replace("\\", "\\\\") in text


def test_text_is_one_sentence_per_line() -> None:
    """A person reads the time, the level, the sentence and the facts."""
    stream = io.StringIO()
    configure_logging("text", "info", stream)
    structlog.get_logger().info("cycle done: nothing to do", events=0, head=7)
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("[info     ] cycle done: nothing to do events=0 head=7")
    assert line.split("Z ")[0].startswith("20")


def test_json_is_one_object_per_line() -> None:
    """A machine reads the same as JSON, bytes as hex and big integers whole."""
    stream = io.StringIO()
    configure_logging("json", "info", stream)
    structlog.get_logger().warning("odd", position=2**60 + 1, tx=b"\x01\xff")
    entry = json.loads(stream.getvalue())
    assert entry["event"] == "odd"
    assert entry["level"] == "warning"
    assert entry["position"] == 2**60 + 1
    assert entry["tx"] == "0x01ff"


def test_less_important_levels_are_left_out() -> None:
    """The level asked for is the least that appears."""
    stream = io.StringIO()
    configure_logging("text", "warning", stream)
    structlog.get_logger().info("quiet")
    structlog.get_logger().error("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_registered_key_appears_in_no_form(log_format: LogFormat, form: str) -> None:
    """With and without 0x, in any case, as bytes or number, nested or inside other text."""
    register_secret("0x" + KEY)
    stream = io.StringIO()
    configure_logging(log_format, "debug", stream)
    structlog.get_logger().info(f"event {FORMS[form]!r}", value=FORMS[form])
    assert REDACTED in stream.getvalue()
    assert not _leaks(stream.getvalue())


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_key_in_an_exception_is_hidden(log_format: LogFormat) -> None:
    """Tracebacks show messages and source lines, neither of them a key."""
    register_secret(bytes.fromhex(KEY))
    stream = io.StringIO()
    configure_logging(log_format, "info", stream)
    try:
        int(f"{KEY} or {bytes.fromhex(KEY)!r}")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "ValueError" in stream.getvalue()
    assert not _leaks(stream.getvalue())


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_key_in_a_librarys_log_is_hidden(log_format: LogFormat) -> None:
    """The standard library's logging takes the same way out."""
    register_secret(KEY)
    stream = io.StringIO()
    configure_logging(log_format, "info", stream)
    logging.getLogger("some.library").warning("sent %s", "0x" + KEY)
    assert "some.library" in stream.getvalue()
    assert REDACTED in stream.getvalue()
    assert not _leaks(stream.getvalue())


def test_libraries_speak_from_warning_on() -> None:
    """The request lines that HTTP libraries log at INFO hold URLs with tokens; they stay out."""
    stream = io.StringIO()
    configure_logging("text", "debug", stream)
    logging.getLogger("httpx").info("HTTP Request: POST https://host/token")
    assert stream.getvalue() == ""


def test_an_uncaught_exception_goes_through_the_log() -> None:
    """The interpreter's own traceback would show the key."""
    register_secret(KEY)
    stream = io.StringIO()
    configure_logging("text", "info", stream)
    error = RuntimeError(KEY)
    sys.excepthook(RuntimeError, error, None)
    assert "stopped by an unexpected error" in stream.getvalue()
    assert not _leaks(stream.getvalue())


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_text_from_outside_cannot_forge_a_line(log_format: LogFormat) -> None:
    """New lines and escape sequences in an event or a value are shown, not obeyed."""
    stream = io.StringIO()
    configure_logging(log_format, "info", stream)
    structlog.get_logger().info("said: a\n2026 [info] all is well\x1b[2J", reason="b\r\nc\x9b1m")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()
    assert "\x9b" not in stream.getvalue()


def test_a_token_is_hidden_as_it_is() -> None:
    """A secret that is no key is hidden in its one form."""
    register_secret("T0/very-secret")
    assert redact("https://host/T0/very-secret!") == f"https://host/{REDACTED}!"


def test_a_secret_too_short_to_hide_is_refused() -> None:
    """Hiding "a" everywhere would make every line unreadable."""
    with pytest.raises(ValueError, match="at least 6 characters"):
        register_secret("abc")
    assert redact("abc") == "abc"


def test_other_hashes_stay_readable() -> None:
    """Only registered values are hidden: transaction hashes look just like keys."""
    register_secret(KEY)
    other = "0x" + "ab" * 32
    assert redact(other) == other


@given(key=st.binary(min_size=32, max_size=32).filter(lambda key: any(key[:-2])), prefix=st.text(max_size=5))
def test_any_key_is_hidden_in_hex_and_decimal(key: bytes, prefix: str) -> None:
    """Leading zeros change the shape of a number, not whether it is hidden."""
    forget_secrets()
    register_secret(key)
    number = int.from_bytes(key)
    for form in (key.hex(), hex(number), str(number), key.hex().upper()):
        assert form not in redact(prefix + form)
