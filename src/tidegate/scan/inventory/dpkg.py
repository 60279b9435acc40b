"""Debian's package database: `status`, distroless `status.d/*`, and the lists of each one's files.

Rules: deb-control(5) and dpkg(1), "Package states". A package of which only its settings are left
is not there; one that was unpacked and not set up is.
"""

import re

from tidegate.scan.inventory.facts import BadFile, Facts, Found
from tidegate.scan.inventory.owned import worth_knowing
from tidegate.scan.packages import Kind

_FIELD = re.compile(
    r"^(Package|Version|Source|Architecture|Status):(.*)$", re.MULTILINE | re.IGNORECASE
)
_ABSENT = ("not-installed", "config-files")
_SOURCE = re.compile(r"(\S+)(?:\s+\((\S+)\))?")


def status(content: bytes) -> Facts:
    """The installed packages. A stanza that cannot be read is a note that blinds."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    packages: list[Found] = []
    notes: list[tuple[str, bool]] = []
    for number, stanza in enumerate(re.split(r"\n[ \t]*\n", text), 1):
        if not stanza.strip():
            continue
        try:
            fields = {name.title(): value.strip() for name, value in _FIELD.findall(stanza)}
            package = _package(fields)
        except BadFile as error:
            notes.append((f"entry {number}: {error}", True))
        else:
            packages += [package] if package else []
    return Facts(packages=tuple(packages), notes=tuple(notes[:10]))


def file_list(content: bytes) -> Facts:
    """`info/*.list`: one path a line."""
    return Facts(owns=worth_knowing(content.decode("utf-8", "backslashreplace").split("\n")))


def checksums(content: bytes) -> Facts:
    """`*.md5sums`: a checksum, two spaces, a path."""
    lines = content.decode("utf-8", "backslashreplace").split("\n")
    return Facts(owns=worth_knowing(line[34:] for line in lines))


def _package(fields: dict[str, str]) -> Found | None:
    """The package of a stanza, None when it is not installed (any more)."""
    if fields.get("Status", "").endswith(_ABSENT):
        return None
    if "Package" not in fields or "Version" not in fields:
        raise BadFile("a package without name or version")
    source = _SOURCE.fullmatch(fields.get("Source", ""))
    name, version = fields["Package"], fields["Version"]
    return Found(
        Kind.DEB,
        name,
        version,
        source_name=source[1] if source else name,
        source_version=(source[2] if source else "") or version,
        architecture=fields.get("Architecture", ""),
    )
