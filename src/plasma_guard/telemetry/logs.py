"""Logs go to standard error: one sentence per line for people, or JSON lines for machines; secrets never."""

import logging
import sys
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from plasma_guard.telemetry.secrets import redact

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_CONTROL_IN_TRACEBACK = {code: text for code, text in _CONTROL.items() if code != ord("\n")}


def configure_logging(
    log_format: LogFormat = "text", level: LogLevel = "info", stream: TextIO | None = None
) -> None:
    """Send structlog and the standard library's logging to `stream` (None: standard error), redacted.

    The libraries' own logs appear from WARNING on. Uncaught exceptions go the same way, so that a traceback
    cannot show a key either. May be called again.
    """
    target = stream if stream is not None else sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # The whole finished line is redacted, so no field, nested value or traceback can slip past.
    last: list[Processor] = [
        structlog.processors.format_exc_info,
        _printable,
        _renderer(log_format, colors=log_format == "text" and target.isatty()),
        _redact_line,
    ]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught


def _renderer(log_format: LogFormat, *, colors: bool) -> Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer(default=_text_of)
    return structlog.dev.ConsoleRenderer(
        colors=colors, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
    )


def _text_of(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _printable(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Escape control characters, so that text from outside can neither forge a line nor move the cursor."""
    for key, value in event_dict.items():
        if isinstance(value, bytes):
            event_dict[key] = "0x" + value.hex()
        elif isinstance(value, str):
            event_dict[key] = value.translate(_CONTROL_IN_TRACEBACK if key == "exception" else _CONTROL)
    return event_dict


def _redact_line(_logger: WrappedLogger, _method: str, line: Any) -> str:
    return redact(str(line))


def _add_logger_name(
    _logger: WrappedLogger, _method: str, event_dict: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    record = event_dict.get("_record")
    if isinstance(record, logging.LogRecord):
        event_dict["logger"] = record.name
    return event_dict


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    structlog.get_logger().error("stopped by an unexpected error", exc_info=(kind, error, traceback))
