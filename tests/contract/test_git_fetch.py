"""Fetching a webhook's commit from a real git HTTP server that wants a token."""

import hashlib
import hmac
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from tests.support.git_server import GitServer, git_server
from tests.support.worktree import Worktree
from tidegate.core.errors import BadSignature, BuildError, NotFound, UsageError
from tidegate.engine.operations import EngineOperations
from tidegate.local.git import Repository
from tidegate.local.git.fetch import fetch
from tidegate.local.home import Home
from tidegate.wiring.webhook import Webhook

TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
SECRET = "It's a Secret to Everybody"


@pytest.fixture
def upstream(tmp_path: Path) -> Worktree:
    """The repository that lies on the server."""
    return Worktree(tmp_path / "upstream" / "cats").create()


@pytest.fixture
def server(tmp_path: Path, upstream: Worktree) -> Iterator[GitServer]:
    with git_server(tmp_path / "upstream", TOKEN) as running:
        yield running


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    home = Home(tmp_path / ".tidegate").create()
    return Repository(home.repository).create(home, "main")


def names(tar: Path) -> list[str]:
    with tarfile.open(tar) as archive:
        return archive.getnames()


def test_a_commit_is_fetched_with_the_token(
    server: GitServer, upstream: Worktree, repository: Repository, tmp_path: Path
) -> None:
    commit = upstream.commit({"web/index": "miau"}, "Say miau")
    fetch(repository, f"{server.url}/cats/.git", "main", commit, TOKEN)
    found = repository.commit(commit)
    assert (found.id, found.subject, found.author) == (commit, "Say miau", "Ann")
    assert "web/index" in names(repository.archive(commit, tmp_path / "x.tar"))


def test_a_commit_that_is_not_the_newest_any_more_is_had_all_the_same(
    server: GitServer, upstream: Worktree, repository: Repository
) -> None:
    commit = upstream.commit({"a": "1"}, "First")
    upstream.commit({"a": "2"}, "Second")
    fetch(repository, f"{server.url}/cats/.git", "main", commit, TOKEN)
    assert repository.commit(commit).subject == "First"


def test_a_rewritten_branch_is_fetched_again(
    server: GitServer, upstream: Worktree, repository: Repository
) -> None:
    url = f"{server.url}/cats/.git"
    fetch(repository, url, "main", upstream.commit({"a": "1"}), TOKEN)
    upstream.git("commit", "--amend", "--message", "Rewritten")
    commit = upstream.git("rev-parse", "HEAD").stdout.strip()
    fetch(repository, url, "main", commit, TOKEN)
    assert repository.commit(commit).subject == "Rewritten"


@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_the_right_token_nothing_is_fetched_and_none_is_shown(
    server: GitServer, upstream: Worktree, repository: Repository, token: str
) -> None:
    commit = upstream.commit({"a": "1"})
    with pytest.raises(BuildError, match="cannot be fetched") as failed:
        fetch(repository, f"{server.url}/cats/.git", "main", commit, token)
    assert server.refused
    assert not token or token not in str(failed.value)


def test_the_token_is_in_no_argument_and_in_no_file(
    server: GitServer, upstream: Worktree, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: list[Any] = []
    real = subprocess.run

    def run(*given: Any, **named: Any) -> Any:
        arguments.append(given)
        return real(*given, **named)

    commit = upstream.commit({"a": "1"})
    monkeypatch.setattr(subprocess, "run", run)
    fetch(repository, f"{server.url}/cats/.git", "main", commit, TOKEN)
    assert any(header.startswith("Basic ") for header in server.seen)
    basic = next(h for h in server.seen if h).removeprefix("Basic ")
    for secret in (TOKEN, basic):
        assert secret not in repr(arguments)
        files = [f for f in repository.path.rglob("*") if f.is_file()]
        assert not [f for f in files if secret.encode() in f.read_bytes()]


def test_the_token_does_not_follow_a_redirect(
    server: GitServer, upstream: Worktree, repository: Repository, tmp_path: Path
) -> None:
    commit = upstream.commit({"a": "1"})
    with git_server(tmp_path / "upstream", TOKEN) as elsewhere:
        server.redirect_to = elsewhere.url
        with pytest.raises(BuildError):
            fetch(repository, f"{server.url}/cats/.git", "main", commit, TOKEN)
    assert elsewhere.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/cats.git",
        "file:///etc",
        "/etc",
        "ext::sh -c true",
        "ssh://git@example.com/cats.git",
        "https://user:password@example.com/cats.git",
        "--upload-pack=true",
        "",
    ],
)
def test_an_address_that_a_token_must_not_go_to_is_refused(
    repository: Repository, url: str
) -> None:
    with pytest.raises(UsageError, match="address") as refused:
        fetch(repository, url, "main", "a" * 40, TOKEN)
    assert "password" not in str(refused.value).replace("name or password", "")


def test_a_branch_that_is_no_branchs_name_is_refused(
    server: GitServer, repository: Repository
) -> None:
    for branch in ("--help", "a..b", "main:refs/heads/main", ""):
        with pytest.raises(UsageError, match="not the name of a branch"):
            fetch(repository, f"{server.url}/cats/.git", branch, "a" * 40, TOKEN)


def test_a_commit_that_the_branch_does_not_have_is_said(
    server: GitServer, upstream: Worktree, repository: Repository
) -> None:
    upstream.commit({"a": "1"})
    with pytest.raises(NotFound, match="no commit aaaaaaaaaaaa"):
        fetch(repository, f"{server.url}/cats/.git", "main", "a" * 40, TOKEN)


class Started:
    """Stands in for the operations: keeps the facts and the file names of each revision."""

    def __init__(self) -> None:
        self.revisions: list[tuple[dict[str, str], list[str]]] = []

    def start_execution(self, tar: BinaryIO, **facts: str) -> str:
        with tarfile.open(fileobj=tar) as archive:
            self.revisions.append((facts, archive.getnames()))
        return f"e{len(self.revisions)}"


@pytest.fixture
def webhook(
    repository: Repository, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Started], Webhook]:
    """Makes the daemon's webhook, as after a restart; it is set up for the server."""
    monkeypatch.setenv("TIDEGATE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("TIDEGATE_REPOSITORY_TOKEN", TOKEN)
    monkeypatch.setenv("TIDEGATE_REPOSITORY_URL", f"{server.url}/cats/.git")
    home = Home(repository.path.parent)
    return lambda started: Webhook(home, repository, cast(EngineOperations, started))


def call(commit: str, delivery: str, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    """A push as GitHub sends it; its own address is not the one that the token goes to."""
    payload = {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": commit,
        "repository": {"clone_url": "https://example.invalid/cats", "pushed_at": 1},
        "pusher": {"name": "ann"},
        "head_commit": {"id": commit, "message": "Say miau"},
    }
    body = json.dumps(payload).encode()
    signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={signed}",
    }
    return headers, body


def test_a_webhook_starts_an_execution_of_the_fetched_revision_once(
    webhook: Callable[[Started], Webhook], upstream: Worktree
) -> None:
    commit = upstream.commit({"tidegate.yaml": "app: cats"}, "Say miau")
    started = Started()
    assert webhook(started)(*call(commit, "d1")) == {"execution": "e1"}
    for again in ("d1", "d2"):  # the second id is made up: it is not signed
        assert set(webhook(started)(*call(commit, again))) == {"ignored"}
    ((facts, files),) = started.revisions
    assert (facts["commit"], facts["by"], facts["trigger"]) == (commit, "ann", "webhook")
    assert files == ["tidegate.yaml"]


def test_a_webhook_that_could_not_fetch_may_be_delivered_again(
    webhook: Callable[[Started], Webhook], server: GitServer, upstream: Worktree
) -> None:
    commit = upstream.commit({"a": "1"})
    hook = webhook(Started())
    server.token = "changed"
    with pytest.raises(BuildError):
        hook(*call(commit, "d1"))
    server.token = TOKEN
    assert hook(*call(commit, "d1")) == {"execution": "e1"}


def test_a_webhook_with_a_wrong_signature_fetches_nothing(
    webhook: Callable[[Started], Webhook], server: GitServer, upstream: Worktree
) -> None:
    with pytest.raises(BadSignature):
        webhook(Started())(*call(upstream.commit({"a": "1"}), "d1", "guessed"))
    assert server.seen == []
