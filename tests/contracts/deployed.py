"""Freshly deployed contracts of one generation, and what their users do, seen through the ports."""

from dataclasses import dataclass

from eth_account import Account

from plasma_guard.chain import RpcChain
from plasma_guard.contracts.ald import calls as ald_calls
from plasma_guard.contracts.ald.revisions import REVISIONS
from plasma_guard.contracts.rootchain import calls as rootchain_calls
from plasma_guard.devnet.deploy import DEV_KEYS
from plasma_guard.devnet.evm import Evm
from plasma_guard.devnet.transactor import Transactor
from plasma_guard.domain.actions import ChallengeStandardExit
from plasma_guard.domain.exits import StandardExit
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Wei
from plasma_guard.plasma.transaction import Output
from plasma_guard.ports import ExitGame

ALICE_KEY, GUARD_KEY = DEV_KEYS[3], DEV_KEYS[1]
ALICE, GUARD = (Address.parse(Account.from_key(key).address) for key in (ALICE_KEY, GUARD_KEY))
PERIOD = 600
AMOUNT = Wei(10**18)


@dataclass
class World:
    """A fresh deployment, and what its users do."""

    evm: Evm
    chain: RpcChain
    game: ExitGame

    @property
    def is_ald(self) -> bool:
        return self.game.contracts.generation.is_ald

    async def send(self, key: str, to: Address, data: bytes, value: int = 0) -> int:
        receipt = await Transactor(self.evm).send_raw(key, str(to), data, value=value)
        return int(receipt["gasUsed"], 16)

    async def deposit(self) -> tuple[UtxoPosition, bytes]:
        _, blknum = await self.game.next_plasma_blocks(await self.chain.head())
        tx = self.game.rules.deposit(ALICE, ETH, AMOUNT)
        vault = self.game.contracts.eth_vault or self.game.contracts.entry
        data = ald_calls.deposit(tx) if self.is_ald else rootchain_calls.deposit(tx)
        await self.send(ALICE_KEY, vault, data, AMOUNT)
        return UtxoPosition(blknum, 0, 0), tx

    async def start_exit(self, position: UtxoPosition, tx: bytes) -> StandardExit:
        proof = self.game.rules.merkle_proof([tx], 0)
        encode = ald_calls.start_standard_exit if self.is_ald else rootchain_calls.start_standard_exit
        bond = (await self.game.bonds(await self.chain.head())).standard_exit
        await self.send(ALICE_KEY, self.game.contracts.exit_game, encode(position, tx, proof), bond)
        return await self.read(self.game.rules.standard_exit_id(tx, position))

    async def read(self, exit_id: int) -> StandardExit:
        (found,) = await self.game.standard_exits([exit_id], await self.chain.head())  # type: ignore[list-item] # a plain id
        return found

    async def process(self) -> None:
        contracts = self.game.contracts
        if contracts.generation in REVISIONS:
            revision = REVISIONS[contracts.generation]
            data = ald_calls.process_exits(revision, ETH, 0, 10, GUARD)  # type: ignore[arg-type] # 0: any head
        else:
            data = rootchain_calls.process_exits(ETH, 0, 10)  # type: ignore[arg-type] # 0: any head
        await self.send(GUARD_KEY, contracts.entry, data)

    def challenge(self, position: UtxoPosition, tx: bytes) -> ChallengeStandardExit:
        rules = self.game.rules
        spend = rules.encode([position], [Output(GUARD, ETH, AMOUNT)])
        signature = rules.sign(rules.decode(spend), self.game.contracts.entry, bytes.fromhex(ALICE_KEY[2:]))
        return ChallengeStandardExit(
            exit_id=rules.standard_exit_id(tx, position),
            position=position,
            challenge_tx=spend,
            input_index=0,
            signature=signature,
            exiting_tx=tx if self.is_ald else None,
        )

    async def events(self, kind: type) -> list[object]:
        head = await self.chain.head()
        return [e for e in await self.game.root_chain_events(0, head.number) if isinstance(e, kind)]
