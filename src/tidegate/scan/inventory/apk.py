"""Alpine's package database, `lib/apk/db/installed`: one letter a field, an empty line between.

P name, V version, A architecture, o the source package (origin), F a folder, R a file in it.
"""

from tidegate.scan.inventory.facts import BadFile, Facts, Found
from tidegate.scan.inventory.owned import worth_knowing
from tidegate.scan.packages import Kind


def installed(content: bytes) -> Facts:
    """The installed packages with their files. A bad entry is a note that blinds."""
    packages: list[Found] = []
    notes: list[tuple[str, bool]] = []
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    for number, entry in enumerate(text.split("\n\n"), 1):
        if not entry.strip():
            continue
        try:
            packages.append(_package(entry.strip("\n").split("\n")))
        except BadFile as error:
            notes.append((f"entry {number}: {error}", True))
    return Facts(packages=tuple(packages), notes=tuple(notes[:10]))


def _package(lines: list[str]) -> Found:
    fields: dict[str, str] = {}
    files: list[str] = []
    folder = ""
    for line in lines:
        letter, colon, value = line.partition(":")
        if not colon:
            raise BadFile("a line is no field")
        if letter == "F":
            folder = value
        elif letter == "R":
            files.append(f"{folder}/{value}" if folder else value)
        else:
            fields.setdefault(letter, value)
    name, version = fields.get("P", ""), fields.get("V", "")
    return Found(
        Kind.APK,
        name,
        version,
        source_name=fields.get("o", name),
        source_version=version,
        architecture=fields.get("A", ""),
        owns=worth_knowing(files),
    )
