"""The calls of one account that are under way, and how they stand to each other; no I/O.

Bytes of several calls may be signed for one nonce: the newest are to be mined, and any of them may be.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from plasma_guard.domain.primitives import Hash32, Timestamp
from plasma_guard.domain.transactions import Attempt, AttemptStatus
from plasma_guard.sender.attempt import SendState
from plasma_guard.sender.flight import Flight
from plasma_guard.sender.line import Line, Place, Seat

Known = tuple[Flight, SendState]


class Roster:
    """Calls by intent; `strays` are the newest bytes on disk of open intents that nobody has taken up yet."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}
        self._orders = itertools.count()
        self._signed_for: dict[int, list[tuple[Flight, Attempt]]] = {}
        self._orders_on_disk: dict[Hash32, int] = {}
        self.strays: dict[str, Attempt] = {}

    def __bool__(self) -> bool:
        return bool(self._flights)

    def __iter__(self) -> Iterator[Flight]:
        return iter(list(self._flights.values()))

    def get(self, intent: str) -> Flight | None:
        """Return the call of an intent, if it is under way."""
        return self._flights.get(intent)

    def add(self, flight: Flight) -> None:
        """Take a call in, in place of an ended one of the same intent."""
        self._flights[flight.candidate.intent] = flight

    def take_ended(self) -> list[Flight]:
        """Return the calls that are over, and forget them."""
        ended = [flight for flight in self if flight.outcome.done()]
        for flight in ended:
            del self._flights[flight.candidate.intent]
        return ended

    def clear(self) -> None:
        """Forget all."""
        self._flights.clear()

    @property
    def known(self) -> list[Known]:
        """The calls whose attempts on disk are read, nearest deadline first."""
        found = [(flight, flight.state) for flight in self if flight.state is not None]
        return sorted(found, key=lambda each: each[0].window.hard)

    def read_order(self, live: Sequence[Attempt], new: Iterable[Flight]) -> None:
        """Note in which order bytes on disk were signed; `live` are those of open intents, oldest first."""
        order = self._orders_on_disk = {
            attempt.hash: number - len(live) for number, attempt in enumerate(live)
        }
        for flight in new:
            if flight.state is not None and flight.state.current is not None:
                flight.order = order.get(flight.state.current.hash, 0)
        self.strays = {
            attempt.intent: attempt  # the last of each is kept
            for attempt in live
            if attempt.status is not AttemptStatus.DROPPED and attempt.intent not in self._flights
        }

    def next_order(self) -> int:
        """Return the place in the order of signing of what is signed now."""
        return next(self._orders)

    def compare(self, settled: Iterable[int]) -> None:
        """Tell each call whether another one of ours is to be mined, or was, at its nonce.

        `settled` are the nonces of calls that are over.
        """
        self._signed_for = {}
        newest = {stray.nonce: self._orders_on_disk[stray.hash] for stray in self.strays.values()}
        mined: dict[int, str] = dict.fromkeys(settled, "")
        for flight, state in self.known:
            for attempt in state.attempts:
                self._signed_for.setdefault(attempt.nonce, []).append((flight, attempt))
            if state.current is not None and state.receipt is None:
                nonce = state.current.nonce
                newest[nonce] = max(newest.get(nonce, flight.order), flight.order)
            if state.mined_nonce is not None:
                mined[state.mined_nonce] = flight.candidate.intent
        for flight, state in self.known:
            current = state.current
            waits = current is not None and state.receipt is None
            flight.displaced = current is not None and waits and newest[current.nonce] > flight.order
            flight.beaten_by_us = current is not None and current.nonce in mined

    def line(self, mined_count: int, place: Mapping[str, Place]) -> Line:
        """Return who holds which nonce; `place` says by intent what it means to hold one."""
        places = [Place(stray.nonce, stray.intent, Timestamp(0)) for stray in self.strays.values()]
        places += [
            place[flight.candidate.intent]
            for flight, state in self.known
            if state.current is not None
            and not flight.displaced
            and (state.receipt is None or flight.surplus)
        ]
        return Line(mined_count, places)

    def active(self, line: Line, max_in_flight: int) -> list[Known]:
        """Return the calls to look at: all with signed bytes, and the most urgent others with a place."""
        free = max_in_flight - line.held + line.openings
        waiting = [
            flight
            for flight, _ in self.known
            if flight.unsigned and not flight.is_fill and flight.withdrawn is None
        ]
        late = {id(flight) for flight in waiting[max(free, 0) :]}
        return [(flight, state) for flight, state in self.known if id(flight) not in late]

    def seat(self, flight: Flight, state: SendState, line: Line, *, passing: bool) -> Seat | None:
        """Return which nonce a call is signed for; None when there is nothing to sign it for any more."""
        if state.current is not None:
            holder = line.at(state.current.nonce)
            if holder is None or holder.intent == flight.candidate.intent:
                return Seat(state.current.nonce)
            taken_back = flight.takes_back and holder.intent == flight.replaces
            return Seat(holder.nonce, holder) if taken_back else None
        if flight.nonce is None:
            return line.seat(flight.window.hard, can_pass=passing)
        holder = line.at(flight.nonce)
        if holder is None or holder.intent == flight.replaces:
            return Seat(flight.nonce, holder)
        flight.withdrawn = "another call took the nonce"
        return None

    def others_for(self, nonce: int, but: Flight) -> list[Attempt]:
        """Return what was signed for a nonce on behalf of other calls, as of the last comparison."""
        return [attempt for whose, attempt in self._signed_for.get(nonce, ()) if whose is not but]

    def dearest(self, nonce: int, flight: Flight) -> Attempt | None:
        """Return the highest offer that a pool may hold for a nonce, by anything we signed."""
        state = flight.state
        own = state.to_outbid if state is not None else None
        offers = [own] if own is not None and own.nonce == nonce else []
        if state is None or not offers or state.outbids_rivals:
            offers += self.others_for(nonce, flight)
        return max(offers, key=lambda attempt: attempt.fees.max_fee, default=None)

    def unneeded(self, line: Line) -> list[tuple[int, Flight, Flight]]:
        """Return the held nonces to be used up by a transfer of nothing: (nonce, whose bytes, for whom).

        Those of calls that are not needed any more, and of cheap ones that hold up a nearer deadline.
        """
        found = []
        for flight, state in self.known:
            place = line.at(state.current.nonce) if state.current is not None else None
            held = place is not None and place.intent == flight.candidate.intent and not flight.is_fill
            if place is not None and held and (flight.withdrawn is not None or flight.surplus):
                found.append((place.nonce, flight, flight))
        for place, ahead in line.obstacles():
            cheap, whom = self.get(place.intent), self.get(ahead.intent)
            if cheap is not None and whom is not None:
                found.append((place.nonce, cheap, whom))
        return found

    def gaps(self, line: Line, pooled: int) -> list[tuple[int, Flight]]:
        """Return the nonces that nothing of ours is to be mined at, and who waits behind: (nonce, who).

        `pooled` is the first nonce for which a node has no transaction. A nonce before it is left to the
        foreign transaction that may be mined there, unless bytes of ours are what the node has.
        """
        return [
            (nonce, ahead)
            for nonce in line.gaps
            if (ahead := self._nearest_behind(line, nonce)) is not None
            and (nonce >= pooled or self.others_for(nonce, ahead))
        ]

    def _nearest_behind(self, line: Line, nonce: int) -> Flight | None:
        place = line.nearest_behind(nonce)
        return None if place is None else self.get(place.intent)
