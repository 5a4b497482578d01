"""A deployed ALD revision at the addresses of the golden data, so that recorded bytes replay unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from plasma_guard.devnet import artifacts
from plasma_guard.devnet.artifacts import Artifact
from plasma_guard.devnet.deploy_ald import deploy_ald
from plasma_guard.devnet.deployment import Deployment
from plasma_guard.devnet.evm import Evm
from plasma_guard.devnet.transactor import encode_call
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.primitives import Address
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from vectors_loader import load

Version = Literal["1.0.5", "2.0.0"]
VERSIONS: Final[tuple[Version, ...]] = ("1.0.5", "2.0.0")
START: Final = 1_700_000_000
ETH: Final = "0x" + "00" * 20
GAS: Final = 6_000_000
CASES: Final[list[dict[str, Any]]] = load("ald", "calldata")["cases"]
REVERTS: Final[list[dict[str, Any]]] = load("ald", "reverts")["cases"]
META: Final[dict[str, Any]] = load("ald", "calldata")["meta"]
# A contract that stores a word when it receives ether: dearer than the stipend that payouts give.
GREEDY_CODE: Final = "0x600160005500"

_ARTIFACTS: Final = {
    "plasma_framework": "PlasmaFramework{}",
    "payment_exit_game": "PaymentExitGame{}",
    "eth_vault": "EthVault",
    "erc20_vault": "Erc20Vault",
    "token": "TestToken",
    "token2": "TestToken",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A message to a contract; ``value`` is in wei."""

    sender: str
    to: str
    data: str
    value: int = 0

    def fields(self) -> dict[str, str]:
        return {
            "from": self.sender,
            "to": self.to,
            "data": self.data,
            "value": hex(self.value),
            "gas": hex(GAS),
        }


class World:
    """One revision of the contracts on a local EVM, addressed by the roles of the golden data."""

    def __init__(self, evm: Evm, version: Version, deployment: Deployment) -> None:
        self.evm = evm
        self.version = version
        self.deployment = deployment
        contracts = META["contracts"][version]
        self.addresses: Mapping[str, str] = contracts["addresses"]
        self.accounts: Mapping[str, Mapping[str, str]] = contracts["accounts"]
        self.outputs: Mapping[str, Mapping[str, Any]] = META["base_world"][version]
        self.is_v1 = version == "1.0.5"
        self.rules: PlasmaRules = rules_for(Generation.ALD_V1 if self.is_v1 else Generation.ALD_V2)
        self.bond = 14 * 10**15 if self.is_v1 else 233 * 10**14
        self.start_bond = 37 * 10**15 if self.is_v1 else 269 * 10**14
        self.piggyback_bond = 28 * 10**15 if self.is_v1 else 309 * 10**14

    @classmethod
    async def deploy(cls, evm: Evm, version: Version) -> World:
        """Deploy a revision and put the greedy contract in its place."""
        accounts = META["contracts"][version]["accounts"]
        deployment = await deploy_ald(
            evm,
            "ald-v1" if version == "1.0.5" else "ald-v2",
            min_exit_period=META["contracts"][version]["min_exit_period"],
            deployer_key=accounts["deployer"]["private_key"],
            maintainer_key=accounts["maintainer"]["private_key"],
            operator_key=accounts["authority"]["private_key"],
            funded_key=accounts["alice"]["private_key"],
            queues=False,
        )
        world = cls(evm, version, deployment)
        greedy = world.addresses["greedy"]
        await evm.rpc("anvil_setCode", greedy, GREEDY_CODE)
        await evm.set_balance(greedy, 10**20)
        await evm.rpc("anvil_impersonateAccount", greedy)
        return world

    def address(self, role: str) -> str:
        return self.accounts[role]["address"] if role in self.accounts else self.addresses[role]

    def artifact(self, role: str) -> Artifact:
        return artifacts.load(_ARTIFACTS[role].format("V1" if self.is_v1 else "V2"))

    def call(self, sender: str, role: str, name: str, *arguments: object, value: int = 0) -> Call:
        """Return a call of a function of the contract in ``role`` by the account in ``sender``."""
        data = "0x" + encode_call(self.artifact(role).abi, name, arguments).hex()
        return Call(self.address(sender), self.addresses[role], data, value)

    async def read(self, call: Call) -> str:
        """Return what a call answers at the newest block; raise `EvmRpcError` when it reverts."""
        fields = call.fields()
        return cast("str", await self.evm.rpc("eth_call", fields, "latest"))

    async def send(self, call: Call, at: int) -> dict[str, Any]:
        """Mine a call in a block of its own with timestamp ``at`` and return its receipt."""
        await self.evm.set_next_timestamp(at)
        transaction_hash = await self.evm.rpc("eth_sendTransaction", call.fields())
        await self.evm.mine()
        receipt = await self.evm.rpc("eth_getTransactionReceipt", transaction_hash)
        return cast("dict[str, Any]", receipt)

    async def pass_time(self, at: int) -> None:
        """Mine an empty block with timestamp ``at``."""
        await self.evm.set_next_timestamp(at)
        await self.evm.mine()

    async def balance(self, address: str) -> int:
        return int(await self.evm.rpc("eth_getBalance", address, "latest"), 16)

    def process(self, vault: int, token: str, count: int, top: int = 0) -> Call:
        """Return the guard's call of processExits; revision 2 also names its sender."""
        arguments: tuple[object, ...] = (vault, token, top, count)
        if not self.is_v1:
            arguments += (self.sender_data("guard"),)
        return self.call("guard", "plasma_framework", "processExits", *arguments)

    def sender_data(self, role: str) -> bytes:
        return keccak(bytes.fromhex(self.address(role)[2:]))

    def sign(self, role: str, transaction: bytes) -> bytes:
        """Return the signature of an account under an unsigned transaction."""
        return self.rules.sign(
            self.rules.decode(transaction),
            Address.parse(self.addresses["plasma_framework"]),
            bytes.fromhex(self.accounts[role]["private_key"].removeprefix("0x")),
        )
