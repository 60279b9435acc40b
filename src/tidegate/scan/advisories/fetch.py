"""Fetch one source from its server, within bounds of bytes and time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import httpx2

from tidegate.scan.advisories import problems
from tidegate.scan.advisories.report import Report, silent
from tidegate.scan.advisories.settings import Addresses, Bounds


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches by the addresses, and tells of each source's bytes as they come."""

    addresses: Addresses = field(default_factory=Addresses)
    bounds: Bounds = field(default_factory=Bounds)
    report: Report = silent

    def fetch(self, source: str, into: Path, etag: str = "") -> str | None:
        """Write the source to `into`; its new etag, or "". None: what `etag` names is current.

        Raises `GateError`: TG422 too many bytes, TG423 no answer or a refusal, TG424 too slow,
        TG427 the disk.
        """
        address = self.addresses.of(source)
        headers = {"Accept-Encoding": "identity", **({"If-None-Match": etag} if etag else {})}
        ends_at = time.monotonic() + self.bounds.seconds
        with (
            _told(source, address, self.bounds),
            self._client() as client,
            client.stream("GET", address, headers=headers) as response,
        ):
            if response.status_code == httpx2.codes.NOT_MODIFIED and etag:
                return None
            if response.status_code != httpx2.codes.OK:
                cause = f"the server answered {response.status_code}"
                raise problems.refused(source, cause, address)
            with into.open("wb") as file:
                self._receive(source, response, file, ends_at)
            return response.headers.get("ETag", "")

    def _client(self) -> httpx2.Client:
        timeout = httpx2.Timeout(self.bounds.silence_seconds)
        return httpx2.Client(timeout=timeout, follow_redirects=True, max_redirects=3)

    def _receive(
        self, source: str, response: httpx2.Response, file: BinaryIO, ends_at: float
    ) -> None:
        promised = response.headers.get("Content-Length", "")
        total = int(promised) if promised.isascii() and promised.isdigit() else None
        most, done = self.bounds.download_bytes, 0
        for chunk in response.iter_raw():
            done += len(chunk)
            if done > most or (total or 0) > most:
                raise problems.too_large(source, f"over {most:,} bytes")
            if time.monotonic() > ends_at:
                raise problems.too_slow(source, self.bounds.seconds, str(response.url))
            file.write(chunk)
            self.report(source, done, total)


@contextmanager
def _told(source: str, address: str, bounds: Bounds) -> Iterator[None]:
    """The library's failures as ours."""
    try:
        yield
    except httpx2.TimeoutException as error:
        raise problems.too_slow(source, bounds.silence_seconds, address) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise problems.refused(source, str(error) or type(error).__name__, address) from error
    except OSError as error:
        raise problems.disk(address, str(error)) from error
