"""The whole of the settings, and what is impossible across its tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from plasma_guard.config.fields import json_list, setting
from plasma_guard.config.problems import Contradiction
from plasma_guard.config.sections import (
    Account,
    Alerts,
    Exits,
    Fees,
    Journal,
    Limits,
    Logging,
    Reactions,
    RootChain,
    Server,
    TokenPrice,
    Vault,
    Watcher,
)


class Config(BaseSettings):
    """Everything the operator can set."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    mode: Literal["guard", "observe"] = setting(
        "guard", "guard acts; observe does everything but send.", expected="guard or observe"
    )
    scope: Literal["all", "mine", "hunt"] = setting(
        "all",
        "all guards the whole chain, mine only what touches my accounts' funds, hunt all, also for bonds.",
        expected="all, mine or hunt",
    )
    root_chain: RootChain = setting(..., "", expected="a table [root_chain]")
    watcher: Watcher = setting(..., "", expected="a table [watcher]")
    accounts: Annotated[tuple[Account, ...], BeforeValidator(json_list)] = setting(
        (),
        "The accounts to act for. With none, a bare PRIVATE_KEY or PRIVATE_KEY_FILE makes one for both.",
        expected="tables [[accounts]], or a JSON list of objects in the environment",
    )
    fees: Fees = setting(Fees(), "", expected="a table [fees]")
    reactions: Reactions = setting(Reactions(), "", expected="a table [reactions]")
    limits: Limits = setting(Limits(), "", expected="a table [limits]")
    prices: Annotated[tuple[TokenPrice, ...], BeforeValidator(json_list)] = setting(
        (),
        "What tokens are worth.",
        expected="tables [[prices]], or a JSON list of objects in the environment",
    )
    journal: Journal = setting(..., "", expected="a table [journal]")
    exits: Exits = setting(Exits(), "", expected="a table [exits]")
    vault: Vault = setting(Vault(), "", expected="a table [vault]")
    server: Server = setting(Server(), "", expected="a table [server]")
    alerts: Alerts = setting(Alerts(), "", expected="a table [alerts]")
    logging: Logging = setting(Logging(), "", expected="a table [logging]")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing behind the back of `load_config`, which is given the file and the environment."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def armed_accounts(self) -> tuple[Account, ...]:
        """The accounts that can sign."""
        return tuple(account for account in self.accounts if not account.watch_only)

    @property
    def vault_path(self) -> Path:
        """Where the vault is: beside the journal unless it is set."""
        journal = self.journal.path
        return self.vault.path or journal.with_name(f"{journal.stem}.vault{journal.suffix}")

    @property
    def mailbox_path(self) -> Path:
        """Where commands leave wishes for a running guard: a directory beside the journal."""
        return self.journal.path.with_name(f"{self.journal.path.stem}.wishes")

    @property
    def drill_path(self) -> Path:
        """Where the result of the last rehearsal is: a file beside the journal."""
        return self.journal.path.with_name(f"{self.journal.path.stem}.drill.json")

    def unguarded(self) -> str | None:
        """Return why `run` must refuse: it is to act, and nothing says with which key."""
        if self.mode == "observe" or self.armed_accounts:
            return None
        return (
            'accounts: none has a key, and mode is "guard"; set PRIVATE_KEY or PRIVATE_KEY_FILE, '
            'add [[accounts]], or only look on with --observe or mode = "observe"'
        )

    def secrets(self) -> tuple[str, ...]:
        """Return the pieces of settings that must not appear in any output: tokens in URLs."""
        urls = [*self.root_chain.rpc, self.watcher.url]
        urls += [url for url in (self.vault.child_chain_url, self.vault.submit_url) if url is not None]
        if self.alerts.webhook_url is not None:
            urls.append(self.alerts.webhook_url.get_secret_value())
        pieces: list[str] = []
        for url in urls:
            parts = urlsplit(url)
            path = (parts.path + (f"?{parts.query}" if parts.query else "")).strip("/")
            if len(path) >= _TOKEN_LENGTH:
                pieces.append(path)
            if parts.password and len(parts.password) >= _PASSWORD_LENGTH:
                pieces.append(parts.password)
        return tuple(pieces)

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield what is impossible together across and within the sections."""
        yield from self.watcher.contradictions()
        for index, account in enumerate(self.accounts):
            for found in account.contradictions():
                yield Contradiction(tuple(f"accounts[{index}].{name}" for name in found.fields), found.text)
        if self.fees.bump_after < self.root_chain.poll_interval:
            yield Contradiction(
                ("fees.bump_after", "root_chain.poll_interval"),
                f"{self.fees.bump_after:g} s would replace transactions before the next look at the chain "
                f"after {self.root_chain.poll_interval:g} s; raise the first or lower the second",
            )
        if self.watcher.max_head_age < self.watcher.poll_interval:
            yield Contradiction(
                ("watcher.max_head_age", "watcher.poll_interval"),
                "a head would be too old before the next poll; raise the first or lower the second",
            )
        yield from self.fees.contradictions()
        yield from self.limits.above(self.fees.max_cost_per_case_eth)
        yield from self._shared_by_accounts()
        tokens = [price.token for price in self.prices]
        for index, token in enumerate(tokens):
            if (first := tokens.index(token)) != index:
                yield Contradiction(
                    (f"prices[{index}].token", f"prices[{first}].token"), "two prices for one token; keep one"
                )

    def _shared_by_accounts(self) -> Iterator[Contradiction]:
        seen: dict[object, int] = {}
        for index, account in enumerate(self.accounts):
            source = account.key_source
            place = getattr(account, source) if source else None
            if source == "private_key_env":
                place = account.key_variable
            for field, value in (("address", account.address), (source, place)):
                if field is None or value is None:
                    continue
                first = seen.setdefault((field, value), index)
                if first != index:
                    yield Contradiction(
                        (f"accounts[{index}].{field}", f"accounts[{first}].{field}"),
                        'the same in both; write one account with role = ["owner", "challenger"]',
                    )


_PASSWORD_LENGTH = 6
_TOKEN_LENGTH = 16
"""Shorter paths such as ``rpc`` or ``v1/mainnet`` are no secrets, and hiding them would garble the log."""
