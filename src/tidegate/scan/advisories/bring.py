"""Bring advisories in: from their servers, or from a folder that somebody carried here."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from tidegate.core.errors import GateError
from tidegate.scan.advisories import problems
from tidegate.scan.advisories.fetch import Fetcher
from tidegate.scan.advisories.report import Report, silent
from tidegate.scan.advisories.settings import EPSS, KEV
from tidegate.scan.advisories.store import Published, Staged, Store
from tidegate.scan.versions import ECOSYSTEMS

FILES = {
    KEV: "known_exploited_vulnerabilities.json",
    EPSS: "epss_scores-current.csv.gz",
}
"""The feeds' names in a folder, as their servers call them."""
SUBFOLDERS = ("", "osv-scanner")
"""Where a folder may have `<ECOSYSTEM>/all.zip`; the second is osv-scanner's offline layout."""


def update(
    store: Store, sources: Sequence[str], fetcher: Fetcher, at_ms: int, report: Report = silent
) -> Published:
    """Fetch the sources and publish. A source that fails stays as it was, and is told of.

    `at_ms` is now, in Unix time. Raises `GateError`: TG427, or what was held is damaged.
    """
    staged, failures = dict[str, Staged](), dict[str, GateError]()
    states = store.states()
    with store.staging() as folder:
        for name in sources:
            held = states.get(name)
            try:
                found = fetcher.fetch(name, folder / name, held.etag if held else "")
            except GateError as error:
                failures[name] = error
                continue
            if found is None:
                store.confirm(name, at_ms)
            else:
                staged[name] = Staged(folder / name, at_ms, found)
        published = store.publish(folder, staged, report)
    return Published(published.digest, published.changed, {**failures, **published.failures})


def import_folder(store: Store, source: Path, at_ms: int, report: Report = silent) -> Published:
    """Take in a folder: `<ECOSYSTEM>/all.zip`, and the feeds by their servers' names.

    A file is as old as it says (its mtime), not as new as its import. Raises `GateError`: TG420
    when there is nothing, TG427, or what was held is damaged.
    """
    staged, failures = dict[str, Staged](), dict[str, GateError]()
    with store.staging() as folder:
        for name, path in _found(source):
            try:
                as_of_ms = _copy(name, path, folder / name, store.bounds.download_bytes)
                staged[name] = Staged(folder / name, min(at_ms, as_of_ms))
            except GateError as error:
                failures[name] = error
        if not staged and not failures:
            raise problems.nothing(str(source))
        published = store.publish(folder, staged, report)
    return Published(published.digest, published.changed, {**failures, **published.failures})


def _found(source: Path) -> Iterator[tuple[str, Path]]:
    """What of the known sources is there. No other name is looked at."""
    for name in (*sorted(ECOSYSTEMS), KEV, EPSS):
        file = FILES.get(name, f"{name}/all.zip")
        places = (source / subfolder / file for subfolder in SUBFOLDERS)
        if path := next((place for place in places if place.is_file()), None):
            yield name, path


def _copy(name: str, source: Path, target: Path, most_bytes: int) -> int:
    """Copy within bounds; the file's mtime in ms. Raises `GateError`: TG422, TG427."""
    try:
        status = source.stat()
        if status.st_size > most_bytes:
            raise problems.too_large(name, f"{status.st_size:,} bytes")
        shutil.copyfile(source, target)
    except OSError as error:
        raise problems.disk(str(source), str(error)) from error
    return status.st_mtime_ns // 1_000_000
