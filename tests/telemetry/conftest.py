"""Leaves the process-wide state of logging as it was found."""

import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from plasma_guard.telemetry.secrets import forget_secrets


@pytest.fixture(autouse=True)
def _global_state() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, sys.excepthook
    yield
    forget_secrets()
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:], sys.excepthook = handlers, hook
    root.setLevel(level)
