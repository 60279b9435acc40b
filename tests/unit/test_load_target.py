"""Targets become exact bytes, are asked in their shares, and only where that is allowed."""

import base64
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.errors import UsageError
from tidegate.load.target import Header, Target, cycle, permit
from tidegate.load.vegeta import read_targets


def test_a_request_is_these_bytes() -> None:
    get = Target("http://127.0.0.1:8080/a?b=c", headers=(Header("X-Id", "7"),))
    assert get.request() == (
        b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"
        b"User-Agent: tidegate-load\r\nX-Id: 7\r\n\r\n"
    )
    post = Target("http://localhost", "POST", (Header("host", "shop.test"),), b"{}")
    assert post.request() == (
        b"POST / HTTP/1.1\r\nUser-Agent: tidegate-load\r\nhost: shop.test\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )
    assert (post.host, post.port) == ("localhost", 80)
    assert get.name == "GET http://127.0.0.1:8080/a"  # a query may hold secrets


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (("ftp://127.0.0.1/",), "TG151"),
        (("127.0.0.1:80/",), "TG151"),
        (("http:///x",), "TG151"),
        (("http://[::1/",), "TG151"),
        (("http://127.0.0.1:http/",), "TG151"),
        (("https://127.0.0.1/",), "TG152"),
        (("http://127.0.0.1/a b",), "TG151"),
        (("http://127.0.0.1/\r\nX: y",), "TG151"),
        (("http://127.0.0.1/", "GE T"), "TG151"),
        (("http://127.0.0.1/", "GET", (Header("X", "a\r\nb: c"),)), "TG151"),
        (("http://127.0.0.1/", "GET", (Header("Content-Length", "3"),)), "TG151"),
        (("http://127.0.0.1/", "GET", (), b"", 0), "TG151"),
    ],
)
def test_what_cannot_be_sent_is_refused(
    target: tuple[str, str, tuple[Header, ...]], code: str
) -> None:
    with pytest.raises(UsageError) as refused:
        Target(*target)
    assert refused.value.number == code


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_a_cycle_holds_each_target_in_its_exact_share(weights: list[int]) -> None:
    order = cycle(weights)
    found = Counter(order)
    assert all(found[i] * sum(weights) == weight * len(order) for i, weight in enumerate(weights))


def test_shares_are_spread_and_not_in_blocks() -> None:
    assert cycle([5, 1, 1]) == (0, 0, 1, 0, 2, 0, 0)  # nginx's own example of smooth weighting
    for weights in ([], [9_999, 2]):
        with pytest.raises(UsageError):
            cycle(weights)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "[::1]"])
def test_loopback_is_allowed(host: str) -> None:
    permit([Target(f"http://{host}:1/")])


@pytest.mark.parametrize("host", ["192.0.2.7", "10.0.0.1", "0.0.0.0", "[2001:db8::1]"])
def test_any_other_host_is_refused_until_it_is_said_in_words(host: str) -> None:
    target = Target(f"http://{host}:8080/")
    with pytest.raises(UsageError) as refused:
        permit([Target("http://127.0.0.1/"), target])
    assert refused.value.number == "TG153"
    assert f"--i-may-load {target.host}" in refused.value.remedy
    assert permit([target], {target.host})
    assert permit([target], {f"{target.host}:8080"})
    with pytest.raises(UsageError):
        permit([target], {f"{target.host}:80"})


def test_a_host_that_cannot_be_found_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        permit([Target("http://no-such-host.invalid/")])
    assert refused.value.number == "TG154"


def test_the_http_format_of_vegeta_is_read(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(b'{"x": 1}')
    file = tmp_path / "targets"
    file.write_text(
        "# the shop\nGET http://127.0.0.1:1/cats\nX-Account: 99\n# within\nX-Time: 12:30\n\n\n"
        f"PUT http://127.0.0.1:1/dogs\nContent-Type: application/json\n@{body}\n\n"
        "GET http://127.0.0.1:1/a\nHEAD http://127.0.0.1:1/b\n"
    )
    assert read_targets(file) == (
        Target(
            "http://127.0.0.1:1/cats",
            headers=(Header("X-Account", "99"), Header("X-Time", "12:30")),
        ),
        Target(
            "http://127.0.0.1:1/dogs",
            "PUT",
            (Header("Content-Type", "application/json"),),
            b'{"x": 1}',
        ),
        Target("http://127.0.0.1:1/a"),
        Target("http://127.0.0.1:1/b", "HEAD"),
    )


def test_the_json_format_of_vegeta_is_read(tmp_path: Path) -> None:
    file = tmp_path / "targets.json"
    body = base64.b64encode(b"hello").decode()
    rows = [
        {"method": "POST", "url": "http://127.0.0.1:1/", "body": body, "header": {"A": ["1", "2"]}},
        {"method": "GET", "url": "http://127.0.0.1:1/x", "weight": 3},
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    assert read_targets(file) == (
        Target("http://127.0.0.1:1/", "POST", (Header("A", "1"), Header("A", "2")), b"hello"),
        Target("http://127.0.0.1:1/x", weight=3),
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("GET http://127.0.0.1/\nnonsense\n", 2),
        ("X-Header: 1\n", 1),
        ("GET ftp://127.0.0.1/\n", 1),
        ("GET http://127.0.0.1/\n@/no/such/file\n", 2),
        ('{"method": "GET", "url": "http://127.0.0.1/"}\n{"method": "GET"}\n', 2),
        ('{"method": "GET", "url": "http://127.0.0.1/", "body": "?"}\n', 1),
        ("{oops\n", 1),
    ],
)
def test_a_wrong_line_of_a_targets_file_is_named(tmp_path: Path, text: str, line: int) -> None:
    file = tmp_path / "targets"
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_targets(file)
    assert refused.value.where == f"{file}:{line}"


def test_a_targets_file_must_be_there_and_have_targets(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read_targets(tmp_path / "none")
    (tmp_path / "empty").write_text("# nothing\n\n")
    with pytest.raises(UsageError):
        read_targets(tmp_path / "empty")
