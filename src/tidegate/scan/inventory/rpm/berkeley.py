"""The headers in a BerkeleyDB hash, as rpm used it up to 4.15 (CentOS 7, RHEL 8, Amazon Linux 2).

Format: Berkeley DB's `db_page.h`. A page has 26 bytes of head (page number at 8, next page at 16,
entries at 20, free offset at 22, type at 25), then the offsets of its items, which lie at its end
from back to front, keys and values in turn. A large value lies on overflow pages of its own. The
first page has the magic at 12, the size of a page at 20 and the number of the last one at 32.
"""

import struct
from collections.abc import Iterator

from tidegate.scan.inventory.facts import BadFile

_MAGIC = 0x00061561
_HEAD = 26
_HASH_PAGES = (2, 13)
_OVERFLOW_PAGE = 7
_ON_PAGE, _OFF_PAGE = 1, 3
_PAGE_SIZES = tuple(1 << power for power in range(9, 17))
_HEADER_MOST = 64 * 1024 * 1024


def headers(content: bytes) -> Iterator[bytes]:
    """Each package's header. Raises `BadFile`."""
    if len(content) < 512:
        raise BadFile("it is no BerkeleyDB hash")
    order = "<" if content[12:16] == struct.pack("<I", _MAGIC) else ">"
    magic, _, size = struct.unpack_from(f"{order}III", content, 12)
    if magic != _MAGIC or size not in _PAGE_SIZES:
        raise BadFile("it is no BerkeleyDB hash")
    (last,) = struct.unpack_from(f"{order}I", content, 32)
    if len(content) % size or last >= len(content) // size:
        raise BadFile("it is cut off")
    book = _Book(content, size, order)
    for number in range(1, len(content) // size):
        if content[number * size + 25] in _HASH_PAGES:
            yield from book.values(number)


class _Book:
    """The pages of a database. Each overflow page may be read once: chains never cross."""

    def __init__(self, content: bytes, size: int, order: str) -> None:
        self._content, self._size, self._order = content, size, order
        self._read: set[int] = set()

    def values(self, number: int) -> Iterator[bytes]:
        """The values on a page; rpm's key 0, which holds the next free number, is passed over."""
        page = self._page(number)
        (entries,) = struct.unpack_from(f"{self._order}H", page, 20)
        if entries % 2 or _HEAD + 2 * entries > self._size:
            raise BadFile("a page has a wrong number of items")
        offsets = struct.unpack_from(f"{self._order}{entries}H", page, _HEAD)
        ends = (self._size, *offsets)
        items = [page[start:end] for start, end in zip(offsets, ends, strict=False)]
        for key, value in zip(items[::2], items[1::2], strict=True):
            if key[:1] != bytes([_ON_PAGE]) or len(key) != 5:
                raise BadFile("a key is none of rpm's")
            if any(key[1:]):
                yield self._value(value)

    def _value(self, item: bytes) -> bytes:
        if item[:1] == bytes([_ON_PAGE]):
            return item[1:]
        if item[:1] != bytes([_OFF_PAGE]) or len(item) != 12:
            raise BadFile("a value is of an unknown kind")
        first, length = struct.unpack_from(f"{self._order}II", item, 4)
        if length > _HEADER_MOST:
            raise BadFile("a value is larger than a header can be")
        return self._chain(first, length)

    def _chain(self, number: int, length: int) -> bytes:
        parts = []
        while number:
            if number in self._read:
                raise BadFile("two values share a page")
            self._read.add(number)
            page = self._page(number)
            following, _, used = struct.unpack_from(f"{self._order}IHH", page, 16)
            if page[25] != _OVERFLOW_PAGE or _HEAD + used > self._size:
                raise BadFile("a value leads to a page of another kind")
            parts.append(page[_HEAD : _HEAD + used])
            number = following
        whole = b"".join(parts)
        if len(whole) != length:
            raise BadFile("a value is not as long as it says")
        return whole

    def _page(self, number: int) -> bytes:
        page = self._content[number * self._size : (number + 1) * self._size]
        if len(page) < self._size or struct.unpack_from(f"{self._order}I", page, 8) != (number,):
            raise BadFile(f"page {number} is not there")
        return page
