"""Function and event tables of the contracts, and the codec that reads them."""

from plasma_guard.contracts.abis.codec import Event, Function

__all__ = ["Event", "Function"]
