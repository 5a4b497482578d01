"""What is wrong with a configuration, said so that it can be mended: field, what was found, what is expected.

A value is described by its shape and never repeated where it could be a secret in the wrong place.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

Location = tuple[str | int, ...]
"""A path into the settings as pydantic gives it, such as ``("accounts", 0, "role")``."""

_PLAIN_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?")
_PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z-]{0,19}")
_HEX = re.compile(r"0[xX][0-9a-fA-F]*")
_LARGEST_ECHOED = 10**18
_KEY_DIGITS = 64
_SECRETS = ("private_key", "key", "mnemonic", "seed", "secret", "password", "keystore_password")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Settings that are fine one by one and impossible together; `fields[0]` is the one to name first."""

    fields: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        others = f" (with {', '.join(self.fields[1:])})" if len(self.fields) > 1 else ""
        return f"{self.fields[0]}{others}: {self.text}"


def dotted(location: Location) -> str:
    """Return the name of a setting as the documentation writes it: ``accounts[0].role``."""
    name = ""
    for part in location:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name


def shape(value: object, *, echo_words: bool = False) -> str:
    """Describe a value without repeating what could be a secret."""
    if isinstance(value, str):
        return _shape_of_text(value, echo_words=echo_words)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        small = not math.isfinite(value) or abs(value) < _LARGEST_ECHOED
        return str(value) if small else f"a number of {len(str(value))} digits"
    if isinstance(value, Mapping):
        return "a table"
    return f"a list of {len(value)}" if isinstance(value, Sequence) else f"a {type(value).__name__}"


def _shape_of_text(value: str, *, echo_words: bool) -> str:
    if not value.strip():
        return "an empty text" if not value else "only white space"
    if _PLAIN_NUMBER.fullmatch(value) or (echo_words and _PLAIN_WORD.fullmatch(value)):
        return f'"{value}"'
    digits = value[2:] if _HEX.fullmatch(value) else value
    if len(digits) == _KEY_DIGITS and re.fullmatch(r"[0-9a-fA-F]*", digits):
        return f"{_KEY_DIGITS} hex digits, which looks like a private key"
    if digits is not value:
        return f"0x and {len(digits)} hex digits"
    return f"text of {len(value)} characters"


def describe(error: ValidationError, model: type[BaseModel], names: Mapping[str, str]) -> Iterator[str]:
    """Yield one line per problem; `names` maps a dotted name to the environment variable that set it."""
    said: list[Location] = []
    for detail in error.errors(include_url=False, include_context=True):
        location: Location = detail["loc"]
        if any(other[: len(location)] == location for other in said):  # a list is short as an entry is wrong
            continue
        said.append(location)
        name = dotted(location)
        shown = f"{name} ({names[name]})" if name in names else name
        owner, field = _find(model, location)
        if detail["type"] == "extra_forbidden":
            yield f"{shown}: unknown setting{_suggest(location, model, owner)}"
            continue
        yield f"{shown}: {_found(detail)}; {_wanted(field)}"


def _found(detail: Any) -> str:
    if detail["type"] == "missing":
        return "missing"
    echo_words = detail["type"] in {"literal_error", "enum", "bool_parsing"}
    text = shape(detail["input"], echo_words=echo_words)
    if detail["type"] == "value_error" and isinstance(detail["input"], str):
        return f"found {text} ({detail['ctx']['error']})"
    return f"found {text}"


def _wanted(field: FieldInfo | None) -> str:
    extra = field.json_schema_extra if field is not None else None
    if not isinstance(extra, dict):
        return "see docs/configuration.md"
    remedy = f". {extra['remedy']}" if extra["remedy"] else ""
    return f"expected {extra['expected']}{remedy}"


def _suggest(location: Location, model: type[BaseModel], owner: type[BaseModel] | None) -> str:
    key = str(location[-1])
    if key.lower() in _SECRETS:
        return (
            "; secrets are never written here: an account names the place of its key with private_key_env, "
            "private_key_file, credential or keystore"
        )
    if owner is not None:
        near = get_close_matches(key, owner.model_fields, n=1)
        if near:
            return f"; did you mean {dotted((*location[:-1], near[0]))}?"
    elsewhere = [name for name in setting_names(model) if name.rsplit(".", 1)[-1] == key]
    if elsewhere:
        return f"; did you mean {elsewhere[0]}?"
    near = get_close_matches(dotted(location), setting_names(model), n=1)
    return f"; did you mean {near[0]}?" if near else "; remove it, or see docs/configuration.md"


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a table or list of tables, or None for a plain setting."""
    for candidate in (field.annotation, *get_args(field.annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def setting_names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted name of every setting; `accounts` stands for each entry of the list."""
    for name, field in model.model_fields.items():
        section = section_of(field)
        if section is None:
            yield prefix + name
        else:
            yield from setting_names(section, f"{prefix}{name}.")


def _find(model: type[BaseModel], location: Location) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """Return the model that owns a location and the field there; an index stays with its list."""
    owner: type[BaseModel] | None = model
    inside: type[BaseModel] | None = model
    field: FieldInfo | None = None
    for part in location:
        if isinstance(part, int):
            continue
        if inside is None:
            break
        owner, field = inside, inside.model_fields.get(part)
        inside = section_of(field) if field is not None else None
    return owner, field


def unknown_variable(variable: str, known: Collection[str]) -> Iterator[str]:
    """Yield the problem with a PLASMA_GUARD_ variable that is no setting, unless something else reads it.

    One with a double underscore can only be meant as a setting; any other only if it is nearly one.
    """
    flat = {name.replace("__", "_"): name for name in known}
    near = get_close_matches(variable.replace("__", "_"), flat, n=1, cutoff=0.85)
    if near:
        yield f"{variable}: unknown variable; did you mean {flat[near[0]]}?"
    elif "__" in variable:
        yield f"{variable}: unknown variable; remove it, or see docs/configuration.md"


def mend(error: ValidationError, model: type[BaseModel], data: dict[str, Any]) -> set[str]:
    """Take what is wrong out of `data`, or put an example in, so that what is left can be looked at.

    Returns the dotted names of the settings touched: nothing may be concluded from their values.
    """
    touched: set[str] = set()
    for detail in error.errors(include_url=False, include_input=False):
        location: Location = detail["loc"]
        touched.add(dotted(location))
        _, field = _find(model, location)
        extra = field.json_schema_extra if field is not None else None
        example = extra["example"] if isinstance(extra, dict) else None
        if field is not None and field.is_required() and section_of(field) is not None:
            example = {}
        parent = _descend(data, location[:-1])
        last = location[-1]
        if isinstance(parent, dict) and example is not None and detail["type"] != "extra_forbidden":
            parent[str(last)] = example
        elif isinstance(parent, dict):
            parent.pop(last, None)
        else:  # an entry of a list: the list as a whole goes
            _descend(data, location[:-2]).pop(location[-2], None)
            touched.add(dotted(location[:-1]))
    return touched


def _descend(data: Any, location: Location) -> Any:
    for part in location:
        data = data[part]
    return data
