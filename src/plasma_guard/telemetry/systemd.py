"""Tells the service manager how the daemon is doing (sd_notify protocol), where there is one."""

import os
import socket
from collections.abc import Mapping

import structlog

_MICROSECONDS = 1_000_000
_log = structlog.get_logger()


class ServiceManager:
    """Sends state changes to $NOTIFY_SOCKET; every method does nothing without it."""

    def __init__(self, env: Mapping[str, str], pid: int | None = None) -> None:
        address = env.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the NUL byte of Linux' abstract namespace.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._failed = False
        self.watchdog_interval = _watchdog_interval(env, os.getpid() if pid is None else pid)
        """Seconds between `watchdog` calls, half of what the manager allows; None: not asked for."""

    def ready(self) -> None:
        """Say that start-up is over."""
        self._send("READY=1")

    def stopping(self) -> None:
        """Say that the daemon is shutting down."""
        self._send("STOPPING=1")

    def watchdog(self) -> None:
        """Say that the daemon's loop still turns."""
        self._send("WATCHDOG=1")

    def status(self, sentence: str) -> None:
        """Set the sentence that `systemctl status` shows."""
        self._send("STATUS=" + " ".join(sentence.split()))

    def _send(self, state: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.settimeout(0)
                channel.sendto(state.encode(), self._address)
        except OSError as error:  # a deaf manager is no reason to stop guarding
            if not self._failed:
                _log.warning("the service manager cannot be told anything", error=error.strerror)
            self._failed = True
        else:
            self._failed = False


def _watchdog_interval(env: Mapping[str, str], pid: int) -> float | None:
    microseconds = env.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    if env.get("WATCHDOG_PID", str(pid)) != str(pid):  # meant for another process of the service
        return None
    return int(microseconds) / _MICROSECONDS / 2
