"""The app that every contender deploys: small, exact, and wrong on demand.

Environment: VERSION names the answers (header X-Version). MODE is `good`, `errors` (ERRORS percent
of the answers are 500), `slow` (three times the service time) or `abrupt` (good, but dies at once
on SIGTERM). Any other ends gracefully: it listens no more, and finishes what it has begun.

It listens 0.5 s after its start. `/` takes 5 ms; `/slow` is a chunked answer of 5 s; `/socket`
upgrades the connection and sends a byte each 0.1 s until the client hangs up.
"""

import asyncio
import itertools
import os
import signal
import sys

VERSION = os.environ.get("VERSION", "v0")
MODE = os.environ.get("MODE", "good")
ERRORS_PERCENT = int(os.environ.get("ERRORS", "3"))
READY_AFTER_S = 0.5
SERVICE_S = 0.015 if MODE == "slow" else 0.005
SLOW_S = 5.0
GRACE_S = 30.0

HEAD = b"HTTP/1.1 %s\r\nX-Version: " + VERSION.encode() + b"\r\n"
GOOD = HEAD % b"200 OK" + b"Content-Length: 3\r\n\r\nok\n"
WRONG = HEAD % b"500 Internal Server Error" + b"Content-Length: 6\r\n\r\nwrong\n"
CHUNKED = HEAD % b"200 OK" + b"Transfer-Encoding: chunked\r\n\r\n"
UPGRADED = HEAD % b"101 Switching Protocols" + b"Connection: Upgrade\r\nUpgrade: ticks\r\n\r\n"

busy: set["Client"] = set()
numbers = itertools.count()
ending = False


class Client(asyncio.Protocol):
    """One connection: a request at a time, kept alive. Requests have no bodies."""

    transport: asyncio.Transport
    data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        busy.discard(self)

    def data_received(self, data: bytes) -> None:
        self.data += data
        if self in busy or b"\r\n\r\n" not in self.data:
            return
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        path = head.split(b" ", 2)[1]
        busy.add(self)
        if path == b"/health":
            self.answer(GOOD)
        elif path == b"/slow":
            self.transport.write(CHUNKED)
            self.chunk(SLOW_S)
        elif path == b"/socket":
            self.transport.write(UPGRADED)
            self.tick()
        else:
            asyncio.get_running_loop().call_later(SERVICE_S, self.answer, self.choose())

    def choose(self) -> bytes:
        """Every so many answers are wrong, exactly."""
        n = next(numbers) * ERRORS_PERCENT % 100
        return WRONG if MODE == "errors" and n < ERRORS_PERCENT else GOOD

    def answer(self, reply: bytes) -> None:
        self.transport.write(reply)
        self.done()

    def chunk(self, left_s: float) -> None:
        if left_s <= 0:
            self.answer(b"0\r\n\r\n")
            return
        self.transport.write(b"1\r\n.\r\n")
        asyncio.get_running_loop().call_later(0.1, self.chunk, round(left_s - 0.1, 1))

    def tick(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b".")
            asyncio.get_running_loop().call_later(0.1, self.tick)

    def done(self) -> None:
        busy.discard(self)
        if ending:
            self.transport.close()
        elif b"\r\n\r\n" in self.data:
            self.data_received(b"")


async def main() -> None:
    """Serve until SIGTERM; then finish what has begun, unless abrupt."""
    await asyncio.sleep(READY_AFTER_S)
    server = await asyncio.get_running_loop().create_server(Client, "0.0.0.0", 8080, backlog=1024)
    asked = asyncio.Event()
    if MODE != "abrupt":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
    await asked.wait()
    global ending
    ending = True
    server.close()
    for _ in range(int(GRACE_S / 0.05)):
        if not busy:
            break
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    if MODE == "abrupt":
        signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    asyncio.run(main())
    sys.exit(0)
