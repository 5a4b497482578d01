"""The documentation names everything an operator can set."""

import re
import tomllib
from pathlib import Path

import pytest

from documentation import metrics_table, settings_table
from plasma_guard.config import Config, load_config, variable_of
from plasma_guard.config.problems import section_of, setting_names

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config" / "plasma-guard.example.toml"
EXAMPLE_ENV = ROOT / "config" / "plasma-guard.example.env"
HOME = {"HOME": "/home/someone"}


def test_every_setting_is_documented() -> None:
    """docs/configuration.md holds exactly the table the model gives."""
    assert settings_table() in (ROOT / "docs" / "configuration.md").read_text()


def test_every_metric_is_documented() -> None:
    """docs/metrics.md holds exactly the table the code gives."""
    assert metrics_table() in (ROOT / "docs" / "metrics.md").read_text()


def test_the_example_file_is_valid_as_it_is() -> None:
    """Filling in the four required values is all that is left to do."""
    config = load_config(EXAMPLE, HOME)
    assert config.watcher.url == "http://127.0.0.1:7434"


def _uncommented() -> dict[str, object]:
    return tomllib.loads(re.sub(r"^#(?=[a-z_]+ = |\[)", "", EXAMPLE.read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("name", sorted(setting_names(Config)))
def test_every_setting_stands_in_the_example_with_its_default(name: str) -> None:
    """A commented line shows the default, so taking the mark away changes nothing."""
    found: object = _uncommented()
    model = Config
    field = None
    for part in name.split("."):
        found = found[0] if isinstance(found, list) else found
        assert isinstance(found, dict)
        assert part in found
        found = found[part]
        field = model.model_fields[part]
        model = section_of(field) or model  # type: ignore[assignment]  # walks from the root into the tables
    assert field is not None
    if not field.is_required() and field.default is not None and not name.startswith("accounts"):
        shown = type(field.default)(str(found)) if not isinstance(found, bool) else found
        assert shown == field.default


def test_every_variable_of_the_example_environment_exists() -> None:
    """Names in the example environment are settings or are read on their own."""
    known = {variable_of(name) for name in setting_names(Config)}
    known |= {"PLASMA_GUARD_CONFIG", "PRIVATE_KEY", "PRIVATE_KEY_FILE"}
    shown = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE_ENV.read_text(), flags=re.MULTILINE))
    assert shown
    assert shown <= known
