"""Several endpoints in order of trust: the first healthy one answers, a failing one rests."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

import structlog

from plasma_guard.chain.failures import EndpointFailure, EndpointResting, RpcAnsweredError, WrongChain
from plasma_guard.chain.rpc import RpcEndpoint
from plasma_guard.chain.shapes import quantity
from plasma_guard.chain.state import VERIFY_SECONDS, Condition, EndpointState
from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.errors import ChainUnavailable, OtherChain
from plasma_guard.ports import Alerts, Clock, Metrics

PROBE_SECONDS = 5.0
"""When every endpoint rests, one that was not asked for this long is tried all the same."""
ROUNDS = 3
BACKOFF_SECONDS = 0.5
GRACE_SECONDS = 2.0
"""How long the others may still answer once one endpoint has, where all are asked at once."""

_T = TypeVar("_T")
Work = Callable[[RpcEndpoint], Awaitable[_T]]
_log = structlog.get_logger(__name__)


class EndpointPool:
    """Runs a piece of work on the most trusted endpoint that manages it.

    `chain_id` None accepts the chain of the first endpoint that answers; every endpoint must then serve it.
    """

    def __init__(
        self,
        endpoints: Sequence[RpcEndpoint],
        clock: Clock,
        *,
        chain_id: int | None = None,
        alerts: Alerts | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        if not endpoints:
            raise ValueError("endpoints: at least one is needed")
        self._states = [EndpointState(endpoint) for endpoint in endpoints]
        self._clock = clock
        self._chain_id = chain_id
        self._alerts = alerts
        self._metrics = metrics

    @property
    def states(self) -> Sequence[EndpointState]:
        """Every endpoint's state, most trusted first; for status and metrics."""
        return tuple(self._states)

    def document(self) -> list[Mapping[str, str | None]]:
        """Return what status shows of every endpoint, most trusted first."""
        now = self._clock.monotonic()
        return [state.document(now) for state in self._states]

    async def close(self) -> None:
        """Close all connections."""
        for state in self._states:
            await state.endpoint.close()

    async def chain_id(self) -> int:
        """Return the chain id that the usable endpoints serve; raises `ChainUnavailable`."""

        async def known(_: RpcEndpoint) -> int | None:
            return self._chain_id

        found = await self.ask(known)
        if found is None:  # cannot be: asking verifies, and verifying sets it
            raise ChainUnavailable("no endpoint told its chain id")
        return found

    async def ask(self, work: Work[_T]) -> _T:
        """Return the first success, in order of trust, in `ROUNDS` rounds with growing jittered waits.

        An `EndpointFailure` or an unexpected JSON-RPC error moves on to the next endpoint; any other
        exception is the caller's business and passes. Raises `ChainUnavailable`, and at once
        `OtherChain` when every endpoint is known to serve another chain.
        """
        _, answer = await self.ask_who(work)
        return answer

    async def ask_who(self, work: Work[_T]) -> tuple[EndpointState, _T]:
        """Do what `ask` does, and return who answered as well."""
        problems: dict[str, str] = {}
        for attempt in range(ROUNDS):
            if attempt:
                await self._clock.sleep(self._backoff(attempt))
            for state in self.current():
                try:
                    return state, await self.run(state, work)
                except EndpointFailure as failure:
                    problems[state.name] = str(failure)
            if not self.everyone():
                raise OtherChain(self._say("every RPC endpoint is of another chain", {}))
        raise ChainUnavailable(self._say("no RPC endpoint answers", problems))

    async def ask_all(
        self, states: Sequence[EndpointState], work: Work[_T], *, enough: Callable[[_T], bool]
    ) -> list[tuple[EndpointState, _T | EndpointFailure]]:
        """Run the work on several endpoints at once and return what came, in the order given.

        Once an answer is `enough`, the others have `GRACE_SECONDS` left.
        """
        if len(states) == 1:  # nobody to give up on
            return [(states[0], await self._settle(states[0], work))]
        tasks = {asyncio.ensure_future(self._settle(state, work)): state for state in states}
        try:
            pending = set(tasks)
            satisfied = False
            while pending:
                done, pending = await asyncio.wait(
                    pending,
                    timeout=GRACE_SECONDS if satisfied else None,
                    return_when=asyncio.ALL_COMPLETED if satisfied else asyncio.FIRST_COMPLETED,
                )
                if satisfied:
                    break
                answers = [task.result() for task in done]
                satisfied = any(not isinstance(a, EndpointFailure) and enough(a) for a in answers)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return [(state, task.result()) for task, state in tasks.items() if not task.cancelled()]

    async def _settle(self, state: EndpointState, work: Work[_T]) -> _T | EndpointFailure:
        try:
            return await self.run(state, work)
        except EndpointFailure as failure:
            return failure

    async def run(self, state: EndpointState, work: Work[_T]) -> _T:
        """Run the work on one endpoint and note how that went; raises `EndpointFailure`."""
        pauses = state.pauses
        try:
            async with state.slots:
                if state.pauses != pauses:
                    raise EndpointResting("failed while this request was waiting for its turn")
                state.asked_at = self._clock.monotonic()
                await self._verify(state)
                answer = await work(state.endpoint)
        except RpcAnsweredError as error:
            failure = EndpointFailure(str(error))
            self._note(state, failure)
            raise failure from error
        except EndpointFailure as failure:
            self._note(state, failure)
            raise
        state.succeeded(self._clock.monotonic())
        self._tell(state)
        return answer

    async def _verify(self, state: EndpointState) -> None:
        """Ask the chain id first, after every failure, and now and then: a failover may lead elsewhere."""
        if self._clock.monotonic() - state.verified_at < VERIFY_SECONDS:
            return
        found = quantity(await state.endpoint.request("eth_chainId", []), "eth_chainId")
        if self._chain_id is None:
            self._chain_id = found
        if found != self._chain_id:
            raise WrongChain(f"serves chain {found}, expected {self._chain_id}")
        state.verified_at = self._clock.monotonic()

    def _note(self, state: EndpointState, failure: EndpointFailure) -> None:
        pauses = state.pauses
        state.failed(failure, self._clock.monotonic())
        if not failure.counts:
            return
        _log.warning("endpoint failed", endpoint=state.name, problem=str(failure), failures=state.failures)
        if state.pauses != pauses:
            rest = state.paused_until - self._clock.monotonic()
            _log.warning("endpoint paused", endpoint=state.name, seconds=round(rest))
        self._tell(state)

    def distrust(self, state: EndpointState, problem: str) -> None:
        """Read from an endpoint only where nobody else is left: others proved it wrong."""
        state.distrust(problem, self._clock.monotonic())
        self._tell(state)

    def judge_lag(self, lagging: Collection[EndpointState]) -> None:
        """Read from these endpoints only where nobody else is left, until heads are compared again."""
        for state in self._states:
            state.lagging = state in lagging
            self._tell(state)

    def _tell(self, state: EndpointState) -> None:
        """Say what became of an endpoint, once per change."""
        condition = state.condition(self._clock.monotonic())
        if state.told is condition:
            return
        state.told = condition
        if self._metrics is not None:
            self._metrics.gauge("endpoint_ok", float(condition is Condition.OK), endpoint=state.name)
        quarantined = condition in {Condition.OTHER_CHAIN, Condition.DISTRUSTED}
        if quarantined:
            _log.error("endpoint quarantined", endpoint=state.name, problem=state.problem)
        if self._alerts is None:
            return
        key = f"endpoint/{state.name}"
        if quarantined:
            self._alerts.alert(
                key, Severity.WARNING, f"the endpoint {state.name} is quarantined: {state.problem}"
            )
        elif condition is Condition.OK:
            self._alerts.clear(key)

    def everyone(self) -> list[EndpointState]:
        """Return all endpoints but those known to serve another chain, most trusted first."""
        now = self._clock.monotonic()
        return [state for state in self._states if state.quarantined_until <= now]

    def awake(self) -> list[EndpointState]:
        """Return those that do not rest; when all do, those not asked for `PROBE_SECONDS`."""
        now = self._clock.monotonic()
        awake = [state for state in self.everyone() if state.paused_until <= now]
        return awake or [state for state in self.everyone() if state.asked_at + PROBE_SECONDS <= now]

    def trusted(self) -> list[EndpointState]:
        """Return whom to ask about the head: not those that answered wrongly, if there are others."""
        awake, now = self.awake(), self._clock.monotonic()
        return [state for state in awake if state.distrusted_until <= now] or awake

    def current(self) -> list[EndpointState]:
        """Return whom to ask about anything else: not those that lag behind either, if there are others."""
        trusted = self.trusted()
        return [state for state in trusted if not state.lagging] or trusted

    def others(self, state: EndpointState) -> list[EndpointState]:
        """Return who can be asked for a second opinion."""
        return [other for other in self.current() if other is not state]

    def _backoff(self, attempt: int) -> float:
        jitter = random.uniform(0.5, 1.5)  # noqa: S311 : spreads retries, guards no secret
        return BACKOFF_SECONDS * 2.0 ** (attempt - 1) * jitter

    def _say(self, what: str, problems: dict[str, str]) -> str:
        told = problems or {state.name: state.problem or "resting" for state in self._states}
        return f"{what}: " + "; ".join(f"{name}: {problem}" for name, problem in told.items())
