"""From a TOML file and the environment to settings, or to the list of everything wrong with them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from plasma_guard.config.model import Config
from plasma_guard.config.problems import describe, mend, setting_names, unknown_variable
from plasma_guard.domain.errors import ConfigurationError

ENV_PREFIX = "PLASMA_GUARD_"
JOURNAL_NAME = "journal.sqlite3"
CONFIG_NAME = "plasma-guard.toml"
CREDENTIAL = "private_key"
LISTS = ("accounts.", "prices.")
"""Lists of tables: the environment gives each as a whole."""


def load_config(path: Path | None, env: Mapping[str, str]) -> Config:
    """Return the settings of the file at `path` (None: no file) under those of `env`.

    Raises `ConfigurationError` with every problem found, one per entry.
    """
    problems: list[str] = []
    data = _read_file(path, problems)
    names = _overlay(data, env, problems)
    _complete(data, env, problems)
    config: Config | None = None
    doubtful: set[str] = set()
    for _ in range(_MENDING_ROUNDS):
        try:
            config = Config(**data)
            break
        except ValidationError as error:
            if not doubtful:
                problems += describe(error, Config, names)
            doubtful |= mend(error, Config, data)
    if config is not None:
        problems += [
            str(found)
            for found in config.contradictions()
            if not any(field.startswith(tuple(doubtful)) for field in found.fields)
        ]
    if config is None or problems:
        raise ConfigurationError(*problems)
    return config


def default_config_path(env: Mapping[str, str]) -> Path | None:
    """Return the file to read when none is named: the first that exists, or None.

    Looked for: $PLASMA_GUARD_CONFIG (taken as it is), ./plasma-guard.toml, plasma-guard.toml in
    $XDG_CONFIG_HOME/plasma-guard or ~/.config/plasma-guard, /etc/plasma-guard/plasma-guard.toml.
    """
    if named := env.get(ENV_PREFIX + "CONFIG"):
        return Path(named).expanduser()
    user = env.get("XDG_CONFIG_HOME") or str(Path(env.get("HOME") or "/nonexistent") / ".config")
    folders = (Path(), Path(user) / "plasma-guard", Path("/etc/plasma-guard"))
    return next((folder / CONFIG_NAME for folder in folders if (folder / CONFIG_NAME).is_file()), None)


def _read_file(path: Path | None, problems: list[str]) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(
            f"configuration file {path}: cannot be read ({error.strerror}); name an existing file"
        )
    except UnicodeDecodeError:
        problems.append(f"configuration file {path}: not UTF-8 text; save it as UTF-8")
    except tomllib.TOMLDecodeError as error:
        problems.append(f"configuration file {path}: not valid TOML: {error}; mend that place")
    else:
        for name in [name for name in data if name.startswith("_")]:  # would reach BaseSettings as an option
            del data[name]
            problems.append(f"{name}: unknown setting; remove it, or see docs/configuration.md")
        return data
    return {}


def _overlay(data: dict[str, Any], env: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    """Put the settings of the environment over those of the file; return name -> variable."""
    known = {variable_of(name): name for name in setting_names(Config) if not name.startswith(LISTS)}
    known |= {variable_of(name.rstrip(".")): name.rstrip(".") for name in LISTS}
    names: dict[str, str] = {}
    for variable in sorted(env):
        if not variable.startswith(ENV_PREFIX):
            continue
        if variable not in known:
            problems += unknown_variable(variable, known)
            continue
        names[known[variable]] = variable
        *sections, key = known[variable].split(".")
        target: Any = data
        for section in sections:
            target = target.setdefault(section, {})
        if isinstance(target, dict):  # else the file gives no table here, which is reported as such
            target[key] = env[variable]
    return names


def variable_of(name: str) -> str:
    """Return the environment variable of a setting: ``watcher.url`` is PLASMA_GUARD_WATCHER__URL."""
    return ENV_PREFIX + name.upper().replace(".", "__")


def _complete(data: dict[str, Any], env: Mapping[str, str], problems: list[str]) -> None:
    """Fill in what depends on the environment: the state directory and the account of a bare key."""
    for section in ("root_chain", "watcher", "journal"):
        data.setdefault(section, {})  # so that each missing setting is named, not the table alone
    if isinstance(data["journal"], dict) and "path" not in data["journal"]:
        state = _state_directory(env)
        if state is None:
            problems.append(
                "journal.path: no default without HOME; expected the path of a file on a local disk"
            )
        data["journal"]["path"] = str((state or Path()) / JOURNAL_NAME)
    sources = [name for name in ("PRIVATE_KEY", "PRIVATE_KEY_FILE") if name in env]
    problems += [
        f"{name}: set but empty; put the {'key' if name == 'PRIVATE_KEY' else 'path of the key file'} there, "
        "or unset it"
        for name in sources
        if not env[name].strip()
    ]
    credentials = env.get("CREDENTIALS_DIRECTORY")  # systemd's, see LoadCredential=
    if credentials and (Path(credentials) / CREDENTIAL).exists():
        sources.append("CREDENTIALS_DIRECTORY")
    if "accounts" in data or not sources:
        return
    first, *others = sources
    if others:
        problems.append(f"{first} (with {', '.join(others)}): more than one place for one key; keep one")
    short_forms = {
        "PRIVATE_KEY": {"private_key_env": "PRIVATE_KEY"},
        "PRIVATE_KEY_FILE": {"private_key_file": env.get("PRIVATE_KEY_FILE", "")},
        "CREDENTIALS_DIRECTORY": {"credential": CREDENTIAL},
    }
    data["accounts"] = [short_forms[first]]


def _state_directory(env: Mapping[str, str]) -> Path | None:
    if given := env.get("STATE_DIRECTORY"):  # systemd; several are separated by colons
        return Path(given.split(":")[0])
    if given := env.get("XDG_STATE_HOME"):
        return Path(given) / "plasma-guard"
    if home := env.get("HOME"):
        return Path(home) / ".local" / "state" / "plasma-guard"
    return None


_MENDING_ROUNDS = 4
"""A mistake can hide others only as deep as the settings nest: table, list, table, value."""
