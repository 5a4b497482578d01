"""Prices of attempts: pure arithmetic in wei per gas."""

from plasma_guard.domain.primitives import Wei
from plasma_guard.domain.transactions import FeeFacts, Fees

_BASE_FEE_ROOM = 2
"""The base fee grows at most 12.5 % a block: twice of it lasts six full blocks."""
_HOPELESS = 2
"""A price below this part of the usual base fee is not reached by waiting for an ordinary hour."""


def quote(facts: FeeFacts) -> Fees:
    """Return what one would offer now: cap = 2 * base fee + tip; before EIP-1559 the gas price in both."""
    if facts.base_fee is None:
        return Fees(facts.tip, facts.tip)
    return Fees(Wei(_BASE_FEE_ROOM * facts.base_fee + facts.tip), facts.tip)


def calm_quote(facts: FeeFacts) -> Fees:
    """Return what one would offer if the base fee were what it usually is; never more than `quote`."""
    if facts.base_fee is None:
        return Fees(facts.tip, facts.tip)
    return Fees(Wei(_BASE_FEE_ROOM * _calm(facts) + facts.tip), facts.tip)


def mineable(facts: FeeFacts) -> Wei:
    """Return the least cap with which a transaction can enter the next block at all."""
    return facts.tip if facts.base_fee is None else facts.base_fee


def attractive(facts: FeeFacts) -> Wei:
    """Return the least cap with which the next block's miner gets the tip that miners usually get."""
    return Wei((facts.base_fee or 0) + facts.tip)


def hopeless(facts: FeeFacts, limit: Wei) -> bool:
    """Whether a limit is so low that no block of an ordinary hour takes it; it would only block a nonce."""
    return limit == 0 or limit < (facts.tip if facts.base_fee is None else _calm(facts)) // _HOPELESS


def ceiling(max_fee_per_gas: Wei, budget: Wei, gas_limit: int) -> Wei:
    """Return the highest cap allowed: the setting, or `budget` (wei) spread over the gas if less."""
    return Wei(min(max_fee_per_gas, max(budget, 0) // gas_limit))


def within(fees: Fees, limit: Wei) -> Fees:
    """Return `fees` with neither price above `limit`."""
    return Fees(Wei(min(fees.max_fee, limit)), Wei(min(fees.max_priority_fee, limit)))


def raised(price: Wei) -> Wei:
    """Return the least price that pools take as a replacement: 12.5 % more rounded up, and more at all.

    Pools ask for 10 % (geth) to 12.5 % on both fields; a replacement that raises only one is refused.
    """
    return Wei(max(price + 1, -(-price * 9 // 8)))


def replacement(current: Fees, wanted: Fees, limit: Wei) -> Fees | None:
    """Return prices that replace `current`: `wanted`, or just enough; None when `limit` forbids it.

    With one price for both, as before EIP-1559, both stay equal.
    """
    least = Fees(raised(current.max_fee), raised(current.max_priority_fee))
    if max(least.max_fee, least.max_priority_fee) > limit:
        return None
    max_fee = Wei(min(max(least.max_fee, wanted.max_fee), limit))
    tip = Wei(min(max(least.max_priority_fee, wanted.max_priority_fee), max_fee))
    return Fees(max_fee, tip)


def lowered(current: Fees, wanted: Fees) -> Fees | None:
    """Return `wanted` where its cap is lower than `current`'s by more than a replacement's step, else None.

    Only for a nonce whose old bytes no endpoint holds any more: a pool that has them refuses less.
    """
    return wanted if raised(wanted.max_fee) < current.max_fee else None


def _calm(facts: FeeFacts) -> int:
    base_fee = facts.base_fee or 0
    return base_fee if facts.usual is None else min(base_fee, facts.usual)
