"""Small HTTP backends and a strict client, for tests of the data plane.

The client never resends: what fails is counted as failed.
"""

import asyncio
import base64
import hashlib
import socket
import threading
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Backend:
    """An HTTP/1.1 server in a thread. It answers its name; the path says how.

    /status/503 answers that status, /slow/300 waits 300 ms, /cut closes without a word, /stream/4
    sends four parts 100 ms apart, and an Upgrade is echoed until it is closed.
    `bound` is a socket to accept from, if not a new one.
    """

    def __init__(self, name: str, bound: socket.socket | None = None) -> None:
        self.name = name
        self._bound = bound
        self.port = 0
        self.connections = 0
        self.seen: Counter[str] = Counter()
        self.headers: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> "Backend":
        ready = threading.Event()
        self._loop.call_soon(lambda: self._loop.create_task(self._listen(ready)))
        self._thread.start()
        assert ready.wait(5)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def kill(self) -> None:
        """As by SIGKILL: nobody listens any more, every connection is cut at once."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _listen(self, ready: threading.Event) -> None:
        bound = self._bound or socket.create_server(("127.0.0.1", self.port))
        self._server = await asyncio.start_server(self._serve, sock=bound, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]
        ready.set()

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _end(self) -> None:
        others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the peer is gone, or the test is over
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rows = head.split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (r.partition(":") for r in rows)}
        await reader.readexactly(int(headers.get("content-length", "0")))
        path = line.split(" ")[1]
        self.seen[path] += 1
        self.headers = headers
        if "upgrade" in headers:
            return await self._echo(headers["sec-websocket-key"], reader, writer)
        return await self._reply(path.split("?")[0].split("/"), writer)

    async def _reply(self, path: list[str], writer: asyncio.StreamWriter) -> bool:
        kind, number = path[-2], path[-1]
        if number == "cut":
            return False
        if kind == "slow":
            await asyncio.sleep(int(number) / 1000)
        parts = int(number) if kind == "stream" else 1
        status = number if kind == "status" else "200"
        body = self.name.encode()
        head = f"HTTP/1.1 {status} Test\r\nContent-Length: {len(body) * parts}\r\n\r\n"
        writer.write(head.encode() + body)
        for _ in range(parts - 1):
            await asyncio.sleep(0.1)
            writer.write(body)
        await writer.drain()
        return True

    async def _echo(
        self, key: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        accept = base64.b64encode(hashlib.sha1(key.encode() + _MAGIC).digest()).decode()
        head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(f"{head}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        while data := await reader.read(1024):
            writer.write(data)
            await writer.drain()
        return False


@dataclass
class Answer:
    """A whole response. `body` is its text; `headers` have lower-case names."""

    status: int
    headers: dict[str, str]
    body: str


class Client:
    """One keep-alive connection, opened anew after the server has closed it by its own word."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: socket.socket | None = None
        self._rest = b""

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """One request, sent once. Raises `OSError` when no whole answer comes."""
        self.send(path, method, **headers)
        return self.receive(method)

    def send(self, path: str, method: str = "GET", **headers: str) -> None:
        """Send a request without waiting. `_` in a header's name is written as `-`."""
        if self._connection is None:
            self._connection = socket.create_connection(("127.0.0.1", self._port), timeout=15)
        rows = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items())
        self._connection.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{rows}\r\n".encode("latin-1")
        )

    def receive(self, method: str = "GET") -> Answer:
        """The next answer on the connection."""
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (r.partition(":") for r in head[1:])}
        length = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
        body = self.read(length)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(int(head[0].split()[1]), headers, body.decode())

    def read(self, length: int) -> bytes:
        """Exactly so many bytes."""
        while len(self._rest) < length:
            self._more()
        data, self._rest = self._rest[:length], self._rest[length:]
        return data

    def write(self, data: bytes) -> None:
        """Raw bytes, on an upgraded connection."""
        assert self._connection is not None
        self._connection.sendall(data)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._rest = None, b""

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._more()
        data, _, self._rest = self._rest.partition(mark)
        return data

    def _more(self) -> None:
        assert self._connection is not None
        data = self._connection.recv(65536)
        if not data:
            raise ConnectionResetError("closed without a whole answer")
        self._rest += data


@dataclass
class Ledger:
    """What a client got: answers by (body, status), and what failed, in words."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return sum(self.answers.values()) + len(self.failed)


class Load:
    """Clients in threads that ask without pause until the block ends; `ledger` has it all."""

    def __init__(self, port: int, path: str = "/", clients: int = 4) -> None:
        self.ledger = Ledger()
        self._port, self._path = port, path
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        self._lock = threading.Lock()

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _ask(self) -> None:
        client = Client(self._port)
        while not self._stop.is_set():
            try:
                answer = client.get(self._path)
                with self._lock:
                    self.ledger.answers[answer.body, answer.status] += 1
            except OSError as error:
                client.close()
                with self._lock:
                    self.ledger.failed.append(repr(error))
        client.close()
