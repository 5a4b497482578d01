"""Gets one call mined, whatever it takes within its window: nonces, prices, replacements, confirmations."""

from plasma_guard.sender.sender import TxSender
from plasma_guard.sender.settings import SenderSettings

__all__ = ["SenderSettings", "TxSender"]
