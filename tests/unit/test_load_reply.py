"""A reply is read the same however it is cut into pieces, and nonsense is refused."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.load.reply import Malformed, Reply, whole

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Group: blue\r\n\r\n"
    b"5;name=x\r\nhello\r\n11\r\n, colour=green ok\r\n0\r\nTrailer: x\r\n\r\n"
)
SIZED = b"HTTP/1.1 200 OK\r\ncontent-length:  4 \r\n\r\nbody"
REPLIES = {
    "sized": (SIZED, 200, True),
    "chunked": (CHUNKED, 200, True),
    "empty chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, True),
    "no reason": (b"HTTP/1.1 503 \r\nContent-Length: 0\r\n\r\n", 503, True),
    "no content": (b"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", 204, True),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, True),
    "early hints": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + SIZED,
        200,
        True,
    ),
    "to be closed": (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        200,
        False,
    ),
    "old": (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, False),
    "old, kept": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        200,
        True,
    ),
    "twice the same length": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        200,
        True,
    ),
}


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data, cut at these places."""
    places = sorted({cut % len(data) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


@pytest.mark.parametrize("name", REPLIES)
@settings(max_examples=40)
@given(cuts=st.lists(st.integers(0, 10_000), max_size=8))
def test_a_reply_is_read_however_it_is_cut(name: str, cuts: list[int]) -> None:
    data, status, reusable = REPLIES[name]
    reply = Reply(to_head=False)
    for piece in pieces(data, cuts):
        assert not reply.done
        reply.feed(piece)
    assert (reply.done, reply.status, reply.reusable) == (True, status, reusable)
    assert reply.received == len(data)


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_in_one_piece_is_read_at_once_when_it_is_plain(name: str) -> None:
    data, status, reusable = REPLIES[name]
    head = whole(data, False, "content-length")
    plain = "chunked" not in name and name not in ("early hints",)
    assert (head is not None) == plain
    if head:
        reply = Reply(False, "content-length")
        reply.feed(data)
        assert (head.status, head.keep, head.tag) == (status, reusable, reply.tag)
        assert whole(data + b"x", False, "") is None


@given(cut=st.integers(0, len(SIZED) - 1))
def test_a_part_of_a_reply_is_not_taken_for_a_whole_one(cut: int) -> None:
    assert whole(SIZED[:cut], False, "") is None


@given(cuts=st.lists(st.integers(0, 10_000), max_size=8))
def test_a_tag_is_found_in_the_head_or_in_the_body(cuts: list[int]) -> None:
    from_head = Reply(False, tag_header="x-group")
    from_body = Reply(False, body_tag=re.compile(rb"colour=(\w+)"))
    for piece in pieces(CHUNKED, cuts):
        from_head.feed(piece)
        from_body.feed(piece)
    assert (from_head.tag, from_body.tag) == (b"blue", b"green")


def test_a_head_has_no_body() -> None:
    reply = Reply(to_head=True)
    reply.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    assert reply.done and reply.reusable


def test_a_reply_without_length_ends_with_the_connection_and_not_before() -> None:
    reply = Reply(False, body_tag=re.compile(rb"(b..e)"))
    reply.feed(b"HTTP/1.1 200 OK\r\n\r\nsome bl")
    reply.feed(b"ue text")
    assert not reply.done
    reply.end()
    assert reply.done and not reply.reusable and reply.tag == b"blue"  # pieces are joined


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200 OK\r\nContent-", SIZED[:-1], CHUNKED[:-2], CHUNKED[:90]]
)
def test_the_end_of_the_connection_does_not_complete_a_part(data: bytes) -> None:
    reply = Reply(False)
    if data:
        reply.feed(data)
    reply.end()
    assert not reply.done


def test_bytes_after_a_reply_forbid_the_next_request_on_its_connection() -> None:
    reply = Reply(False)
    reply.feed(SIZED + b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert reply.done and reply.status == 200 and not reply.reusable


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    ],
)
def test_what_is_no_http_1_1_reply_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        Reply(False).feed(data)
