"""The Watcher's HTTP API over the verifier: same paths, envelopes and error codes as the real one."""

from collections.abc import Callable, Sequence

from aiohttp import web

from plasma_guard.domain.errors import MalformedError, WatcherRefused
from plasma_guard.verifier import requests
from plasma_guard.verifier.core import Verifier
from plasma_guard.verifier.dialect import Alarm, Dialect, Json, Release
from plasma_guard.verifier.json import parse
from plasma_guard.verifier.requests import Parameters

MAX_BODY = 8_000_000
"""Bytes a Watcher reads of a request."""
_UNHEALTHY = frozenset(
    {"boot_in_progress", "ethereum_connection_error", "ethereum_stalled_sync", "main_supervisor_halted"}
)
_RENDER_FAILED = "Server has failed to render the error."


Alarms = Callable[[], Sequence[Alarm]]


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
            ("POST", "/in_flight_exit.get_data"): self._in_flight_data,
            ("POST", "/in_flight_exit.get_competitor"): self._competitor,
            ("POST", "/in_flight_exit.prove_canonical"): self._inclusion,
            ("POST", "/in_flight_exit.get_input_challenge_data"): self._input_spend,
            ("POST", "/in_flight_exit.get_output_challenge_data"): self._output_spend,
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
        position = requests.position(parameters, "get_utxo_challenge")
        return self._dialect.challenge(self._verifier.challenge_data(position))

    def _exit_data(self, parameters: Parameters) -> object:
        position = requests.position(parameters, "get_utxo_exit")
        return self._dialect.exit_data(self._verifier.ways_out.exit_data(position))

    def _exitable_utxos(self, parameters: Parameters) -> object:
        found = self._verifier.ways_out.exitable_utxos(requests.address(parameters))
        return [self._dialect.utxo(position, output) for position, output in found]

    def _in_flight_data(self, parameters: Parameters) -> object:
        signed = requests.signed(parameters, "get_in_flight_exit", self._verifier.rules)
        return self._dialect.in_flight_data(self._verifier.ways_out.in_flight_data(signed))

    def _competitor(self, parameters: Parameters) -> object:
        tx = self._in_flight_tx(parameters, "get_competitor")
        return self._dialect.competitor(self._verifier.canonicity.competitor(tx))

    def _inclusion(self, parameters: Parameters) -> object:
        tx = self._in_flight_tx(parameters, "prove_canonical")
        return self._dialect.inclusion(self._verifier.canonicity.inclusion(tx))

    def _input_spend(self, parameters: Parameters) -> object:
        index = requests.index(parameters, "input_index")
        tx = self._in_flight_tx(parameters, "get_input_challenge_data")
        return self._dialect.input_spend(self._verifier.piggybacks.input_spend(tx, index))

    def _output_spend(self, parameters: Parameters) -> object:
        index = requests.index(parameters, "output_index")
        tx = self._in_flight_tx(parameters, "get_output_challenge_data")
        return self._dialect.output_spend(self._verifier.piggybacks.output_spend(tx, index))

    def _in_flight_tx(self, parameters: Parameters, action: str) -> bytes:
        return requests.unsigned(parameters, action, self._verifier.rules)

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


def _json(body: Json, status: int = 200) -> web.Response:
    return web.json_response(body, status=status)
