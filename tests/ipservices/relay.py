"""A relay between BOSS and a server, for tests of connections that are kept or break."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass
class Relay:
    """What stands between BOSS and a server: counts connections, and cuts them when it hears a word."""

    to: tuple[str, int]
    cut_at: bytes = b""
    opened: int = 0
    _sockets: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                near, _peer = self._listener.accept()
            except OSError:
                return
            self.opened += 1
            far = socket.create_connection(self.to)
            self._sockets += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, target, source is near), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_asked: bool) -> None:
        try:
            while data := source.recv(65536):
                cut = bool(is_asked and self.cut_at and self.cut_at in data)
                if cut:
                    self.cut_at = b""
                    source.shutdown(socket.SHUT_RDWR)  # first of all: the answer may be faster than the cut
                target.sendall(data)
                if cut:
                    self.cut()
        except OSError:
            pass
        finally:
            for end in (source, target):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Every open connection ends, as when the server was restarted."""
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def close(self) -> None:
        self.cut()
        self._listener.close()
