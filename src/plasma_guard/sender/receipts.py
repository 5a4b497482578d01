"""The chain is asked about every hash an intent ever had: a replaced attempt may be the one that is mined."""

import asyncio
from collections.abc import Iterable

from plasma_guard.domain.primitives import Hash32
from plasma_guard.domain.transactions import Attempt, Receipt
from plasma_guard.ports import Chain


async def own_receipts(chain: Chain, attempts: Iterable[Attempt]) -> dict[Hash32, Receipt]:
    """Return the receipts there are, by hash; raises `ChainUnavailable`.

    A receipt that was there before and is missing now was taken out by a reorg.
    """
    found = await asyncio.gather(*(chain.receipt(attempt.hash) for attempt in attempts))
    return {receipt.tx_hash: receipt for receipt in found if receipt is not None}
