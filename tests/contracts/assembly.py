"""Tiny contracts, assembled by hand, that answer chosen functions with chosen bytes."""

from collections.abc import Mapping

from plasma_guard.contracts.abis import Function

Answers = Mapping[Function, bytes]


def contract(answers: Answers, refusals: Answers | None = None) -> str:
    """Return runtime code that answers or refuses these functions, and refuses others without a word."""
    entries = [(function, data, "f3") for function, data in answers.items()]
    entries += [(function, data, "fd") for function, data in (refusals or {}).items()]
    bodies = [_body(data, end) for _, data, end in entries]
    # Loading the selector takes 6 bytes, each comparison 11, the final revert 4.
    place = 6 + 11 * len(entries) + 4
    head = "60003560e01c"
    for (function, _, _), body in zip(entries, bodies, strict=True):
        head += f"8063{function.selector.hex()}1461{place:04x}57"
        place += len(body) // 2
    return "0x" + head + "600080fd" + "".join(bodies)


def proxy(target: bytes) -> str:
    """Return the minimal proxy of EIP-1167, whose own code names no function."""
    return "0x363d3d373d3d3d363d73" + target.hex() + "5af43d82803e903d91602b57fd5bf3"


def _body(data: bytes, end: str) -> str:
    padded = data.ljust(-(-len(data) // 32) * 32, b"\x00")
    stores = "".join(f"7f{padded[at : at + 32].hex()}61{at:04x}52" for at in range(0, len(padded), 32))
    return f"5b{stores}61{len(data):04x}6000{end}"
