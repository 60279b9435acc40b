"""GitHub's word that a branch was pushed, made into an execution."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tidegate.engine.operations import EngineOperations
from tidegate.local.deliveries import Deliveries
from tidegate.local.git.fetch import fetch
from tidegate.local.git.repository import Repository
from tidegate.local.home import Home
from tidegate.local.webhook import Ignored, PushEvent, verify


class Webhook:
    """Headers and raw body in, what to answer out.

    The daemon's environment sets it up: TIDEGATE_WEBHOOK_SECRET is the secret that GitHub signs
    with, TIDEGATE_REPOSITORY_TOKEN reads the repository, and TIDEGATE_REPOSITORY_URL is the only
    address that the token goes to (without it nothing is fetched with a token).
    """

    def __init__(self, home: Home, repository: Repository, operations: EngineOperations) -> None:
        self._repository = repository
        self._operations = operations
        self._deliveries = Deliveries(home.path / "deliveries.db")

    def __call__(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """Start the pipeline, once for each push. Raises `TidegateError` to refuse."""
        secret = os.environ.get("TIDEGATE_WEBHOOK_SECRET", "")
        event = verify(secret, body, headers, self._repository.branch)
        if isinstance(event, Ignored):
            return {"ignored": event.reason}
        with self._deliveries.once(event) as first:
            if not first:
                return {"ignored": "this push was delivered before"}
            return {"execution": self._start(event)}

    def _start(self, event: PushEvent) -> str:
        url = os.environ.get("TIDEGATE_REPOSITORY_URL", "")
        token = os.environ.get("TIDEGATE_REPOSITORY_TOKEN", "") if url else ""
        fetch(self._repository, url or event.url, event.branch, event.commit, token)
        with tempfile.TemporaryDirectory(prefix="tidegate-webhook-") as folder:
            tar = self._repository.archive(event.commit, Path(folder) / "source.tar")
            with tar.open("rb") as file:
                return self._operations.start_execution(
                    file,
                    commit=event.commit,
                    subject=event.subject,
                    trigger="webhook",
                    by=event.by,
                    branch=event.branch,
                )
