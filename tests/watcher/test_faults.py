"""A Watcher that is broken or hostile below the envelope costs bounded memory and bounded time."""

import asyncio
import contextlib
import gzip
import json
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from aiohttp import web

from plasma_guard.domain.errors import WatcherError, WatcherMisbehaved, WatcherUnreachable
from plasma_guard.watcher import HttpWatcher
from watcher.replay import Handler, Serve, ServeRaw, fixture

LIMIT = 16 * 2**20


@contextlib.contextmanager
def bounded(*, megabytes: float) -> Iterator[None]:
    """Fail when the block takes more memory above what was there than stated."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < megabytes * 10**6


def answering(body: bytes, **headers: str) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json", headers=headers)

    return handle


HEALTHY = json.dumps(fixture("v1_status_healthy")["response"]["body"]).encode()

HOSTILE = {
    "empty": b"",
    "garbage": bytes(range(256)) * 100,
    "truncated": HEALTHY[:-20],
    "two values": HEALTHY + HEALTHY,
    "not UTF-8": HEALTHY.replace(b"watcher", b"\xff\xfe"),
    "UTF-16": HEALTHY.decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + HEALTHY,
    "deep list": b"[" * 10**6 + b"]" * 10**6,
    "deep objects": b'{"a":' * 10**5 + b"1" + b"}" * 10**5,
    "65 levels": b'{"success": true, "data": ' + b"[" * 64 + b"]" * 64 + b"}",
    "NaN": HEALTHY[:-1] + b', "unread": NaN}',
    "Infinity": HEALTHY[:-1] + b', "unread": -Infinity}',
    "overflowing float": HEALTHY[:-1] + b', "unread": 1e999}',
    "huge integer": HEALTHY[:-1] + b', "unread": ' + b"9" * 4000 + b"}",
    "duplicate keys": HEALTHY.replace(b'"eth_syncing"', b'"eth_syncing": true, "eth_syncing"'),
    "duplicate escaped keys": HEALTHY.replace(b'"eth_syncing"', b'"\\u0065th_syncing": true, "eth_syncing"'),
    "many values": b"[" + b"{}," * 5_000_000 + b"{}]",
    "unterminated string": b'"' + b'\\"' * 8_000_000,
    "quotes": b'"' * LIMIT,
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_json_is_refused_cheaply(name: str, serve: Serve) -> None:
    """Malformed, deep, duplicate or non-finite JSON is misbehaviour within a second or two and 200 MB."""
    async with HttpWatcher(await serve(answering(HOSTILE[name]))) as watcher:
        with bounded(megabytes=200), pytest.raises(WatcherMisbehaved) as caught:
            await watcher.status()
    assert len(str(caught.value)) < 500


async def test_brackets_and_quotes_in_strings_do_not_count_as_depth(serve: Serve) -> None:
    """Depth is that of the structure: brackets, escaped quotes and backslashes in strings are text."""
    text = json.dumps('[{"\\"[' * 100 + "\\").encode()
    body = HEALTHY.replace(b'"eth_syncing"', b'"note": ' + text + b', "eth_syncing"')
    async with HttpWatcher(await serve(answering(body))) as watcher:
        assert (await watcher.status()).last_mined_blknum == 4000


async def test_64_levels_are_read(serve: Serve) -> None:
    """The depth limit is exact: 64 levels pass."""
    body = HEALTHY[:-1] + b', "deep": ' + b"[" * 63 + b"]" * 63 + b"}"
    async with HttpWatcher(await serve(answering(body))) as watcher:
        assert (await watcher.status()).last_mined_blknum == 4000


async def test_100_megabytes_are_not_read(serve: Serve) -> None:
    """Reading stops at the limit, so an endless answer costs no more than the largest allowed one."""
    sent = 0

    async def handle(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" " * 2**20)
            sent += 1
        return response

    async with HttpWatcher(await serve(handle)) as watcher:
        with bounded(megabytes=80), pytest.raises(WatcherMisbehaved, match="larger than 16777216"):
            await watcher.status()
    assert sent < 40


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compression_bomb_is_not_inflated(encoding: str, serve: Serve) -> None:
    """The limit counts bytes after decompression: 1 GB in 1 MB is refused at 16 MiB."""
    deflater = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    bomb = b"".join(deflater.compress(bytes(2**20)) for _ in range(1024)) + deflater.flush()
    headers = {"content-encoding": encoding}
    async with HttpWatcher(await serve(answering(bomb, **headers))) as watcher:
        with bounded(megabytes=80), pytest.raises(WatcherMisbehaved, match="larger than"):
            await watcher.status()


async def test_an_honest_compressed_answer_is_read(serve: Serve) -> None:
    """A proxy may compress."""
    handler = answering(gzip.compress(HEALTHY), **{"content-encoding": "gzip"})
    async with HttpWatcher(await serve(handler)) as watcher:
        assert (await watcher.status()).last_mined_blknum == 4000


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(HEALTHY)[:-100], "gzip"),
        (gzip.compress(HEALTHY)[:-4], "gzip"),
        (gzip.compress(HEALTHY) + b"more", "gzip"),
        (HEALTHY, "gzip"),
        (HEALTHY, "br"),
    ],
)
async def test_broken_compression_is_misbehaviour(body: bytes, encoding: str, serve: Serve) -> None:
    """Cut, trailing, absent or unknown compression never becomes an answer."""
    async with HttpWatcher(await serve(answering(body, **{"content-encoding": encoding}))) as watcher:
        with pytest.raises(WatcherMisbehaved):
            await watcher.status()


async def test_10000_events_are_read_fast(serve: Serve) -> None:
    """5 MB of events take less than 100 MB and well under a second, even while memory is traced."""
    body = fixture("v1_status_invalid_exit")["response"]["body"]
    event = body["data"]["byzantine_events"][0]
    event["details"]["padding"] = "0x" + "00" * 60
    body["data"]["byzantine_events"] = [event] * 10_000
    sent = json.dumps(body).encode()
    assert len(sent) > 5_000_000
    async with HttpWatcher(await serve(answering(sent))) as watcher:
        with bounded(megabytes=100):
            assert len((await watcher.status()).events) == 10_000


async def test_a_byte_at_a_time_ends_at_the_deadline(serve: Serve) -> None:
    """Each byte arrives in time and the whole never does: one deadline covers the call."""

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for byte in HEALTHY:
                await response.write(bytes([byte]))
                await asyncio.sleep(0.01)  # the fault itself: real time is what it wastes
        return response

    async with HttpWatcher(await serve(handle), deadline=0.3) as watcher:
        with bounded(megabytes=10), pytest.raises(WatcherUnreachable, match=r"within 0\.3 s"):
            await watcher.status()


async def test_silence_ends_at_the_deadline(serve_raw: ServeRaw) -> None:
    """A connection that is accepted and never answered ends too."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with HttpWatcher(await serve_raw(handle), deadline=0.2) as watcher:
        with pytest.raises(WatcherUnreachable, match=r"within 0\.2 s"):
            await watcher.status()


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\xff garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000,
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"",
    ],
    ids=["garbage", "endless headers", "cut body", "bad chunk", "nothing"],
)
async def test_broken_http_is_an_error_of_the_watcher(answer: bytes, serve_raw: ServeRaw) -> None:
    """Whatever a server does to HTTP itself ends as a `WatcherError`, bounded in length."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    async with HttpWatcher(await serve_raw(handle)) as watcher:
        with bounded(megabytes=20), pytest.raises(WatcherError) as caught:
            await watcher.status()
    assert len(str(caught.value)) < 500


async def test_a_stale_connection_is_retried_once(serve_raw: ServeRaw) -> None:
    """A connection that breaks before any answer is tried again at once, and only once."""
    connections = 0
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(HEALTHY)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections > 1:
            writer.write(head + HEALTHY)
            await writer.drain()

    async with HttpWatcher(await serve_raw(handle)) as watcher:
        assert (await watcher.status()).last_mined_blknum == 4000
    assert connections == 2


async def test_a_server_that_always_hangs_up_is_asked_twice(serve_raw: ServeRaw) -> None:
    """Polling again is the daemon's business; the client does not hammer."""
    connections = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1

    async with HttpWatcher(await serve_raw(handle)) as watcher:
        with pytest.raises(WatcherError):
            await watcher.status()
    assert connections == 2


async def test_a_server_without_tls_is_unreachable_over_https(serve: Serve) -> None:
    """A failed TLS handshake is a failed connection."""
    url = await serve(answering(HEALTHY))
    async with HttpWatcher(url.replace("http://", "https://")) as watcher:
        with pytest.raises(WatcherUnreachable, match="no connection"):
            await watcher.status()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    host: str, serve: Serve, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    """A Watcher on loopback is reached although the environment names a proxy for everything."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_tcp_port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    url = await serve(answering(HEALTHY))
    async with HttpWatcher(url.replace("127.0.0.1", host)) as watcher:
        assert (await watcher.status()).last_mined_blknum == 4000


async def test_nobody_listening_is_unreachable(unused_tcp_port: int) -> None:
    """A refused connection is a state of the network, not of the Watcher."""
    async with HttpWatcher(f"http://127.0.0.1:{unused_tcp_port}") as watcher:
        with pytest.raises(WatcherUnreachable, match="no connection"):
            await watcher.status()
