"""Bringing the planner's facts: the root chain at one block, as far as the vault's contents are about it."""

import asyncio
from collections.abc import Collection, Iterable

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.exits import ExitId, ExitStatus
from plasma_guard.domain.plan import ExitPlan, Trouble
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Timestamp, Wei
from plasma_guard.domain.vault import KeptTransaction, VaultContents
from plasma_guard.planner import ChainFacts, PlanPolicy, QueueFacts, plan
from plasma_guard.ports import Chain, ExitGame


async def plan_exits(
    contents: VaultContents,
    trouble: Trouble | None,
    policy: PlanPolicy,
    *,
    chain: Chain,
    game: ExitGame,
    accounts: Collection[Address],
    at: BlockStamp | None = None,
) -> ExitPlan:
    """Plan with the root chain at one block (None: the newest); raises `ChainUnavailable`.

    The planning itself runs in a thread: a thousand outputs take a good part of a second.
    """
    stamp = at or await chain.head()
    facts = await gather_facts(contents, chain=chain, game=game, accounts=accounts, at=stamp)
    return await asyncio.to_thread(plan, contents, facts, trouble, policy)


async def gather_facts(
    contents: VaultContents,
    *,
    chain: Chain,
    game: ExitGame,
    accounts: Collection[Address],
    at: BlockStamp,
) -> ChainFacts:
    """Read what the planner must know, all at block `at`; `accounts` are those the guard has keys for.

    Balances and today's gas price are the newest ones. Raises `ChainUnavailable`.
    """
    spent = {source for tx in contents.transactions.values() for source in tx.sources}
    held = {output.position for output in contents.outputs if output.position is not None}
    tokens = sorted({output.token for output in contents.outputs})
    bonds, bounties, prices = await asyncio.gather(game.bonds(at), game.bounties(at), chain.fee_facts())
    balances = await asyncio.gather(*(chain.balance(account) for account in sorted(accounts)))
    queues = await asyncio.gather(*(_queue(game, token, at) for token in _tokens(contents, game, tokens)))
    times = await _block_times({at.blknum for at in spent | held}, game, at)
    positions = [(tx, position) for position in sorted(spent | held) if (tx := contents.creator_of(position))]
    standard = await game.standard_exits([_exit_id(game, tx, position) for tx, position in positions], at)
    absent = [
        where for where, entry in zip(positions, standard, strict=True) if entry.status is ExitStatus.ABSENT
    ]
    payments = [tx for tx in contents.transactions.values() if tx.sources]
    in_flight = await game.in_flight_exits([tx.raw for tx in payments], at)
    return ChainFacts(
        at=at,
        contracts=game.contracts,
        bonds=bonds,
        gas_price=Wei((prices.base_fee or 0) + prices.tip),
        accounts=frozenset(accounts),
        balances=dict(zip(sorted(accounts), balances, strict=True)),
        block_times=times,
        standard_exits={position: entry for (_, position), entry in zip(positions, standard, strict=True)},
        finalized=await _finalized(absent, game, at),
        in_flight={tx.hash: entry for tx, entry in zip(payments, in_flight, strict=True)},
        queues=dict(queues),
        bounties=bounties,
    )


def _tokens(contents: VaultContents, game: ExitGame, held: Iterable[Address]) -> list[Address]:
    """Return the tokens of what is held and of what in-flight exits could pay."""
    tokens = set(held)
    for tx in contents.transactions.values():
        tokens |= {output.token for output in game.rules.decode(tx.raw).outputs}
    return sorted(tokens)


async def _queue(game: ExitGame, token: Address, at: BlockStamp) -> tuple[Address, QueueFacts]:
    size = await game.queue_length(token, at)
    if size is None:
        return token, QueueFacts(exists=False)
    head = await game.queue_head(token, at) if size else None
    head_at = None if head is None else head.exitable_at
    return token, QueueFacts(exists=True, size=size, head_exitable_at=head_at)


async def _block_times(blknums: Collection[int], game: ExitGame, at: BlockStamp) -> dict[int, Timestamp]:
    blocks = await asyncio.gather(*(game.plasma_block(blknum, at) for blknum in sorted(blknums)))
    return {block.blknum: block.timestamp for block in blocks if block is not None}


def _exit_id(game: ExitGame, tx: KeptTransaction, position: UtxoPosition) -> ExitId:
    return game.rules.standard_exit_id(tx.raw, position)


async def _finalized(
    places: Iterable[tuple[KeptTransaction, UtxoPosition]], game: ExitGame, at: BlockStamp
) -> frozenset[UtxoPosition]:
    """Of outputs without an entry, return those that some exit has paid; only ald records that."""
    asked = [
        (position, output_id)
        for tx, position in places
        if (output_id := game.rules.output_id(tx.raw, position)) is not None
    ]
    paid = await asyncio.gather(*(game.output_finalized(output_id, at) for _, output_id in asked))
    return frozenset(position for (position, _), is_paid in zip(asked, paid, strict=True) if is_paid)
