"""Positions as contracts store them."""

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.position import UtxoPosition


def position_or_none(encoded: int) -> UtxoPosition | None:
    """Decode a stored position; None for 0 and for the placeholder of a fee exit, which exits no output."""
    try:
        return UtxoPosition.decode(encoded)
    except MalformedError:
        return None
