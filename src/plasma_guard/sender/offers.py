"""What a call may offer for its gas now, and what that makes of it in the account's line."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from plasma_guard.domain.primitives import Wei
from plasma_guard.domain.transactions import Attempt, Fees
from plasma_guard.ports import Chain
from plasma_guard.sender import fees
from plasma_guard.sender.attempt import SendState
from plasma_guard.sender.curve import Curve
from plasma_guard.sender.flight import Flight
from plasma_guard.sender.line import Place
from plasma_guard.sender.pricing import Means, Moment, Shortfall, bumped_price, curve_of, first_price
from plasma_guard.sender.purse import Purse
from plasma_guard.sender.settings import SenderSettings


@dataclass(frozen=True, slots=True)
class Offers:
    """Prices of one account's calls; `available` is always what no other call has a claim on, in wei."""

    chain: Chain
    purse: Purse
    settings: SenderSettings

    def curve(self, flight: Flight, gas_limit: int, moment: Moment) -> Curve:
        """Return how the price of a call climbs."""
        return curve_of(flight, gas_limit, moment, self.settings, self._day(flight, moment))

    def price(
        self, flight: Flight, gas_limit: int, moment: Moment, available: int, outbid: Attempt | None
    ) -> Fees | Shortfall | None:
        """Return what to offer; None where a replacement is not allowed, or would change nothing.

        `outbid` is the dearest attempt that pools may hold for the nonce.
        """
        means = Means(available, self._day(flight, moment))
        if outbid is None or flight.lowering:
            return first_price(flight, gas_limit, moment, means, self.settings)
        return bumped_price(flight, outbid, gas_limit, moment, means, self.settings)

    def can_pass(self, flight: Flight, gas_limit: int, moment: Moment) -> bool:
        """Return whether a call offers what the next block takes."""
        offer = self.curve(flight, gas_limit, moment).offer(moment.prices, moment.head.timestamp)
        return offer.max_fee >= fees.attractive(moment.prices)

    def place(self, flight: Flight, current: Attempt, moment: Moment) -> Place:
        """Return what its holding a nonce means for the others of the account."""
        prices, now = moment.prices, moment.head.timestamp
        price = current.fees.max_fee
        stuck = False
        if price < fees.mineable(prices):
            curve = self.curve(flight, current.gas_limit, moment)
            stuck = not curve.is_patient(prices, now) and curve.rise(current.fees, prices, now) is None
        return Place(
            current.nonce,
            current.intent,
            flight.window.hard,
            cheap=price < fees.attractive(prices),
            stuck=stuck,
            unwanted=flight.is_fill or flight.surplus or flight.withdrawn is not None,
        )

    def is_behind(self, flight: Flight, state: SendState, moment: Moment) -> bool:
        """Return whether market or time have left the newest bytes behind."""
        current = state.current
        if current is None:
            return False
        curve = self.curve(flight, current.gas_limit, moment)
        return curve.is_behind(current.fees, moment.prices, moment.head.timestamp)

    def is_roomy(self, flight: Flight, moment: Moment, available: int) -> bool:
        """Return whether balance and budget cover the measured gas limit at today's price."""
        limit = flight.candidate.gas_limit
        if limit is None:
            return False
        price = fees.quote(moment.prices).max_fee
        ceiling = fees.ceiling(self.settings.max_fee_per_gas, flight.window.budget, limit)
        return price <= ceiling and limit * price + flight.candidate.value <= available

    async def may_lower(self, flight: Flight, state: SendState, moment: Moment, available: int) -> bool:
        """Return whether less is enough now, and no endpoint holds what was signed before for the nonce.

        Asked only after a refusal: a node that takes the bytes holds them. Raises `ChainUnavailable`.
        """
        current = state.current
        if current is None or state.refusal is None or not state.unoffered(moment.head.number):
            return False
        price = self.price(flight, current.gas_limit, moment, available, None)
        if not isinstance(price, Fees) or fees.lowered(current.fees, price) is None:
            return False
        return not await self.are_held([each for each in state.attempts if each.nonce == current.nonce])

    async def are_held(self, attempts: Sequence[Attempt]) -> bool:
        """Return whether any endpoint may hold any of these; raises `ChainUnavailable`."""
        return any(await asyncio.gather(*(self.chain.is_held(each.hash) for each in attempts)))

    def _day(self, flight: Flight, moment: Moment) -> Wei | None:
        """What is left for the gas of a call of what a day may cost."""
        return self.purse.left_for(flight.candidate.intent, moment.head.timestamp)
