"""Reading an HTTP body no further than a limit, counted after decompression."""

import zlib
from collections.abc import AsyncIterator

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.primitives import shorten

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_ENCODINGS = {"": False, "identity": False, "gzip": True, "x-gzip": True, "deflate": True}


async def read(chunks: AsyncIterator[bytes], encoding: str, limit: int) -> bytes:
    """Return the whole body, decompressed.

    Raises `MalformedError` as soon as it exceeds `limit` bytes, so that neither a large body nor a small one
    that inflates ever takes more memory than that, and when its compression is unknown, broken or cut short.
    """
    compressed = _ENCODINGS.get(encoding.strip().lower())
    if compressed is None:
        raise MalformedError(f"unknown content encoding {shorten(encoding)}")
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB) if compressed else None
    body = bytearray()
    async for chunk in chunks:
        if inflater is None:
            body += chunk
        else:
            try:
                # One byte more than allowed is enough to see that it is too much.
                body += inflater.decompress(chunk, limit + 1 - len(body))
            except zlib.error as error:
                raise MalformedError(f"broken compression: {error}") from error
            if inflater.unused_data:
                raise MalformedError("bytes after the end of the compressed body")
        if len(body) > limit:
            raise MalformedError(f"larger than {limit} bytes")
    if inflater is not None and not inflater.eof:
        raise MalformedError("compressed body cut short")
    return bytes(body)
