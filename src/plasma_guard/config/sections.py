"""The tables of the configuration file, one model each, with everything the documentation says about them."""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from plasma_guard.config.fields import (
    SOME_ADDRESS,
    URL_REMEDY,
    Amount,
    EthereumAddress,
    FilePath,
    Number,
    SecretUrl,
    Url,
    Whole,
    list_of_roles,
    list_of_urls,
    seconds,
    setting,
)
from plasma_guard.config.problems import Contradiction
from plasma_guard.domain.primitives import Wei
from plasma_guard.domain.stakes import ETHER, Price

CHALLENGE_GAS = 364_000
"""Gas units that a challenge of a standard exit is sent with; other calls take up to half as much again."""


class Role(StrEnum):
    """What an account is there for."""

    CHALLENGER = "challenger"
    OWNER = "owner"
    WATCH_ONLY = "watch-only"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield settings that are fine one by one and impossible together."""
        yield from ()


class RootChain(_Section):
    """The Ethereum chain that holds the money, and the contract to guard there."""

    rpc: Annotated[tuple[Url, ...], BeforeValidator(list_of_urls)] = setting(
        ...,
        "JSON-RPC endpoints of the root chain, the most trusted first. May hold access tokens: never logged.",
        expected="a list of at least one http:// or https:// URL",
        remedy=URL_REMEDY.format('rpc = ["http://127.0.0.1:8545"]'),
        example=("http://127.0.0.1:8545",),
        min_length=1,
        repr=False,
    )
    chain_id: Whole = setting(
        ...,
        "Chain id every endpoint must report; nothing is signed for another.",
        expected="a whole number from 1 to 9223372036854775807, such as 1 for Ethereum mainnet",
        remedy="Ask the endpoint for eth_chainId if you do not know it",
        example=1,
        ge=1,
        le=2**63 - 1,
    )
    contract: EthereumAddress = setting(
        ...,
        "Address of RootChain (v0.2) or PlasmaFramework (ALD); everything else is discovered from it.",
        expected="0x and 40 hex digits, not the zero address",
        remedy="Take it from the network's operator, or from /configuration.get of its Watcher",
        example=SOME_ADDRESS,
    )
    generation: Literal["auto", "rootchain", "ald"] = setting(
        "auto",
        "Which contract generation to expect; auto asks the contract, the others refuse anything else.",
        expected="auto, rootchain or ald",
    )
    scan_from_block: Whole | None = setting(
        None,
        "Block where the guard's own scan starts; unset: early enough for every exit still open.",
        expected="a block number of 0 or more",
        ge=0,
        le=2**63 - 1,
    )
    confirmations: Whole = setting(
        12,
        "Blocks on top of a transaction before its outcome is taken as settled.",
        expected="a whole number of blocks from 1 to 1000",
        unit="blocks",
        ge=1,
        le=1000,
    )
    call_deadline: Number = seconds(10, "Longest wait for one answer of one endpoint.", 0.1, 60)
    poll_interval: Number = seconds(4, "Time between looks at the newest block.", 0.05, 60)
    max_in_flight: Whole = setting(
        1000,
        "Most transactions of one account that may wait to be mined: 16 at first, which every node keeps, and"
        " twice as many whenever nodes took them all.",
        expected="a whole number of transactions from 1 to 10000",
        unit="transactions",
        ge=1,
        le=10_000,
    )
    block_time: Whole = setting(
        12,
        "Usual time between two blocks; the last of them before a deadline get all that a case may cost.",
        expected="a whole number of seconds from 1 to 600",
        unit="s",
        ge=1,
        le=600,
    )


class Watcher(_Section):
    """The Watcher whose byzantine events are acted on, after the guard's own proof."""

    url: Url = setting(
        ...,
        "Base URL of the Watcher's HTTP API. May hold access tokens: never logged.",
        expected="an http:// or https:// URL",
        remedy=URL_REMEDY.format('url = "http://127.0.0.1:7434"'),
        example="http://127.0.0.1:7434",
        repr=False,
    )
    poll_interval: Number = seconds(12, "Time between status.get calls while all is calm.", 0.05, 300)
    incident_poll_interval: Number = seconds(4, "The same while a case is open.", 0.05, 300)
    deadline: Number = seconds(10, "Longest wait for one whole answer.", 0.1, 60)
    max_body_bytes: Whole = setting(
        16 * 2**20,
        "Largest answer read, counted after decompression; a larger one fails the poll.",
        expected="a whole number of bytes from 65536 (64 KiB) to 1073741824 (1 GiB)",
        unit="bytes",
        ge=2**16,
        le=2**30,
    )
    max_lag_blocks: Whole = setting(
        2,
        "Child blocks the Watcher's validation may be behind the mined ones before it is not believed.",
        expected="a whole number of child blocks from 0 to 1000",
        unit="child blocks",
        ge=0,
        le=1000,
    )
    max_head_age: Number = seconds(
        90, "Age of the last root-chain block the Watcher has seen before it is not believed.", 1, 86400
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield intervals that make each other pointless."""
        if self.incident_poll_interval > self.poll_interval:
            yield Contradiction(
                ("watcher.incident_poll_interval", "watcher.poll_interval"),
                f"{self.incident_poll_interval:g} s with an incident is slower than {self.poll_interval:g} s "
                "without; lower the first or raise the second",
            )


class Account(_Section):
    """One account the guard acts for, or watches."""

    address: EthereumAddress | None = setting(
        None,
        "Address of the account; with a key it is checked against it, without one it is required.",
        expected="0x and 40 hex digits, not the zero address",
        remedy="A private key never belongs here: name its place, for example with private_key_file",
    )
    role: Annotated[tuple[Role, ...], BeforeValidator(list_of_roles)] = setting(
        (Role.OWNER, Role.CHALLENGER),
        "What the account is for: owner (exits its own outputs), challenger, both as a list, or watch-only.",
        expected='"owner", "challenger", ["owner", "challenger"] or "watch-only"',
        min_length=1,
    )
    private_key_env: str | None = setting(
        None,
        "Name of the environment variable that holds the private key; PRIVATE_KEY if no source is given.",
        expected="the name of an environment variable, such as PRIVATE_KEY",
        remedy="Give the variable's name, never the key itself",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,59}$",
    )
    private_key_file: FilePath | None = setting(
        None, "File that holds the private key as hex.", expected="the path of a file"
    )
    credential: str | None = setting(
        None,
        "Name of the systemd credential (LoadCredential=) that holds the private key.",
        expected="a credential name of letters, digits, dots, dashes and underscores",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$",
    )
    keystore: FilePath | None = setting(
        None, "Encrypted keystore (Web3 Secret Storage JSON) of the key.", expected="the path of a file"
    )
    keystore_password_file: FilePath | None = setting(
        None, "File that holds the keystore's password.", expected="the path of a file"
    )
    keystore_password_env: str | None = setting(
        None,
        "Name of the environment variable that holds the keystore's password.",
        expected="the name of an environment variable",
        remedy="Give the variable's name, never the password itself",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,59}$",
    )

    @property
    def watch_only(self) -> bool:
        """Whether nothing is ever signed for it."""
        return Role.WATCH_ONLY in self.role

    @property
    def key_source(self) -> Literal["private_key_env", "private_key_file", "credential", "keystore"] | None:
        """Which setting says where the key is, or None for a watch-only account."""
        if self.watch_only:
            return None
        if self.private_key_file is not None:
            return "private_key_file"
        if self.credential is not None:
            return "credential"
        return "private_key_env" if self.keystore is None else "keystore"

    @property
    def key_variable(self) -> str:
        """The environment variable a `private_key_env` source is read from."""
        return self.private_key_env or "PRIVATE_KEY"

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield key sources that exclude each other and roles without what they need."""
        sources = [
            name
            for name in ("private_key_env", "private_key_file", "credential", "keystore")
            if getattr(self, name) is not None
        ]
        passwords = [
            name
            for name in ("keystore_password_file", "keystore_password_env")
            if getattr(self, name) is not None
        ]
        if self.watch_only:
            if len(self.role) > 1:
                yield Contradiction(("role",), "watch-only excludes every other role; keep one of them")
            if sources or passwords:
                yield Contradiction(
                    (*sources, *passwords),
                    "a watch-only account has no key; remove this, or give it another role",
                )
            if self.address is None:
                yield Contradiction(
                    ("address",), "missing; a watch-only account is known by its address alone"
                )
            return
        if len(sources) > 1:
            yield Contradiction(tuple(sources), "more than one place for one key; keep exactly one")
        if len(passwords) > 1:
            yield Contradiction(tuple(passwords), "more than one place for one password; keep exactly one")
        if self.keystore is not None and not passwords:
            yield Contradiction(
                ("keystore",), "has no password; add keystore_password_file or keystore_password_env"
            )
        if passwords and self.keystore is None:
            yield Contradiction(
                tuple(passwords), "a password without a keystore; add keystore or remove this"
            )


class Fees(_Section):
    """What may be paid."""

    max_fee_per_gas_gwei: Amount = setting(
        Decimal(500),
        "Most that is offered per unit of gas, tip included.",
        expected="a number of gwei above 0 and at most 100000",
        unit="gwei",
        gt=0,
        le=100_000,
    )
    max_cost_per_case_eth: Amount = setting(
        Decimal("0.2"),
        "Most that the gas of one case may cost, all its transactions together.",
        expected="a number of ETH above 0 and at most 100",
        unit="ETH",
        gt=0,
        le=100,
    )
    max_cost_per_day_eth: Amount = setting(
        Decimal(2),
        "Most that all gas of any 24 hours may cost, over all cases and accounts.",
        expected="a number of ETH above 0 and at most 10000",
        unit="ETH",
        gt=0,
        le=10_000,
    )
    reserve_eth: Amount = setting(
        Decimal(0),
        "What each account keeps for calls past half of their time; 0 keeps what other open calls need.",
        expected="a number of ETH from 0 to 10000",
        unit="ETH",
        ge=0,
        le=10_000,
    )
    max_fee_is_soft: bool = setting(
        False,  # noqa: FBT003 (the default of a switch)
        "Whether a call past half of its time may offer more than max_fee_per_gas_gwei, up to its budget.",
        expected="true or false",
    )
    bump_after: Number = seconds(24, "Time without a receipt before a transaction is replaced.", 0.5, 600)

    @property
    def max_fee_per_gas(self) -> Wei:
        """The cap in wei per gas."""
        return Wei(int(self.max_fee_per_gas_gwei * 10**9))

    @property
    def max_cost_per_case(self) -> Wei:
        """The budget of one case in wei."""
        return Wei(int(self.max_cost_per_case_eth * ETHER))

    @property
    def max_cost_per_day(self) -> Wei:
        """The cap on a day's gas in wei."""
        return Wei(int(self.max_cost_per_day_eth * ETHER))

    @property
    def reserve(self) -> Wei:
        """What an account keeps for late calls, in wei."""
        return Wei(int(self.reserve_eth * ETHER))

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield caps that exclude each other, each with the sum."""
        gas = CHALLENGE_GAS * self.max_fee_per_gas
        if self.max_cost_per_case < gas:
            pays = self.max_cost_per_case / CHALLENGE_GAS / 10**9
            yield Contradiction(
                ("fees.max_cost_per_case_eth", "fees.max_fee_per_gas_gwei"),
                f"{self.max_cost_per_case_eth:f} ETH pay the {CHALLENGE_GAS} gas of a challenge at "
                f"{pays:.9g} gwei, never at {self.max_fee_per_gas_gwei:f}; raise the first to "
                f"{Decimal(gas) / ETHER:f} or lower the second",
            )
        if self.max_cost_per_day < self.max_cost_per_case:
            yield Contradiction(
                ("fees.max_cost_per_day_eth", "fees.max_cost_per_case_eth"),
                f"{self.max_cost_per_day_eth:f} ETH a day could not pay one case of up to "
                f"{self.max_cost_per_case_eth:f}; raise the first or lower the second",
            )
        if self.reserve > self.max_cost_per_day:
            yield Contradiction(
                ("fees.reserve_eth", "fees.max_cost_per_day_eth"),
                f"{self.reserve_eth:f} ETH would be kept for days that may cost "
                f"{self.max_cost_per_day_eth:f}; lower the first or raise the second",
            )


class TokenPrice(_Section):
    """What a token is worth, so that no more is paid for an answer than is at stake."""

    token: EthereumAddress = setting(
        ...,
        "Address of the token; one without a price counts as worth the cap of a case.",
        expected="0x and 40 hex digits, not the zero address",
        remedy="ETH needs no price",
        example=SOME_ADDRESS,
    )
    eth: Amount = setting(
        ...,
        "What one whole token is worth, in ETH.",
        expected="a number of ETH above 0 and at most 1000000",
        unit="ETH",
        example=Decimal("0.0005"),
        gt=0,
        le=1_000_000,
    )
    decimals: Whole = setting(
        18,
        "Decimals of the token: one whole token is 10 to the power of this many units.",
        expected="a whole number from 0 to 36",
        ge=0,
        le=36,
    )

    @property
    def value(self) -> Price:
        """The price as the guard reckons with it."""
        return Price(Wei(int(self.eth * ETHER)), self.decimals)


Mode = Literal["act", "observe", "off"]


def _mode(doc: str) -> Any:
    """Declare what is done about one event: act on it, only log what would be sent, or leave it alone."""
    return setting("act", doc, expected="act, observe or off")


class Reactions(_Section):
    """What is done about each byzantine event: act, observe (only log what would be sent) or off."""

    invalid_exit: Mode = _mode("A spent output is being exited: challenge it.")
    non_canonical_ife: Mode = _mode("An in-flight exit has a competitor: show the oldest one.")
    invalid_ife_challenge: Mode = _mode(
        "An included in-flight transaction was challenged: prove where it is."
    )
    invalid_piggyback: Mode = _mode("A spent input or output is piggybacked: challenge each.")
    piggyback_available: Mode = _mode("An in-flight exit can pay one of our outputs: join it, for a bond.")
    unchallenged_exit: Mode = _mode("An invalid exit is late: decide whether to leave the chain.")
    unchallenged_non_canonical_ife: Mode = _mode(
        "A non-canonical exit is late: decide whether to leave the chain."
    )
    unchallenged_piggyback: Mode = _mode("A spent piggyback is late: decide whether to leave the chain.")
    invalid_block: Mode = _mode("The operator made an invalid block: decide whether to leave the chain.")
    block_withholding: Mode = _mode("The operator withholds a block: decide whether to leave the chain.")

    def mode(self, event: str) -> Mode:
        """Return what is done about an event."""
        mode: Mode = getattr(self, event, "act")
        return mode


def _limit(doc: str) -> Any:
    """Declare the most that the gas of one case of an event may cost."""
    return setting(
        None, doc, expected="a number of ETH above 0 and at most 100", unit="ETH", example=0.1, gt=0, le=100
    )


class Limits(_Section):
    """What the gas of one case may cost, event by event, where it is not `fees.max_cost_per_case_eth`."""

    invalid_exit: Amount | None = _limit("Limit for one case of invalid_exit.")
    non_canonical_ife: Amount | None = _limit("Limit for one case of non_canonical_ife.")
    invalid_ife_challenge: Amount | None = _limit("Limit for one case of invalid_ife_challenge.")
    invalid_piggyback: Amount | None = _limit("Limit for one case of invalid_piggyback.")
    piggyback_available: Amount | None = _limit("Limit for one case of piggyback_available.")

    def above(self, cap: Decimal) -> Iterator[Contradiction]:
        """Yield limits that the cap of every case makes pointless."""
        for event in type(self).model_fields:
            limit: Decimal | None = getattr(self, event)
            if limit is not None and limit > cap:
                yield Contradiction(
                    (f"limits.{event}", "fees.max_cost_per_case_eth"),
                    f"{limit:f} ETH is above the {cap:f} ETH that any case may cost; lower the first or "
                    "raise the second",
                )

    def max_cost(self, event: str, otherwise: Wei) -> Wei:
        """Return the limit of an event in wei."""
        limit: Decimal | None = getattr(self, event, None)
        return otherwise if limit is None else Wei(int(limit * 10**18))


class Exits(_Section):
    """How the user's money leaves the plasma chain when it is not safe there any more."""

    policy: Literal["auto", "confirm", "never"] = setting(
        "auto",
        "Who decides: auto (the guard, once it has confirmed the reason or time is nearly out), confirm"
        " (you, with `plasma-guard exits start`; the guard when time is nearly out) or never (you alone).",
        expected="auto, confirm or never",
    )
    least_value_eth: Amount = setting(
        Decimal(0),
        "Outputs worth less stay behind.",
        expected="a number of ETH from 0 to 1000",
        unit="ETH",
        ge=0,
        le=1000,
    )
    lead: Number = seconds(
        21_600,
        "Root-chain time before a deadline in which the guard asks no more questions; at most a quarter of"
        " the exit period.",
        1,
        604_800,
    )

    @property
    def least_value(self) -> Wei:
        """The least value in wei."""
        return Wei(int(self.least_value_eth * 10**18))


class Journal(_Section):
    """Where everything that must survive a crash is kept."""

    path: FilePath = setting(
        ...,
        "The SQLite file. Default: journal.sqlite3 in the state directory, which is $STATE_DIRECTORY under "
        "systemd, else plasma-guard in $XDG_STATE_HOME or ~/.local/state.",
        expected="the path of a file on a local disk",
        example=Path("journal.sqlite3"),
    )


class Vault(_Section):
    """What leaving the chain takes, kept on disk, and a wallet's way through it."""

    path: FilePath | None = setting(
        None,
        "The SQLite file. Unset: beside the journal, with .vault before its ending.",
        expected="the path of a file on a local disk",
        example=Path("journal.vault.sqlite3"),
    )
    child_chain_url: Url | None = setting(
        None,
        "Base URL of the operator's child chain: its block.get gives whole blocks, which are proven, and the "
        "signatures that a security-critical Watcher does not tell. May hold access tokens: never logged.",
        expected="an http:// or https:// URL",
        remedy=URL_REMEDY.format('child_chain_url = "http://127.0.0.1:9656"'),
        example="http://127.0.0.1:9656",
        repr=False,
    )
    refresh_interval: Number = seconds(
        600, "Longest time between two refreshes; deposits and, as needed, new blocks cause more.", 0.1, 86400
    )
    depth: Whole = setting(
        3,
        "How many generations of your own transactions can be exited in flight, back from each output.",
        expected="a whole number of generations from 1 to 20",
        unit="generations",
        ge=1,
        le=20,
    )
    missing_alert_after: Number = seconds(
        900, "Root-chain time for which something may be missing before that is an alert.", 0, 604800
    )
    submit_enabled: bool = setting(
        default=False,
        doc="Whether a wallet can submit through the guard, which keeps its transactions first.",
        expected="true or false",
    )
    submit_host: str = setting(
        "127.0.0.1",
        "Address on which wallets are listened to; only those of a loopback address should be.",
        expected="an IP address or host name",
        pattern=r"^[A-Za-z0-9.:_-]{1,253}$",
    )
    submit_port: Whole = setting(
        9465,
        "Port on which wallets are listened to; 0 takes any free one.",
        expected="a port from 0 to 65535",
        ge=0,
        le=65535,
    )
    submit_url: Url | None = setting(
        None,
        "Where wallets' requests go on to; unset: watcher.url. May hold access tokens: never logged.",
        expected="an http:// or https:// URL",
        remedy=URL_REMEDY.format('submit_url = "http://127.0.0.1:7534"'),
        example="http://127.0.0.1:7534",
        repr=False,
    )


class Server(_Section):
    """The HTTP server of /live, /ready, /status and /metrics."""

    enabled: bool = setting(default=True, doc="Whether the server runs.", expected="true or false")
    host: str = setting(
        "127.0.0.1",
        "Address to listen on. On a loopback address, requests for other host names are refused.",
        expected="an IP address or host name",
        pattern=r"^[A-Za-z0-9.:_-]{1,253}$",
    )
    port: Whole = setting(
        9464, "Port to listen on; 0 takes any free one.", expected="a port from 0 to 65535", ge=0, le=65535
    )


class Alerts(_Section):
    """Who is told when a person must know."""

    webhook_url: SecretUrl | None = setting(
        None,
        "URL that gets each alert as JSON (Slack and Mattermost accept it). Secret: never printed.",
        expected="an http:// or https:// URL",
        remedy="Prefer PLASMA_GUARD_ALERTS__WEBHOOK_URL in a protected environment file",
    )
    repeat_after: Number = seconds(3600, "Time before an alert that still stands is sent again.", 1, 604800)


class Logging(_Section):
    """How the log reads."""

    format: Literal["text", "json"] = setting(
        "text", "Sentences for people or JSON lines for machines, on stderr.", expected="text or json"
    )
    level: Literal["debug", "info", "warning", "error"] = setting(
        "info", "Least important level that is logged.", expected="debug, info, warning or error"
    )
