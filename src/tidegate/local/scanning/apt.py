"""A distribution's signed security index, as this machine's apt has it or fetches it.

Believed is only what the distribution's own keys have signed (gpgv), what is not past its own
Valid-Until, and what the signed Release file names by SHA-256. It is looked for in apt's lists, and
in lists of our own that apt fetches from the configured mirrors; the newest wins.
"""

import hashlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self

from tidegate.core.errors import GateError
from tidegate.local.scanning.settings import Settings
from tidegate.scan.packages import OsRelease
from tidegate.scan.pending import SecurityIndex, read_packages

LISTS = Path("/var/lib/apt/lists")
STALE_MS = 24 * 3_600_000
"""An index older than this is fetched again before it is believed, if that is possible."""
WITHOUT_END = timedelta(days=14)
"""How long an index that names no end is believed."""
_AGAIN_S = 3600.0
_FETCH_S = 90.0
_READ_S = 20.0
_HEAD = 4096
_MOST_SAID = 300
_APT_HELPER = "/usr/lib/apt/apt-helper"
_OPTIONS = ("Acquire::Retries=0", "Acquire::http::Timeout=10", "Acquire::https::Timeout=10")
_WRONG = (OSError, ValueError, subprocess.SubprocessError)


@dataclass(frozen=True, slots=True)
class Apt:
    """How apt is used: `lists` as it keeps them, `own` for ours, `keyrings` with the file of each
    distribution's keys by its id in os-release, and `options` for apt (`Dir::Etc::sourcelist=…`).
    """

    own: Path
    keyrings: Mapping[str, str]
    options: tuple[str, ...] = ()
    lists: Path = LISTS


class SecuritySuites:
    """The security suites that apt is configured for."""

    def __init__(self, apt: Apt) -> None:
        self._apt = apt
        self._lock = threading.Lock()
        self._read: dict[tuple[str, int, str], SecurityIndex] = {}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those that the user's settings allow."""
        return cls(Apt(settings.root / "apt", settings.keyrings, settings.apt))

    def index(self, wanted: OsRelease, architecture: str) -> SecurityIndex:
        """The index of a release for Debian's name of an architecture.

        Raises `GateError` TG429: there is none that can be believed.
        """
        keyring = self._apt.keyrings.get(wanted.id, "")
        if not Path(keyring).is_file() or not shutil.which("gpgv"):
            raise _none(wanted, "this machine has not its keys, or no gpgv")
        with self._lock:
            found, why = self._candidates(wanted, architecture)
            failed = ""
            if self._is_stale(found):
                failed = self._fetched()
                found, why = self._candidates(wanted, architecture)
        if not found:
            causes = [*dict.fromkeys(why)] or ["apt has no such suite here"]
            raise _none(wanted, "; ".join([*causes, *([failed] if failed else [])]))
        return max(found, key=lambda index: index.at_ms)

    def _is_stale(self, found: Sequence[SecurityIndex]) -> bool:
        return all(time.time() * 1000 - index.at_ms > STALE_MS for index in found)

    def _candidates(
        self, wanted: OsRelease, architecture: str
    ) -> tuple[list[SecurityIndex], list[str]]:
        """What can be believed of the release, and why the rest cannot."""
        found: list[SecurityIndex] = []
        why: list[str] = []
        for release in self._releases(wanted):
            try:
                found.append(self._load(release, wanted, architecture))
            except _WRONG as error:
                why.append(str(error))
        return found, why

    def _releases(self, wanted: OsRelease) -> Iterator[Path]:
        """The Release files that say that they are of the release's security suite."""
        for folder in (self._apt.lists, self._apt.own / "lists"):
            for path in sorted(folder.glob("*_InRelease")):
                try:
                    head = path.read_bytes()[:_HEAD].decode("utf-8", "replace")
                except OSError:
                    continue
                if _is_of(_fields(head), wanted):
                    yield path

    def _load(self, path: Path, wanted: OsRelease, architecture: str) -> SecurityIndex:
        """Read one index. Raises ValueError: its signature, its age or its content is wrong."""
        key = str(path), path.stat().st_mtime_ns, architecture
        known = self._read.get(key)
        release = verified(path, self._apt.keyrings[wanted.id])
        at_ms = _in_force(release, wanted)
        if known:
            return known
        updates: dict[str, tuple[str, str]] = {}
        for name, content in _contents(path, release, architecture):
            updates |= read_packages(content.decode("utf-8", "replace"))
            known = SecurityIndex(wanted.ecosystem, architecture, name, at_ms, updates)
        if known is None:
            raise ValueError(f"apt has no packages of {architecture or 'it'} for {path.name}")
        digest = hashlib.sha256(release.encode()).hexdigest()
        self._read[key] = replace(known, digest=f"sha256:{digest}")
        return self._read[key]

    def _fetched(self) -> str:
        """Let apt fetch, once an hour for all processes of the user; why it could not, or ""."""
        asked = self._apt.own / "asked"
        try:
            if 0 <= time.time() - asked.stat().st_mtime < _AGAIN_S:
                return asked.read_text()
        except (OSError, UnicodeDecodeError):
            pass  # nobody has asked, or it cannot be told: ask
        try:
            (self._apt.own / "lists" / "partial").mkdir(parents=True, exist_ok=True)
            asked.touch()
            failed = self._fetch()
            asked.write_text(failed)
        except OSError as error:
            return f"the lists that apt fetches cannot be kept: {error}"
        return failed

    def _fetch(self) -> str:
        """Let apt fetch into lists of our own; why it could not. What was there is left."""
        own = (f"Dir::State::lists={self._apt.own}/lists/", "Debug::NoLocking=1")
        user = ("APT::Sandbox::User=root",) if os.geteuid() == 0 else ()
        words = [w for o in (*_OPTIONS, *own, *user, *self._apt.options) for w in ("-o", o)]
        command = ["apt-get", *words, "update"]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                timeout=_FETCH_S,
                check=False,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "LC_ALL": "C"},
            )
        except subprocess.TimeoutExpired:
            return f"apt-get update was not done after {_FETCH_S:g} s"
        except OSError as error:
            return f"apt-get cannot be started: {error.strerror}"
        said = _complaint(done.stderr.decode("utf-8", "replace"))
        if not said and not done.returncode:
            return ""
        return f"apt-get update failed: {said or f'it ended with {done.returncode}'}"


def _complaint(said: str) -> str:
    """The first thing that went wrong. Apt calls a server that does not answer a warning."""
    lines = [line for line in said.splitlines() if line.startswith(("E: ", "W: Failed to fetch"))]
    return lines[0].partition(": ")[2].strip()[:_MOST_SAID] if lines else ""


def verified(release: Path, keyring: str) -> str:
    """The text that the distribution signed. Raises ValueError when no key of it did."""
    command = ["gpgv", "--status-fd", "2", "--keyring", keyring, "--output", "-", str(release)]
    done = subprocess.run(command, capture_output=True, timeout=_READ_S, check=False)
    said = done.stderr.decode("utf-8", "replace").splitlines()
    status = [line.split()[1] for line in said if line.startswith("[GNUPG:] ")]
    if "GOODSIG" not in status or "BADSIG" in status:
        raise ValueError(f"{release.name} has no valid signature of the distribution")
    return done.stdout.decode("utf-8", "replace")


def _contents(release: Path, signed: str, architecture: str) -> Iterator[tuple[str, bytes]]:
    """Each `Packages` file beside the Release file, as it was signed. Raises ValueError."""
    prefix = release.name.removesuffix("InRelease")
    pattern = f"{prefix}*_binary-{architecture or '*'}_Packages*"
    for path in sorted(release.parent.glob(pattern)):
        name = path.name.removeprefix(prefix).partition("_Packages")[0].replace("_", "/")
        content = _run([_APT_HELPER, "cat-file", str(path)], _READ_S)
        promised = _sha256(signed, f"{name}/Packages")
        if hashlib.sha256(content).hexdigest() != promised:
            raise ValueError(f"{path.name} is not what the Release file names")
        yield promised, content


def _is_of(fields: Mapping[str, str], wanted: OsRelease) -> bool:
    """Whether a Release file's fields are of this release's security suite."""
    suites = fields.get("Suite", ""), fields.get("Codename", "")
    version = fields.get("Version", "")
    same = version == wanted.version or (
        wanted.id == "debian" and version.split(".")[0] == wanted.version.split(".")[0]
    )
    security = any(suite.endswith("-security") for suite in suites)
    return security and same and fields.get("Origin", "").lower() == wanted.id


def _in_force(release: str, wanted: OsRelease) -> int:
    """The date of a Release file (ms). Raises ValueError when its time is over."""
    fields = _fields(release)
    if not _is_of(fields, wanted):
        raise ValueError("what is signed is another suite")
    try:
        date = parsedate_to_datetime(fields["Date"])
        until = fields.get("Valid-Until")
        end = parsedate_to_datetime(until) if until else date + WITHOUT_END
    except (KeyError, TypeError) as error:
        raise ValueError("the security index does not tell its date") from error
    if time.time() > end.timestamp():
        raise ValueError(f"the security index was valid until {end:%Y-%m-%d}")
    return int(date.timestamp() * 1000)


def _fields(release: str) -> dict[str, str]:
    lines = (line for line in release.splitlines() if line[:1] not in ("", " "))
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def _sha256(release: str, name: str) -> str:
    """What the Release file says that the file's digest is. Raises ValueError."""
    _, _, listing = release.partition("\nSHA256:\n")
    for line in listing.splitlines():
        if line[:1] != " ":
            break
        digest, *rest = line.split()
        if rest[-1:] == [name]:
            return digest
    raise ValueError(f"the Release file does not name {name}")


def _run(command: Sequence[str], limit_s: float) -> bytes:
    """What the command prints. Raises OSError, `subprocess.SubprocessError`."""
    return subprocess.run(
        command, capture_output=True, timeout=limit_s, check=True, stdin=subprocess.DEVNULL
    ).stdout


def _none(wanted: OsRelease, cause: str) -> GateError:
    named = wanted.name or f"{wanted.id} {wanted.version}"
    return GateError(
        f"{named} has no security index here",
        cause=cause,
        remedy="run `tidegate advisories update`; or see what `apt-get update` says, and whether"
        " apt has the release's security suite",
        code="TG429",
    )
