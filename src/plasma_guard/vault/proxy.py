"""A wallet's way to the child chain: what it submits is on disk before it goes on, or does not go on.

Everything else it asks goes to the same server unchanged, so that a wallet needs nothing but another URL.
"""

import ipaddress
import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Self

import aiohttp
import structlog
from aiohttp import web
from yarl import URL

from plasma_guard.domain.errors import ConfigurationError, EvidenceError, MalformedError, VaultError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Wei, parse_hex, shorten
from plasma_guard.plasma.child_block import unsigned_of
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import Output
from plasma_guard.vault.tracking import ForeignError
from plasma_guard.vault.vault import SqlVault

log = structlog.get_logger(__name__)

MAX_BODY = 8_000_000
"""Bytes a Watcher reads of a request."""
_SLOTS = 5
_SHUTDOWN_SECONDS = 1.0
Unsafe = Callable[[], Awaitable[str | None]]
"""Says why nothing may be submitted now, or None."""


class SubmitProxy:
    """Listens on loopback in front of a Watcher or child chain; use as an asynchronous context manager.

    Entering raises `ConfigurationError` when the address cannot be listened on.
    """

    def __init__(
        self,
        vault: SqlVault,
        rules: PlasmaRules,
        *,
        upstream: str,
        host: str,
        port: int,
        deadline: float,
        unsafe: Unsafe,
    ) -> None:
        self._vault = vault
        self._rules = rules
        self._upstream = upstream.rstrip("/")
        self._host = host
        self._port = port
        self._deadline = deadline
        self._unsafe = unsafe
        self._session: aiohttp.ClientSession | None = None
        application = web.Application(
            middlewares=[_only_loopback_names] if _is_loopback(host) else [], client_max_size=MAX_BODY
        )
        for path, read in (
            ("/transaction.submit", self._one),
            ("/transaction.submit_typed", self._typed),
            ("/transaction.batch_submit", self._several),
        ):
            application.router.add_post(path, self._submitting(read))
        application.router.add_route("*", "/{path:.*}", self._forward)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)

    @property
    def port(self) -> int:
        """The port really listened on."""
        addresses = self._runner.addresses
        return int(addresses[0][1]) if addresses else self._port

    async def __aenter__(self) -> Self:
        """Listen."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigurationError(
                f"vault.submit_port: {self._host}:{self._port} cannot be listened on ({error.strerror}); free"
                " it, choose another vault.submit_port, or set vault.submit_enabled = false"
            ) from error
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._deadline),
            trust_env=not _is_loopback(URL(self._upstream).host or ""),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def _submitting(
        self, read: Callable[[Mapping[str, Any]], list[bytes]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            try:
                signed = read(_object(request, body))
            except MalformedError as error:
                return _refusal("operation:bad_request", str(error))
            if (why := await self._unsafe()) is not None:
                return _refusal("submit:chain_unsafe", f"not submitted: {why}")
            # On disk before anybody else sees it: from then on it may be included, whatever is answered.
            for each in signed:
                if (refusal := await self._record(each)) is not None:
                    return refusal
            answer = await self._ask(request, body)
            if len(signed) == 1:
                await self._note(signed[0], answer)
            return answer

        return handle

    async def _record(self, signed: bytes) -> web.Response | None:
        """Keep a transaction; return the refusal for one that must not go on."""
        try:
            kept = await self._vault.track(signed)
        except ForeignError as error:
            log.info("a submitted transaction is not ours: passed on, not kept", reason=str(error))
            return None
        except EvidenceError as error:
            return _refusal("submit:not_kept", f"not submitted: {error}")
        except VaultError as error:
            return _refusal("submit:not_recorded", f"not submitted, because it cannot be recorded: {error}")
        log.info("a submitted transaction is kept", transaction=str(kept.hash))
        return None

    async def _note(self, signed: bytes, answer: web.Response) -> None:
        """Remember where the operator says that a transaction will be."""
        try:
            said = json.loads(answer.body) if isinstance(answer.body, bytes) else {}
            data = said["data"]
            position = UtxoPosition(int(data["blknum"]), int(data["txindex"]), 0)
            await self._vault.said(keccak(unsigned_of(signed)), position)
        except (ValueError, KeyError, TypeError, MalformedError):
            return  # a refusal, or no receipt: the next refresh looks for itself
        except VaultError as error:
            log.warning("where a transaction will be is not noted", error=str(error))

    def _one(self, body: Mapping[str, Any]) -> list[bytes]:
        return [parse_hex(body.get("transaction"), "transaction")]

    def _several(self, body: Mapping[str, Any]) -> list[bytes]:
        transactions = body.get("transactions")
        if not isinstance(transactions, list):
            raise MalformedError(f"transactions: expected a list, got {shorten(transactions)}")
        return [parse_hex(each, "transactions") for each in transactions]

    def _typed(self, body: Mapping[str, Any]) -> list[bytes]:
        return [signed_of_typed(self._rules, body)]

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        return await self._ask(request, await request.read())

    async def _ask(self, request: web.Request, body: bytes) -> web.Response:
        if self._session is None:
            raise web.HTTPServiceUnavailable
        kept = ("content-type", "accept", "origin", "access-control-request-headers")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        try:
            async with self._session.request(
                request.method,
                URL(self._upstream + request.raw_path, encoded=True),
                data=body or None,
                headers=headers,
                allow_redirects=False,
            ) as answered:
                content = await answered.content.read(16 * MAX_BODY)
                kind = answered.headers.get("content-type", "application/json")
                return web.Response(status=answered.status, body=content, headers={"content-type": kind})
        except (aiohttp.ClientError, TimeoutError) as error:
            text = f"the server behind does not answer ({type(error).__name__}); what is kept stays kept"
            return _refusal("submit:host_unreachable", text, HTTPStatus.BAD_GATEWAY)


def signed_of_typed(rules: PlasmaRules, body: Mapping[str, Any]) -> bytes:
    """Return the signed form of what `transaction.submit_typed` submits; raises `MalformedError`.

    Of its numbered inputs and outputs, those that are all zeros are padding.
    """
    message, signatures = body.get("message"), body.get("signatures")
    if not isinstance(message, dict) or not isinstance(signatures, list):
        raise MalformedError("message, signatures: expected an object and a list")
    inputs, outputs = [], []
    for slot in range(_SLOTS):
        if isinstance(spent := message.get(f"input{slot}"), dict):
            parts = [_integer(spent, field) for field in ("blknum", "txindex", "oindex")]
            if any(parts):
                inputs.append(UtxoPosition(*parts))
        if isinstance(made := message.get(f"output{slot}"), dict):
            output = Output(
                Address.parse(str(made.get("owner"))),
                Address.parse(str(made.get("currency"))),
                Wei(_integer(made, "amount")),
            )
            if any(output.owner) or output.amount:
                outputs.append(output)
    metadata = message.get("metadata")
    unsigned = rules.encode(
        inputs, outputs, None if metadata is None else parse_hex(metadata, "message.metadata")
    )
    return rules.encode_signed(unsigned, [parse_hex(each, "signatures") for each in signatures])


def _integer(entry: Mapping[str, Any], field: str) -> int:
    value = entry.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise MalformedError(f"{field}: expected an integer of 0 or more, got {shorten(value)}")
    return value


def _object(request: web.Request, body: bytes) -> Mapping[str, Any]:
    """Read a JSON body; a web page cannot send one of this content type without asking first."""
    if request.content_type != "application/json":
        raise MalformedError(f"content type: expected application/json, got {shorten(request.content_type)}")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError("body: not JSON") from error
    if not isinstance(found, dict):
        raise MalformedError("body: expected a JSON object")
    return found


def _refusal(code: str, text: str, status: int = HTTPStatus.OK) -> web.Response:
    """Answer as a Watcher refuses: with its envelope, and HTTP status 200."""
    log.warning("a submission is refused", code=code, reason=text)
    data = {"object": "error", "code": code, "description": text}
    envelope = {"success": False, "data": data, "version": "1.0", "service_name": "plasma-guard"}
    return web.json_response(envelope, status=status)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@web.middleware
async def _only_loopback_names(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse requests for other host names: a web page whose name was rebound to 127.0.0.1 sends its own."""
    try:
        name = URL.build(scheme="http", authority=request.headers.get("Host", "")).host or ""
    except ValueError:
        name = ""
    if not _is_loopback(name):
        raise web.HTTPForbidden(text="Host: expected localhost or a loopback address\n")
    return await handler(request)
