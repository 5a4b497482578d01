"""Settings as every command that needs them reads them."""

import os
from pathlib import Path

from plasma_guard.config import Config, default_config_path, load_config
from plasma_guard.domain.errors import ConfigurationError


def load(path: Path | None, *, observe: bool = False) -> Config:
    """Read the settings; raises `ConfigurationError` with every problem at once."""
    found = path or default_config_path(os.environ)
    config = load_config(found, os.environ)
    return config.model_copy(update={"mode": "observe"}) if observe else config


def refuse_unguarded(config: Config) -> None:
    """Raise `ConfigurationError` when the guard is to act and has no key to act with."""
    problem = config.unguarded()
    if problem:
        raise ConfigurationError(problem)
