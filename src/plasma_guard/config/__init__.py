"""Settings come from one TOML file and the environment, are checked together, and never change afterwards.

A setting `watcher.url` is the key `url` of the table `[watcher]`, or the variable
`PLASMA_GUARD_WATCHER__URL`, which wins. Private keys are not settings: an account says only where its key is,
and `keys` reads it.
"""

from plasma_guard.config.load import default_config_path, load_config, variable_of
from plasma_guard.config.model import Config
from plasma_guard.config.sections import Account, Role

__all__ = ["Account", "Config", "Role", "default_config_path", "load_config", "variable_of"]
