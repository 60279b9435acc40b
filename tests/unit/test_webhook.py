"""Webhooks signed as GitHub signs them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tidegate.core.errors import BadSignature, SetupError, UsageError
from tidegate.local.deliveries import Deliveries
from tidegate.local.webhook import Ignored, PushEvent, signature, verify

SECRET = "It's a Secret to Everybody"
COMMIT = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"


def payload(**changes: Any) -> dict[str, Any]:
    """The part of GitHub's documented push payload that is read."""
    return {
        "ref": "refs/heads/main",
        "before": "0" * 39 + "1",
        "after": COMMIT,
        "deleted": False,
        "repository": {
            "clone_url": "https://github.com/Codertocat/Hello-World.git",
            "pushed_at": 1557933657,
        },
        "pusher": {"name": "Codertocat", "email": "c@example.com"},
        "head_commit": {"id": COMMIT, "message": "Change the colour\n\nof the cats"},
    } | changes


def send(
    body: bytes | dict[str, Any], event: str = "push", secret: str = SECRET, delivery: str = "72d3"
) -> PushEvent | Ignored:
    """Verify a call with this body, signed with `secret`."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": signature(secret, raw),
    }
    return verify(SECRET, raw, headers, "main")


def pushed(**changes: Any) -> PushEvent:
    event = send(payload(**changes))
    assert isinstance(event, PushEvent)
    return event


def test_the_signature_is_that_of_githubs_documentation() -> None:
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signature(SECRET, b"Hello, World!") == expected


def test_a_push_to_the_deploy_branch_says_what_to_fetch_and_who_pushed() -> None:
    event = pushed()
    assert (event.delivery, event.branch, event.commit) == ("72d3", "main", COMMIT)
    assert (event.subject, event.by) == ("Change the colour", "Codertocat")
    assert event.url == "https://github.com/Codertocat/Hello-World.git"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": signature("another", b"{}")},
        {"X-Hub-Signature-256": signature(SECRET, b"{} ")},
        {"X-Hub-Signature-256": signature(SECRET, b"{}").upper()},
        {"X-Hub-Signature-256": signature(SECRET, b"{}").removeprefix("sha256=")},
        {"X-Hub-Signature-256": "sha256=ü"},
        {"X-Hub-Signature": "sha1=0000000000000000000000000000000000000000"},
    ],
)
def test_a_call_without_the_right_signature_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        verify(SECRET, b"{}", {"X-GitHub-Event": "push"} | headers, "main")


def test_one_changed_byte_of_the_body_is_refused() -> None:
    raw = json.dumps(payload()).encode()
    headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": signature(SECRET, raw)}
    with pytest.raises(BadSignature):
        verify(SECRET, raw.replace(b"main", b"mbin"), headers, "main")


def test_the_names_of_headers_may_be_in_any_case() -> None:
    raw = json.dumps(payload()).encode()
    headers = {"x-github-event": "push", "x-hub-signature-256": signature(SECRET, raw)}
    assert isinstance(verify(SECRET, raw, headers, "main"), PushEvent)


def test_without_a_secret_nothing_is_genuine() -> None:
    headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": signature("", b"{}")}
    with pytest.raises(SetupError, match="no webhook secret"):
        verify("", b"{}", headers, "main")


def test_a_ping_is_answered() -> None:
    assert send({"zen": "Keep it logically awesome."}, "ping") == Ignored(
        "pong: the webhook is set up"
    )


@pytest.mark.parametrize(
    ("body", "event", "reason"),
    [
        (payload(), "pull_request", "only push events deploy, this is 'pull_request'"),
        (payload(ref="refs/heads/topic"), "push", "refs/heads/topic is not deployed"),
        (payload(ref="refs/tags/main"), "push", "refs/tags/main is not deployed"),
        (payload(deleted=True, after="0" * 40, head_commit=None), "push", "main was deleted"),
    ],
)
def test_what_starts_nothing_says_why(body: dict[str, Any], event: str, reason: str) -> None:
    ignored = send(body, event)
    assert isinstance(ignored, Ignored)
    assert ignored.reason.startswith(reason)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"{", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", "it is not an object"),
        (json.dumps(payload(after="--upload-pack=x")).encode(), "`after` is not the id"),
        (json.dumps(payload(ref=None)).encode(), "`ref` is missing"),
        (json.dumps(payload(repository={})).encode(), "`clone_url` is missing"),
        (json.dumps(payload(head_commit=None)).encode(), "`head_commit` is missing"),
    ],
)
def test_a_signed_body_that_is_no_payload_is_a_clear_error(body: bytes, cause: str) -> None:
    with pytest.raises(UsageError, match="cannot be read") as failed:
        send(body)
    assert failed.value.cause.startswith(cause)
    assert not isinstance(failed.value, BadSignature)


def test_a_body_over_the_limit_is_refused_before_it_is_hashed() -> None:
    with pytest.raises(UsageError, match="larger"):
        verify(SECRET, b"x" * (25 * 1024 * 1024 + 1), {}, "main")


def test_the_same_delivery_twice_starts_one(tmp_path: Path) -> None:
    deliveries = Deliveries(tmp_path / "webhooks.db")
    assert started(deliveries, pushed()) == [True]
    assert started(deliveries, pushed()) == [False]
    assert started(Deliveries(tmp_path / "webhooks.db"), pushed()) == [False]


def test_the_same_push_under_another_delivery_id_starts_nothing(tmp_path: Path) -> None:
    deliveries = Deliveries(tmp_path / "webhooks.db")
    started(deliveries, pushed())
    again = send(payload(), delivery="made-up")
    assert isinstance(again, PushEvent)
    assert started(deliveries, again) == [False]


def test_a_push_back_to_an_earlier_commit_is_another_push(tmp_path: Path) -> None:
    deliveries = Deliveries(tmp_path / "webhooks.db")
    started(deliveries, pushed())
    back = send(payload(before="2" * 40), delivery="another")
    assert isinstance(back, PushEvent)
    assert started(deliveries, back) == [True]


def test_a_push_that_could_not_be_taken_may_be_delivered_again(tmp_path: Path) -> None:
    deliveries = Deliveries(tmp_path / "webhooks.db")
    with pytest.raises(OSError, match="network"), deliveries.once(pushed()):
        raise OSError("network")
    assert started(deliveries, pushed()) == [True]


def test_a_push_whose_start_a_crash_cut_off_may_be_delivered_again(tmp_path: Path) -> None:
    cut_off = Deliveries(tmp_path / "webhooks.db").once(pushed())
    assert cut_off.__enter__()
    assert started(Deliveries(tmp_path / "webhooks.db"), pushed()) == [True]


def started(deliveries: Deliveries, event: PushEvent) -> list[bool]:
    with deliveries.once(event) as first:
        return [first]
