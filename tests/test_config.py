"""Settings: what is read, what wins, and what bad input gets."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from plasma_guard.config import Config, Role, default_config_path, load_config, variable_of
from plasma_guard.domain.errors import ConfigurationError
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.domain.stakes import Price

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
CONTRACT = "0x52908400098527886E0F7030069857D2E4169EE7"
OTHER = "0x" + "22" * 20
BASE = f"""
[root_chain]
rpc = ["http://127.0.0.1:8545", "https://second.example/v3/0123456789abcdef"]
chain_id = 1
contract = "{CONTRACT}"
[watcher]
url = "http://127.0.0.1:7434"
"""
HOME = {"HOME": "/home/someone"}

Load = Callable[..., Config]
Problems = Callable[..., list[str]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def run(text: str = BASE, env: Mapping[str, str] = HOME) -> Config:
        path = tmp_path / "plasma-guard.toml"
        path.write_text(text)
        return load_config(path, {**HOME, **env})

    return run


@pytest.fixture
def problems(load: Load) -> Problems:
    def run(text: str = BASE, env: Mapping[str, str] = HOME) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            load(text, env)
        return list(caught.value.problems)

    return run


def test_a_file_with_the_required_settings_gets_the_documented_defaults(load: Load) -> None:
    """Four settings are enough, and everything else has the starting numbers of the design."""
    config = load()
    assert config.mode == "guard"
    assert config.root_chain.contract == Address.parse(CONTRACT)
    assert config.root_chain.rpc == (
        "http://127.0.0.1:8545",
        "https://second.example/v3/0123456789abcdef",
    )
    assert (config.root_chain.confirmations, config.root_chain.call_deadline) == (12, 10)
    assert (config.watcher.poll_interval, config.watcher.incident_poll_interval) == (12, 4)
    assert config.watcher.max_body_bytes == 16 * 1024 * 1024
    assert config.fees.max_fee_per_gas == 500 * 10**9
    assert config.fees.max_cost_per_case == 2 * 10**17
    assert config.accounts == ()
    assert config.journal.path == Path("/home/someone/.local/state/plasma-guard/journal.sqlite3")


def test_the_environment_alone_is_enough() -> None:
    """No file is needed, and several endpoints come separated by commas."""
    config = load_config(
        None,
        {
            **HOME,
            "PLASMA_GUARD_ROOT_CHAIN__RPC": "http://one, http://two",
            "PLASMA_GUARD_ROOT_CHAIN__CHAIN_ID": "31337",
            "PLASMA_GUARD_ROOT_CHAIN__CONTRACT": CONTRACT,
            "PLASMA_GUARD_WATCHER__URL": "http://watcher",
            "PLASMA_GUARD_MODE": "observe",
            "PLASMA_GUARD_ACCOUNTS": f'[{{"address": "{OTHER}", "role": "watch-only"}}]',
        },
    )
    assert config.root_chain.rpc == ("http://one", "http://two")
    assert config.root_chain.chain_id == 31337
    assert config.mode == "observe"
    assert config.accounts[0].watch_only


def test_the_environment_wins_over_the_file(load: Load) -> None:
    """A variable replaces the one setting it names and leaves its neighbours alone."""
    config = load(env={"PLASMA_GUARD_WATCHER__POLL_INTERVAL": "7.5"})
    assert config.watcher.poll_interval == 7.5
    assert config.watcher.url == "http://127.0.0.1:7434"


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        (
            {"STATE_DIRECTORY": "/var/lib/plasma-guard:/var/lib/other"},
            "/var/lib/plasma-guard/journal.sqlite3",
        ),
        ({"XDG_STATE_HOME": "/state"}, "/state/plasma-guard/journal.sqlite3"),
        ({"PLASMA_GUARD_JOURNAL__PATH": "/data/j.sqlite3", "XDG_STATE_HOME": "/state"}, "/data/j.sqlite3"),
    ],
)
def test_the_journal_goes_to_the_state_directory(load: Load, env: dict[str, str], expected: str) -> None:
    """Systemd's directory comes first, then the user's own; a setting beats both."""
    assert load(env=env).journal.path == Path(expected)


def test_no_home_and_no_path_is_a_problem() -> None:
    """The journal is never put somewhere by accident."""
    with pytest.raises(ConfigurationError, match=r"journal\.path: no default without HOME"):
        load_config(None, {})


def test_a_bare_key_makes_one_account_for_both_roles(load: Load) -> None:
    """PRIVATE_KEY is the short form of an account; its value is not read here."""
    (account,) = load(env={"PRIVATE_KEY": KEY}).accounts
    assert (account.key_source, account.key_variable) == ("private_key_env", "PRIVATE_KEY")
    assert account.role == (Role.OWNER, Role.CHALLENGER)


def test_a_bare_key_file_makes_one_account_for_both_roles(load: Load) -> None:
    """PRIVATE_KEY_FILE is the same with a file."""
    (account,) = load(env={"PRIVATE_KEY_FILE": "/run/secrets/key"}).accounts
    assert (account.key_source, account.private_key_file) == ("private_key_file", Path("/run/secrets/key"))


def test_a_bare_systemd_credential_makes_one_account_for_both_roles(load: Load, tmp_path: Path) -> None:
    """LoadCredential=private_key in the unit is the same again."""
    (tmp_path / "private_key").touch()
    (account,) = load(env={"CREDENTIALS_DIRECTORY": str(tmp_path)}).accounts
    assert (account.key_source, account.credential) == ("credential", "private_key")
    assert load(env={"CREDENTIALS_DIRECTORY": str(tmp_path / "none")}).accounts == ()


@pytest.mark.parametrize(
    ("lines", "source"),
    [
        ("", "private_key_env"),
        ('private_key_env = "KEY_A"', "private_key_env"),
        ('private_key_file = "k"', "private_key_file"),
        ('credential = "private_key"', "credential"),
        ('keystore = "k.json"\nkeystore_password_env = "P"', "keystore"),
        (f'role = "watch-only"\naddress = "{OTHER}"', None),
    ],
)
def test_an_account_says_where_its_key_is(load: Load, lines: str, source: str | None) -> None:
    """Each place for a key is recognized, and an armed account without one reads PRIVATE_KEY."""
    config = load(f"{BASE}\n[[accounts]]\n{lines}\n")
    assert config.accounts[0].key_source == source
    assert len(config.armed_accounts) == (source is not None)


def test_running_without_a_key_is_refused_unless_observing(load: Load) -> None:
    """Nobody is silently unguarded."""
    assert "mode" in (load().unguarded() or "")
    assert load(env={"PRIVATE_KEY": KEY}).unguarded() is None
    assert load(env={"PLASMA_GUARD_MODE": "observe"}).unguarded() is None


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ('[watcher]\nurl = "ftp://x"', "watcher.url: found text of 7 characters"),
        ('[watcher]\nurl = "http://[::1"', "watcher.url: found"),
        ("[watcher]\nurl = 5", "watcher.url: found 5; expected an http:// or https:// URL"),
        ('[watcher]\npoll_interval = "fast"', "watcher.poll_interval: found text of 4 characters"),
        ("[watcher]\npoll_interval = 0", "watcher.poll_interval: found 0; expected a number of seconds from"),
        ("[watcher]\npoll_interval = nan", "watcher.poll_interval: found nan; expected a number of seconds"),
        (
            "[watcher]\nmax_body_bytes = 10",
            "watcher.max_body_bytes: found 10; expected a whole number of bytes",
        ),
        ("[watcher]\nmax_lag_blocks = 1.5", "watcher.max_lag_blocks: found 1.5; expected a whole number"),
        ("[root_chain]\nrpc = []", "root_chain.rpc: found a list of 0; expected a list of at least one"),
        ('[root_chain]\nrpc = ["http://a", "x"]', "root_chain.rpc[1]: found text of 1 characters"),
        ("[root_chain]\nchain_id = true", "root_chain.chain_id: found true; expected a whole number"),
        ("[root_chain]\nchain_id = 0", "root_chain.chain_id: found 0; expected a whole number"),
        ('[root_chain]\ncontract = "0x12"', "root_chain.contract: found 0x and 2 hex digits"),
        (f'[root_chain]\ncontract = "0x{"0" * 40}"', "the zero address"),
        (f'[root_chain]\ncontract = "{CONTRACT.replace("E", "e", 1)}"', "EIP-55"),
        (
            '[root_chain]\ngeneration = "alt"',
            'root_chain.generation: found "alt"; expected auto, rootchain or',
        ),
        (
            "[fees]\nmax_cost_per_case_eth = 1000",
            "fees.max_cost_per_case_eth: found 1000; expected a number of",
        ),
        (
            "[fees]\nmax_fee_per_gas_gwei = -1",
            "fees.max_fee_per_gas_gwei: found -1; expected a number of gwei",
        ),
        (
            '[reactions]\ninvalid_exit = "on"',
            'reactions.invalid_exit: found "on"; expected act, observe or off',
        ),
        ("[server]\nport = 70000", "server.port: found 70000; expected a port from 0 to 65535"),
        ('[server]\nhost = "a b"', "server.host: found text of 3 characters"),
        ('[alerts]\nwebhook_url = "secret"', "alerts.webhook_url: found"),
        ('[logging]\nlevel = "loud"', 'logging.level: found "loud"; expected debug'),
        ("[[accounts]]\nrole = []", "accounts[0].role: found a list of 0"),
        ('[[accounts]]\nrole = ["foo"]', 'accounts[0].role[0]: found "foo"; expected "owner"'),
        ("watcher = 5", "watcher: found 5; expected a table [watcher]"),
        ("accounts = 5", "accounts: found 5; expected tables [[accounts]]"),
        ('mode = "gaurd"', 'mode: found "gaurd"; expected guard or observe'),
    ],
)
def test_a_wrong_value_is_named_with_what_is_expected(problems: Problems, extra: str, message: str) -> None:
    """Every line names the setting, the shape found and the shape expected, and nothing else is reported."""
    (problem,) = problems(_merged(extra))
    assert message in problem


def _merged(extra: str) -> str:
    """Return the base file with lines replaced by those of `extra`, which may name a table."""
    lines = extra.split("\n")
    header = lines[0] if lines[0].startswith("[") else ""
    keys = {line.split(" = ")[0] for line in lines if " = " in line}
    if not header:
        name = next(iter(keys))
        kept, skipping = [], False
        for line in BASE.split("\n"):
            if line.startswith("["):
                skipping = line == f"[{name}]"
            if not skipping:
                kept.append(line)
        return "\n".join([*lines, *kept])
    if header not in BASE:
        return "\n".join([BASE, *lines])
    kept, inside = [], False
    for line in BASE.split("\n"):
        if line.startswith("["):
            inside = line == header
        if not (inside and line.split(" = ")[0] in keys):
            kept.append(line)
        if line == header:
            kept += lines[1:]
    return "\n".join(kept)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ('[watcher]\nurl_ = "x"', "watcher.url_: unknown setting; did you mean watcher.url?"),
        ("[fees]\nconfirmations = 3", "fees.confirmations: unknown setting; did you mean root_chain.confirm"),
        (
            '[[accounts]]\nprivate_key = "x"',
            "accounts[0].private_key: unknown setting; secrets are never written",
        ),
        ("mod = 1", "mod: unknown setting; did you mean mode?"),
        ("_env_file = 1", "_env_file: unknown setting"),
        ("[zzz]\nq = 1", "zzz: unknown setting"),
    ],
)
def test_an_unknown_setting_gets_the_nearest_name(problems: Problems, extra: str, message: str) -> None:
    """A mistyped or misplaced setting is never ignored."""
    (problem,) = problems(_merged(extra))
    assert message in problem


def test_a_missing_section_names_each_missing_setting(problems: Problems) -> None:
    """An empty file says all four settings that have no default."""
    found = problems("")
    assert [line.split(":")[0] for line in found] == [
        "root_chain.rpc",
        "root_chain.chain_id",
        "root_chain.contract",
        "watcher.url",
    ]
    assert all("missing; expected" in line for line in found)


def test_a_wrong_variable_is_named_as_such(problems: Problems) -> None:
    """Who set a value in the environment does not look for it in the file."""
    (problem,) = problems(env={"PLASMA_GUARD_WATCHER__DEADLINE": "-1"})
    assert problem.startswith('watcher.deadline (PLASMA_GUARD_WATCHER__DEADLINE): found "-1"; expected')


@pytest.mark.parametrize(
    ("variable", "suggestion"),
    [
        ("PLASMA_GUARD_WATCHR__URL", "PLASMA_GUARD_WATCHER__URL"),
        ("PLASMA_GUARD_WATCHER_URL", "PLASMA_GUARD_WATCHER__URL"),
        ("PLASMA_GUARD_MOED", "PLASMA_GUARD_MODE"),
        ("PLASMA_GUARD_NOTHING__LIKE_IT", "remove it"),
    ],
)
def test_an_unknown_variable_is_not_ignored(problems: Problems, variable: str, suggestion: str) -> None:
    """A mistyped override would otherwise leave the default in force unnoticed."""
    (problem,) = problems(env={variable: "x"})
    assert problem.startswith(f"{variable}: unknown variable")
    assert suggestion in problem


def test_variables_read_elsewhere_are_left_alone(load: Load) -> None:
    """PLASMA_GUARD_CONFIG and the like are no settings."""
    assert load(env={"PLASMA_GUARD_CONFIG": "x", "PLASMA_GUARD_ANVIL": "/usr/bin/anvil"}).mode == "guard"


@pytest.mark.parametrize(
    ("extra", "fields"),
    [
        (
            "[watcher]\nincident_poll_interval = 13",
            ["watcher.incident_poll_interval", "watcher.poll_interval"],
        ),
        ("[watcher]\nmax_head_age = 11", ["watcher.max_head_age", "watcher.poll_interval"]),
        ("[fees]\nbump_after = 3", ["fees.bump_after", "root_chain.poll_interval"]),
        (
            "[fees]\nmax_cost_per_case_eth = 0.1",
            ["fees.max_cost_per_case_eth", "fees.max_fee_per_gas_gwei", "raise the first to 0.182 "],
        ),
        (
            "[fees]\nmax_cost_per_day_eth = 0.19",
            ["fees.max_cost_per_day_eth", "fees.max_cost_per_case_eth", "0.19 ETH", "0.2"],
        ),
        ("[fees]\nreserve_eth = 3", ["fees.reserve_eth", "fees.max_cost_per_day_eth", "3 ETH", "may cost 2"]),
        (
            "[limits]\ninvalid_exit = 0.3",
            ["limits.invalid_exit", "fees.max_cost_per_case_eth", "0.3 ETH is above the 0.2 ETH"],
        ),
        (
            f'[[prices]]\ntoken = "{OTHER}"\neth = 1\n[[prices]]\ntoken = "{OTHER}"\neth = 2',
            ["prices[1].token", "prices[0].token"],
        ),
        (
            '[[accounts]]\nkeystore = "a"\nkeystore_password_env = "P"\nprivate_key_file = "b"',
            ["accounts[0].private_key_file", "accounts[0].keystore"],
        ),
        ('[[accounts]]\nkeystore = "a"', ["accounts[0].keystore"]),
        (
            '[[accounts]]\nkeystore_password_file = "a"',
            ["accounts[0].keystore_password_file"],
        ),
        (
            '[[accounts]]\nkeystore = "a"\nkeystore_password_file = "a"\nkeystore_password_env = "P"',
            ["accounts[0].keystore_password_file", "accounts[0].keystore_password_env"],
        ),
        ('[[accounts]]\nrole = "watch-only"', ["accounts[0].address"]),
        (
            f'[[accounts]]\nrole = ["watch-only", "owner"]\naddress = "{OTHER}"',
            ["accounts[0].role"],
        ),
        (
            f'[[accounts]]\nrole = "watch-only"\naddress = "{OTHER}"\ncredential = "c"',
            ["accounts[0].credential"],
        ),
        (
            (
                f'[[accounts]]\naddress = "{OTHER}"\nprivate_key_env = "A"\n'
                f'[[accounts]]\naddress = "{OTHER}"\nprivate_key_env = "B"'
            ),
            ["accounts[1].address", "accounts[0].address"],
        ),
        (
            '[[accounts]]\nrole = "owner"\n[[accounts]]\nprivate_key_env = "PRIVATE_KEY"',
            ["accounts[1].private_key_env", "accounts[0].private_key_env"],
        ),
    ],
)
def test_settings_that_exclude_each_other_are_named_together(
    problems: Problems, extra: str, fields: list[str]
) -> None:
    """A contradiction names every setting that takes part in it, and is reported once."""
    (problem,) = problems(_merged(extra))
    assert problem.startswith(fields[0])
    assert all(field in problem for field in fields)


def test_a_token_has_a_price_in_eth_and_decimals(load: Load) -> None:
    """From the file as tables, from the environment as one JSON list."""
    (price,) = load(_merged(f'[[prices]]\ntoken = "{OTHER}"\neth = 0.0005\ndecimals = 6')).prices
    assert (price.token, price.value) == (Address.parse(OTHER), Price(Wei(5 * 10**14), 6))
    text = f'[{{"token": "{OTHER}", "eth": "0.0005", "decimals": 6}}]'
    assert load(env={"PLASMA_GUARD_PRICES": text}).prices == (price,)


@pytest.mark.parametrize("variable", ["PRIVATE_KEY", "PRIVATE_KEY_FILE"])
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_key_is_an_error(problems: Problems, variable: str, value: str) -> None:
    """A variable that was meant to hold the key and does not would leave the user unguarded."""
    assert any(line.startswith(f"{variable}: set but empty") for line in problems(env={variable: value}))


def test_a_key_and_a_key_file_exclude_each_other(problems: Problems) -> None:
    """One key has one place."""
    (problem,) = problems(env={"PRIVATE_KEY": KEY, "PRIVATE_KEY_FILE": "/k"})
    assert problem.startswith("PRIVATE_KEY (with PRIVATE_KEY_FILE)")


def test_all_problems_are_reported_at_once(problems: Problems) -> None:
    """Wrong values, unknown names, contradictions and variables come in one go."""
    found = "\n".join(
        problems(
            _merged('[watcher]\nurl = "x"\nincident_poll_interval = 100')
            + '\n[[accounts]]\nkeystore = "k"\nrol = 1',
            env={"PLASMA_GUARD_LOGING__LEVEL": "info", "PRIVATE_KEY": ""},
        )
    )
    for expected in (
        "watcher.url",
        "watcher.incident_poll_interval (with",
        "accounts[0].keystore: has no password",
        "accounts[0].rol: unknown",
        "PLASMA_GUARD_LOGGING__LEVEL",
        "PRIVATE_KEY: set but empty",
    ):
        assert expected in found


def test_nothing_is_concluded_from_a_value_that_is_wrong_itself(problems: Problems) -> None:
    """A broken interval is reported, not also compared with its neighbour."""
    (problem,) = problems(_merged('[watcher]\npoll_interval = "x"\nincident_poll_interval = 100'))
    assert problem.startswith("watcher.poll_interval")


@pytest.mark.parametrize("prefix", ["", "0x"])
@pytest.mark.parametrize(
    "place",
    [
        '[root_chain]\ncontract = "{}"',
        '[root_chain]\nrpc = ["{}"]',
        '[watcher]\nurl = "{}"',
        '[watcher]\npoll_interval = "{}"',
        '[fees]\nmax_cost_per_case_eth = "{}"',
        '[reactions]\ninvalid_exit = "{}"',
        '[alerts]\nwebhook_url = "{}"',
        '[[accounts]]\nprivate_key_env = "{}"',
        '[[accounts]]\nprivate_key = "{}"',
        '[[accounts]]\nrole = "{}"',
        'mode = "{}"',
    ],
)
def test_a_key_in_the_wrong_place_is_not_repeated(problems: Problems, place: str, prefix: str) -> None:
    """A pasted private key gets an error that does not contain it."""
    text = "\n".join(problems(_merged(place.format(prefix + KEY))))
    assert KEY not in text
    assert KEY[:12] not in text


def test_a_key_as_a_toml_number_is_not_repeated(problems: Problems) -> None:
    """Without quotes a key is a number of some 76 digits."""
    text = "\n".join(problems(_merged(f"[root_chain]\nchain_id = 0x{KEY}")))
    assert str(int(KEY, 16))[:12] not in text
    assert "a number of" in text


def test_a_bad_list_of_accounts_in_the_environment_is_not_repeated(problems: Problems) -> None:
    """The text may hold anything."""
    (problem,) = problems(env={"PLASMA_GUARD_ACCOUNTS": f'[{{"private_key": "{KEY}"'})
    assert problem.startswith("accounts (PLASMA_GUARD_ACCOUNTS): found")
    assert KEY not in problem


def test_secrets_do_not_show_in_repr(load: Load) -> None:
    """A configuration that ends up in a log line gives nothing away."""
    config = load(env={"PLASMA_GUARD_ALERTS__WEBHOOK_URL": "https://alerts.example/T0/very-secret-token"})
    assert "0123456789abcdef" not in repr(config)
    assert "very-secret-token" not in f"{config!r} {config}"
    assert config.secrets() == ("v3/0123456789abcdef", "T0/very-secret-token")


def test_a_configuration_does_not_change(load: Load) -> None:
    """Frozen at every level."""
    config = load()
    with pytest.raises(ValueError, match="frozen"):
        config.mode = "observe"  # type: ignore[misc]  # the point of the test: the model is frozen
    with pytest.raises(ValueError, match="frozen"):
        config.watcher.url = "x"  # type: ignore[misc]  # the point of the test: the model is frozen


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[watcher\n", "not valid TOML"),
        (b"\xff\xfe", "not UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_an_unreadable_file_is_one_problem_among_the_others(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    """A broken file does not hide what the environment lacks."""
    path = tmp_path / "c.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_config(path, {**HOME, "PLASMA_GUARD_MODE": "x"})
    assert message in caught.value.problems[0]
    assert str(path) in caught.value.problems[0]
    assert any(line.startswith("mode ") for line in caught.value.problems)


def test_the_default_file_is_the_first_that_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named file is taken as it is, then the working directory, then the user's own folder."""
    monkeypatch.chdir(tmp_path)
    env = {"HOME": str(tmp_path / "home")}
    assert default_config_path({**env, "PLASMA_GUARD_CONFIG": "/named.toml"}) == Path("/named.toml")
    user = tmp_path / "home/.config/plasma-guard/plasma-guard.toml"
    user.parent.mkdir(parents=True)
    user.touch()
    assert default_config_path(env) == user
    (tmp_path / "plasma-guard.toml").touch()
    assert default_config_path(env) == Path("plasma-guard.toml")


def test_variable_of__nested_setting__double_underscore() -> None:
    """The environment name of a setting can be told from its dotted name."""
    assert variable_of("root_chain.chain_id") == "PLASMA_GUARD_ROOT_CHAIN__CHAIN_ID"
