"""What the exit planner must know of the root chain, read at one block."""

import asyncio
from collections.abc import Collection

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.exits import ExitId, Generation
from plasma_guard.domain.plan import ExitPlan, Trouble
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.domain.vault import VaultContents
from plasma_guard.planner import Bounties, ChainFacts, PlanPolicy, QueueFacts, plan
from plasma_guard.ports import Chain, ExitGame, Vault

V2_BOUNTIES = Bounties(standard_exit=Wei(5_350_000_000_000_000), piggyback=Wei(25_000_000_000_000_000))
"""PaymentExitGame 2.0.0's first ones; there is no getter, and a bond of now may hold others."""


async def gather_facts(
    contents: VaultContents, game: ExitGame, chain: Chain, accounts: Collection[Address], at: BlockStamp
) -> ChainFacts:
    """Read everything that bears on what the vault holds; raises `RetryableError`."""
    rules = game.rules
    ids = _standard_exit_ids(contents, game)
    hashes = list(contents.transactions)
    spending = [tx for tx in contents.transactions.values() if tx.sources]
    blknums = {position.blknum for position in ids} | {
        source.blknum for tx in contents.transactions.values() for source in tx.sources
    }
    tokens = {output.token for tx in hashes for output in rules.decode(contents.transactions[tx].raw).outputs}
    entries, in_flight, bonds, fees, blocks = await asyncio.gather(
        game.standard_exits(list(ids.values()), at),
        game.in_flight_exits([tx.raw for tx in spending], at),
        game.bonds(at),
        chain.fee_facts(),
        asyncio.gather(*(game.plasma_block(blknum, at) for blknum in sorted(blknums))),
    )
    balances = await asyncio.gather(*(chain.balance(account) for account in accounts))
    queues = await asyncio.gather(*(_queue(game, token, at) for token in sorted(tokens)))
    return ChainFacts(
        at=at,
        contracts=game.contracts,
        bonds=bonds,
        gas_price=Wei((fees.base_fee or 0) + fees.tip),
        accounts=frozenset(accounts),
        balances=dict(zip(accounts, balances, strict=True)),
        block_times={block.blknum: block.timestamp for block in blocks if block is not None},
        standard_exits=dict(zip(ids, entries, strict=True)),
        finalized=await _finalized(contents, game, at),
        in_flight={tx.hash: entry for tx, entry in zip(spending, in_flight, strict=True)},
        queues=dict(zip(sorted(tokens), queues, strict=True)),
        bounties=V2_BOUNTIES if game.contracts.generation is Generation.ALD_V2 else Bounties(),
    )


def _standard_exit_ids(contents: VaultContents, game: ExitGame) -> dict[UtxoPosition, ExitId]:
    """Return the exit id at every position that an output of a kept transaction has."""
    found: dict[UtxoPosition, ExitId] = {}
    for tx in contents.transactions.values():
        if tx.position is None:
            continue
        for index in range(len(game.rules.decode(tx.raw).outputs)):
            position = UtxoPosition(tx.position.blknum, tx.position.txindex, index)
            found[position] = game.rules.standard_exit_id(tx.raw, position)
    return found


async def _finalized(contents: VaultContents, game: ExitGame, at: BlockStamp) -> frozenset[UtxoPosition]:
    """Return which outputs some exit has paid; empty on rootchain v0.2, which keeps no such record."""
    asked: dict[UtxoPosition, Hash32] = {}
    for position in _standard_exit_ids(contents, game):
        creator = contents.creator_of(position)
        output_id = game.rules.output_id(creator.raw, position) if creator else None
        if output_id is not None:
            asked[position] = output_id
    paid = await asyncio.gather(*(game.output_finalized(output_id, at) for output_id in asked.values()))
    return frozenset(position for position, is_paid in zip(asked, paid, strict=True) if is_paid)


async def _queue(game: ExitGame, token: Address, at: BlockStamp) -> QueueFacts:
    if not await game.has_queue(token, at):
        return QueueFacts(exists=False)
    head = await game.queue_head(token, at)
    ripe: Timestamp | None = None if head is None else head.exitable_at
    return QueueFacts(exists=True, size=0 if head is None else head.size, head_exitable_at=ripe)


class Planner:
    """Plans how what the vault holds leaves, as of one block."""

    def __init__(
        self, vault: Vault, game: ExitGame, chain: Chain, accounts: Collection[Address], policy: PlanPolicy
    ) -> None:
        self._vault = vault
        self._game = game
        self._chain = chain
        self._accounts = frozenset(accounts)
        self._policy = policy

    async def plan(self, at: BlockStamp, trouble: Trouble | None) -> tuple[VaultContents, ExitPlan]:
        """Return what is kept and the plan made of it; raises `RetryableError`, `VaultError`."""
        contents = await self._vault.contents()
        facts = await gather_facts(contents, self._game, self._chain, self._accounts, at)
        made = await asyncio.to_thread(plan, contents, facts, trouble, self._policy)
        return contents, made
