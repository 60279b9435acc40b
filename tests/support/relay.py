"""A relay in front of the engine's socket that can hang, as a frozen engine does."""

import socket
import threading
from contextlib import suppress
from pathlib import Path

from tidegate.local.engine_socket import find_engine


class Relay:
    """Passes bytes both ways while it is not `hung`. Close it when done."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
        self._engine = find_engine().removeprefix("unix://")
        self._flowing = threading.Event()
        self._flowing.set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def hang(self) -> None:
        """From now on connections are taken and nothing passes."""
        self._flowing.clear()

    def go_on(self) -> None:
        """What was held back passes, and all that follows."""
        self._flowing.set()

    def close(self) -> None:
        """Cut every connection."""
        self._flowing.set()
        for each in self._open:
            with suppress(OSError):  # its other end was faster
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            there = socket.socket(socket.AF_UNIX)
            there.connect(self._engine)
            self._open += [here, there]
            for source, sink in ((here, there), (there, here)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self._flowing.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return
