"""Requests to a running guard: whole or not there, private, and answered once."""

import stat
from pathlib import Path

import pytest

from plasma_guard.domain.errors import JournalError, MalformedError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32, Timestamp
from plasma_guard.domain.requests import Errand, InFlightOutput, Reply, Request, output_name
from plasma_guard.journal.spool import LARGEST, Spool, new_id, spool_path

WANTED = (UtxoPosition(2000, 1, 3), InFlightOutput(Hash32(b"\x07" * 32), 1))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return spool_path(tmp_path / "journal.sqlite3")


def start(asked_at: int = 1000) -> Request:
    return Request(new_id(), Errand.START, Timestamp(asked_at), WANTED)


def test_a_request_comes_out_as_it_went_in(path: Path) -> None:
    """Another process sees the same outputs and time, again and again until it is answered."""
    request = start()
    Spool(path).ask(request)
    daemon = Spool(path)
    assert daemon.pending() == [request]
    assert daemon.pending() == [request]
    daemon.reply(request.id, Reply(("one",), ("two",)))
    assert daemon.pending() == []


def test_a_reply_is_taken_once(path: Path) -> None:
    """Who asked gets what became of it, and leaves nothing behind."""
    asker, request = Spool(path), start()
    asker.ask(request)
    assert asker.reply_to(request.id) is None
    Spool(path).reply(request.id, Reply(("under way",), ("no key",)))
    assert asker.reply_to(request.id) == Reply(("under way",), ("no key",))
    assert asker.reply_to(request.id) is None
    assert list(path.iterdir()) == []


def test_only_the_user_can_ask(path: Path) -> None:
    """Directory and files are private; a directory that others may write into is not used."""
    Spool(path).ask(start())
    (file,) = path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    path.chmod(0o770)
    with pytest.raises(JournalError, match="chmod 700"):
        Spool(path)


def test_half_a_request_is_none(path: Path) -> None:
    """What a process that died left half written is not read."""
    spool = Spool(path)
    (path / ".abc.request.partial").write_text('{"errand": "sta')
    assert spool.pending() == []
    assert spool.reply_to(".abc") is None
    assert [file.name for file in path.iterdir()] == [".abc.request.partial"]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b'{"errand": "burn", "asked_at": 1, "outputs": []}',
        b'{"errand": "start", "asked_at": 1, "outputs": [1]}',
        b'{"errand": "start", "asked_at": 1, "outputs": ["-5"]}',
        b'{"errand": "start", "asked_at": "1", "outputs": []}',
        b'{"errand": "start", "asked_at": 1, "outputs": []}' + b" " * LARGEST,
    ],
)
def test_what_cannot_be_read_is_refused_once(path: Path, content: bytes) -> None:
    """It does not come back at every look, hides no good one, and who asked is told."""
    spool, good = Spool(path), start()
    (path / "bad.request").write_bytes(content)
    spool.ask(good)
    assert spool.pending() == [good]
    reply = spool.reply_to("bad")
    assert reply is not None
    assert reply.refused
    assert spool.pending() == [good]


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    """A name in the directory never makes the guard read another file."""
    spool, elsewhere = Spool(path), tmp_path / "elsewhere"
    elsewhere.write_text('{"errand": "start", "asked_at": 1, "outputs": []}')
    (path / "bad.request").symlink_to(elsewhere)
    assert spool.pending() == []


@pytest.mark.parametrize("text", ["", "-1", "1.5", "0x10", "1/2", "0x" + "07" * 32 + "/", "0", "\u0661000000000000"])
def test_the_name_of_an_output_is_a_position_or_a_hash_with_an_index(text: str) -> None:
    """Anything else is refused with both shapes."""
    with pytest.raises(MalformedError, match="TXHASH/INDEX"):
        output_name(text)


@pytest.mark.parametrize("name", WANTED, ids=str)
def test_the_name_of_an_output_reads_as_it_prints(name: UtxoPosition | InFlightOutput) -> None:
    """What `exits list` shows can be given to `exits start`."""
    assert output_name(str(name)) == name
