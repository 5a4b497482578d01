"""Prices of attempts: pure arithmetic in wei per gas."""

from plasma_guard.domain.primitives import Wei
from plasma_guard.domain.transactions import FeeFacts, Fees

_BASE_FEE_ROOM = 2
"""The base fee grows at most 12.5 % a block: twice of it lasts six full blocks."""


def quote(facts: FeeFacts) -> Fees:
    """Return what one would offer now: cap = 2 * base fee + tip; before EIP-1559 the gas price in both."""
    if facts.base_fee is None:
        return Fees(facts.tip, facts.tip)
    return Fees(Wei(_BASE_FEE_ROOM * facts.base_fee + facts.tip), facts.tip)


def mineable(facts: FeeFacts) -> Wei:
    """Return the least cap with which a transaction can enter the next block at all."""
    return facts.tip if facts.base_fee is None else facts.base_fee


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


def replacement(current: Fees, facts: FeeFacts, limit: Wei) -> Fees | None:
    """Return prices that replace `current`, at today's quote or just enough; None when `limit` forbids it."""
    least = Fees(raised(current.max_fee), raised(current.max_priority_fee))
    if least.max_fee > limit or least.max_priority_fee > limit:
        return None
    today = quote(facts)
    max_fee = Wei(min(max(least.max_fee, today.max_fee), limit))
    tip = max(least.max_priority_fee, today.max_priority_fee)
    if facts.base_fee is None:
        # Before EIP-1559 there is one price.
        return Fees(max_fee, max_fee)
    return Fees(max_fee, Wei(min(tip, max_fee)))
