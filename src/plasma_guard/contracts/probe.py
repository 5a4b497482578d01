"""The address alone tells which generation of contracts the guard speaks to."""

from plasma_guard.contracts.abis import Function
from plasma_guard.contracts.abis import ald as ald_abi
from plasma_guard.contracts.abis import rootchain as rootchain_abi
from plasma_guard.contracts.ald import AldExitGame
from plasma_guard.contracts.ald.revisions import REVISIONS, UNSAFE_CHALLENGE, Revision
from plasma_guard.contracts.reading import try_read
from plasma_guard.contracts.rootchain import RootChainExitGame
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.errors import CallReverted, ContractError
from plasma_guard.domain.exits import ContractSet, Generation
from plasma_guard.domain.primitives import ZERO_ADDRESS, Address, Seconds
from plasma_guard.ports import Call, Chain, ExitGame

PAYMENT_TX_TYPE = 1
_PUSH4 = b"\x63"


async def probe(chain: Chain, address: Address) -> ExitGame:
    """Return the exit game deployed behind a RootChain or PlasmaFramework address.

    Raises `ContractError` naming what was found instead, and what to configure.
    """
    code = await chain.code(address)
    if not code:
        raise ContractError(
            f"no contract at {address} on chain {await chain.chain_id()}: check address and chain"
        )
    at = await chain.head()
    game = await try_read(chain, address, ald_abi.EXIT_GAMES, PAYMENT_TX_TYPE, at=at)
    if game is not None:
        return AldExitGame(chain, await _ald_contracts(chain, address, Address.parse(game), at))
    if await try_read(chain, address, rootchain_abi.STANDARD_EXIT_BOND, at=at) is not None:
        return RootChainExitGame(chain, await _rootchain_contracts(chain, address, code, at))
    if await _exit_game_revision(chain, address, at) is not None:
        raise ContractError(
            f"{address} is a PaymentExitGame: configure the PlasmaFramework it is registered with instead"
        )
    raise ContractError(
        f"the contract at {address} is neither a RootChain v0.2 nor a PlasmaFramework: "
        "it has neither standardExitBond() nor exitGames(uint256)"
    )


async def _rootchain_contracts(chain: Chain, address: Address, code: bytes, at: BlockStamp) -> ContractSet:
    for needed in (rootchain_abi.CHALLENGE_STANDARD_EXIT, rootchain_abi.PROCESS_EXITS):
        if not _dispatches(code, needed):
            raise ContractError(
                f"the RootChain at {address} is of another version than v0.2: it has no {needed.signature}"
            )
    entry = await try_read(chain, address, rootchain_abi.EXITS, 0, at=at)
    period = await try_read(chain, address, rootchain_abi.MIN_EXIT_PERIOD, at=at)
    if entry is None or not period:
        raise ContractError(
            f"the RootChain at {address} is of another version than v0.2, or was never initialised: "
            "exits(uint192) or minExitPeriod() does not answer"
        )
    return ContractSet(
        generation=Generation.ROOTCHAIN_V02,
        entry=address,
        exit_game=address,
        min_exit_period=Seconds(period),
    )


async def _ald_contracts(chain: Chain, address: Address, game: Address, at: BlockStamp) -> ContractSet:
    if game == ZERO_ADDRESS:
        raise ContractError(
            f"the PlasmaFramework at {address} has no exit game for transaction type {PAYMENT_TX_TYPE}: "
            "payments cannot be exited there, so there is nothing to guard"
        )
    revision = await _exit_game_revision(chain, game, at)
    version = await try_read(chain, address, ald_abi.GET_VERSION, at=at)
    said = f"PaymentExitGame {game} of PlasmaFramework {address} (version {version!r})"
    if revision is None:
        raise ContractError(
            f"{said} answers neither standardExits(uint160[]) nor standardExits(uint168[]): unknown revision"
        )
    if not await _has(chain, game, revision.challenge_standard_exit, at):
        older = await _has(chain, game, UNSAFE_CHALLENGE, at)
        what = f"it is of 1.0.0, which has {UNSAFE_CHALLENGE.signature}" if older else "unknown revision"
        raise ContractError(f"{said} has no {revision.challenge_standard_exit.signature}: {what}")
    period = await try_read(chain, address, ald_abi.MIN_EXIT_PERIOD, at=at)
    if not period:
        raise ContractError(f"the PlasmaFramework at {address} does not tell minExitPeriod()")
    return ContractSet(
        generation=revision.generation,
        entry=address,
        exit_game=game,
        min_exit_period=Seconds(period),
        eth_vault=await _vault(chain, address, 1, at),
        erc20_vault=await _vault(chain, address, 2, at),
        version=version or None,
    )


async def _exit_game_revision(chain: Chain, game: Address, at: BlockStamp) -> Revision | None:
    """Return the revision whose standardExits answers; only one of the two selectors exists on any game."""
    for revision in REVISIONS.values():
        if await try_read(chain, game, revision.standard_exits, [0], at=at) is not None:
            return revision
    return None


async def _vault(chain: Chain, framework: Address, vault_id: int, at: BlockStamp) -> Address | None:
    found = await try_read(chain, framework, ald_abi.VAULTS, vault_id, at=at)
    if found is None or (vault := Address.parse(found)) == ZERO_ADDRESS:
        return None
    return vault


async def _has(chain: Chain, address: Address, function: Function, at: BlockStamp) -> bool:
    """Tell whether a contract has a function, from its dispatcher or, behind a proxy, from its answer.

    A function that exists refuses nonsense with a reason; an unknown selector is refused without a word.
    """
    if _dispatches(await chain.code(address), function):
        return True
    nonsense = function.encode((0, b"", b"", 0, b"", bytes(32))[: _arity(function)])
    try:
        await chain.call(Call(address, nonsense), at)
    except CallReverted as refusal:
        return bool(refusal.data)
    return False


def _arity(function: Function) -> int:
    return function.signature.count(",") + 1


def _dispatches(code: bytes, function: Function) -> bool:
    """Tell whether code compares a selector with this function's: the compilers push it as four bytes."""
    return _PUSH4 + function.selector in code
