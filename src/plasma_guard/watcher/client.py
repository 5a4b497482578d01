"""The HTTP client: one request, one deadline, one bounded answer."""

import asyncio
import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import SplitResult, urlsplit

import aiohttp
from pydantic import BaseModel

from plasma_guard.domain.errors import ConfigurationError, MalformedError, WatcherMisbehaved, WatcherRefused
from plasma_guard.domain.evidence import (
    Competitor,
    ExitData,
    FoundTransaction,
    Inclusion,
    InFlightData,
    InputSpend,
    OutputSpend,
    StandardExitChallenge,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, shorten
from plasma_guard.domain.watchers import ExitableUtxo, WatcherStatus
from plasma_guard.watcher import body
from plasma_guard.watcher.failures import Answer, transport_failures, unwrap, validated
from plasma_guard.watcher.in_flight import (
    CompetitorData,
    InclusionData,
    InputSpendData,
    OutputSpendData,
    StartData,
)
from plasma_guard.watcher.schema import (
    ChallengeData,
    ConfigurationData,
    Envelope,
    ExitProofData,
    StatusData,
    TransactionData,
    UtxosData,
)

_HEADERS = {
    "accept": "application/json",
    "accept-encoding": "gzip",
    "content-type": "application/json",
    "user-agent": "plasma-guard",
}
_KEPT_SECONDS = 60.0
"""How long an idle connection is kept: longer than usual polls are apart."""
_Data = TypeVar("_Data", bound=BaseModel)
_Claim = TypeVar("_Claim")


@dataclass(frozen=True, slots=True)
class WatcherConfiguration:
    """What `configuration.get` says; margins are counted in root-chain blocks."""

    contract_semver: str
    network: str
    deposit_finality_margin: int
    sla_margin: int


class HttpWatcher:
    """One Watcher behind its HTTP API, in any dialect from v0.1 to v1.

    `deadline` is in seconds and covers a whole call, from connecting to the last byte; `max_body` is in bytes
    after decompression; `max_depth` in levels of JSON nesting. Raises `ConfigurationError` for a URL that
    cannot be a Watcher's. Close it, or use it as an asynchronous context manager.
    """

    def __init__(
        self,
        base_url: str,
        *,
        deadline: float = 10,
        max_body: int = 16 * 2**20,
        max_depth: int = 64,
    ) -> None:
        url = _checked(base_url)
        self._deadline = deadline
        self._max_body = max_body
        self._max_depth = max_depth
        host = url.netloc.rpartition("@")[2]
        self._name = f"{url.scheme}://{host}{url.path.rstrip('/')}"
        self._base = f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}"
        # A proxy of the environment is for what is outside, never for this machine itself.
        self._trust_env = not _is_loopback(url.hostname or "")
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"HttpWatcher({self._name})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def status(self) -> WatcherStatus:
        """Ask `status.get`; raises `WatcherError`."""
        data, envelope = await self._ask("POST", "status.get", StatusData)
        return data.status(envelope.version)

    async def challenge_data(self, position: UtxoPosition) -> StandardExitChallenge:
        """Ask `utxo.get_challenge_data`; raises `WatcherError`, `WatcherRefused` for no exit or no spend."""
        parameters = {"utxo_pos": position.encode()}
        data, _ = await self._ask("POST", "utxo.get_challenge_data", ChallengeData, parameters)
        return data.challenge(position)

    async def competitor(self, in_flight_tx: bytes) -> Competitor:
        """Ask `in_flight_exit.get_competitor`; `WatcherRefused` when it knows none that is viable now."""
        parameters = {"txbytes": _hex(in_flight_tx)}
        data, _ = await self._ask("POST", "in_flight_exit.get_competitor", CompetitorData, parameters)
        return data.competitor()

    async def inclusion(self, in_flight_tx: bytes) -> Inclusion:
        """Ask `in_flight_exit.prove_canonical`; `WatcherRefused` when there is nothing to respond to."""
        parameters = {"txbytes": _hex(in_flight_tx)}
        data, _ = await self._ask("POST", "in_flight_exit.prove_canonical", InclusionData, parameters)
        return data.inclusion()

    async def input_spend(self, in_flight_tx: bytes, index: int) -> InputSpend:
        """Ask `in_flight_exit.get_input_challenge_data`; `WatcherRefused` for a piggyback that is fine."""
        path = "in_flight_exit.get_input_challenge_data"
        parameters: dict[str, int | str] = {"txbytes": _hex(in_flight_tx), "input_index": index}
        data, _ = await self._ask("POST", path, InputSpendData, parameters)
        return data.spend()

    async def output_spend(self, in_flight_tx: bytes, index: int) -> OutputSpend:
        """Ask `in_flight_exit.get_output_challenge_data`; `WatcherRefused` for a piggyback that is fine."""
        path = "in_flight_exit.get_output_challenge_data"
        parameters: dict[str, int | str] = {"txbytes": _hex(in_flight_tx), "output_index": index}
        data, _ = await self._ask("POST", path, OutputSpendData, parameters)
        return data.spend()

    async def exitable_utxos(self, owner: Address) -> list[ExitableUtxo]:
        """Ask `account.get_exitable_utxos`, for which a real Watcher scans its whole database."""
        parameters = {"address": str(owner)}
        data, _ = await self._ask("POST", "account.get_exitable_utxos", UtxosData, parameters)
        return data.root

    async def exit_data(self, position: UtxoPosition) -> ExitData:
        """Ask `utxo.get_exit_data`; success does not say that the output is unspent."""
        parameters = {"utxo_pos": position.encode()}
        data, _ = await self._ask("POST", "utxo.get_exit_data", ExitProofData, parameters)
        return self._taken("utxo.get_exit_data", data.exit_data)

    async def in_flight_data(self, signed: bytes) -> InFlightData:
        """Ask `in_flight_exit.get_data` about a transaction in signed form; raises `WatcherError`."""
        data, _ = await self._ask("POST", "in_flight_exit.get_data", StartData, {"txbytes": _hex(signed)})
        return self._taken("in_flight_exit.get_data", data.data)

    async def transaction(self, tx_hash: Hash32) -> FoundTransaction:
        """Ask `transaction.get`; `WatcherRefused` with `operation:not_found` from a Watcher without it."""
        data, _ = await self._ask("POST", "transaction.get", TransactionData, {"id": str(tx_hash)})
        return self._taken("transaction.get", data.found)

    async def configuration(self) -> WatcherConfiguration | None:
        """Ask `configuration.get`; None from a Watcher older than v0.4, which has no such endpoint."""
        try:
            data, _ = await self._ask("GET", "configuration.get", ConfigurationData)
        except WatcherRefused as refusal:
            if refusal.code == "operation:not_found":
                return None
            raise
        return WatcherConfiguration(
            contract_semver=data.contract_semver,
            network=data.network,
            deposit_finality_margin=data.deposit_finality_margin,
            sla_margin=data.exit_processor_sla_margin,
        )

    async def _ask(
        self, method: str, path: str, shape: type[_Data], parameters: Mapping[str, int | str] | None = None
    ) -> tuple[_Data, Envelope]:
        endpoint = f"{self._name}/{path}"
        # A GET has no body: the Watcher reads only the query string there.
        question = None if method == "GET" else json.dumps(parameters or {}).encode()
        with transport_failures(endpoint, self._deadline):
            async with asyncio.timeout(self._deadline):
                answer = await self._answer(method, path, question)
        envelope = unwrap(endpoint, answer, self._max_depth)
        try:
            return validated(shape, envelope.data), envelope
        except MalformedError as error:
            raise WatcherMisbehaved(f"{endpoint}: {error}") from error

    def _taken(self, path: str, take: Callable[[], _Claim]) -> _Claim:
        """Return a claim put together from an answer's parts."""
        try:
            return take()
        except MalformedError as error:
            raise WatcherMisbehaved(f"{self._name}/{path}: {error}") from error

    async def _answer(self, method: str, path: str, question: bytes | None) -> Answer:
        async with await self._send(method, f"{self._base}/{path}", question) as response:
            headers = response.headers
            content = await body.read(
                response.content.iter_any(), headers.get("content-encoding", ""), self._max_body
            )
        return Answer(
            status=response.status,
            content_type=headers.get("content-type", ""),
            location=headers.get("location", ""),
            body=content,
        )

    async def _send(self, method: str, url: str, question: bytes | None) -> aiohttp.ClientResponse:
        """Send, and once more when the connection broke before any answer: a kept one may have gone stale."""
        session = self._session = self._session or self._connect()
        try:
            return await session.request(method, url, data=question, allow_redirects=False)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            return await session.request(method, url, data=question, allow_redirects=False)

    def _connect(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            headers=_HEADERS,
            # `body.read` inflates, and stops at the limit.
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            connector=aiohttp.TCPConnector(keepalive_timeout=_KEPT_SECONDS),
            trust_env=self._trust_env,
        )


def _hex(content: bytes) -> str:
    return "0x" + content.hex()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked(base_url: str) -> SplitResult:
    try:
        url = urlsplit(base_url)
        _ = url.port  # raises for one that is no number
    except ValueError as error:
        raise ConfigurationError("watcher URL: not a URL; expected http://host[:port]") from error
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ConfigurationError(
            "watcher URL: expected http://host[:port] or https://host[:port], "
            f"got scheme {shorten(url.scheme)} and host {shorten(url.hostname or '')}"
        )
    return url
