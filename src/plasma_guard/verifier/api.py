"""The Watcher's HTTP API over the verifier: same paths, envelopes and error codes as the real one."""

import re
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from plasma_guard.domain.errors import MalformedError, WatcherRefused
from plasma_guard.domain.position import BLOCK_OFFSET, UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.verifier.core import Verifier
from plasma_guard.verifier.dialect import Alarm, Dialect, Json, Release
from plasma_guard.verifier.json import parse

MAX_BODY = 8_000_000
"""Bytes a Watcher reads of a request."""
_UNHEALTHY = frozenset(
    {"boot_in_progress", "ethereum_connection_error", "ethereum_stalled_sync", "main_supervisor_halted"}
)
_BAD_PARAMETERS = "Parameters required by this operation are missing or incorrect."
_RENDER_FAILED = "Server has failed to render the error."
_HEX = re.compile("0[xX](?:[0-9a-fA-F]{2})*")
_ADDRESS_LENGTH = Address.LENGTH


Alarms = Callable[[], Sequence[Alarm]]
Parameters = Mapping[str, object]


class HttpError(Exception):
    """A request answered with an HTTP status of its own."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.code = code
        self.description = description


def application(
    verifier: Verifier,
    *,
    release: Release | None = None,
    version: str | None = None,
    network: str = "LOCALCHAIN",
    alarms: Alarms = lambda: (),
) -> web.Application:
    """Return the server, speaking the dialect of `release`, by default the one of the contracts' generation.

    `alarms` is asked at every call: some of them make `status.get` answer that the service is unavailable.
    So does a verifier that has not read the root chain yet.
    """
    release = release or Release.for_generation(verifier.contracts.generation)
    api = _Api(
        verifier, Dialect(release, version or ("1.0.9" if release is Release.V1 else "0.2")), network, alarms
    )
    served = web.Application(client_max_size=MAX_BODY)
    served.router.add_route("*", "/{path:.*}", api.handle)
    return served


class _Api:
    def __init__(self, verifier: Verifier, dialect: Dialect, network: str, alarms: Alarms) -> None:
        self._verifier = verifier
        self._dialect = dialect
        self._network = network
        self._alarms = alarms
        reading = "GET" if dialect.is_v1 else "POST"
        self._routes: dict[tuple[str, str], Callable[[Parameters], object]] = {
            ("POST", "/status.get"): self._status,
            ("POST", "/utxo.get_challenge_data"): self._challenge_data,
            ("POST", "/utxo.get_exit_data"): self._exit_data,
            ("POST", "/account.get_exitable_utxos"): self._exitable_utxos,
            (reading, "/alarm.get"): self._alarm_list,
        }
        if dialect.is_v1:
            self._routes["GET", "/configuration.get"] = self._configuration

    async def handle(self, request: web.Request) -> web.Response:
        """Answer any request, also those for nothing that exists."""
        try:
            parameters = await _parameters(request)
            _check_accept(request)
        except HttpError as error:
            return _json(self._dialect.refusal(error.code, error.description), error.status)
        action = self._routes.get((request.method, request.path))
        if action is None:
            text = "Operation cannot be found. Check request URL."
            return _json(self._dialect.refusal("operation:not_found", text))
        if action == self._status and (refusal := self._unhealthy()) is not None:
            return _json(refusal)
        try:
            return _json(self._dialect.success(action(parameters)))
        except WatcherRefused as refused:
            return _json(self._dialect.refusal(refused.code, refused.description, refused.messages))
        except Exception as error:  # noqa: BLE001 : like the real one, an unforeseen error is an answer with status 500
            return _json(self._dialect.refusal("server:internal_server_error", str(error)), 500)

    def _unhealthy(self) -> Json | None:
        raised = {alarm.name for alarm in self._alarms()}
        if self._verifier.progress.tip is None:
            raised.add("boot_in_progress")
        if not raised & _UNHEALTHY:
            return None
        if not self._dialect.is_v1:
            return self._dialect.refusal("get_status:econnrefused", "Cannot connect to the Ethereum node.")
        text = "The server is not ready to handle the request. Check the alarms for more info."
        refusal = self._dialect.refusal("operation:service_unavailable", text)
        return {"success": False, "data": refusal["data"]}

    def _status(self, _: Parameters) -> object:
        return self._dialect.status(self._verifier)

    def _challenge_data(self, parameters: Parameters) -> object:
        position = _position(parameters, "get_utxo_challenge")
        return self._dialect.challenge(self._verifier.challenge_data(position))

    def _exit_data(self, parameters: Parameters) -> object:
        position = _position(parameters, "get_utxo_exit")
        return self._dialect.exit_data(self._verifier.exit_data(position))

    def _exitable_utxos(self, parameters: Parameters) -> object:
        found = self._verifier.exitable_utxos(_address(parameters))
        return [self._dialect.utxo(position, output) for position, output in found]

    def _alarm_list(self, _: Parameters) -> object:
        return [{each.name: {"node": each.node, "reporter": each.reporter}} for each in self._alarms()]

    def _configuration(self, _: Parameters) -> object:
        return self._dialect.configuration(self._verifier, self._network)


async def _parameters(request: web.Request) -> Parameters:
    """Read the body of a POST; without a content type it is ignored, and only an object has parameters."""
    if request.method != "POST":
        return {}
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise HttpError(413, "server:internal_server_error", _RENDER_FAILED) from error
    if "content-type" not in request.headers or not body:
        return {}
    if request.content_type != "application/json":
        raise HttpError(415, "operation:bad_request", "Invalid Content-Type header, use application/json.")
    try:
        found = parse(body)
    except MalformedError as error:
        raise HttpError(400, "operation:bad_request", "Server has failed to parse the request.") from error
    return found if isinstance(found, dict) else {}


def _check_accept(request: web.Request) -> None:
    accepted = request.headers.get("accept", "*/*").lower()
    if not any(kind in accepted for kind in ("*/*", "application/*", "application/json")):
        raise HttpError(406, "server:internal_server_error", _RENDER_FAILED)


def _position(parameters: Parameters, action: str) -> UtxoPosition:
    encoded = parameters.get("utxo_pos")
    if not isinstance(encoded, int) or isinstance(encoded, bool):
        raise _wrong("utxo_pos", ":integer")
    if encoded <= 0:
        raise _wrong("utxo_pos", "{:greater, 0}")
    if encoded < BLOCK_OFFSET:
        raise WatcherRefused(f"{action}:encoded_utxo_position_too_low")
    try:
        return UtxoPosition.decode(encoded)
    except MalformedError:
        # No output can be there; asking for one past any block's end gives the answer of each endpoint.
        blknum, _ = divmod(encoded, BLOCK_OFFSET)
        return UtxoPosition(blknum, 2**16 - 1, 10**4 - 1)


def _address(parameters: Parameters) -> Address:
    text = parameters.get("address")
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        raise _wrong("address", ":hex")
    content = bytes.fromhex(text[2:])
    if len(content) != _ADDRESS_LENGTH:
        raise _wrong("address", f"{{:length, {_ADDRESS_LENGTH}}}")
    return Address(content)


def _wrong(parameter: str, validator: str) -> WatcherRefused:
    messages = {"validation_error": {"parameter": parameter, "validator": validator}}
    return WatcherRefused("operation:bad_request", _BAD_PARAMETERS, messages)


def _json(body: Json, status: int = 200) -> web.Response:
    return web.json_response(body, status=status)
