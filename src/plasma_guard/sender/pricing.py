"""An attempt is priced and signed within what the intent may cost and the account can pay."""

from dataclasses import dataclass

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.primitives import Wei
from plasma_guard.domain.transactions import Attempt, FeeFacts, Fees, TxCandidate
from plasma_guard.ports import Signer
from plasma_guard.sender import fees
from plasma_guard.sender.flight import Flight


@dataclass(frozen=True, slots=True)
class Moment:
    """What holds for every intent of a lane during one tick; `balance` in wei, `now` monotonic seconds."""

    head: BlockStamp
    now: float
    mined_count: int
    balance: Wei
    prices: FeeFacts


@dataclass(frozen=True, slots=True)
class Shortfall:
    """The account cannot pay; `sums` are the sums that led to that, `top_up` is what is missing in wei."""

    sums: str
    top_up: Wei


def first_price(
    flight: Flight, gas_limit: int, moment: Moment, available: int, max_fee_per_gas: Wei
) -> Fees | Shortfall:
    """Return the prices of a first attempt.

    The intent's budget and the setting lower the offer and never stop it: a cheap transaction may still be
    mined, none cannot. An account that cannot pay the full offer pays what it can while that is mineable.
    """
    candidate = flight.candidate
    wanted = fees.quote(moment.prices)
    limit = fees.ceiling(max_fee_per_gas, flight.window.budget, gas_limit)
    offer = fees.within(wanted, limit)
    payable = Wei(max(0, available - candidate.value) // gas_limit)
    if offer.max_fee == 0 or payable < min(offer.max_fee, fees.mineable(moment.prices)):
        return shortfall(candidate, gas_limit, wanted if offer.max_fee == 0 else offer, available)
    if offer != wanted:
        flight.alarm(
            "capped",
            Severity.WARNING,
            f"it costs {wanted.max_fee} wei per gas, but the budget of {flight.window.budget} wei and the "
            f"cap of {max_fee_per_gas} wei per gas allow {limit}; it is sent at that and may wait",
        )
    return fees.within(offer, payable)


def bumped_price(
    flight: Flight, current: Attempt, gas_limit: int, moment: Moment, available: int, max_fee_per_gas: Wei
) -> Fees | Shortfall | None:
    """Return the prices of a replacement, None when its limits leave no room for one that pools take."""
    limit = fees.ceiling(max_fee_per_gas, flight.window.budget, gas_limit)
    payable = Wei(max(0, available - flight.candidate.value) // gas_limit)
    price = fees.replacement(current.fees, moment.prices, Wei(min(limit, payable)))
    if price is None and (wanted := fees.replacement(current.fees, moment.prices, limit)) is not None:
        return shortfall(flight.candidate, gas_limit, wanted, available)
    return price


def shortfall(candidate: TxCandidate, gas_limit: int, price: Fees, available: int) -> Shortfall:
    """Return what is missing to send a call at a price."""
    need = candidate.value + gas_limit * price.max_fee
    return Shortfall(
        f"{candidate.account} needs {need} wei ({candidate.value} with the call, {gas_limit} gas at up to "
        f"{price.max_fee} wei) and has {available} wei free of other calls under way",
        Wei(max(0, need - available)),
    )


def sign(
    signer: Signer,
    candidate: TxCandidate,
    *,
    chain_id: int,
    nonce: int,
    gas_limit: int,
    price: Fees,
    legacy: bool,
) -> Attempt:
    """Return the signed attempt; raises `PolicyViolation` when the signer refuses."""
    prices = (
        {"gasPrice": price.max_fee}
        if legacy
        else {"maxFeePerGas": price.max_fee, "maxPriorityFeePerGas": price.max_priority_fee}
    )
    raw, tx_hash = signer.sign_transaction(
        {
            "chainId": chain_id,
            "nonce": nonce,
            "to": candidate.to,
            "value": int(candidate.value),
            "data": candidate.data,
            "gas": gas_limit,
            **prices,
        }
    )
    return Attempt(candidate.intent, candidate.account, nonce, tx_hash, raw, gas_limit, price)
