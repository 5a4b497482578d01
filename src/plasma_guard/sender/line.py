"""One account's nonces: who holds which, who makes way for whom, which are missing. Pure; no I/O.

Nonces are mined in order, so a cheap call at the head holds up every call behind it. What is on disk and what
the chain has counted say which nonces are held; nothing here counts by itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from plasma_guard.domain.primitives import Timestamp


@dataclass(frozen=True, slots=True)
class Place:
    """One unused nonce and the intent whose bytes are the newest signed for it.

    `hard` is that intent's deadline. `cheap`: the next block takes more than it offers; `stuck`: and it may
    not offer more. `unwanted`: nobody needs this very call, only that the nonce is used.
    """

    nonce: int
    intent: str
    hard: Timestamp
    cheap: bool = False
    stuck: bool = False
    unwanted: bool = False

    def makes_way(self, hard: Timestamp) -> bool:
        """Whether a call with this deadline may take the nonce."""
        return self.unwanted or self.stuck or (self.cheap and self.hard > hard)


@dataclass(frozen=True, slots=True)
class Seat:
    """Which nonce a call gets, and whose it was until now."""

    nonce: int
    displaced: Place | None = None


class Line:
    """The unused nonces of an account that signed bytes hold; `mined_count` is the lowest unused one."""

    def __init__(self, mined_count: int, places: Iterable[Place]) -> None:
        self._places = {place.nonce: place for place in places if place.nonce >= mined_count}
        self.end = max(self._places, default=mined_count - 1) + 1
        """The nonce behind all that are held."""
        self.gaps = [nonce for nonce in range(mined_count, self.end) if nonce not in self._places]
        """The nonces that nobody holds although a later one is held: nothing behind them can be mined."""
        movable = [nonce for nonce, place in self._places.items() if place.cheap or place.unwanted]
        self._openings = sorted([*self.gaps, *movable])

    @property
    def held(self) -> int:
        """How many nonces are held."""
        return len(self._places)

    @property
    def openings(self) -> int:
        """How many nonces before the end may be had, given a deadline that is near enough."""
        return len(self._openings)

    def at(self, nonce: int) -> Place | None:
        """Return who holds a nonce."""
        return self._places.get(nonce)

    def seat(self, hard: Timestamp, *, can_pass: bool) -> Seat:
        """Return the best nonce for a call: the lowest one that is free or made way for.

        `can_pass` says that the call offers what the next block takes: only then is anybody displaced.
        """
        for nonce in self._openings:
            place = self._places.get(nonce)
            if place is None or (can_pass and place.makes_way(hard)):
                return Seat(nonce, place)
        return Seat(self.end)

    def take(self, place: Place) -> None:
        """Note that a nonce is held, by whomever it was before, and is not to be had any more."""
        self._places[place.nonce] = place
        self._openings = [nonce for nonce in self._openings if nonce != place.nonce]
        self.gaps = [nonce for nonce in self.gaps if nonce != place.nonce]
        self.end = max(self.end, place.nonce + 1)

    def obstacles(self) -> list[tuple[Place, Place]]:
        """Return who must be replaced by a transfer of nothing, and for whom, lowest nonce first.

        That is who holds up a call behind that pays enough and is nearer to its deadline.
        """
        found = []
        nearest: Place | None = None
        for _, place in sorted(self._places.items(), reverse=True):
            if place.unwanted:
                continue
            if nearest is not None and place.makes_way(nearest.hard):
                found.append((place, nearest))
            elif not place.cheap and (nearest is None or place.hard < nearest.hard):
                nearest = place
        return found[::-1]

    def nearest_behind(self, nonce: int) -> Place | None:
        """Return who behind a nonce is nearest to its deadline, what is unwanted only if nobody else is."""
        behind = [place for place in self._places.values() if place.nonce > nonce]
        return min(behind, key=lambda place: (place.unwanted, place.hard), default=None)
