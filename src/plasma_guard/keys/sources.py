"""One account, one source of its key; every refusal says what is wrong and shows nothing of the key."""

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plasma_guard.domain.errors import ConfigurationError, MalformedError
from plasma_guard.domain.primitives import Address
from plasma_guard.keys.signer import address_of

CREDENTIAL = "private_key"
"""The name systemd's `LoadCredential=` gives the key: ``$CREDENTIALS_DIRECTORY/private_key``."""
_GUESSABLE = 2**64
"""Keys below this are found by those who try them all, and hiding them would garble the logs."""
_KEY_DIGITS = 64
_ADDRESS_DIGITS = 40
_MNEMONIC_WORDS = (12, 15, 18, 21, 24)
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class KeySettings:
    """Where one account's key is said to come from; exactly one source may be given.

    `private_key_variable` and `private_key_file_variable` name environment variables (``PRIVATE_KEY``,
    ``PRIVATE_KEY_FILE``); the second holds a path. `credential` names a systemd credential. `keystore` is an
    encrypted JSON keystore, its password in `password_file` or in the variable `password_variable`.
    """

    private_key_variable: str | None = "PRIVATE_KEY"
    private_key_file_variable: str | None = "PRIVATE_KEY_FILE"
    private_key_file: Path | None = None
    credential: str | None = CREDENTIAL
    keystore: Path | None = None
    password_file: Path | None = None
    password_variable: str | None = "PLASMA_GUARD_KEYSTORE_PASSWORD"  # noqa: S105 : a variable's name, no password


def load_key(
    settings: KeySettings, environment: Mapping[str, str] = os.environ, *, expected: Address | None = None
) -> bytes | None:
    """Return the 32-byte private key, or None when no source is there at all.

    Raises `ConfigurationError` when a source is there but unusable (also when it is empty: nobody is silently
    unguarded), when there are several, or when the key is not that of the `expected` account.
    """
    found = _found(settings, environment)
    if not found:
        return None
    if len(found) > 1:
        raise ConfigurationError(f"several keys for one account: {' and '.join(found)}; keep one of them")
    (name, key) = next(iter(found.items()))
    secret = key()
    account = address_of(secret)
    if expected is not None and account != expected:
        raise ConfigurationError(
            f"{name}: is the key of {account}, but the account is configured as {expected}"
        )
    return secret


def load_key_text(text: str, name: str) -> bytes:
    """Return the key that `text` spells; raises `ConfigurationError` naming the source and what is wrong."""
    stripped = text.strip()
    if not stripped:
        raise ConfigurationError(f"{name} is empty: put 64 hex digits there, or remove it")
    if stripped[0] in "\"'" or stripped[-1] in "\"'":
        raise ConfigurationError(f"{name} has quotes around the key: remove them")
    if len(stripped.split()) in _MNEMONIC_WORDS and re.fullmatch(r"[A-Za-z\s]+", stripped):
        raise ConfigurationError(
            f"{name} holds a mnemonic of {len(stripped.split())} words: derive the private key first"
        )
    digits = stripped[2:] if stripped[:2] in {"0x", "0X"} else stripped
    if not re.fullmatch(r"[0-9a-fA-F]+", digits):
        raise ConfigurationError(
            f"{name} is not hexadecimal: expected {_KEY_DIGITS} digits 0-9 a-f, with or without 0x in front"
        )
    if len(digits) == _ADDRESS_DIGITS:
        raise ConfigurationError(f"{name} holds an address (40 digits), not a private key (64 digits)")
    if len(digits) != _KEY_DIGITS:
        raise ConfigurationError(f"{name} has {len(digits)} hex digits: a private key has {_KEY_DIGITS}")
    key = bytes.fromhex(digits)
    try:
        address_of(key)
    except MalformedError:
        raise ConfigurationError(
            f"{name} is out of range: a private key is 1 .. the curve's order - 1"
        ) from None
    if int.from_bytes(key) < _GUESSABLE:
        raise ConfigurationError(
            f"{name} is so small that anybody can guess it: generate a random key, and move the funds"
        )
    return key


class _Source:
    """A source that is read only when it is the only one."""

    def __init__(
        self, name: str, *, text: str | None = None, path: Path | None = None, exempt: bool = False
    ) -> None:
        self._name = name
        self._text = text
        self._path = path
        self._exempt = exempt

    def __call__(self) -> bytes:
        text = self._text if self._path is None else _read_secret(self._path, self._name, exempt=self._exempt)
        return load_key_text(text or "", self._name)


class _Keystore(_Source):
    """An encrypted keystore and where its password is."""

    def __init__(self, path: Path, settings: KeySettings, environment: Mapping[str, str]) -> None:
        super().__init__(f"keystore {path}")
        self._file = path
        self._settings = settings
        self._environment = environment

    def __call__(self) -> bytes:
        name = self._name
        text = _read_secret(self._file, name, exempt=False)
        password = self._password()
        try:
            content = json.loads(text)
        except ValueError:
            raise ConfigurationError(
                f"{name}: is not JSON: expected an encrypted keystore of version 3"
            ) from None
        if not isinstance(content, dict) or "crypto" not in {str(field).lower() for field in content}:
            raise ConfigurationError(
                f"{name}: has no `crypto` part: expected an encrypted keystore of version 3"
            )
        from eth_account import Account  # noqa: PLC0415 (loading it takes what only a keystore is worth)

        try:
            return bytes(Account.decrypt(content, password))
        except ValueError as error:
            reason = "the password is wrong" if "MAC mismatch" in str(error) else "it cannot be decrypted"
            raise ConfigurationError(f"{name}: {reason}") from None
        except (KeyError, TypeError):
            raise ConfigurationError(
                f"{name}: it cannot be decrypted: its `crypto` part is incomplete, or its `kdf` is not scrypt"
                " or pbkdf2"
            ) from None
        except NotImplementedError:  # eth-keyfile's word for the older versions of keystores
            raise ConfigurationError(
                f"{name}: is of another version: expected version 3; write it anew by a wallet"
            ) from None

    def _password(self) -> str:
        variable, file = self._settings.password_variable, self._settings.password_file
        given = self._environment.get(variable) if variable else None
        if file is not None and given is not None:
            raise ConfigurationError(
                f"{self._name}: its password is in {file} and in {variable}; keep one of them"
            )
        if file is not None:
            return _read_secret(file, f"password file {file}", exempt=False).rstrip("\r\n")
        if given is not None:
            return given
        raise ConfigurationError(f"{self._name}: needs a password: name a password file, or set {variable}")


def _found(settings: KeySettings, environment: Mapping[str, str]) -> dict[str, _Source]:
    """Return the sources that are there, by name."""
    found: dict[str, _Source] = {}
    variable = settings.private_key_variable
    if variable and variable in environment:
        found[variable] = _Source(variable, text=environment[variable])
    file_variable = settings.private_key_file_variable
    if file_variable and file_variable in environment:
        named = environment[file_variable]
        if not named:
            raise ConfigurationError(
                f"{file_variable} is empty: put the path of the key file there, or remove it"
            )
        name = f"{file_variable} ({named})"
        found[name] = _Source(name, path=Path(named))
    if settings.private_key_file is not None:
        name = f"key file {settings.private_key_file}"
        found[name] = _Source(name, path=settings.private_key_file)
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    if credentials and settings.credential and (path := Path(credentials) / settings.credential).exists():
        # systemd guards its credentials itself, and shows them with modes of its own.
        name = f"systemd credential {settings.credential}"
        found[name] = _Source(name, path=path, exempt=True)
    if settings.keystore is not None:
        found[f"keystore {settings.keystore}"] = _Keystore(settings.keystore, settings, environment)
    return found


def _read_secret(path: Path, name: str, *, exempt: bool) -> str:
    """Return a file's text after looking at the very file that was opened; raises `ConfigurationError`."""
    try:
        with path.open("rb") as handle:
            mode = os.fstat(handle.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise ConfigurationError(f"{name}: is not a regular file")
            if not exempt and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise ConfigurationError(
                    f"{name}: other users may read it (mode {stat.S_IMODE(mode):04o}): run chmod 600 {path}, "
                    "and consider the key as known to them"
                )
            content = handle.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{name}: cannot be read: {error.strerror}") from None
    if len(content) > _MAX_BYTES:
        raise ConfigurationError(f"{name}: is larger than {_MAX_BYTES} bytes: that is no key")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name}: is not text") from None
