"""Reading one HTTP/1.1 reply from a stream of bytes (RFC 9112 §6). Pure."""

import re
from dataclasses import dataclass
from functools import lru_cache

MAX_HEAD = 65_536
MAX_TAGGED_BODY = 65_536
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?\r\n")
FRAMING = re.compile(
    rb"^(content-length|transfer-encoding|connection)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r$",
    re.IGNORECASE | re.MULTILINE,
)
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\Z")

TO_THE_END = -1  # the body ends with the connection
CHUNKED = -2


class Malformed(Exception):
    """The bytes are no HTTP/1.1 reply. The caller counts it; no person sees it."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status, framing of the body (bytes, `TO_THE_END` or `CHUNKED`), reuse, the tag's value."""

    status: int
    length: int
    keep: bool
    tag: bytes


@lru_cache(maxsize=512)
def header_pattern(name: str) -> re.Pattern[bytes]:
    """What finds a header's value in a head."""
    return re.compile(
        rb"^" + re.escape(name.encode()) + rb"[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r$",
        re.IGNORECASE | re.MULTILINE,
    )


@lru_cache(maxsize=512)
def read_head(head: bytes, to_head: bool, tag_header: str) -> Head:
    """Take a head apart, from the status line to the empty line. Raises `Malformed`.

    `to_head`: the request was a HEAD, whose reply has no body. Equal heads are common: cached.
    """
    line = STATUS_LINE.match(head)
    if not line:
        raise Malformed
    status, keep = int(line[2]), line[1] == b"1"
    lengths, chunked = set(), False
    for name, value in FRAMING.findall(head):
        match name.lower():
            case b"content-length":
                lengths.add(value)
            case b"transfer-encoding":
                chunked = value.lower() == b"chunked"
                if not chunked:
                    raise Malformed
            case _:
                options = value.lower()
                keep = b"close" not in options and (keep or b"keep-alive" in options)
    tag = header_pattern(tag_header).search(head) if tag_header else None
    length = _body_length(status, to_head, lengths, chunked)
    return Head(status, length, keep and length != TO_THE_END, tag[1] if tag else b"")


def _body_length(status: int, to_head: bool, lengths: set[bytes], chunked: bool) -> int:
    """RFC 9112 §6.3; both framings at once, or two lengths, are refused as it advises."""
    if len(lengths) > 1 or (lengths and chunked) or any(not n.isdigit() for n in lengths):
        raise Malformed
    if to_head or status in (204, 304) or status < 200:
        return 0
    if chunked:
        return CHUNKED
    return int(lengths.pop()) if lengths else TO_THE_END


def whole(data: bytes, to_head: bool, tag_header: str) -> Head | None:
    """The head of a reply that is all there, no byte more or less; None when it is not that plain.

    Most replies come in one piece with a length: no `Reply` has to be made for them. Raises
    `Malformed` for nonsense; what is unfinished is left to `Reply`.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = read_head(data[: end + 2], to_head, tag_header)
    plain = head.status >= 200 and head.length == len(data) - end - 4
    return head if plain else None


class Reply:
    """One reply as it arrives. `feed` it; when it is `done`, `status` and `tag` are final.

    `body_tag` is a pattern whose group 1 is the tag; only then is the body kept (64 KiB of it).
    """

    __slots__ = (
        "_body",
        "_body_tag",
        "_buffer",
        "_left",
        "_tag_header",
        "_to_head",
        "done",
        "head",
        "received",
    )

    def __init__(
        self, to_head: bool, tag_header: str = "", body_tag: re.Pattern[bytes] | None = None
    ) -> None:
        self._to_head = to_head
        self._tag_header = tag_header
        self._body_tag = body_tag
        self._buffer = b""
        self._body = bytearray()
        self._left = 0  # bytes of the body, or of this chunk with its line end, still to come
        self.head: Head | None = None
        self.done = False
        self.received = 0

    @property
    def status(self) -> int:
        """The status code, 0 while the head is not complete."""
        return self.head.status if self.head else 0

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request: all read, nothing over."""
        return self.done and self.head is not None and self.head.keep and not self._buffer

    @property
    def tag(self) -> bytes:
        """The header's value, or what the pattern found in the body; empty without."""
        if self._body_tag:
            found = self._body_tag.search(self._body)
            return found[1] if found else b""
        return self.head.tag if self.head else b""

    def feed(self, data: bytes) -> None:
        """Take bytes as they came. Raises `Malformed`."""
        self.received += len(data)
        self._buffer = self._buffer + data if self._buffer else data
        if self.head is None and not self._read_head():
            return
        if self.head and self.head.length == CHUNKED:
            self._read_chunks()
        else:
            self._read_body()

    def end(self) -> None:
        """The connection has ended. That completes a reply without a length, once it has a head."""
        if self.head and self.head.length == TO_THE_END:
            self.done = True

    def _read_head(self) -> bool:
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                self._refuse_early_nonsense()
                return False
            head = read_head(self._buffer[: end + 2], self._to_head, self._tag_header)
            self._buffer = self._buffer[end + 4 :]
            if head.status == 101:
                raise Malformed  # nobody asked to switch protocols
            if head.status >= 200:
                self.head, self._left = head, head.length
                return True

    def _refuse_early_nonsense(self) -> None:
        if len(self._buffer) > MAX_HEAD or not b"HTTP/1.".startswith(self._buffer[:7]):
            raise Malformed

    def _read_body(self) -> None:
        if self._left == TO_THE_END:
            self._keep(self._buffer)
            self._buffer = b""
            return
        part = self._buffer[: self._left]
        self._keep(part)
        self._buffer = self._buffer[len(part) :]
        self._left -= len(part)
        self.done = not self._left

    def _read_chunks(self) -> None:
        if self._left == CHUNKED:
            self._left = 0
        while not self.done:
            if self._left > 0:
                part = self._buffer[: self._left]
                self._buffer = self._buffer[len(part) :]
                self._keep(part[: max(0, self._left - 2)])
                self._left -= len(part)
                if self._left > 0:
                    return
                if not part.endswith(b"\n"):
                    raise Malformed
            elif not self._read_chunk_size():
                return

    def _read_chunk_size(self) -> bool:
        """Whether there was a whole size line; after size 0, whether the trailer has ended."""
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        size = CHUNK_SIZE.match(self._buffer[:end])
        if not size:
            raise Malformed
        if int(size[1], 16):
            self._buffer = self._buffer[end + 2 :]
            self._left = int(size[1], 16) + 2
            return True
        trailer = self._buffer.find(b"\r\n\r\n", end)
        if trailer < 0:
            return False
        self._buffer = self._buffer[trailer + 4 :]
        self.done = True
        return True

    def _keep(self, part: bytes) -> None:
        if self._body_tag and len(self._body) < MAX_TAGGED_BODY:
            self._body += part
