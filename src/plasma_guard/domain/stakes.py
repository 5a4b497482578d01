"""What is at stake in a case, in wei: nobody pays more for an answer than the fraud would take.

Bonds rarely pay for the gas of winning them, so nothing here asks whether an answer pays: it only bounds it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from plasma_guard.domain.primitives import ETH, Address, Wei

ETHER = 10**18


class Scope(StrEnum):
    """What the guard answers: everything, only what touches its own funds, or everything also for bonds."""

    ALL = "all"
    MINE = "mine"
    HUNT = "hunt"


@dataclass(frozen=True, slots=True)
class Asset:
    """An amount, in wei or token units, that an exit pays to `owner` if nobody stops it."""

    token: Address
    amount: Wei
    owner: Address | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What a whole token of 10^`decimals` units is worth, in wei."""

    wei_per_token: Wei
    decimals: int

    def value(self, amount: Wei) -> Wei:
        """Return what so many units are worth, in wei, rounded up so that nothing held is worth nothing."""
        return Wei(-(-amount * self.wei_per_token // 10**self.decimals))


@dataclass(frozen=True, slots=True)
class Budget:
    """The most the gas of an answer may cost, in wei, and the sum that led to it in words."""

    wei: Wei
    words: str


@dataclass(frozen=True, slots=True)
class Stakes:
    """How a case is valued: the guard's scope, its own accounts, and what tokens are worth."""

    scope: Scope = Scope.ALL
    own: frozenset[Address] = frozenset()
    prices: Mapping[Address, Price] = field(default_factory=dict)

    def budget(
        self,
        assets: Sequence[Asset],
        *,
        bond: Wei,
        ours: bool,
        held: Mapping[Address, Wei] | None,
        cap: Wei,
        spent: Wei = Wei(0),
    ) -> Budget:
        """Return what an answer may cost: what is at stake, at most `cap`, less what was `spent` on the case.

        `assets` are what the exit pays, empty where that is not known; `ours` says that the money is our own
        and the answer takes it out. Another's fraud costs us what it takes or what we hold of that token,
        whichever is less, and with scope hunt it is worth its `bond` too. `held` is what our accounts hold,
        None where nobody can say. What cannot be valued, and all of scope all, counts as the cap.
        """
        left = Wei(max(0, cap - spent))
        gone = f" less {spent} spent already" if spent else ""
        value = self._value(assets, bond=bond, ours=ours, held=held)
        if value is None or value >= cap:
            known = "is not known" if value is None else f"is worth {value} wei"
            return Budget(left, f"what is at stake {known}, its gas may cost the cap of {cap} wei{gone}")
        words = f"{value} wei are at stake, its gas may cost that much{gone} (cap {cap})"
        return Budget(Wei(max(0, value - spent)), words)

    def _value(
        self, assets: Sequence[Asset], *, bond: Wei, ours: bool, held: Mapping[Address, Wei] | None
    ) -> Wei | None:
        if not assets or (not ours and (self.scope is Scope.ALL or held is None)):
            return None
        exiting: dict[Address, int] = defaultdict(int)
        threatened: dict[Address, int] = defaultdict(int, held or {})
        for asset in assets:
            exiting[asset.token] += asset.amount
            if asset.owner in self.own:
                threatened[asset.token] += asset.amount
        total = bond if self.scope is Scope.HUNT and not ours else 0
        for token, amount in exiting.items():
            worth = self._worth(token, Wei(amount if ours else min(amount, threatened[token])))
            if worth is None:
                return None
            total += worth
        return Wei(total)

    def _worth(self, token: Address, amount: Wei) -> Wei | None:
        if token == ETH or not amount:
            return amount
        price = self.prices.get(token)
        return None if price is None else price.value(amount)
