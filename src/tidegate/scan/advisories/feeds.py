"""The feeds beside OSV: CISA's list of what is exploited (KEV), and EPSS, the chance that it is."""

import csv
import gzip
import io
import json
import zlib
from pathlib import Path

from tidegate.scan.advisories import problems
from tidegate.scan.advisories.settings import EPSS, KEV, Bounds

_CHUNK_BYTES = 1024 * 1024


def read_kev(path: Path, bounds: Bounds) -> tuple[str, ...]:
    """The CVEs of `known_exploited_vulnerabilities.json`, sorted. Raises `GateError`."""
    try:
        with path.open("rb") as file:
            text = file.read(bounds.record_bytes + 1)
        if len(text) > bounds.record_bytes:
            raise problems.too_large(KEV, f"over {bounds.record_bytes:,} bytes")
        entries = json.loads(text)["vulnerabilities"]
        return tuple(sorted({str(entry["cveID"]) for entry in entries}))
    except OSError as error:
        raise problems.disk(str(path), str(error)) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise problems.damaged(KEV, f"not CISA's catalogue: {error!r:.100}") from error


def read_epss(path: Path, bounds: Bounds) -> tuple[tuple[str, float], ...]:
    """(CVE, chance of 0 to 1) of `epss_scores-current.csv.gz`, sorted. Raises `GateError`."""
    try:
        text = _unpacked(path, bounds).decode()
        lines = (line for line in io.StringIO(text) if not line.startswith("#"))
        return tuple(sorted((row["cve"], float(row["epss"])) for row in csv.DictReader(lines)))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise problems.damaged(EPSS, f"the gzip file is cut short or corrupt: {error}") from error
    except OSError as error:
        raise problems.disk(str(path), str(error)) from error
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise problems.damaged(EPSS, f"not the scores' table: {error!r:.100}") from error


def _unpacked(path: Path, bounds: Bounds) -> bytes:
    found = bytearray()
    with gzip.open(path) as file:
        while chunk := file.read(_CHUNK_BYTES):
            found += chunk
            if len(found) > bounds.record_bytes:
                raise problems.too_large(EPSS, f"over {bounds.record_bytes:,} bytes unpacked")
    return bytes(found)
