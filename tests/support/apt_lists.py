"""A distribution's security suite as apt's lists hold it, signed with a key made for the test."""

import hashlib
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from tidegate.local.scanning.apt import Apt

PACKAGES = "Package: libssl3\nSource: openssl\nVersion: 3.0.17-1\n\n"
PREFIX = "127.0.0.1_debian-security_dists_bookworm-security_"


@dataclass
class Suite:
    """Signs Release files into `lists` with its key; `apt` believes that key."""

    folder: Path

    def __post_init__(self) -> None:
        self.lists, self.keyring = self.folder / "lists", self.folder / "keys.gpg"
        self._secrets = self.folder / "gnupg"
        self._secrets.mkdir(mode=0o700, parents=True)
        self.lists.mkdir()
        self._gpg("--passphrase", "", "--quick-gen-key", "suite@test", "ed25519", "sign", "never")
        self.keyring.write_bytes(self._gpg("--export"))

    def apt(self, own: Path | None = None, mirror: str = "") -> Apt:
        """Apt's lists here, one mirror or none, and only this suite's key for Debian."""
        source = self.folder / "sources.list"
        entry = f"deb [signed-by={self.keyring} arch=amd64] {mirror} bookworm-security main\n"
        source.write_text(entry if mirror else "")
        options = (f"Dir::Etc::sourcelist={source}", "Dir::Etc::sourceparts=/dev/null")
        keyrings = {"debian": str(self.keyring)}
        return Apt(own or self.folder / "own", keyrings, options, self.lists)

    def publish(
        self, *, age: timedelta = timedelta(hours=1), valid: timedelta = timedelta(days=7)
    ) -> Path:
        """Sign the suite as of `age` ago, valid for `valid` from then; its Release file."""
        (self.lists / f"{PREFIX}main_binary-amd64_Packages").write_text(PACKAGES)
        return self._sign(self.lists / f"{PREFIX}InRelease", PACKAGES, age, valid)

    def mirror(self, folder: Path) -> Path:
        """A mirror's folder with the suite of an hour ago, in which there is one more update."""
        place = folder / "debian-security" / "dists" / "bookworm-security"
        packages = PACKAGES.replace("3.0.17", "3.0.18")
        (place / "main" / "binary-amd64").mkdir(parents=True)
        (place / "main" / "binary-amd64" / "Packages").write_text(packages)
        self._sign(place / "InRelease", packages, timedelta(hours=1), timedelta(days=7))
        return folder

    def _sign(self, release: Path, packages: str, age: timedelta, valid: timedelta) -> Path:
        date = datetime.now(UTC) - age
        digest = hashlib.sha256(packages.encode()).hexdigest()
        text = (
            "Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\nVersion: 12\n"
            "Codename: bookworm-security\nArchitectures: amd64\nComponents: main\n"
            f"Date: {format_datetime(date, usegmt=True)}\n"
            f"Valid-Until: {format_datetime(date + valid, usegmt=True)}\n"
            f"SHA256:\n {digest} {len(packages)} main/binary-amd64/Packages\n"
        )
        release.unlink(missing_ok=True)
        self._gpg("--clearsign", "--output", str(release), stdin=text)
        return release

    def _gpg(self, *words: str, stdin: str = "") -> bytes:
        command = ["gpg", "--homedir", str(self._secrets), "--batch", "--quiet", *words]
        return subprocess.run(
            command, input=stdin.encode(), capture_output=True, check=True, timeout=60
        ).stdout

    def close(self) -> None:
        """End the agent that gpg has left running."""
        command = ["gpgconf", "--homedir", str(self._secrets), "--kill", "all"]
        subprocess.run(command, capture_output=True, check=False, timeout=60)
