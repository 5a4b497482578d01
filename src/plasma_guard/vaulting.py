"""Puts a vault together from the settings, for the daemon and for the commands about it."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from plasma_guard.chain.chain import RpcChain
from plasma_guard.config import Config, Role
from plasma_guard.domain.primitives import Address
from plasma_guard.ports import Clock, ExitGame, Watcher
from plasma_guard.vault import Settings, SqlVault, open_store
from plasma_guard.vault.proxy import SubmitProxy, Unsafe
from plasma_guard.verifier.child_chain import HttpBlockSource


@dataclass(frozen=True, slots=True)
class Sources:
    """Whom a vault is filled from."""

    chain: RpcChain
    game: ExitGame
    watcher: Watcher


def owners_of(config: Config, keys: Mapping[Address, Collection[Role]]) -> frozenset[Address]:
    """Return whose outputs are kept: all accounts but those that only challenge.

    `keys` are the accounts whose key could be read, with their roles.
    """
    found = {address for address, role in keys.items() if Role.OWNER in role}
    for account in config.accounts:
        if account.address is not None and set(account.role) != _ONLY_CHALLENGE:
            found.add(account.address)
    return frozenset(found)


@asynccontextmanager
async def vault_of(
    config: Config, sources: Sources, clock: Clock, owners: frozenset[Address], first_block: int
) -> AsyncIterator[SqlVault]:
    """Open the vault of the settings; raises `VaultError`."""
    async with AsyncExitStack() as stack:
        url = config.vault.child_chain_url
        child_chain = await stack.enter_async_context(HttpBlockSource(url)) if url else None
        store = open_store(config.vault_path, sources.game, config.root_chain.chain_id)
        yield await stack.enter_async_context(
            SqlVault(
                store=store,
                settings=Settings(owners=owners, first_block=first_block, depth=config.vault.depth),
                game=sources.game,
                chain=sources.chain,
                watcher=sources.watcher,
                child_chain=child_chain,
                clock=clock,
            )
        )


def proxy_of(config: Config, vault: SqlVault, game: ExitGame, unsafe: Unsafe) -> SubmitProxy:
    """Return the wallets' way through the guard; it listens once entered."""
    settings = config.vault
    return SubmitProxy(
        vault,
        game.rules,
        upstream=settings.submit_url or config.watcher.url,
        host=settings.submit_host,
        port=settings.submit_port,
        deadline=config.watcher.deadline,
        unsafe=unsafe,
    )


_ONLY_CHALLENGE = {Role.CHALLENGER}
