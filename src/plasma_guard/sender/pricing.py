"""An attempt is priced and signed within what the intent may cost and the account can pay."""

from dataclasses import dataclass

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.primitives import Wei
from plasma_guard.domain.transactions import Attempt, FeeFacts, Fees, TxCandidate
from plasma_guard.ports import Signer
from plasma_guard.sender import fees
from plasma_guard.sender.curve import Curve
from plasma_guard.sender.flight import Flight
from plasma_guard.sender.settings import SenderSettings


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
    """The money is not there; `sums` are the sums that led to that, `remedy` is what a person can do.

    `name` is which money: `unaffordable` the account's, `over_budget` the intent's, `day_spent` the day's.
    `top_up` is what the account lacks, in wei.
    """

    sums: str
    top_up: Wei
    remedy: str
    name: str = "unaffordable"


SHORTFALLS = ("unaffordable", "over_budget", "day_spent")


@dataclass(frozen=True, slots=True)
class Means:
    """What one call may take, in wei: `available` of its account, bond included; `day` of the day's gas.

    `day` is None without a daily cap.
    """

    available: int
    day: Wei | None = None


def curve_of(
    flight: Flight, gas_limit: int, moment: Moment, settings: SenderSettings, day: Wei | None
) -> Curve:
    """Return the prices of a call; its budget and the day's rest are spread over its gas."""
    most = flight.window.budget if day is None else Wei(min(day, flight.window.budget))
    limit = fees.ceiling(settings.max_fee_per_gas, most, gas_limit)
    late = Wei(max(most, 0) // gas_limit) if settings.max_fee_is_soft else limit
    now = moment.head.timestamp
    start = now if flight.priced_at is None else flight.priced_at
    return Curve(start, flight.window.soft, flight.window.hard, settings.block_time, limit, late)


def first_price(
    flight: Flight, gas_limit: int, moment: Moment, means: Means, settings: SenderSettings
) -> Fees | Shortfall:
    """Return the prices of a first attempt, or of one for a nonce that no endpoint has bytes for.

    The intent's budget and the setting lower the offer and hardly ever stop it: a cheap transaction may still
    be mined, none cannot. Only what no ordinary hour takes is not signed, because it would block a nonce. An
    account that cannot pay the full offer pays what it can while that is mineable.
    """
    candidate, now = flight.candidate, moment.head.timestamp
    curve = curve_of(flight, gas_limit, moment, settings, means.day)
    limit = curve.limit_at(now)
    wanted = fees.quote(moment.prices)
    if fees.hopeless(moment.prices, limit):
        return _beyond(flight, gas_limit, wanted, limit, means)
    offer = curve.offer(moment.prices, now)
    payable = Wei(max(0, means.available - candidate.value) // gas_limit)
    if payable < min(offer.max_fee, fees.mineable(moment.prices)):
        return shortfall(candidate, gas_limit, offer, means.available)
    if limit < wanted.max_fee:
        flight.alarm(
            "capped",
            Severity.WARNING,
            f"it costs {wanted.max_fee} wei per gas, but the budget of {flight.window.budget} wei and the "
            f"cap of {settings.max_fee_per_gas} wei per gas allow {limit}; it is sent at that and may wait",
        )
    return fees.within(offer, payable)


def bumped_price(
    flight: Flight,
    current: Attempt,
    gas_limit: int,
    moment: Moment,
    means: Means,
    settings: SenderSettings,
) -> Fees | Shortfall | None:
    """Return the prices of a replacement; None when a rise is not allowed, or would change nothing."""
    curve = curve_of(flight, gas_limit, moment, settings, means.day)
    price = curve.rise(current.fees, moment.prices, moment.head.timestamp)
    payable = Wei(max(0, means.available - flight.candidate.value) // gas_limit)
    if price is None or price.max_fee <= payable:
        return price
    return fees.replacement(current.fees, fees.within(price, payable), payable) or shortfall(
        flight.candidate, gas_limit, price, means.available
    )


def say_held(flight: Flight, current: Attempt, curve: Curve, moment: Moment) -> None:
    """Tell why the price stays; the same bytes are offered again each block all the while."""
    now, price, prices = moment.head.timestamp, current.fees.max_fee, moment.prices
    limit, needed = curve.limit_at(now), fees.mineable(prices)
    if price < fees.attractive(prices) and needed <= limit and curve.is_patient(prices, now):
        flight.alarm(
            "priced_out",
            Severity.WARNING,
            f"a block takes {needed} wei per gas, it offers {price} and waits for less; the offer climbs to "
            f"today's price at {flight.window.soft} and to {limit} at {flight.window.hard} (root-chain time)",
        )
        return
    flight.clear("priced_out")
    if needed > limit:
        flight.alarm(
            "at_limit",
            Severity.CRITICAL,
            f"a block takes {needed} wei per gas, more than the {limit} that its budget of "
            f"{flight.window.budget} wei and the caps allow; it offers {price}, and the same bytes go out "
            "again each block",
        )
        return
    flight.alarm(
        "at_limit",
        Severity.WARNING,
        f"waits at the highest price allowed now, {price} wei per gas (limit {limit}, of a budget of "
        f"{flight.window.budget} wei), while a block takes {needed}; the same bytes go out again each block",
    )


def shortfall(candidate: TxCandidate, gas_limit: int, price: Fees, available: int) -> Shortfall:
    """Return what is missing to send a call at a price."""
    need = candidate.value + gas_limit * price.max_fee
    top_up = Wei(max(0, need - available))
    return Shortfall(
        f"{candidate.account} needs {need} wei ({candidate.value} with the call, {gas_limit} gas at up to "
        f"{price.max_fee} wei) and has {max(available, 0)} wei free of other calls under way",
        top_up,
        f"top up {candidate.account} with {top_up} wei",
    )


def _beyond(flight: Flight, gas_limit: int, wanted: Fees, limit: Wei, means: Means) -> Shortfall:
    """Return why a call is not worth a nonce: the day's cap where that is what lacks, else its budget."""
    cost = gas_limit * wanted.max_fee
    if means.day is not None and means.day < flight.window.budget:
        return Shortfall(
            f"its gas costs up to {cost} wei now, and {means.day} wei are left of what a day may cost",
            Wei(0),
            "it goes out when the day's spending lies a day back, or raise fees.max_cost_per_day_eth",
            "day_spent",
        )
    return Shortfall(
        f"its gas costs up to {cost} wei now ({gas_limit} gas at up to {wanted.max_fee} wei); what is at "
        f"stake, or the cap on it, allows {flight.window.budget} wei ({limit} wei per gas)",
        Wei(0),
        "it goes out if gas becomes so cheap; if the cap is why, raise fees.max_cost_per_case_eth",
        "over_budget",
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
