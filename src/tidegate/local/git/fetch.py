"""Fetch the commit of a webhook into the repository, with a token that nobody gets to see.

The token goes to git in the environment, as a header for this one host; never in a URL, an
argument or a log. Redirects are not followed, since the header would go with them.
"""

import base64
import os
import re
import threading
from urllib.parse import urlsplit

from tidegate.core.errors import BuildError, GitFailed, UsageError
from tidegate.local.git.command import git, without_git
from tidegate.local.git.repository import Repository

LIMIT_S = 300.0
_BRANCH = re.compile(r"(?!-)[\w./+@-]+")
_one_at_a_time = threading.Lock()


def fetch(repository: Repository, url: str, branch: str, commit: str, token: str) -> None:
    """Bring `commit` of the remote branch into the repository.

    `token` "" fetches a public repository. Raises `UsageError` for an address that is not HTTPS
    (or HTTP on this machine), `BuildError` when the commit cannot be had.
    """
    origin = _origin(url)
    if not _BRANCH.fullmatch(branch) or ".." in branch:
        raise UsageError(f"{branch!r} is not the name of a branch", code="TG115")
    refs = f"+refs/heads/{branch}:refs/tidegate/fetched/{branch}"
    words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", url, refs)
    try:
        with _one_at_a_time:  # git locks the ref
            git(
                *("--git-dir", str(repository.path)),
                *words,
                environ=without_git(os.environ) | _settings(origin, token),
                limit_s=LIMIT_S,
            )
    except GitFailed as error:
        raise BuildError(
            f"the branch {branch} cannot be fetched from {origin}",
            cause=error.cause or error.what,
            remedy="check the address, and that the token may read the repository's contents",
            code="TG314",
        ) from None
    repository.commit(commit)


def _origin(url: str) -> str:
    """`scheme://host[:port]/` of an address that a token may be sent to."""
    parts = urlsplit(url)
    here = parts.hostname in ("127.0.0.1", "localhost", "::1")
    allowed = parts.scheme == "https" or (parts.scheme == "http" and here)
    if not allowed or not parts.hostname or parts.username or parts.password:
        raise UsageError(
            "the repository's address is not one to fetch from",
            cause="it must be https://host/path, without a name or password in it",
            code="TG114",
        )
    return f"{parts.scheme}://{parts.netloc}/"


def _settings(origin: str, token: str) -> dict[str, str]:
    """git's settings for one fetch, as environment variables."""
    settings = {
        "protocol.allow": "never",
        "protocol.https.allow": "always",
        "protocol.http.allow": "always",
        "http.followRedirects": "false",
        "credential.helper": "",
    }
    if token:
        # GitHub takes a token as the password of any user, by this name in its own actions.
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        settings[f"http.{origin}.extraHeader"] = f"Authorization: Basic {basic}"
    environ = {"GIT_CONFIG_COUNT": str(len(settings)), "GIT_ASKPASS": "false"}
    for n, (name, value) in enumerate(settings.items()):
        environ |= {f"GIT_CONFIG_KEY_{n}": name, f"GIT_CONFIG_VALUE_{n}": value}
    return environ
