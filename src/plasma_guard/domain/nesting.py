"""How deep JSON from others is nested, found out before anything parses it.

A dependency of web3 and eth-account raises the interpreter's recursion limit so far that deep nesting
overflows the C stack and ends the process, where json.loads would otherwise raise RecursionError.
"""

import re

from plasma_guard.domain.errors import MalformedError

_STRUCTURE = b'"[]{}'
_AS_LISTS = bytes.maketrans(b"{}", b"[]")
_NOT_STRUCTURE = bytes(set(range(256)) - set(_STRUCTURE))
_STRING = re.compile(rb'"[^"]*"?')


def check_depth(body: bytes, limit: int) -> None:
    """Peel the innermost pairs of brackets off, one level a pass, so that hostile depth costs no recursion.

    Raises `MalformedError` for what is nested deeper than `limit` levels. Agrees with a JSON reader up to the
    first lexical error, where the reader stops; of other text it may complain that brackets do not match.
    """
    if body.count(b"[") + body.count(b"{") <= limit:
        return
    outline = body.replace(rb"\\", b"").replace(rb"\"", b"").translate(_AS_LISTS, _NOT_STRUCTURE)
    # Two quotes in a row hold nothing, or end one string and start the next: gone, the rest reads the same.
    outline = _STRING.sub(b"", outline.replace(b'""', b""))
    for _ in range(limit):
        before = len(outline)
        outline = outline.replace(b"[]", b"")
        if len(outline) == before:
            break
    if outline:
        raise MalformedError(f"JSON: nested deeper than {limit} levels, or its brackets do not match")
