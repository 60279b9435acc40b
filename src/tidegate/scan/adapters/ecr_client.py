"""Ask ECR for its findings, with a boto3 client that is passed in. Needs the extra `aws`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from tidegate.core.seen import ScanReport
from tidegate.scan.adapters import ecr
from tidegate.scan.adapters.ecr import Page, Wait

MOST_PAGES = 200
PAGE = 1_000
"""The most findings that ECR puts on a page."""
SETTLED_S = 60.0
"""After so long the same empty answer is believed; see `ecr.report`."""


class Client(Protocol):
    """`boto3.client("ecr")`, as far as it is used."""

    def describe_image_scan_findings(self, **words: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Ecr:
    """The findings of one repository behind `core.ports.Scanner`. Images are asked for by digest.

    `sleep` and `clock` (seconds) are passed in; a scan that is not ready after `limit_s` is a
    report without findings. `fresh_s` is how long an image that is not known yet may be on its way.
    """

    client: Client
    repository: str
    sleep: Callable[[float], None]
    clock: Callable[[], float]
    limit_s: float = 900.0
    pause_s: float = 5.0
    fresh_s: float = 120.0
    registry: str = ""

    def scan(self, digest: str) -> ScanReport:
        """Look until there is an answer, or the time is up."""
        began = self.clock()
        empty_since: float | None = None
        while True:
            now = self.clock()
            settled = empty_since is not None and now - empty_since >= SETTLED_S
            found = self.look(digest, fresh=now - began < self.fresh_s, again=settled)
            if isinstance(found, ScanReport):
                return found
            if now - began >= self.limit_s:
                return ecr.overdue(digest, found, self.limit_s)
            if not found.empty:
                empty_since = None
            elif empty_since is None:
                empty_since = now
            self.sleep(self.pause_s)

    def look(self, digest: str, *, fresh: bool = False, again: bool = False) -> ScanReport | Wait:
        """One look: every page of the answer, or the refusal. `fresh` and `again` as in `ecr`."""
        try:
            return ecr.report(digest, self._pages(digest), again=again)
        except ClientError as error:
            told = error.response.get("Error") or {}
            code, message = str(told.get("Code", "")), str(told.get("Message", ""))
            return ecr.refusal(digest, code, message, fresh=fresh)
        except BotoCoreError as error:
            return Wait(f"ECR cannot be reached: {str(error)[:200]}")

    def _pages(self, digest: str) -> list[Page]:
        """All pages; one that goes on after the most of them is left open, which is told."""
        words = {"repositoryName": self.repository, "imageId": {"imageDigest": digest}}
        words |= {"registryId": self.registry} if self.registry else {}
        pages: list[Page] = []
        token = ""
        while len(pages) < MOST_PAGES:
            more = {"nextToken": token} if token else {}
            pages.append(self.client.describe_image_scan_findings(**words, maxResults=PAGE, **more))
            token = str(pages[-1].get("nextToken") or "")
            if not token:
                break
        return pages
