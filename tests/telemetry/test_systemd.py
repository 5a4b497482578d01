"""sd_notify over a real socket."""

import socket
import sys
from pathlib import Path

import pytest
import structlog

from plasma_guard.telemetry.systemd import ServiceManager


def _listen(address: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(address)
    listener.settimeout(5)
    return listener


def test_states_reach_the_manager(tmp_path: Path) -> None:
    """Each call is one datagram, as sd_notify(3) describes them."""
    with _listen(str(tmp_path / "notify")) as listener:
        manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        manager.ready()
        manager.status("watching,\nno case open")
        manager.watchdog()
        manager.stopping()
        assert [listener.recv(100) for _ in range(4)] == [
            b"READY=1",
            b"STATUS=watching, no case open",
            b"WATCHDOG=1",
            b"STOPPING=1",
        ]


@pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets exist on Linux alone")
def test_an_abstract_socket_is_reached(tmp_path: Path) -> None:
    """A leading @ stands for the NUL byte."""
    name = f"plasma-guard-test-{tmp_path.name}-{id(tmp_path)}"
    with _listen("\0" + name) as listener:
        ServiceManager({"NOTIFY_SOCKET": "@" + name}).ready()
        assert listener.recv(100) == b"READY=1"


def test_without_a_manager_nothing_happens() -> None:
    """On a laptop there is no socket, and no warning about it."""
    with structlog.testing.capture_logs() as logs:
        ServiceManager({}).ready()
    assert logs == []


def test_a_deaf_manager_is_mentioned_once_and_forgiven(tmp_path: Path) -> None:
    """The guard goes on, and says so once, not at every pulse."""
    manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    with structlog.testing.capture_logs() as logs:
        manager.watchdog()
        manager.watchdog()
    assert [entry["event"] for entry in logs] == ["the service manager cannot be told anything"]


@pytest.mark.parametrize(
    ("env", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "90000000"}, 45.0),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "7"}, 45.0),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_told_twice_as_often_as_needed(env: dict[str, str], interval: float | None) -> None:
    """Half the limit, as sd_watchdog_enabled(3) advises, and only for this process."""
    assert ServiceManager(env, pid=7).watchdog_interval == interval
