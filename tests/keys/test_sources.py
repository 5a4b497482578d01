"""A key comes from exactly one source, and no refusal shows any of it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from eth_account import Account

from plasma_guard.domain.errors import ConfigurationError
from plasma_guard.domain.primitives import Address
from plasma_guard.keys import KeySettings, load_key, load_key_text
from plasma_guard.keys.signer import address_of

KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ADDRESS = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
MNEMONIC = "test test test test test test test test test test test junk"
ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"


@pytest.fixture
def secret(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, name: str = "secret", mode: int = 0o600) -> Path:
        path = tmp_path / name
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


@pytest.mark.parametrize("text", [KEY, "0x" + KEY, "0X" + KEY.upper(), f"  0x{KEY}\n"])
def test_a_key_is_read_in_every_usual_spelling(text: str) -> None:
    """With or without 0x, in any case, with blanks around it."""
    assert load_key(KeySettings(), {"PRIVATE_KEY": text}) == bytes.fromhex(KEY)
    assert str(address_of(bytes.fromhex(KEY))) == ADDRESS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        (f'"{KEY}"', "quotes"),
        (f"'0x{KEY}'", "quotes"),
        (MNEMONIC, "mnemonic of 12 words"),
        (ADDRESS, "an address"),
        (KEY[:-1], "63 hex digits"),
        (KEY + "00", "66 hex digits"),
        (KEY[:-1] + "g", "not hexadecimal"),
        ("0" * 64, "out of range"),
        (ORDER, "out of range"),
        (f"{7:064x}", "anybody can guess"),
    ],
)
def test_a_wrong_key_is_named_by_what_is_wrong_and_not_shown(text: str, reason: str) -> None:
    """No run of six characters of the offered text is in the message."""
    with pytest.raises(ConfigurationError, match=reason) as caught:
        load_key_text(text, "PRIVATE_KEY")
    assert str(caught.value).startswith("PRIVATE_KEY")
    assert caught.value.__cause__ is None
    shown = str(caught.value).replace("PRIVATE_KEY", "")
    assert not [
        text[i : i + 6] for i in range(len(text) - 5) if text[i : i + 6].strip() and text[i : i + 6] in shown
    ]


def test_no_source_at_all_is_none_but_an_empty_one_is_an_error() -> None:
    """The caller decides what it means to have no key; an empty variable is a mistake."""
    assert load_key(KeySettings(), {}) is None
    with pytest.raises(ConfigurationError, match="PRIVATE_KEY is empty"):
        load_key(KeySettings(), {"PRIVATE_KEY": ""})
    with pytest.raises(ConfigurationError, match="PRIVATE_KEY_FILE is empty"):
        load_key(KeySettings(), {"PRIVATE_KEY_FILE": ""})


def test_two_sources_are_refused_by_name(secret: Callable[..., Path]) -> None:
    """Which of two keys was meant is for the operator to say."""
    path = secret(KEY)
    with pytest.raises(ConfigurationError, match=r"PRIVATE_KEY and PRIVATE_KEY_FILE"):
        load_key(KeySettings(), {"PRIVATE_KEY": KEY, "PRIVATE_KEY_FILE": str(path)})


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_key_file_is_read(secret: Callable[..., Path], mode: int) -> None:
    """Both modes that keep others out will do."""
    path = secret(KEY + "\n", mode=mode)
    assert load_key(KeySettings(), {"PRIVATE_KEY_FILE": str(path)}) == bytes.fromhex(KEY)
    assert load_key(KeySettings(private_key_file=path), {}) == bytes.fromhex(KEY)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_key_file_open_to_others_is_refused(secret: Callable[..., Path], mode: int) -> None:
    """Fault 32: the message says the mode and the remedy."""
    path = secret(KEY, mode=mode)
    with pytest.raises(ConfigurationError, match=rf"mode {mode:04o}\): run chmod 600"):
        load_key(KeySettings(), {"PRIVATE_KEY_FILE": str(path)})


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing file and directory are told apart."""
    with pytest.raises(ConfigurationError, match="No such file"):
        load_key(KeySettings(), {"PRIVATE_KEY_FILE": str(tmp_path / "none")})
    with pytest.raises(ConfigurationError, match="directory"):
        load_key(KeySettings(), {"PRIVATE_KEY_FILE": str(tmp_path)})


def test_a_systemd_credential_may_have_any_mode(secret: Callable[..., Path], tmp_path: Path) -> None:
    """The service manager shows credentials read-only to the unit with modes of its own."""
    secret(KEY, "private_key", mode=0o440)
    assert load_key(KeySettings(), {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == bytes.fromhex(KEY)


@pytest.fixture(scope="module")
def keystore_text() -> str:
    return json.dumps(Account.encrypt(bytes.fromhex(KEY), "correct horse", kdf="pbkdf2", iterations=1000))


def test_a_keystore_opens_with_the_password_of_a_file_or_variable(
    secret: Callable[..., Path], keystore_text: str
) -> None:
    """The end of the password file's line is not part of the password."""
    keystore = secret(keystore_text, "keystore.json")
    password = secret("correct horse\n", "password")
    with_file = KeySettings(keystore=keystore, password_file=password)
    assert load_key(with_file, {}) == bytes.fromhex(KEY)
    in_variable = {"PLASMA_GUARD_KEYSTORE_PASSWORD": "correct horse"}
    assert load_key(KeySettings(keystore=keystore), in_variable) == bytes.fromhex(KEY)
    with pytest.raises(ConfigurationError, match="keep one"):
        load_key(with_file, in_variable)


def test_a_keystore_that_does_not_open_says_why(secret: Callable[..., Path], keystore_text: str) -> None:
    """Fault 32: wrong password, no password, no JSON and a foreign JSON are different sentences."""
    keystore = secret(keystore_text, "keystore.json")
    wrong = {"PLASMA_GUARD_KEYSTORE_PASSWORD": "wrong horse"}
    with pytest.raises(ConfigurationError, match="the password is wrong") as caught:
        load_key(KeySettings(keystore=keystore), wrong)
    assert "wrong horse" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="needs a password"):
        load_key(KeySettings(keystore=keystore), {})
    with pytest.raises(ConfigurationError, match="is not JSON"):
        load_key(KeySettings(keystore=secret("{", "a")), wrong)
    with pytest.raises(ConfigurationError, match="no `crypto` part"):
        load_key(KeySettings(keystore=secret("{}", "b")), wrong)
    with pytest.raises(ConfigurationError, match="cannot be decrypted"):
        load_key(KeySettings(keystore=secret('{"crypto": {}, "version": 3}', "c")), wrong)
    with pytest.raises(ConfigurationError, match="expected version 3; write it anew"):
        load_key(KeySettings(keystore=secret('{"crypto": {}, "version": 1}', "d")), wrong)
    unknown = json.loads(keystore_text)
    unknown["crypto"]["kdf"] = "argon2"
    with pytest.raises(ConfigurationError, match="`kdf` is not scrypt or pbkdf2"):
        load_key(KeySettings(keystore=secret(json.dumps(unknown), "e")), wrong)


def test_the_key_of_another_account_is_refused() -> None:
    """A configured address is a promise about the key."""
    with pytest.raises(
        ConfigurationError, match=f"is the key of {ADDRESS}, but the account is configured as"
    ):
        load_key(KeySettings(), {"PRIVATE_KEY": KEY}, expected=Address(bytes(20)))
    assert load_key(KeySettings(), {"PRIVATE_KEY": KEY}, expected=Address.parse(ADDRESS)) == bytes.fromhex(
        KEY
    )
