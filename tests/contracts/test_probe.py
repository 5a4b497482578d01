"""Probe against deployed contracts of every generation, and against much else that may be configured."""

from collections.abc import AsyncIterator

import pytest
from eth_abi.abi import encode

from contracts.assembly import contract, proxy
from plasma_guard.chain import RpcChain
from plasma_guard.contracts import probe
from plasma_guard.contracts.abis import Function
from plasma_guard.contracts.abis import ald as ald_abi
from plasma_guard.contracts.abis import rootchain as rootchain_abi
from plasma_guard.contracts.ald.revisions import UNSAFE_CHALLENGE, V1, V2
from plasma_guard.devnet.deploy import deploy
from plasma_guard.devnet.evm import Evm
from plasma_guard.domain.errors import ChainUnavailable, ContractError
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.primitives import ETH, ZERO_ADDRESS, Address
from support.clock import FakeClock

FRAMEWORK = Address(b"\xf0" * 20)
GAME = Address(b"\xf1" * 20)
LOGIC = Address(b"\xf2" * 20)
REASON = bytes.fromhex("08c379a0") + encode(["string"], ["The exit does not exist"])
NO_EXITS = encode(
    ["(bool,uint256,bytes32,address,uint256,uint256)[]"], [[(False, 0, bytes(32), "0x" + "00" * 20, 0, 0)]]
)


@pytest.fixture
async def evm() -> AsyncIterator[Evm]:
    async with Evm() as node:
        yield node


@pytest.fixture
async def chain(evm: Evm) -> AsyncIterator[RpcChain]:
    async with RpcChain.connect([evm.rpc_url], FakeClock()) as connected:
        yield connected


async def put(evm: Evm, where: Address, code: str) -> None:
    await evm.rpc("anvil_setCode", str(where), code)


def framework(game: Address = GAME, version: str = "1.0.4+abc", **more: bytes) -> str:
    answers: dict[Function, bytes] = {
        ald_abi.EXIT_GAMES: encode(["address"], [game]),
        ald_abi.GET_VERSION: encode(["string"], [version]),
        ald_abi.MIN_EXIT_PERIOD: encode(["uint256"], [604800]),
        ald_abi.VAULTS: encode(["address"], [Address(b"\xf3" * 20)]),
    }
    return contract({f: more.get(f.name, data) for f, data in answers.items()})


@pytest.mark.parametrize(
    ("revision", "generation", "version"),
    [
        ("rootchain", Generation.ROOTCHAIN_V02, None),
        ("ald-v1", Generation.ALD_V1, "1.0.5+devnet"),
        ("ald-v2", Generation.ALD_V2, "2.0.0+devnet"),
    ],
)
async def test_deployed_contracts_are_recognised_from_their_address(
    evm: Evm, chain: RpcChain, revision: str, generation: Generation, version: str | None
) -> None:
    """Generation, period and addresses are read; a fresh deployment has no exits, blocks or queue heads."""
    deployed = await deploy(evm, revision, min_exit_period=600)
    game = await probe(chain, Address.parse(deployed.address))
    found = game.contracts
    assert (found.generation, found.min_exit_period, found.version) == (generation, 600, version)
    assert game.rules.generation is generation
    assert str(found.entry) == deployed.address.lower()
    assert (found.exit_game != found.entry) == generation.is_ald
    assert (found.eth_vault is not None) == (found.erc20_vault is not None) == generation.is_ald
    head = await chain.head()
    assert await game.root_chain_events(0, head.number) == []
    assert await game.plasma_block(1000, head) is None
    assert await game.next_plasma_blocks(head) == (1000, 1)
    assert await game.queue_head(ETH, head) is None
    bonds = await game.bonds(head)
    assert min(bonds.standard_exit, bonds.in_flight_exit, bonds.piggyback) > 0


async def test_an_exit_game_given_instead_of_the_framework_is_named(evm: Evm, chain: RpcChain) -> None:
    """The operator reads what to configure instead."""
    deployed = await deploy(evm, "ald-v2", min_exit_period=600)
    game = await probe(chain, Address.parse(deployed.address))
    with pytest.raises(ContractError, match=r"is a PaymentExitGame: configure the PlasmaFramework"):
        await probe(chain, game.contracts.exit_game)


async def test_other_contracts_and_plain_accounts_are_refused(evm: Evm, chain: RpcChain) -> None:
    """A token, a vault, a wallet and an empty address are none of ours, each said in its own words."""
    deployed = await deploy(evm, "ald-v1", min_exit_period=600)
    game = await probe(chain, Address.parse(deployed.address))
    assert game.contracts.eth_vault is not None
    for other in (Address.parse(deployed.tokens[0]), game.contracts.eth_vault):
        with pytest.raises(ContractError, match=r"neither a RootChain v0\.2 nor a PlasmaFramework"):
            await probe(chain, other)
    with pytest.raises(ContractError, match=r"no contract at .* on chain 31337"):
        await probe(chain, Address.parse(evm.accounts[0].address))


async def test_a_contract_that_answers_everything_is_refused(evm: Evm, chain: RpcChain) -> None:
    """A fallback that returns nothing, or anything, does not pass for a framework."""
    for code in ("0x00", "0x60206000f3", "0x6020600052604060" + "00f3", "0xfe"):
        await put(evm, FRAMEWORK, code)
        with pytest.raises(ContractError):
            await probe(chain, FRAMEWORK)


async def test_a_framework_without_payment_exit_game_is_refused(evm: Evm, chain: RpcChain) -> None:
    """Nothing could be exited there."""
    await put(evm, FRAMEWORK, framework(game=ZERO_ADDRESS))
    with pytest.raises(ContractError, match="no exit game for transaction type 1"):
        await probe(chain, FRAMEWORK)


async def test_an_exit_game_without_known_exits_is_refused(evm: Evm, chain: RpcChain) -> None:
    """Neither revision's read answers."""
    await put(evm, FRAMEWORK, framework())
    await put(evm, GAME, contract({ald_abi.PIGGYBACK_BOND_SIZE: encode(["uint256"], [1])}))
    with pytest.raises(ContractError, match=r"neither standardExits\(uint160\[\]\) nor"):
        await probe(chain, FRAMEWORK)


async def test_release_1_0_0_is_refused_by_name(evm: Evm, chain: RpcChain) -> None:
    """Its challenge lacks senderData, so our calldata would only burn gas."""
    await put(evm, FRAMEWORK, framework(version="1.0.0+abc"))
    await put(evm, GAME, contract({V1.standard_exits: NO_EXITS}, {UNSAFE_CHALLENGE: REASON}))
    with pytest.raises(ContractError, match=r"it is of 1\.0\.0, which has challengeStandardExit\("):
        await probe(chain, FRAMEWORK)


async def test_an_exit_game_without_any_challenge_is_refused(evm: Evm, chain: RpcChain) -> None:
    """Reading exits is not enough to guard them."""
    await put(evm, FRAMEWORK, framework())
    await put(evm, GAME, contract({V1.standard_exits: NO_EXITS}, {V2.challenge_standard_exit: REASON}))
    with pytest.raises(ContractError, match="unknown revision"):
        await probe(chain, FRAMEWORK)


async def test_releases_between_1_0_2_and_1_0_5_are_taken_for_what_they_are(
    evm: Evm, chain: RpcChain
) -> None:
    """They share calls and logs with 1.0.5; the version text is kept but decides nothing."""
    await put(evm, FRAMEWORK, framework(version="2.0.0-misleading"))
    await put(evm, GAME, contract({V1.standard_exits: NO_EXITS}, {V1.challenge_standard_exit: REASON}))
    found = (await probe(chain, FRAMEWORK)).contracts
    assert (found.generation, found.version) == (Generation.ALD_V1, "2.0.0-misleading")
    assert found.min_exit_period == 604800


async def test_an_exit_game_behind_a_proxy_is_recognised_by_its_answers(evm: Evm, chain: RpcChain) -> None:
    """A proxy's own code names no function, so the refusal of a nonsensical call tells."""
    await put(evm, FRAMEWORK, framework())
    await put(evm, GAME, proxy(LOGIC))
    await put(evm, LOGIC, contract({V1.standard_exits: NO_EXITS}, {V1.challenge_standard_exit: REASON}))
    assert (await probe(chain, FRAMEWORK)).contracts.generation is Generation.ALD_V1
    await put(evm, LOGIC, contract({V1.standard_exits: NO_EXITS}, {UNSAFE_CHALLENGE: REASON}))
    with pytest.raises(ContractError, match=r"it is of 1\.0\.0"):
        await probe(chain, FRAMEWORK)


async def test_a_framework_without_a_version_text_is_taken(evm: Evm, chain: RpcChain) -> None:
    """The text is informative only; garbage in it harms nothing."""
    await put(evm, FRAMEWORK, framework(getVersion=b"\xff" * 64))
    await put(evm, GAME, contract({V1.standard_exits: NO_EXITS}, {V1.challenge_standard_exit: REASON}))
    assert (await probe(chain, FRAMEWORK)).contracts.version is None


ROOT_CHAIN = {
    rootchain_abi.STANDARD_EXIT_BOND: encode(["uint256"], [31415926535]),
    rootchain_abi.EXITS: bytes(128),
    rootchain_abi.MIN_EXIT_PERIOD: encode(["uint256"], [600]),
    rootchain_abi.CHALLENGE_STANDARD_EXIT: b"",
    rootchain_abi.PROCESS_EXITS: b"",
}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (rootchain_abi.CHALLENGE_STANDARD_EXIT, r"no challengeStandardExit\(uint192"),
        (rootchain_abi.PROCESS_EXITS, r"no processExits\(address,uint192"),
        (rootchain_abi.EXITS, "another version than v0.2"),
        (rootchain_abi.MIN_EXIT_PERIOD, "never initialised"),
    ],
)
async def test_another_root_chain_is_refused_by_what_it_lacks(
    evm: Evm, chain: RpcChain, changed: Function, words: str
) -> None:
    """Older RootChains share some functions; each one needed is checked."""
    await put(evm, FRAMEWORK, contract(ROOT_CHAIN))
    assert (await probe(chain, FRAMEWORK)).contracts.generation is Generation.ROOTCHAIN_V02
    await put(evm, FRAMEWORK, contract({f: data for f, data in ROOT_CHAIN.items() if f is not changed}))
    with pytest.raises(ContractError, match=words):
        await probe(chain, FRAMEWORK)


async def test_a_root_chain_that_was_never_initialised_is_refused(evm: Evm, chain: RpcChain) -> None:
    """An exit period of zero would make every deadline the past."""
    await put(evm, FRAMEWORK, contract({**ROOT_CHAIN, rootchain_abi.MIN_EXIT_PERIOD: bytes(32)}))
    with pytest.raises(ContractError, match="never initialised"):
        await probe(chain, FRAMEWORK)


async def test_an_unreachable_node_is_not_a_wrong_contract() -> None:
    """The operator is told to look at the endpoint, not at the address."""
    async with RpcChain.connect(["http://127.0.0.1:9"], FakeClock()) as chain:
        with pytest.raises(ChainUnavailable):
            await probe(chain, FRAMEWORK)
