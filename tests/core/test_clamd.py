"""ClamAV's daemon as it is spoken to: a stand-in that reads INSTREAM from a real socket and answers as clamd does."""

from __future__ import annotations

import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from boss.core import files, scanning, scoping
from boss.core.files import Upload
from boss.core.models import StoredFile

# The standard test signature of virus scanners, in two parts so that no scanner takes this file for a virus.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
MOST = 1024 * 1024
"""The stand-in's ``StreamMaxLength``."""


class Clamd(threading.Thread):
    """Speaks zINSTREAM: the command and its NUL, pieces with their length in four bytes, none ends it; one answer."""

    def __init__(self, line: socket.socket) -> None:
        super().__init__(daemon=True)
        self.line = line
        self.commands: list[bytes] = []
        self.seen: list[bytes] = []
        self.answer: Callable[[bytes], bytes] = self.judge
        self.faults: list[str] = []

    @staticmethod
    def judge(content: bytes) -> bytes:
        if len(content) > MOST:
            return b"INSTREAM size limit exceeded. ERROR\0"
        return b"stream: Win.Test.EICAR_HDB-1 FOUND\0" if EICAR in content else b"stream: OK\0"

    def run(self) -> None:
        while True:
            try:
                caller, _address = self.line.accept()
            except OSError:
                return  # the test is over
            with caller:
                caller.settimeout(10)
                try:
                    self._serve(caller)
                except (OSError, EOFError, struct.error) as error:
                    self.faults.append(repr(error))

    def _serve(self, caller: socket.socket) -> None:
        with caller.makefile("rb") as heard:
            command = b""
            while not command.endswith(b"\0"):
                command += self._exactly(heard, 1)
            self.commands.append(command)
            content = b""
            while length := struct.unpack("!I", self._exactly(heard, 4))[0]:
                content += self._exactly(heard, length)
            self.seen.append(content)
            for byte in self.answer(content):  # in as many packets as it has bytes
                caller.sendall(bytes([byte]))

    @staticmethod
    def _exactly(heard: object, count: int) -> bytes:
        found: bytes = heard.read(count)  # type: ignore[attr-defined]
        if len(found) < count:
            raise EOFError("hung up in the middle")
        return found


@pytest.fixture(params=["tcp", "unix"])
def clamd(request: pytest.FixtureRequest, settings) -> Iterator[Clamd]:
    with tempfile.TemporaryDirectory() as folder:
        if request.param == "tcp":
            line = socket.create_server(("127.0.0.1", 0))
            settings.BOSS_FILE_SCANNER = f"clamd:127.0.0.1:{line.getsockname()[1]}"
        else:
            path = str(Path(folder) / "clamd.ctl")
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            line.bind(path)
            line.listen()
            settings.BOSS_FILE_SCANNER = f"clamd:{path}"
        made = Clamd(line)
        made.start()
        yield made
        line.shutdown(socket.SHUT_RDWR)
        line.close()
        made.join(5)
        assert made.faults == []


def test_a_clean_file_is_heard_whole_and_found_clean(clamd: Clamd) -> None:
    content = bytes(range(256)) * 1000  # several pieces, the last of them not full
    assert scanning.scanner().scan(content) == ""
    assert clamd.commands == [b"zINSTREAM\0"] and clamd.seen == [content]


def test_an_empty_file_and_one_of_exactly_two_pieces_are_sent_whole(clamd: Clamd) -> None:
    for content in (b"", b"x" * (128 * 1024)):
        assert scanning.scanner().scan(content) == ""
    assert clamd.seen == [b"", b"x" * (128 * 1024)]


def test_the_name_of_what_was_found_comes_back(clamd: Clamd) -> None:
    assert scanning.scanner().scan(b"before " + EICAR) == "Win.Test.EICAR_HDB-1"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"INSTREAM size limit exceeded. ERROR\0", "size limit exceeded"),
        (b"stream: Can't allocate memory ERROR\0", "allocate memory"),
        (b"", "no answer"),
        (b"stream: OK", "no answer"),  # it was killed before its answer was whole
    ],
)
def test_whatever_is_no_verdict_leaves_the_file_unjudged(clamd: Clamd, answer: bytes, said: str) -> None:
    """Never clean by a daemon that could not look, nor by half an answer."""
    clamd.answer = lambda _content: answer
    with pytest.raises(scanning.ScannerUnavailable, match=said):
        scanning.scanner().scan(b"anything")


def test_a_daemon_that_is_not_there_or_says_nothing_is_unavailable(settings, monkeypatch) -> None:
    monkeypatch.setattr(scanning, "SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        settings.BOSS_FILE_SCANNER = f"clamd:127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(scanning.ScannerUnavailable):
            scanning.scanner().scan(b"x")  # it listens, and answers nothing
    with pytest.raises(scanning.ScannerUnavailable):
        scanning.scanner().scan(b"x")  # nobody listens any more
    settings.BOSS_FILE_SCANNER = "clamd:/nowhere/clamd.ctl"
    with pytest.raises(scanning.ScannerUnavailable):
        scanning.scanner().scan(b"x")


def test_a_kept_file_is_judged_by_the_daemon_and_waits_while_it_cannot(clamd: Clamd, alpha) -> None:
    """From the row to the daemon and back, with nothing of ours put in between."""
    rows = []
    for content in (b"harmless", EICAR, b"x" * (MOST + 1)):
        made = Upload.made("file.txt", content)
        rows.append(files.store(made.content, made.media_type))
    assert {row.scan for row in rows} == {"pending"}
    done = [files.scan(row.realm_id, row.pk) for row in rows]
    assert done == [True, True, False]
    judged = [(row.scan, row.scan_note) for row in StoredFile.objects.order_by("id")]
    assert judged == [
        ("clean", ""), ("blocked", "Win.Test.EICAR_HDB-1"), ("pending", "INSTREAM size limit exceeded. ERROR"),
    ]  # fmt: skip
    assert scoping.current_realm_id() == rows[0].realm_id
